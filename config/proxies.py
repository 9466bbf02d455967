"""The client's address when requests arrive through proxies that we run ourselves."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddressMiddleware:
    """Sets REMOTE_ADDR from X-Forwarded-For, believing only the proxies in TRUSTED_PROXIES.

    Without it one guesser behind the proxy would lock out everybody behind the same proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.trusted = [ip_network(value.strip()) for value in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._is_trusted(request.META.get("REMOTE_ADDR", "")):
            request.META["REMOTE_ADDR"] = self._client(request)
        else:
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)

    def _client(self, request: HttpRequest) -> str:
        """The nearest address that is not one of our proxies; a made-up chain in front of it does not matter."""
        address: str = request.META["REMOTE_ADDR"]
        for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if not _is_address(hop.strip()):
                break
            address = hop.strip()
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self.trusted)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
