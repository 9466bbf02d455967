"""Every address × every role × own and foreign project, generated from the URLconf.

A view says itself whom it admits (`company.access`), so a new address is covered as soon as it exists: one without a
gate fails here, and so does one with an object in it that `tests/url_objects.py` cannot make.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

import config.urls
from company.models import Project, Role, User
from tests import (  # noqa: F401  they register their builders
    url_campaigns,
    url_conduct,
    url_documents,
    url_notices,
    url_owners,
    url_playbooks,
    url_settlements,
    url_visits,
)
from tests.factories import create_project, create_user, give_role
from tests.url_objects import RULES, Place

# Pages that are not ours to gate, each with who guards it instead.
GUARDED_ELSEWHERE = {
    "healthz": "open to everybody: says only whether the services answer",
    "manifest": "open to everybody: how the application is called and drawn",
    "service_worker": "open to everybody: names static files",
    "set_language": "open to everybody: sets a cookie",
    "company:session": "open to everybody: says whether one is signed in",
    "collection:calendar_feed": "open to who knows a secret address; answers as its owner sees",
    "account_login": "open to everybody: signs in",
    "account_logout": "ends one's own session",
    "account_reauthenticate": "asks for one's own password",
}
FOREIGN_NAMESPACES = ("admin:", "mfa_")
REFUSED, HIDDEN, WRONG_METHOD = 403, 404, 405


@dataclass(frozen=True)
class Address:
    name: str
    parameters: frozenset[str]
    view: Any

    @property
    def has_object(self) -> bool:
        return bool(self.parameters - {"project_code"})


def walk(patterns: list[Any], namespace: str = "", above: frozenset[str] = frozenset()) -> Iterator[Address]:
    for pattern in patterns:
        parameters = above | pattern.pattern.converters.keys()
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from walk(pattern.url_patterns, inner, parameters)
        elif isinstance(pattern, URLPattern):
            yield Address(f"{namespace}{pattern.name}", parameters, pattern.callback)


ADDRESSES = [
    address
    for address in walk(get_resolver().url_patterns)
    if address.name not in GUARDED_ELSEWHERE and not address.name.startswith(FOREIGN_NAMESPACES)
]


def each(addresses: list[Address]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", addresses, ids=lambda address: address.name)


each_address = each(ADDRESSES)
each_of_a_project = each([address for address in ADDRESSES if "project_code" in address.parameters])
each_with_an_object = each([a for a in ADDRESSES if a.has_object and not (a.name in RULES and RULES[a.name].shared)])
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "bare_refusals", "bare_sign_in")]


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def bare_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages that say no have tests of their own; drawn ten thousand times they would take minutes."""
    for status in (REFUSED, HIDDEN):
        bare = partial(_bare, status=status)
        monkeypatch.setattr(config.urls, f"handler{status}", bare, raising=False)


@pytest.fixture
def bare_sign_in(settings: Settings) -> None:
    """Four thousand people sign in here: without a row for the session, and without counting their failures."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.AXES_ENABLED = False


def _bare(request: HttpRequest, exception: Exception | None = None, *, status: int) -> HttpResponse:
    return HttpResponse(status=status)


@pytest.fixture
def own() -> Project:
    return create_project(code="OWN")


@pytest.fixture
def foreign() -> Project:
    return create_project(code="FOREIGN")


@pytest.fixture
def staff(own: Project) -> dict[Role, User]:
    return {role: create_user(name=str(role), role=role, project=own) for role in Role}


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def statuses(user: User, url: str) -> dict[str, int]:
    """What GET and an empty POST answer; whatever they write is rolled back."""
    answers = {}
    client = Client()
    client.force_login(user)
    for method in ("get", "post"):
        with rolled_back():
            answers[method] = getattr(client, method)(url).status_code
    return answers


def refusal(user: User, url: str) -> int:
    """What an empty POST answers, or GET where there is no POST: a person who is not let in meets the same gate."""
    client = Client()
    client.force_login(user)
    with rolled_back():
        status: int = client.post(url).status_code
    if status == WRONG_METHOD:
        with rolled_back():
            status = client.get(url).status_code
    return status


def url_of(address: Address, *, code: Project, objects: Place) -> str:
    """The address under the project `code`, with an object that belongs to `objects`."""
    arguments: dict[str, Any] = RULES[address.name].build(objects) if address.has_object else {}
    if "project_code" in address.parameters:
        arguments["project_code"] = code.code
    return reverse(address.name, kwargs=arguments)


@each_address
def test_an_address_has_a_gate_and_a_rule(address: Address) -> None:
    assert hasattr(address.view, "admitted_roles"), f"{address.name}: use project_view or company_view"
    assert address.view.of_project == ("project_code" in address.parameters)
    if address.has_object:
        assert address.name in RULES, f"add a builder for {address.name} to tests/url_objects.py"


def test_every_rule_belongs_to_an_address() -> None:
    assert not RULES.keys() - {address.name for address in ADDRESSES}


@each_address
def test_a_stranger_is_sent_to_sign_in(address: Address, own: Project) -> None:
    url = url_of(address, code=own, objects=Place(own, create_user()))
    for method in ("get", "post"):
        response = getattr(Client(), method)(url)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=")


@pytest.fixture
def people(own: Project, staff: dict[Role, User]) -> list[tuple[Role, User]]:
    """Everybody who has a role here or in the whole company."""
    company_wide = [(Role(role), create_user(role=Role(role), project=None)) for role in sorted(Role.COMPANY_WIDE)]
    return [*staff.items(), *company_wide]


def answers_to(user: User, address: Address, own: Project) -> list[int]:
    with rolled_back():
        return [*statuses(user, url_of(address, code=own, objects=Place(own, user))).values()]


def somebody_gets_in(address: Address, own: Project, admitted: list[User]) -> bool:
    first = zlib.crc32(address.name.encode()) % len(admitted)  # at another address another role
    for user in [*admitted[first:], *admitted[:first]]:
        answers = answers_to(user, address, own)
        assert max(answers) < 500
        if min(answers) < 400:
            return True
    return False


@each_address
def test_a_role_gets_in_where_its_right_says_so(
    address: Address, own: Project, people: list[tuple[Role, User]]
) -> None:
    admitted = [user for role, user in people if role in address.view.admitted_roles]
    assert somebody_gets_in(address, own, admitted)
    url = url_of(address, code=own, objects=Place(own, create_user()))
    for role, user in people:
        if user not in admitted:
            assert refusal(user, url) == REFUSED, f"{role} at {address.name}"


@pytest.mark.long
@each_address
def test_no_role_that_gets_in_meets_an_error(address: Address, own: Project, people: list[tuple[Role, User]]) -> None:
    for user in (user for role, user in people if role in address.view.admitted_roles):
        assert max(answers_to(user, address, own)) < 500


@each_address
def test_nobody_without_a_role_gets_in(address: Address, own: Project) -> None:
    nobody = create_user()
    answers = set(statuses(nobody, url_of(address, code=own, objects=Place(own, create_user()))).values())
    if address.view.of_project:
        assert answers <= {HIDDEN, WRONG_METHOD}
    elif address.view.admitted_roles != frozenset(Role):
        assert answers <= {REFUSED, WRONG_METHOD}


@pytest.fixture
def everything_here(own: Project) -> User:
    """A person with every role of the own project: what they are refused elsewhere, everybody is."""
    user = create_user(name="全能")
    for role in Role:
        give_role(user=user, role=role, project=own)
    return user


@each_of_a_project
def test_a_foreign_project_does_not_exist(address: Address, foreign: Project, everything_here: User) -> None:
    stranger = create_user(role=Role.FINANCE, project=foreign)
    url = url_of(address, code=foreign, objects=Place(foreign, stranger))
    assert set(statuses(everything_here, url).values()) <= {HIDDEN, WRONG_METHOD}


@each_with_an_object
def test_a_foreign_object_does_not_exist_in_ones_own_project(
    address: Address, own: Project, foreign: Project, everything_here: User
) -> None:
    stranger = create_user(role=Role.FINANCE, project=foreign)
    url = url_of(address, code=own, objects=Place(foreign, stranger))
    assert set(statuses(everything_here, url).values()) <= {HIDDEN, WRONG_METHOD}
