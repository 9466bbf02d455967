"""The embedded servers keep what was committed, whatever ends them, and never start twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from config import embedded
from config.embedded_servers import Place

pytestmark = pytest.mark.xdist_group("embedded")


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "closed" / "var"
    folder.parent.mkdir(mode=0o700)
    yield folder
    embedded.stop(folder)


def _connect(var: Path, role: str = embedded.OWNER_ROLE) -> psycopg.Connection:
    settings = embedded.database(var, role=role)
    return psycopg.connect(host=settings["HOST"], user=role, dbname=settings["NAME"], autocommit=True)


def _broker(var: Path) -> Redis:
    return Redis.from_url(embedded.redis_url(var))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _pids(var: Path) -> list[int]:
    return [pid for pid in embedded.running(var).values() if pid]


def test_data_outlive_a_stop_and_nothing_runs_after_it(var: Path) -> None:
    embedded.ensure_running(var)
    pids = _pids(var)
    with _connect(var) as connection:
        connection.execute("CREATE TABLE kept AS SELECT '钱' AS text")
    with _broker(var) as broker:
        broker.set("key", "kept")
    embedded.stop(var)
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}/cwd").exists() for pid in pids)
    embedded.ensure_running(var)
    with _connect(var) as connection, _broker(var) as broker:
        assert connection.execute("SELECT text FROM kept").fetchone() == ("钱",)
        assert broker.get("key") == b"kept"


def test_committed_data_outlive_sigkill(var: Path) -> None:
    embedded.ensure_running(var)
    with _connect(var) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    with _broker(var) as broker:
        broker.set("key", "kept")
        broker.execute_command("WAITAOF", 1, 0, 5000)  # on disk; without it up to one second may be lost
    for pid in _pids(var):
        os.kill(pid, signal.SIGKILL)
    _until(lambda: not _pids(var))
    embedded.ensure_running(var)
    with _connect(var) as connection, _broker(var) as broker:
        assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
        assert broker.get("key") == b"kept"


def test_a_pid_file_that_names_a_stranger_does_not_keep_the_server_out(var: Path) -> None:
    embedded.ensure_running(var)
    embedded.stop(var)
    stranger = str(os.getpid())
    place = Place(var=var, sockets=embedded.socket_dir(var))
    left = f"{stranger}\n{place.data}\n1700000000\n5432\n{place.sockets}\n\n  0 0\nready\n"
    (place.data / "postmaster.pid").write_text(left, encoding="utf-8")
    (place.valkey / "valkey.pid").write_text(stranger, encoding="ascii")
    embedded.ensure_running(var)
    assert len(_pids(var)) == 2
    assert os.getpid() not in _pids(var)


def test_two_starts_at_once_make_one_server_each(var: Path) -> None:
    environment = {**os.environ, "ARREARS_VAR": str(var), "DATABASE_URL": "", "REDIS_URL": ""}
    command = [sys.executable, "-m", "config.embedded", "start"]
    starts = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [start.wait(60) for start in starts] == [0, 0]
    serving = [path.parent.name for path in Path("/proc").glob("[0-9]*/cwd") if _leads_to(path, var)]
    names = sorted(Path(f"/proc/{pid}/comm").read_text().strip() for pid in serving if _is_first_process(pid))
    assert names == ["postgres", "valkey-server"]


def _leads_to(link: Path, var: Path) -> bool:
    try:
        return link.readlink().is_relative_to(var)
    except OSError:
        return False


def _is_first_process(pid: str) -> bool:
    """Not one of the children that PostgreSQL forks."""
    parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
    return Path(f"/proc/{parent}/comm").read_text().strip() != "postgres"


def test_no_folder_above_is_opened_and_no_server_is_root(var: Path) -> None:
    embedded.ensure_running(var)
    assert var.parent.stat().st_mode & 0o777 == 0o700
    assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in _pids(var))


def test_a_deep_folder_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    var = tmp_path / ("深" * 40)
    embedded.ensure_running(var)
    try:
        assert not embedded.socket_dir(var).is_relative_to(var)
        assert embedded.socket_dir(var).stat().st_mode & 0o777 == 0o700
        with _connect(var) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert all(embedded.running(var).values())
    finally:
        embedded.stop(var)
    assert not any(embedded.running(var).values())
    assert not (var / "postgres" / "data" / "postmaster.pid").exists()


def test_the_application_role_owns_nothing(var: Path) -> None:
    embedded.ensure_running(var)
    with _connect(var, embedded.APPLICATION_ROLE) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (id int)")


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://:secret@host:6379", "redis://:secret@host:6379/4"),
        ("rediss://host/0", "rediss://host/4"),
        ("unix:///var/run/valkey.sock", "redis+socket:///var/run/valkey.sock?virtual_host=4"),
    ],
)
def test_broker_addresses(url: str, broker: str) -> None:
    assert embedded.broker_url(url, 4) == broker
