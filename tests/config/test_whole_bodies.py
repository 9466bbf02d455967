"""A request whose body broke off records nothing; the control without the guard records half of it."""

import io
import json
import uuid

import pytest
from django.conf import settings as configured
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from collection.models import Case, Visit
from collection.syncing import MESSAGE_VERSION
from config.whole_bodies import Application, BrokenOffError, WholeBody, whole_bodies
from tests.collection.desk import Desk
from tests.factories import create_project
from tests.field_factories import create_field_case, create_field_worker, photo

BOUNDARY, TOKEN = "b" * 20, "t" * 32


@pytest.fixture
def case(transactional_db: None) -> Case:
    project = create_project()
    return create_field_case(project=project, by=create_field_worker(project=project))


def body_of(case: Case) -> bytes:
    visit = {
        "client_id": str(uuid.uuid4()), "revision": 1, "case": case.pk,
        "happened_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        "outcome": "met_owner", "payment": "will_not_pay", "next_contact": "by_rule",
        "responsible_id": case.responsible_id,
    }  # fmt: skip
    parts = [("version", str(MESSAGE_VERSION)), ("visit", json.dumps(visit))]
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    head += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + photo() + f"\r\n--{BOUNDARY}--\r\n".encode()


def send(application: Application, case: Case, body: bytes, *, arrived: int) -> str:
    """The status of the answer to a request of which so many bytes arrived."""
    session = Desk(case.project, user=case.responsible).client.cookies[configured.SESSION_COOKIE_NAME].value
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": f"/p/{case.project.code}/visits/sync/", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}", "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_CSRFTOKEN": TOKEN, "wsgi.input": io.BytesIO(body[:arrived]), "wsgi.errors": io.StringIO(),
        "HTTP_COOKIE": f"{configured.SESSION_COOKIE_NAME}={session}; {configured.CSRF_COOKIE_NAME}={TOKEN}",
    }  # fmt: skip
    answer = application(environ, lambda status, _headers: statuses.append(status))
    b"".join(answer)
    return statuses[0]


@pytest.mark.django_db(transaction=True)
class TestVisit:
    def test_that_arrives_whole_is_recorded(self, case: Case) -> None:
        body = body_of(case)
        assert send(whole_bodies(get_wsgi_application()), case, body, arrived=len(body)).startswith("200")
        assert Visit.objects.get().photos.count() == 1

    @pytest.mark.parametrize("missing", [1, 2000])
    def test_that_broke_off_is_not_recorded(self, case: Case, missing: int) -> None:
        body = body_of(case)
        status = send(whole_bodies(get_wsgi_application()), case, body, arrived=len(body) - missing)
        assert status.startswith("4")
        assert not Visit.objects.exists()

    def test_control_without_the_guard_half_of_it_is_recorded(self, case: Case) -> None:
        body = body_of(case)
        status = send(get_wsgi_application(), case, body, arrived=len(body) - 2000)
        assert status.startswith("200")
        assert Visit.objects.exists()


def test_a_body_without_an_end_of_its_own_is_read_to_where_it_ends() -> None:
    assert WholeBody(io.BytesIO(b"ab\ncd"), 5).readline() == b"ab\n"
    whole = WholeBody(io.BytesIO(b"abcd"), 4)
    assert (whole.read(4), whole.read(4)) == (b"abcd", b"")


class Slow(io.BytesIO):
    """Gives a body in small pieces, as a connection does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 3) if size and size > 0 else 3)


@pytest.mark.parametrize("size", [-1, 40, 19])
def test_an_ordinary_form_is_read_whole_or_not_at_all(size: int) -> None:
    body = b"a=1&note=half%20way"
    assert WholeBody(Slow(body), len(body)).read(size) == body
    with pytest.raises(BrokenOffError):
        WholeBody(Slow(body[:12]), len(body)).read(size)
