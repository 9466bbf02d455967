"""What tests run on: servers of their own, a migrated database and a demonstration, both to be copied.

Each is made once in a run by whoever needs it first; `python -m tests.preparation` makes them ahead.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import psycopg
from django.conf import settings
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "test_template"
OF_THE_TESTS = (
    "ARREARS_TESTING", "ARREARS_TEST_RUN", "DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "REDIS_DATABASE",
    "STATIC_MANIFEST", "DATABASE_POOL", "ARREARS_LOCAL", "DJANGO_SETTINGS_MODULE",
)  # fmt: skip


def use_test_servers() -> None:
    """Point the settings at the test servers and read them, so that pytest-django finds them configured."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if "ARREARS_TESTING" not in os.environ:
        var = Path(os.environ.get("ARREARS_VAR") or ROOT / "var").absolute()
        os.environ |= {"ARREARS_VAR": str(var / "test"), "ARREARS_TESTING": "1"}
    os.environ["REDIS_DATABASE"] = str(int(worker.removeprefix("gw")) * 2)
    os.environ |= {"STATIC_MANIFEST": "false", "DATABASE_POOL": "false", "ARREARS_LOCAL": "true"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    assert settings.INSTALLED_APPS
    # Inherited, it would make pytest-django read them in each worker too early.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    settings.WHITENOISE_AUTOREFRESH = True  # else each test client reads the whole folder of static files
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, and in tests only


def start_servers() -> None:
    """PostgreSQL and Valkey, where the environment names none."""
    from config import embedded

    embedded.ensure_running(_var(), fast=True, **embedded.needed())


# --- the database ---------------------------------------------------------------------------------------------------


def make_template(*, anew: bool) -> None:
    """Bring the database that workers copy up to date, migrated by the owner's role."""
    from django.db import connections

    with _once_in_a_run("template") as is_made:
        if is_made:
            return
        owner = connections["owner"]
        owner.settings_dict["TEST"]["NAME"] = TEMPLATE
        owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=not anew)
        owner.close()  # nobody may be connected to what is copied


def copy_template(name: str) -> None:
    """A database of a worker's own."""
    from django.db import connections

    connections["owner"].settings_dict["NAME"] = "postgres"
    copy = {"name": sql.Identifier(name), "template": sql.Identifier(TEMPLATE)}
    with _alone("template"), owner_connection() as owner:  # nobody else may be connected to the template
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**copy))
        owner.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**copy))


def owner_connection() -> psycopg.Connection:
    """A connection of the role that owns the tables, beside Django's own."""
    from django.db import connections

    parameters = connections["owner"].get_connection_params()
    parameters = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
    return psycopg.connect(**parameters, autocommit=True)


# --- the demonstration ----------------------------------------------------------------------------------------------


def copy_demonstration(var: Path) -> None:
    """Into ``var`` what `./run demo` makes for an empty ARREARS_VAR, at rest."""
    subprocess.run(["cp", "-a", f"{_demonstration()}/.", var], check=True)  # with its owners


def demonstration_environment(var: Path) -> dict[str, str]:
    """The environment in which commands work on the demonstration in ``var``, like those that users type. Beside tests
    that leave no moment free its worker would stand still at the lowest priority."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    return kept | {"ARREARS_VAR": str(var), "ARREARS_WORKER_NICE": "0"}


def run_demonstration(var: Path) -> str:
    """Start the demonstration in ``var`` on a free port, answer its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _run(var, "demo", "--detach", "--port", str(port))
    return f"http://127.0.0.1:{port}"


def stop_demonstration(var: Path) -> None:
    """End everything of the demonstration in ``var``."""
    _run(var, "stop")


def _demonstration() -> Path:
    made = _var() / "demonstration"
    with _once_in_a_run("demonstration") as is_made:
        if not is_made:
            shutil.rmtree(made, ignore_errors=True)
            if _is_made("template"):
                _copy_tables_to(made)
            try:
                run_demonstration(made)
            finally:
                stop_demonstration(made)
    return made


def _copy_tables_to(var: Path) -> None:
    """The tables as they are migrated already, which is quicker than migrating once more."""
    from config import embedded
    from config.embedded_servers import DATABASE, postgres_program

    if not embedded.needed()["database"]:
        return
    here, there = (["-h", str(embedded.socket_dir(place)), "-U", "postgres"] for place in (_var(), var))
    embedded.ensure_running(var, broker=False)
    with _alone("template"):
        dump = subprocess.run([postgres_program("pg_dump"), "-Fc", *here, TEMPLATE], check=True, capture_output=True)
    subprocess.run([postgres_program("pg_restore"), *there, "-d", DATABASE], input=dump.stdout, check=True)


def _run(var: Path, *command: str) -> None:
    environment = demonstration_environment(var)
    command = (sys.executable, str(ROOT / "run"), *command)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


# --- once in a run --------------------------------------------------------------------------------------------------


@contextmanager
def _once_in_a_run(name: str) -> Iterator[bool]:
    """Whether it is made already in this run of the tests; else the caller makes it, while others wait."""
    with _alone(name):
        yield _is_made(name)
        _made_in(name).write_text(_run_id(), encoding="utf-8")


def _is_made(name: str) -> bool:
    made_in = _made_in(name)
    return bool(_run_id()) and made_in.exists() and made_in.read_text(encoding="utf-8") == _run_id()


def _made_in(name: str) -> Path:
    return _var() / f"{name}-made-in"


def _run_id() -> str:
    return os.environ.get("ARREARS_TEST_RUN") or os.environ.get("PYTEST_XDIST_TESTRUNUID", "")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with (_var() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _var() -> Path:
    from config.environment import var_dir

    return var_dir()


def main(arguments: list[str]) -> None:
    """The database, made anew with `--create-db` instead of migrated, and the demonstration with `--demonstration`."""
    use_test_servers()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    start_servers()
    make_template(anew="--create-db" in arguments)
    if "--demonstration" in arguments:
        _demonstration()


if __name__ == "__main__":
    main(sys.argv[1:])
