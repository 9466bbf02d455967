"""Tests run on servers of their own: PostgreSQL and Valkey under $ARREARS_VAR/test, started here when none is set.

A template is migrated by the owner's role and copied for each pytest-xdist worker; tests then connect as the
application's role, so that the rights of that role are tested everywhere. Each worker has a pair of broker databases.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_django
from django.conf import settings
from django.db import transaction
from psycopg import sql
from xdist.scheduler import LoadFileScheduling

from tests.preparation import copy_template, make_template, owner_connection, start_servers, use_test_servers

use_test_servers()


BEGUN_FIRST = (
    "tests/test_permissions",
    "tests/browser/test_story",
    "tests/browser/",
    "tests/notices/test_killed_workers",
    "tests/arrears/test_ledger_machine",
)
"""What takes long, in this order: begun last, it would leave the other workers idle. The first two need no
demonstration, which is still being made then."""


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts tests without a database last
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((at for at, path in enumerate(BEGUN_FIRST) if item.nodeid.startswith(path)), len(BEGUN_FIRST))

    items.sort(key=rank)


DEMONSTRATIONS = {
    "tests/browser/test_story.py": "story",  # a server of its own
    "tests/browser/test_offline.py": "stairs",
    "tests/browser/test_field_staff.py": "stairs",
    "tests/browser/test_phone_wiped.py": "stairs",
    "tests/browser/test_phone_at_once.py": "stairs",
    "tests/browser/test_several_units.py": "stairs",
}
"""Which demonstration a browser test works on, where it is not the one of the desk."""


class ByDemonstration(LoadFileScheduling):
    """A file stays with one worker, and all files that need the same demonstration too: it takes long to start."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return DEMONSTRATIONS.get(file, "desk") if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)  # a debugger wants pytest without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDemonstration | None:
    return ByDemonstration(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _services() -> None:
    start_servers()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, _services: None) -> None:
    """The servers run before the test database is made."""


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    django_db_createdb: bool,  # noqa: FBT001  pytest names its fixtures, nobody passes them by position
    django_db_modify_db_settings: None,
) -> None:
    """A copy of the migrated database for each worker, on both connections."""
    from django.db import connections

    owner = connections["owner"]
    name = owner.settings_dict["TEST"]["NAME"] or f"test_{owner.settings_dict['NAME']}"
    with django_db_blocker.unblock():
        make_template(anew=django_db_createdb)
        copy_template(name)
    owner.settings_dict["NAME"] = settings.DATABASES["owner"]["NAME"] = name
    connections["default"].creation.set_as_test_mirror(owner.settings_dict)


@pytest.fixture(scope="module")
def lasting(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """What fixtures of the file's own scope make is there for all its tests, who look at it; what a test changes is
    undone after it, and all of it after the last. Not for tests that commit."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _empty_tables_after_commit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django's own flush would need rights that the application's role does not have."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and (marker.kwargs.get("transaction") or "transactional_db" in request.fixturenames):
        _truncate_as_owner()


def _truncate_as_owner() -> None:
    kept = ["django_migrations", "django_content_type", "auth_permission"]
    with owner_connection() as owner:
        owner.execute("SET lock_timeout = '20s'")  # a test that left a transaction open is named, not waited for
        rows = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [kept]
        )
        tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))


def pytest_collection_finish() -> None:
    """What has been read so far stays: looking for garbage in it again and again costs a tenth of the time."""
    gc.collect()
    gc.freeze()
