"""Our end of the press (notices.press_child): started when first needed, kept, renewed, ended when it hangs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from django.conf import settings

JOB_SECONDS = 45
RENEW_ABOVE_KB = 420 << 10
LAYOUTS = settings.BASE_DIR / "templates" / "print"


class PressError(Exception):
    """Nothing was printed; the text says why."""


class PressTimeoutError(PressError):
    """The job took longer than it may."""


@dataclass(frozen=True)
class Printed:
    pdf: bytes
    pages: int


class Press:
    """One child process. Not for use by two threads at once, and not across a fork: take ``press()``."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.peak_kb = 0

    def print(
        self,
        layout: str,
        letters: Sequence[Mapping[str, Any]],
        *,
        pictures: Mapping[str, bytes] | None = None,
        seconds: int = JOB_SECONDS,
    ) -> list[Printed]:
        """A PDF for each of ``letters``, which are what the layout (a file of templates/print) reads.

        ``pictures``: PNG files by the names under which the letters ask for them. Raises PressError, for all of them
        together.
        """
        files = {name: base64.b64encode(png).decode() for name, png in (pictures or {}).items()}
        job = {"layout": layout, "letters": letters, "pictures": files, "seconds": seconds}
        line = json.dumps(job).encode() + b"\n"
        with self._lock:
            return self._run(line, seconds)

    def close(self) -> None:
        """End the child process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _run(self, job: bytes, seconds: int) -> list[Printed]:
        process = self._process if self._process and self._process.poll() is None else self._start()
        overdue = threading.Event()

        def end_it() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(seconds, end_it)
        timer.start()
        try:
            return self._exchange(process, job)
        except PressError:
            raise
        except (OSError, ValueError, EOFError) as error:
            self.close()
            if overdue.is_set():
                raise PressTimeoutError(f"{seconds} s") from error
            raise PressError("the press ended") from error
        finally:
            timer.cancel()

    def _exchange(self, process: subprocess.Popen[bytes], job: bytes) -> list[Printed]:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  both are pipes
        process.stdin.write(job)
        process.stdin.flush()
        answer = json.loads(_line(process.stdout))
        if "error" in answer:
            raise PressError(answer["error"])
        printed = [
            Printed(_exactly(process.stdout, size), pages)
            for size, pages in zip(answer["sizes"], answer["pages"], strict=True)
        ]
        self.peak_kb = max(self.peak_kb, answer["peak_kb"])
        if answer["peak_kb"] > RENEW_ABOVE_KB:
            self.close()
        return printed

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "RAYON_NUM_THREADS": "1",  # Typst's threads: as many presses as workers share the cores
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "notices.press_child", LAYOUTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            env=environment,
        )
        return self._process


def press() -> Press:
    """The press of this process."""
    return _press_of(os.getpid())


@cache
def _press_of(_pid: int) -> Press:
    return Press()


def _line(stream: IO[bytes]) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise EOFError
    return content
