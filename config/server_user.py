"""Under which user the embedded servers run.

PostgreSQL refuses to run as root. There the programs run as another user who may only read through closed folders
(CAP_DAC_READ_SEARCH), so that nothing above ARREARS_VAR has to be opened. An ordinary user runs them as himself.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

CAP_DAC_READ_SEARCH = 2  # bit number, linux/capability.h


def server_user(data: Path) -> tuple[int, int]:
    """User and group ids for the servers: the owner of ``data`` where that exists, so that it stays the same."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise LookupError("Neither a user 'postgres' nor 'nobody' exists; add one: useradd --system postgres")


def run_as(user: tuple[int, int], command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run ``command`` to its end as ``user``; its output is in the result."""
    return subprocess.run(
        [*_prefix(user), *map(str, command)],
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def own_folder(path: Path, user: tuple[int, int]) -> None:
    """Make ``path`` a folder that only ``user`` may enter. Raises PermissionError where a stranger put it there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in {os.geteuid(), user[0]}:
        raise PermissionError(f"{path} belongs to somebody else; remove it and try again")
    if os.geteuid() == 0:
        os.chown(path, *user)
    path.chmod(0o700)


def _prefix(user: tuple[int, int]) -> list[str]:
    if os.geteuid() != 0:
        return []
    uid, gid = user
    change = ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
    if not _may_pass_on_reading():
        return [*change, "--inh-caps=-all", "--bounding-set=-all", "--"]
    only = "-all,+dac_read_search"
    # access(2), with which PostgreSQL looks for its own programs, would otherwise ignore the capability.
    change += ["--securebits", "+no_setuid_fixup"]
    return [*change, f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}", "--"]


def _may_pass_on_reading() -> bool:
    """False in containers that took the capability away; the folders must then be open to the servers' user."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounding, 16) & 1 << CAP_DAC_READ_SEARCH)
