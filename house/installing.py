"""Set-up: what is missing is installed, what is there is recognised by a stamp and costs nothing."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from house.places import PYTHON, ROOT, VENV, Refusal, child_environment, say

BROWSER = ["chromium-headless-shell", "fonts-noto-cjk"]


def set_up(*, browser: bool = False) -> None:
    """Install Python packages and browser libraries that are missing, and the browser for its tests. Raises Refusal."""
    with _one_at_a_time():
        _python_packages()
        _browser_libraries()
        if browser and not _has_browser():
            _system_packages(BROWSER, purpose="the browser tests")
    _run([PYTHON, "-m", "house.messages"])


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (ROOT / ".setup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python_packages() -> None:
    lock = ROOT / "requirements.lock"
    stamp = VENV / ".arrears-stamp"
    wanted = _digest(lock, sys.version.split()[0])
    if PYTHON.exists() and _read(stamp) == wanted:
        return
    say("Installing Python packages …")
    _make_venv()
    _install_locked(lock)
    stamp.write_text(wanted, encoding="ascii")


def _make_venv() -> None:
    if PYTHON.exists() and (VENV / "bin" / "pip").exists():
        return
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        _system_packages([f"python3.{sys.version_info.minor}-venv"], purpose="making virtual environments")
    _run([sys.executable, "-m", "venv", "--clear", VENV])


def _install_locked(lock: Path) -> None:
    """With uv where the machine has it, since it is faster; pip knows proxies and mirrors that uv may not. Modules are
    compiled when they are first imported: of most packages few ever are."""
    arguments: list[str | Path] = ["install", "-q", "--require-hashes", "-r", lock]
    uv = shutil.which("uv")
    if uv and not subprocess.run([uv, "pip", *arguments, "--python", PYTHON], check=False).returncode:
        return
    _run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments, "--no-compile"])


def _browser_libraries() -> None:
    stamp = ROOT / "node_modules" / ".arrears-stamp"
    wanted = _digest(ROOT / "package-lock.json")
    if _read(stamp) == wanted:
        return
    say("Installing browser libraries …")
    if not shutil.which("npm", path=child_environment()["PATH"]):
        _install_locked(ROOT / "requirements-node.lock")
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"])
    stamp.write_text(wanted, encoding="ascii")


def _has_browser() -> bool:
    fonts = any(Path("/usr/share/fonts").rglob("NotoSansCJK*"))
    return fonts and any(shutil.which(name) for name in ("chromium-headless-shell", "chromium"))


def _system_packages(names: Sequence[str], *, purpose: str) -> None:
    """apt-get as root or with a sudo that asks nothing; otherwise the command to type. Raises Refusal."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *names]
    refusal = Refusal(f"For {purpose} install these first:\n\n    sudo {' '.join(command)}\n")
    if not shutil.which("apt-get"):
        raise refusal
    before: list[str] = []
    if os.geteuid() != 0:
        if not _sudo_asks_nothing():
            raise refusal
        before = ["sudo", "-n"]
    say(f"Installing {', '.join(names)} for {purpose} …")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        if subprocess.run([*before, *step], env=quiet, stdout=subprocess.DEVNULL, check=False).returncode:
            raise refusal


def _sudo_asks_nothing() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def _run(command: Sequence[str | Path]) -> None:
    if subprocess.run([str(part) for part in command], cwd=ROOT, env=child_environment(), check=False).returncode:
        raise Refusal(f"This step failed: {' '.join(str(part) for part in command)}")


def _digest(path: Path, *more: str) -> str:
    return hashlib.sha256(path.read_bytes() + "".join(more).encode()).hexdigest()


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""
