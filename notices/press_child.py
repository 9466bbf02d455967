"""The press: a process of its own that turns HTML into PDF files, one a letter.

It knows neither Django nor the database. It fetches nothing, and it has limits of memory and time, so that one bad
page can end the press but nothing else. Started by notices.press, which speaks to it over its standard input and
output: a line of JSON, then bytes.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pikepdf
from weasyprint import CSS, HTML
from weasyprint.document import Document
from weasyprint.formatting_structure import boxes
from weasyprint.layout import inline
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

WIDEST_GAP = 0.11  # em; a line that would need more stays ragged
MEMORY_MB = 700

_stretch_spaces = inline.justify_line


class NothingButData(URLFetcher):
    """Fetches pictures written into the page, nothing from the network or the disk."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)


def justify_line(context: Any, line: Any, extra_width: float) -> None:
    """Spread a short line over all its gaps: WeasyPrint stretches spaces only, and Chinese text has none."""
    texts = list(_text_boxes(line))
    if len(texts) != 1 or len(texts[0].text) < 2:
        _stretch_spaces(context, line, extra_width)
        return
    (box,) = texts
    spacing = extra_width / (len(box.text.rstrip()) - 1)
    if spacing <= WIDEST_GAP * box.style["font_size"]:
        box.style = box.style.copy()
        box.style["letter_spacing"] = spacing  # used when the line is drawn
        box.width += extra_width


def _text_boxes(box: Any) -> Any:
    for child in box.children:
        if isinstance(child, boxes.TextBox):
            yield child
        elif isinstance(child, boxes.InlineBox):
            yield from _text_boxes(child)


class Press:
    """Keeps the fonts and the style sheets between jobs."""

    def __init__(self, styles: dict[str, str]) -> None:
        inline.justify_line = justify_line
        self.fonts = FontConfiguration()
        self.styles = {name: CSS(string=text, font_config=self.fonts) for name, text in styles.items()}

    def layout(self, html: str, styles: list[str]) -> Document:
        """The pages of ``html`` under the named style sheets."""
        page = HTML(string=html, url_fetcher=NothingButData(), base_url="data:,")
        return page.render(stylesheets=[self.styles[name] for name in styles], font_config=self.fonts)

    def print(self, html: str, styles: list[str], anchors: list[str], titles: list[str]) -> list[tuple[bytes, int]]:
        """PDF and number of pages of each letter; ``anchors`` are the ids of the letters in order."""
        document = self.layout(html, styles)
        starts = _first_pages(document, anchors)
        whole = io.BytesIO()
        document.write_pdf(whole)
        ends = [*starts[1:], len(document.pages)]
        with pikepdf.open(whole) as pdf:
            return [
                (_cut(pdf, first, end, title), end - first)
                for first, end, title in zip(starts, ends, titles, strict=True)
            ]


def _first_pages(document: Document, anchors: list[str]) -> list[int]:
    first: dict[str, int] = {}
    for number, page in enumerate(document.pages):
        for anchor in page.anchors:
            first.setdefault(anchor, number)  # a letter of several pages is listed on each of them
    starts = [first[anchor] for anchor in anchors]
    if starts[0] != 0 or sorted(set(starts)) != starts:
        raise ValueError("letters and pages do not match")
    return starts


def _cut(whole: pikepdf.Pdf, first: int, end: int, title: str) -> bytes:
    letter = pikepdf.new()
    letter.pages.extend(whole.pages[first:end])
    letter.docinfo["/Title"] = title
    content = io.BytesIO()
    letter.save(content, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return content.getvalue()


def serve(commands: BinaryIO, results: BinaryIO) -> None:
    """Answer jobs until the other side closes. The first line carries the style sheets."""
    press = Press(json.loads(commands.readline())["styles"])
    for line in iter(commands.readline, b""):
        job = json.loads(line)
        html = commands.read(job.pop("bytes")).decode()
        _allow_seconds(job.pop("seconds"))
        try:
            letters = press.print(html, **job)
        except MemoryError:
            _answer(results, {"error": "memory"})
            return
        except Exception as error:
            _answer(results, {"error": f"{type(error).__name__}: {error}"[:200]})
            continue
        sizes, pages = [len(pdf) for pdf, _ in letters], [number for _, number in letters]
        _answer(results, {"sizes": sizes, "pages": pages, "peak_kb": _peak_kb()})
        for pdf, _ in letters:
            results.write(pdf)
        results.flush()


def _answer(results: BinaryIO, answer: dict[str, Any]) -> None:
    results.write(json.dumps(answer).encode() + b"\n")
    results.flush()


def _peak_kb() -> int:
    """Most memory that this program held; ru_maxrss would count what its parent held when it started this one."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.split("VmHWM:")[1].split()[0])


def _allow_seconds(seconds: int) -> None:
    """Let this job use so much processor time; the kernel ends the press after that, whoever else has died."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, resource.RLIM_INFINITY))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    serve(sys.stdin.buffer, results)


if __name__ == "__main__":
    main()
