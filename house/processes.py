"""Web, worker and beat as children of one ARREARS_VAR: started with a log, ended by their own pid files only."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from house.places import ROOT, VAR, Refusal, child_environment

ENDED = "ended"
STOP_SECONDS = 20  # what a worker gets to finish its task; an unfinished one is found again by the sweep
PID_FILES = VAR / "processes"
LOGS = VAR / "log"
SCRATCH = VAR / "tmp"  # else what a killed worker leaves behind would pile up outside ARREARS_VAR
LOWEST = 19  # from 0, no more patient than others
LOWER = '{ echo "$0" > /proc/self/autogroup; } 2> /dev/null; exec nice -n "$0" "$@"'


def giving_way(command: Sequence[str]) -> list[str]:
    """The command at a low priority, to be started in a session of its own: Linux shares the processor out among
    sessions (autogroup), and only within each by what `nice` says. At the lowest, which is what it gets unless
    ARREARS_WORKER_NICE says otherwise, a machine without a free moment lets it stand still. Raises Refusal."""
    nice = os.environ.get("ARREARS_WORKER_NICE") or str(LOWEST)
    if not (nice.isdecimal() and int(nice) <= LOWEST):
        raise Refusal(f"ARREARS_WORKER_NICE is a whole number from 0 to {LOWEST}, not {nice!r}.")
    return ["sh", "-c", LOWER, nice, *command]


def start(name: str, command: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, its output in the log of that name."""
    for folder in (PID_FILES, LOGS, SCRATCH):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _kill_group(name)
    with (LOGS / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=child_environment(TMPDIR=str(SCRATCH), **environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _pid_file(name).write_text(f"{child.pid} {_started_at(child.pid)}\n", encoding="ascii")
    return child


def running(name: str) -> int | None:
    """The process id, or None when it ended or when its number now belongs to another program."""
    pid, started_at = _recorded(name)
    return pid if pid and started_at == _started_at(pid) else None


def stop(*names: str) -> None:
    """End the named processes: asked first, and killed with all their children when they do not end in time."""
    for name in names:
        if pid := running(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for name in names:
        while (pid := running(name)) and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)
        _kill_group(name)
        _pid_file(name).unlink(missing_ok=True)
    shutil.rmtree(SCRATCH, ignore_errors=True)


def _kill_group(name: str) -> None:
    """Kill what is left of the session, also when its first process was killed from outside."""
    pid, started_at = _recorded(name)
    if pid and _started_at(pid) in {started_at, ENDED}:  # else the number belongs to a stranger by now
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _recorded(name: str) -> tuple[int, str]:
    try:
        pid, started_at = _pid_file(name).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0, ENDED
    return int(pid), started_at


def _pid_file(name: str) -> Path:
    return PID_FILES / f"{name}.pid"


def _started_at(pid: int) -> str:
    """The kernel's start time of a living process, which tells it from a later one with the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return ENDED
    return ENDED if fields[0] == "Z" else fields[19]
