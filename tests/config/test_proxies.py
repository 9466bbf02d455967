"""Whose address counts: the client's, as told by our own proxies and by nobody else."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from config.proxies import ClientAddressMiddleware


def _address_seen(*, peer: str, forwarded: str) -> str:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.META["REMOTE_ADDR"])

    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    return ClientAddressMiddleware(answer)(request).content.decode()


@override_settings(TRUSTED_PROXIES=["10.0.0.0/8"])
@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.2", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.2", "203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("10.0.0.2", "1.1.1.1, 203.0.113.7", "203.0.113.7"),  # what the client itself claimed does not count
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),  # not one of our proxies
    ],
)
def test_client_address(peer: str, forwarded: str, client: str) -> None:
    assert _address_seen(peer=peer, forwarded=forwarded) == client


@override_settings(TRUSTED_PROXIES=["10.0.0.0/8"])
def test_a_stranger_cannot_claim_https() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.1", HTTP_X_FORWARDED_PROTO="https")
    ClientAddressMiddleware(lambda _: HttpResponse())(request)
    assert "HTTP_X_FORWARDED_PROTO" not in request.META
