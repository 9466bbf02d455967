"""The press: a process of its own that sets letters with Typst, each as a PDF file of its own.

It knows neither Django nor the database, and it has limits of memory and time, so that one bad letter can end the
press but nothing else. Before the first job it has read our layouts and fonts; from then on the kernel lets it open
neither a file nor a connection. Letters come to it as data, never as text of a layout. Started by notices.press, which
speaks to it over its standard input and output: a line of JSON each way, then the files.
"""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import pikepdf
import pylopdf_fonts_zh_cn
import typst

MEMORY_MB = 700
LAST_OPEN_FILE = 2  # the pipes and /proc/self/status stay open above it
IMPORT = re.compile(rb'#import "([^"]+)"')
PNG = b"\x89PNG\r\n\x1a\n"
FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent
SPECIMEN = b'#for name in ("Noto Serif SC", "Noto Sans SC") [#text(font: name)[x]]'


class Press:
    """Keeps the fonts and the layouts, which are read once."""

    def __init__(self, layouts: Path) -> None:
        read = {path.name: path.read_bytes() for path in sorted(layouts.glob("*.typ"))}
        self.sources = {name: {**imported_by(name, read), "main.typ": read[name]} for name in read}
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
        self.compiler = typst.Compiler(SPECIMEN, root=layouts, font_paths=fonts)
        self.compiler.compile(format="pdf")  # Typst reads a font when it is first used

    def print(
        self, layout: str, letter: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None
    ) -> tuple[bytes, int]:
        """The PDF and the number of pages of a letter; ``pictures`` as ``as_sources`` writes them."""
        sources = {**self.sources[layout], **(pictures or {})}
        inputs = {"letter": json.dumps(letter, ensure_ascii=False)}
        pdf: Any = self.compiler.compile(sources, format="pdf", sys_inputs=inputs, pdf_tags=False)  # type: ignore[type-var]
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            return pdf, len(opened.pages)


def imported_by(layout: str, layouts: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a layout imports, directly or not: Typst reads each source that it is given, for every letter."""
    found: dict[str, bytes] = {}
    names = IMPORT.findall(layouts[layout])
    while names:
        name = names.pop().decode()
        if name in layouts and name not in found:
            found[name] = layouts[name]
            names += IMPORT.findall(layouts[name])
    return found


class Meter:
    """The most memory that this program held; ru_maxrss would count what its parent held when it started this one."""

    def __init__(self) -> None:
        self.status: FileIO | None
        try:
            self.status = Path("/proc/self/status").open("rb", buffering=0)  # noqa: SIM115  for good
        except OSError:
            self.status = None

    def peak_kb(self) -> int:
        if self.status is None:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.status.seek(0)
        return int(self.status.read().split(b"VmHWM:")[1].split()[0])


def serve(press: Press, commands: BinaryIO, results: BinaryIO, meter: Meter) -> None:
    """Answer jobs until the other side closes."""
    for line in iter(commands.readline, b""):
        job = json.loads(line)
        _allow_seconds(job["seconds"])
        try:
            pictures = as_sources(job["pictures"])
            printed = [press.print(job["layout"], letter, pictures) for letter in job["letters"]]
        except Exception as error:
            _answer(results, {"error": f"{type(error).__name__}: {error}"[:200]})
            continue
        sizes, pages = [len(pdf) for pdf, _ in printed], [number for _, number in printed]
        _answer(results, {"sizes": sizes, "pages": pages, "peak_kb": meter.peak_kb()}, [pdf for pdf, _ in printed])


def as_sources(pictures: Mapping[str, str]) -> dict[str, bytes]:
    """PNG files for Typst, which takes text only: their bytes as JSON numbers (``picture`` in templates/print/lib.typ).

    Raises ValueError for anything but PNG: an SVG could name other files.
    """
    sources = {}
    for name, encoded in pictures.items():
        content = base64.b64decode(encoded)
        if not content.startswith(PNG):
            raise ValueError("a picture is no PNG")
        sources[f"pictures/{name}.json"] = json.dumps(list(content)).encode()
    return sources


def _answer(results: BinaryIO, answer: Mapping[str, Any], files: Sequence[bytes] = ()) -> None:
    results.write(json.dumps(answer).encode() + b"\n")
    for pdf in files:
        results.write(pdf)
    results.flush()


def _allow_seconds(seconds: int) -> None:
    """Let this job use so much processor time; the kernel ends the press after that, whoever else has died."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, resource.RLIM_INFINITY))


def close_the_doors() -> None:
    """From here on nothing can be opened: no file, no connection. What is open stays so."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (LAST_OPEN_FILE + 1, LAST_OPEN_FILE + 1))


def main(layouts: Path) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    press, meter = Press(layouts), Meter()
    close_the_doors()
    gc.freeze()
    serve(press, sys.stdin.buffer, results, meter)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
