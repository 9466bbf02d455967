"""PostgreSQL 18 and Valkey as child processes, for machines where no server is configured.

Everything lies under ARREARS_VAR and stays between runs. Both servers listen on sockets in a private folder only.
Started by `./run`, by the tests and by `python -m config.embedded start|stop|status`.
"""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from config import embedded_servers as servers
from config.embedded_servers import APPLICATION_ROLE, DATABASE, OWNER_ROLE, StartFailure
from config.environment import var_dir

__all__ = ["APPLICATION_ROLE", "OWNER_ROLE", "StartFailure", "ensure_running", "needed", "running", "stop"]

SOCKET_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path, less the closing zero
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


def socket_dir(var: Path) -> Path:
    """Where the sockets of ``var`` are: inside it, or in a private folder under /tmp where it is too deep."""
    direct = var / "run"
    if len(os.fsencode(direct / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return direct
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    return Path("/tmp") / f"arrears-{os.getuid()}-{digest}"  # noqa: S108  made 0700 and its owner checked at start


def database(var: Path, *, role: str) -> dict[str, Any]:
    """Django's settings of the embedded database for ``role``."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": role,
        "PASSWORD": "",
        "HOST": str(socket_dir(var)),
        "PORT": "",
    }


def redis_url(var: Path) -> str:
    """The embedded broker's address in the form that redis-py reads."""
    return f"unix://{quote(str(socket_dir(var) / 'valkey.sock'))}"


def with_database(url: str, number: int) -> str:
    """``url`` for the logical database ``number`` of the same server."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def broker_url(url: str, number: int) -> str:
    """``url`` in the form that Celery reads."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return with_database(url, number)
    return f"redis+socket://{parts.path}?virtual_host={number}"


@contextmanager
def _locked(var: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the servers of ``var``."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (var / "embedded.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_running(var: Path, *, database: bool = True, broker: bool = True, fast: bool = False) -> None:
    """Start what does not run yet, waiting until it answers. ``fast`` gives up durability, for tests only.

    Safe to call from several processes at once. Raises StartFailure with the reason.
    """
    with _locked(var):
        place = servers.Place(var=var, sockets=socket_dir(var))
        if database:
            servers.start_postgres(place, fast=fast)
        if broker:
            servers.start_valkey(place)


def stop(var: Path) -> None:
    """Stop both servers of ``var`` cleanly; does nothing where none runs."""
    if not var.exists():
        return
    with _locked(var):
        place = servers.Place(var=var, sockets=socket_dir(var))
        servers.stop_valkey(place)
        servers.stop_postgres(place)


def running(var: Path) -> dict[str, int | None]:
    """Process ids of the servers of ``var``, None where one does not run."""
    place = servers.Place(var=var, sockets=socket_dir(var))
    return {"postgres": servers.postgres_pid(place), "valkey": servers.valkey_pid(place)}


def needed() -> dict[str, bool]:
    """Which of the two the environment asks the house to run itself."""
    return {"database": not os.environ.get("DATABASE_URL"), "broker": not os.environ.get("REDIS_URL")}


def main(arguments: list[str]) -> int:
    """`start`, `stop` or `status` for ARREARS_VAR. Returns the exit status."""
    match arguments:
        case ["start"]:
            ensure_running(var_dir(), **needed())
        case ["stop"]:
            stop(var_dir())
        case ["status"]:
            state = running(var_dir())
            sys.stdout.write("".join(f"{name}: {pid or 'not running'}\n" for name, pid in state.items()))
            return 0 if all(state.values()) else 3
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
