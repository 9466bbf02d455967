"""Reads one workbook of a stranger in a process of its own, with limits of memory and time.

Run as ``python -I reader.py`` by arrears.importing.reading, with its order as JSON on standard input; it knows nothing
of Django or the database. On standard output it writes pickled tuples of plain values, one after the other:

    ("rows", sheet, its first column, [row numbers], [[cells]], [covered])      ("end",)
    ("cells", {(sheet, row, column): text})      ("refused", code, {params})

Rows count from 1 and columns from 0. Blank rows are left out. Cells are str, float, int, date or datetime. Covered are
empty cells below the first one of merged cells, as (place in the list, column).
"""

import bisect
import csv
import datetime as dt
import io
import json
import pickle
import re
import resource
import runpy
import sys
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

CHUNK_ROWS = 2000
MOST_COLUMNS = 500
MOST_ENTRIES = 2000
MOST_PACKED_TO = 200  # times; a deflated sheet of equal cells stays below
SMALL_ENTRY = 1 << 20
MOST_COVERED = 100_000
KEPT_STRINGS = 200_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OLD_WORKBOOK = re.compile(rb"\x09\x08[\x08\x10]\x00\x00[\x05\x06]\x05\x00")
ENCRYPTED, FIRST_RECORDS = b"\x2f\x00", 6
ENCODINGS = ("utf-8-sig", "gb18030")
DELIMITERS = "\t;,"
LOOKED_AT = 1 << 14
NUMBERS = frozenset({float, int})
MARKUP = Path(__file__).with_name("markup.py")
WEB_PAGE = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(<!doctype html|<!--|<html|<head|<meta|<style|<table|<\?xml|<workbook|mime-version:)",
    re.IGNORECASE,
)
NO_VALUE = rb"\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
BROKEN_CELL = re.compile(rb't="e"|</f>' + NO_VALUE + rb"|<f[^>]*/>" + NO_VALUE)


class Refused(Exception):
    """The file as a whole cannot be read; ``code`` names the sentence that says why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class Merge(NamedTuple):
    """Cells merged down, rows counted from 1 and the column from the sheet's first."""

    top: int
    bottom: int
    column: int


class Grid(NamedTuple):
    """A sheet with its rows from the first on; a text file has no name."""

    name: str
    first_column: int
    rows: Iterator[list[Any]]
    merged: deque[Merge]


class Tidy(dict[Any, Any]):
    """By cell value the plain value, one object for all equal ones: pickles small and is compared fast."""

    def __missing__(self, value: Any) -> Any:
        if len(self) > KEPT_STRINGS:
            self.clear()
        self[value] = plain = _plain(value)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value if value.time() != dt.time() else value.date()
    return value if isinstance(value, str | dt.date) else str(value)


def send(*message: Any) -> None:
    pickle.dump(message, sys.stdout.buffer, protocol=5)


def limit(*, memory_mb: int, seconds: int) -> None:
    """Beyond these the system ends the process; whoever started it says so to the user."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def kind_of(path: Path, *, unpacked_mb: int) -> str:
    """``workbook``, ``markup`` or ``text``, by content and not by name. Raises Refused for anything else."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head.strip():
        raise Refused("empty")
    if head.startswith(b"PK"):
        _check_zip(path, unpacked_mb=unpacked_mb)
        return "workbook"
    if head.startswith(OLE):
        _check_ole(path)
        return "workbook"
    if head.startswith(UTF_16_MARKS):
        return "text"
    if head.startswith((b"MZ", b"\x7fELF")):
        raise Refused("program")
    if WEB_PAGE.match(head):
        return "markup"
    if b"\0" in head or head.startswith((b"%PDF", b"{\\rtf")):
        raise Refused("not_a_workbook")
    return "text"


def _check_zip(path: Path, *, unpacked_mb: int) -> None:
    """Look at the directory of the archive before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            mimetype = archive.read("mimetype")[:80] if "mimetype" in names and len(entries) < MOST_ENTRIES else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Refused("damaged") from error
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > unpacked_mb << 20:
        raise Refused("unpacks_too_big")
    if any(e.file_size > SMALL_ENTRY and e.file_size > MOST_PACKED_TO * e.compress_size for e in entries):
        raise Refused("unpacks_too_big")
    if any(name.endswith("vbaProject.bin") for name in names):
        raise Refused("macros")
    if not ({"xl/workbook.xml", "xl/workbook.bin"} & names or mimetype.endswith(b"opendocument.spreadsheet")):
        raise Refused("not_a_workbook")


def _check_ole(path: Path) -> None:
    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content or _is_locked(content):
        raise Refused("password")
    if not any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        raise Refused("not_a_workbook")
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise Refused("macros")


def _is_locked(content: bytes) -> bool:
    """Whether the first records of an old workbook say that what follows is encrypted."""
    begin = OLD_WORKBOOK.search(content)
    place = begin.start() if begin else len(content)
    for _record in range(FIRST_RECORDS):
        kind, length = content[place : place + 2], int.from_bytes(content[place + 2 : place + 4], "little")
        if kind == ENCRYPTED:
            return True
        place += 4 + length
    return False


def read_workbook(path: Path) -> Iterator[Grid]:
    """Each visible sheet with something in it."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        for sheet in book.sheets_metadata:
            if sheet.visible != calamine.SheetVisibleEnum.Visible or sheet.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            content = book.get_sheet_by_name(sheet.name)
            if content.start is not None:
                yield Grid(sheet.name, content.start[1], content.iter_rows(), _merged_down(content))
    except calamine.PasswordError as error:
        raise Refused("password") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise Refused("damaged") from error


def _merged_down(sheet: Any) -> deque[Merge]:
    """Cells merged over several rows, by row; columns count from the sheet's first. Of overlapping ones the first."""
    left, last = sheet.start[1], dict[int, int]()
    found = deque[Merge]()
    for (top, column), (bottom, _right) in sorted(sheet.merged_cell_ranges or ()):
        if bottom > top > last.get(column, -1) and column >= left:
            last[column] = bottom
            found.append(Merge(top + 1, bottom + 1, column - left))
    return found


def read_text(path: Path) -> Iterator[Grid]:
    """A CSV file as one sheet without a name; comma, semicolon or tab, UTF-8, UTF-16 with mark or GB18030."""
    text = _decoded(path.read_bytes())
    csv.field_size_limit(1 << 16)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text[:LOOKED_AT].splitlines()))
    yield Grid("", 0, ([_without_formula(cell) for cell in row] for row in rows) if '="' in text else rows, deque())


def read_markup(path: Path) -> Iterator[Grid]:
    """The tables of a web page or of the XML of Excel 2003, both of which charging systems name .xls."""
    markup = runpy.run_path(str(MARKUP))
    try:
        for name, rows, merged in markup["tables_of"](path.read_bytes()):
            yield Grid(name, 0, iter(rows), deque(sorted(Merge(*place) for place in merged)))
    except markup["MarkupError"] as error:
        raise Refused("web_page") from error


def _delimiter(lines: list[str]) -> str:
    """What separates the cells in most lines: titles above the header hold none, and amounts may hold commas."""
    best = [max(DELIMITERS, key=line.count) for line in lines if any(mark in line for mark in DELIMITERS)]
    return max(DELIMITERS, key=best.count)


def _without_formula(cell: str) -> str:
    """``="2025-01"`` is how charging systems keep Excel from computing with a text."""
    return cell[2:-1].replace('""', '"') if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


def _decoded(content: bytes) -> str:
    encodings = ("utf-16",) if content.startswith(UTF_16_MARKS) else ENCODINGS
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refused("not_a_workbook")


def covered(merged: deque[Merge], numbers: list[int], rows: list[list[Any]]) -> list[tuple[int, int]]:
    """Empty cells of these rows below the first one of merged cells."""
    found: list[tuple[int, int]] = []
    while merged and merged[0].bottom < numbers[0]:
        merged.popleft()
    for merge in merged:
        if merge.top > numbers[-1] or len(found) > MOST_COVERED:
            break
        begin, end = bisect.bisect_right(numbers, merge.top), bisect.bisect_right(numbers, merge.bottom)
        found += [
            (index, merge.column)
            for index in range(begin, end)
            if merge.column < len(rows[index]) and rows[index][merge.column] == ""
        ]
    return found


def send_rows(grid: Grid, *, left: int, most: int) -> int:
    """Send what is not blank, in chunks; returns how many rows. Raises Refused beyond ``left``."""
    tidy, sent = Tidy(), 0
    numbers: list[int] = []
    chunk: list[list[Any]] = []

    def send_chunk() -> None:
        send("rows", grid.name, grid.first_column, numbers, chunk, covered(grid.merged, numbers, chunk))

    for number, row in enumerate(grid.rows, start=1):
        if row.count("") == len(row):
            continue
        if len(row) > MOST_COLUMNS:
            raise Refused("too_many_columns", limit=MOST_COLUMNS)
        numbers.append(number)
        chunk.append([cell if cell.__class__ in NUMBERS else tidy[cell] for cell in row])
        sent += 1
        if sent > left:
            raise Refused("too_many_rows", limit=most)
        if len(chunk) == CHUNK_ROWS:
            send_chunk()
            numbers, chunk = [], []
    if chunk:
        send_chunk()
    return sent


def read(path: Path, *, rows: int, unpacked_mb: int) -> None:
    """Send every sheet of the file. Raises Refused."""
    readers = {"workbook": read_workbook, "markup": read_markup, "text": read_text}
    grids = readers[kind_of(path, unpacked_mb=unpacked_mb)](path)
    sent = 0
    for grid in grids:
        try:
            sent += send_rows(grid, left=rows - sent, most=rows)
        except csv.Error as error:
            raise Refused("damaged") from error
    if not sent:
        raise Refused("empty")
    send("end")


def inspect(path: Path, cells: list[list[Any]]) -> None:
    """Send what really stands in cells that read as empty: a formula without a value, or an error such as #REF!."""
    found: dict[tuple[str, int, int], str] = {}
    if zipfile.is_zipfile(path) and _has_broken_cells(path):
        import openpyxl

        with path.open("rb") as file:  # by its name openpyxl would refuse an upload, which is kept without an ending
            book = openpyxl.load_workbook(file, read_only=True, data_only=False)
            for name in {cell[0] for cell in cells}:
                wanted = {(row, column) for sheet, row, column in cells if sheet == name}
                found |= {(name, *place): text for place, text in _texts(book[name], wanted)}
    send("cells", found)


def _has_broken_cells(path: Path) -> bool:
    """A look through the raw sheets, so that sound workbooks are not read a second time."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.startswith("xl/worksheets/"):
                with archive.open(entry) as sheet:
                    tail = b""
                    while block := sheet.read(1 << 20):
                        if BROKEN_CELL.search(tail + block):
                            return True
                        tail = block[-64:]
    return False


def _texts(sheet: Any, wanted: set[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], str]]:
    rows = {row for row, _column in wanted}
    for number, cells in enumerate(sheet.iter_rows(max_row=max(rows), values_only=True), start=1):
        if number in rows:
            for column, value in enumerate(cells):
                if (number, column) in wanted and value is not None:
                    yield (number, column), str(value)


def main(order: dict[str, Any]) -> None:
    limit(memory_mb=order["memory_mb"], seconds=order["seconds"])
    path = Path(order["path"])
    try:
        if order["do"] == "inspect":
            inspect(path, order["cells"])
        else:
            read(path, rows=order["rows"], unpacked_mb=order["unpacked_mb"])
    except Refused as refused:
        send("refused", refused.code, refused.params)
    except (MemoryError, RecursionError):
        send("refused", "unpacks_too_big", {})
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main(json.load(sys.stdin))
