"""Tests run on servers of their own: PostgreSQL and Valkey under $ARREARS_VAR/test, started here when none is set.

The test database is created and migrated by the owner's role; tests then connect as the application's role, so that
the rights of that role are tested everywhere. One database and one pair of broker databases per pytest-xdist worker.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_django
from django.conf import settings
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def _use_test_servers() -> None:
    """Point the settings at the test servers and read them, so that pytest-django finds them configured."""
    if "ARREARS_TESTING" not in os.environ:
        var = Path(os.environ.get("ARREARS_VAR") or Path(__file__).parent / "var").absolute()
        os.environ |= {"ARREARS_VAR": str(var / "test"), "ARREARS_TESTING": "1"}
    os.environ["REDIS_DATABASE"] = str(int(WORKER.removeprefix("gw")) * 2)
    os.environ |= {"STATIC_MANIFEST": "false", "DATABASE_POOL": "false", "ARREARS_LOCAL": "true"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    assert settings.INSTALLED_APPS
    # Inherited, it would make pytest-django read them in each worker too early.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    settings.WHITENOISE_AUTOREFRESH = True  # else each test client reads the whole folder of static files
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, and in tests only


_use_test_servers()


# Long and waiting for other processes more than working: begun last, they would leave the other workers idle.
BEGUN_FIRST = ("tests/browser/", "tests/notices/test_killed_workers", "tests/arrears/test_ledger_machine")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays with one worker, and what needs the demonstration too: it takes a minute to start."""
    for item in items:
        needs_demo = "stack" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("demonstration" if needs_demo else item.location[0]))
    items.sort(key=lambda item: not item.location[0].startswith(BEGUN_FIRST))


@pytest.fixture(scope="session", autouse=True)
def _services() -> None:
    from config import embedded
    from config.environment import var_dir

    embedded.ensure_running(var_dir(), fast=True, **embedded.needed())


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, _services: None) -> None:
    """The servers run before the test database is made."""


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    django_db_keepdb: bool,  # noqa: FBT001  pytest names its fixtures, nobody passes them by position
    django_db_createdb: bool,  # noqa: FBT001
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Sets up both connections: pytest-django would leave out the owner's, which no test names, and migrate nothing."""
    with django_db_blocker.unblock():
        keep = django_db_keepdb and not django_db_createdb
        old = setup_databases(verbosity=0, interactive=False, keepdb=keep, serialized_aliases=[])
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(old, verbosity=0)


@pytest.fixture(autouse=True)
def _empty_tables_after_commit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django's own flush would need rights that the application's role does not have."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and (marker.kwargs.get("transaction") or "transactional_db" in request.fixturenames):
        _truncate_as_owner()


def owner_connection() -> psycopg.Connection:
    """A connection of the role that owns the tables, beside Django's own."""
    from django.db import connections

    parameters = connections["owner"].get_connection_params()
    parameters = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
    return psycopg.connect(**parameters, autocommit=True)


def _truncate_as_owner() -> None:
    kept = ["django_migrations", "django_content_type", "auth_permission"]
    with owner_connection() as owner:
        owner.execute("SET lock_timeout = '20s'")  # a test that left a transaction open is named, not waited for
        rows = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [kept]
        )
        tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
