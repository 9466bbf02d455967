"""The commands of ./run, one function each; every one returns an exit status."""

import argparse
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from types import FrameType
from uuid import uuid4

from house import processes
from house.installing import set_up
from house.places import PYTHON, ROOT, VAR, Refusal, child_environment, program, say

CHILDREN = ("beat", "worker", "web")
START_SECONDS = 60
NEEDS_NO_TABLES = {"migrate", "makemigrations", "check", "help", "diffsettings", "update_messages", "sqlmigrate"}


def demo(arguments: Sequence[str]) -> int:
    """Everything up with the demonstration estate; Ctrl-C ends it, or `./run stop` after --detach."""
    parser = argparse.ArgumentParser(prog="./run demo", description=demo.__doc__)
    parser.add_argument("--detach", action="store_true", help="return when the pages answer")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    set_up()
    port = _port_of_running_web() or options.port
    if not processes.running("web"):
        _require_free(port)
    try:
        _call([PYTHON, "-m", "config.prepare", "--demo"], STATIC_MANIFEST="true")
        _start_children(port)
        _wait_until_healthy(port)
    except BaseException:
        stop([])
        raise
    _print_welcome(port, detached=options.detach)
    return 0 if options.detach else _watch()


def stop(arguments: Sequence[str]) -> int:
    """End everything of this ARREARS_VAR; the data stay."""
    processes.stop(*CHILDREN)
    if PYTHON.exists():
        for var in (VAR, VAR / "test"):
            if (var / "embedded.lock").exists():
                _call([PYTHON, "-m", "config.embedded", "stop"], ARREARS_VAR=str(var))
    return 0


def manage(arguments: Sequence[str]) -> int:
    """manage.py with the services up and the tables migrated."""
    set_up()
    wants_tables = bool(arguments) and arguments[0] not in NEEDS_NO_TABLES
    _call([PYTHON, "-m", "config.prepare"] if wants_tables else [PYTHON, "-m", "config.embedded", "start"])
    return _status([PYTHON, ROOT / "manage.py", *arguments])


# Three on two cores: each waits a good part of its time, for PostgreSQL or for a browser.
WORKERS = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]


def test(arguments: Sequence[str]) -> int:
    """Set-up, lint, then pytest; --all adds the tests that take long. Other arguments go to pytest."""
    set_up(browser=True)
    everything = "--all" in arguments
    chosen = [argument for argument in arguments if argument != "--all"]
    environment = {"STATIC_MANIFEST": "false", "ARREARS_TEST_RUN": uuid4().hex}
    workers = [] if {"-n", "-p", "--pdb"} & set(chosen) else WORKERS
    selection = [] if everything or "-m" in chosen else ["-m", "not long"]
    try:
        with _preparing_tests(chosen, environment):  # what goes wrong there is tried, and told, again by the tests
            lint_status = lint([])
            status = _status([program("pytest"), *workers, *selection, *chosen], **environment)
    finally:
        _call([PYTHON, "-m", "config.embedded", "stop"], ARREARS_VAR=str(VAR / "test"))
    return status or lint_status


def _preparing_tests(chosen: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Makes database and demonstration beside lint and the first tests; the demonstration only for all tests."""
    flags = [flag for flag in ("--create-db",) if flag in chosen]
    flags += [] if any(not argument.startswith("-") for argument in chosen) else ["--demonstration"]
    command = [str(PYTHON), "-m", "tests.preparation", *flags]
    return subprocess.Popen(command, cwd=ROOT, env=child_environment(**environment))


def lint(arguments: Sequence[str]) -> int:
    """ruff, mypy, the import contract and djlint; all of them run, also after a failure."""
    if not arguments:
        set_up()
    checks = {
        "ruff": [program("ruff"), "check", "--quiet", "."],
        "format": [program("ruff"), "format", "--check", "--quiet", "."],
        "mypy": [program("mypy"), "--no-error-summary", *_python_folders()],
        "imports": [program("lint-imports"), "--no-logo"],
        "djlint": [program("djlint"), "templates", "--lint", "--quiet"],
    }
    failed = [name for name, command in checks.items() if _quiet_status(name, command)]
    say(f"lint: {'failed: ' + ', '.join(failed) if failed else 'passed'}")
    return 1 if failed else 0


def bench(arguments: Sequence[str]) -> int:
    """One benchmark by name, with the services up; its result is one JSON object on standard output."""
    files = (ROOT / "benchmarks").glob("*.py")
    names = sorted(path.stem for path in files if "def main(" in path.read_text(encoding="utf-8"))
    if not arguments or arguments[0] not in names:
        raise Refusal(f"Name a benchmark: {', '.join(names)}.")
    set_up()
    _call([PYTHON, "-m", "config.prepare"])
    return _status([PYTHON, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]])


def lock(arguments: Sequence[str]) -> int:
    """Make the lock files again from requirements*.in, without addresses. Needs uv."""
    flags = ["--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    for source, target in (("requirements-dev", "requirements"), ("requirements-node", "requirements-node")):
        command = ["uv", "pip", "compile", *flags, "--python-version", "3.11", "-q", *arguments]
        if _status([*command, "-o", f"{target}.lock", f"{source}.in"]):
            return 1
    return 0


# --- the demonstration ----------------------------------------------------------------------------------------------


def _start_children(port: int) -> None:
    celery = [program("celery"), "-A", "config"]
    commands = {
        "web": [program("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
                "--workers", "1", "--blocking-threads", "8", "--no-ws", "config.wsgi:application"],
        "worker": processes.giving_way(
            [*celery, "worker", "--concurrency", str(os.cpu_count() or 2), "--loglevel", "INFO"]
        ),
        "beat": [*celery, "beat", "--pidfile=", "--loglevel", "INFO"],
    }  # fmt: skip
    for name, command in commands.items():
        if not processes.running(name):
            processes.start(name, command, STATIC_MANIFEST="true")
    (processes.PID_FILES / "port").write_text(str(port), encoding="ascii")


def _port_of_running_web() -> int | None:
    if not processes.running("web"):
        return None
    return int((processes.PID_FILES / "port").read_text(encoding="ascii"))


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refusal(f"Port {port} is taken by another program; choose one with --port.") from error


def _wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        ended = [name for name in CHILDREN if not processes.running(name)]
        if ended or time.monotonic() > deadline:
            log = processes.LOGS / f"{ended[0] if ended else 'web'}.log"
            raise Refusal(f"The start failed; the last lines of {log}:\n\n{_tail(log.read_text(errors='replace'))}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-20:])


def _print_welcome(port: int, *, detached: bool) -> None:
    signins = VAR / "demo_signins.txt"
    lines = [f"http://127.0.0.1:{port}/", ""]
    if signins.exists():
        lines += [signins.read_text(encoding="utf-8").rstrip(), ""]
    lines.append("./run stop ends it." if detached else "Ctrl-C ends it.")
    os.write(1, ("\n".join(lines) + "\n").encode())


def _watch() -> int:
    """Wait for Ctrl-C or for the end of one of the children; then end all."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        while all(processes.running(name) for name in CHILDREN):
            time.sleep(0.5)
        say(f"One of {', '.join(CHILDREN)} ended; its log is in {processes.LOGS}.")
        return 1
    except KeyboardInterrupt:
        say("Stopping …")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        stop([])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


# --- running programs -----------------------------------------------------------------------------------------------


def _python_folders() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def _quiet_status(name: str, command: Sequence[object]) -> int:
    """Run a check, showing its output only when it fails."""
    result = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=child_environment(), text=True, capture_output=True, check=False
    )
    if result.returncode:
        output = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr).strip()
        say(f"--- {name}\n{output}")
    return result.returncode


def _call(command: Sequence[object], **environment: str) -> None:
    if _status(command, **environment):
        raise Refusal(f"This step failed: {' '.join(str(part) for part in command)}")


def _status(command: Sequence[object], **environment: str) -> int:
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, cwd=ROOT, env=child_environment(**environment), check=False).returncode
