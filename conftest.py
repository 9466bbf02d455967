"""Tests run on servers of their own: PostgreSQL and Valkey under $ARREARS_VAR/test, started here when none is set.

A template is migrated by the owner's role and copied for each pytest-xdist worker; tests then connect as the
application's role, so that the rights of that role are tested everywhere. Each worker has a pair of broker databases.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_django
from django.conf import settings
from psycopg import sql
from xdist.scheduler import LoadFileScheduling

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
TEMPLATE = "test_template"


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
BEGUN_FIRST = (
    "tests/browser/",
    "tests/test_permissions",
    "tests/notices/test_killed_workers",
    "tests/arrears/test_ledger_machine",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(BEGUN_FIRST))


DEMONSTRATIONS = {
    "tests/browser/test_story.py": "story",  # a server of its own
    "tests/browser/test_offline.py": "stairs",
    "tests/browser/test_field_staff.py": "stairs",
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
    django_db_createdb: bool,  # noqa: FBT001  pytest names its fixtures, nobody passes them by position
    django_db_modify_db_settings: None,
) -> None:
    """A copy of the migrated database for each worker, on both connections."""
    from django.db import connections

    owner = connections["owner"]
    name = owner.settings_dict["TEST"]["NAME"] or f"test_{owner.settings_dict['NAME']}"
    with django_db_blocker.unblock(), _one_at_a_time():
        _migrate_template(anew=django_db_createdb)
        _copy_template(name)
    owner.settings_dict["NAME"] = settings.DATABASES["owner"]["NAME"] = name
    connections["default"].creation.set_as_test_mirror(owner.settings_dict)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (_test_var() / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate_template(*, anew: bool) -> None:
    """Bring the database that workers copy up to date, once in a run: whoever comes first does it."""
    from django.db import connections

    run, migrated_by = os.environ.get("PYTEST_XDIST_TESTRUNUID", ""), _test_var() / "template-migrated-by"
    if run and migrated_by.exists() and migrated_by.read_text(encoding="utf-8") == run:
        return
    owner = connections["owner"]
    owner.settings_dict["TEST"]["NAME"] = TEMPLATE
    owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=not anew)
    owner.close()  # nobody may be connected to what is copied
    migrated_by.write_text(run, encoding="utf-8")


def _copy_template(name: str) -> None:
    from django.db import connections

    connections["owner"].settings_dict["NAME"] = "postgres"
    copy = {"name": sql.Identifier(name), "template": sql.Identifier(TEMPLATE)}
    with owner_connection() as owner:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**copy))
        owner.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**copy))


def _test_var() -> Path:
    from config.environment import var_dir

    return var_dir()


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
