"""Workbooks that we hand out, with inert cells, and small ones that we read."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import HttpResponse
from django.utils.translation import gettext as _

from company.sheet_reader import NO_WORKBOOK

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
READER = Path(__file__).with_name("sheet_reader.py")
MAX_UNPACKED = 100 << 20
COLUMN_WIDTHS = (8, 40)

Cell = str | int | Decimal | dt.date | None


class UnreadableWorkbookError(ValueError):
    """The file is no workbook that we read; the text says why, for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: its name, the head of each column, and the rows beneath."""

    title: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def workbook(title: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """An .xlsx file with one sheet. Text is written as text, so that no cell is taken for a formula."""
    return workbook_of([Sheet(title, heads, rows)])


def workbook_of(sheets: Iterable[Sheet]) -> bytes:
    """An .xlsx file with these sheets, as inert as `workbook`."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "bottom": 1})
    formats = {
        Decimal: book.add_format({"num_format": "#,##0.00"}),
        dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for one in sheets:
        sheet = book.add_worksheet(one.title[:31])
        sheet.freeze_panes(1, 0)
        for column, head in enumerate(one.heads):
            sheet.write_string(0, column, head, bold)
            sheet.set_column(column, column, _width(head))
        for number, row in enumerate(one.rows, start=1):
            for column, value in enumerate(row):
                _write(sheet, number, column, value, formats)
    book.close()
    return buffer.getvalue()


def download(content: bytes, name: str, content_type: str = XLSX) -> HttpResponse:
    """An answer that the browser saves under `name`."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def read_rows(content: bytes) -> list[list[str]]:
    """All cells of the first sheet as trimmed text. Raises UnreadableWorkbookError."""
    if content.startswith(b"PK"):
        _check_unpacked_size(content)
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _read_workbook(content)
    return _read_csv(content)


def _write(sheet: Any, row: int, column: int, value: Cell, formats: dict[type, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, dt.date):
        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), formats[dt.date])
    elif isinstance(value, Decimal):
        sheet.write_number(row, column, float(value), formats[Decimal])
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, value)


def _width(head: str) -> int:
    least, most = COLUMN_WIDTHS
    return min(max(2 * len(head) + 4, least), most)


def _check_unpacked_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableWorkbookError(_("The file is damaged; save it again and try once more.")) from error
    if unpacked > MAX_UNPACKED:
        raise UnreadableWorkbookError(_("The workbook is too large when unpacked."))


def _read_workbook(content: bytes) -> list[list[str]]:
    reader = subprocess.run([sys.executable, "-I", str(READER)], input=content, capture_output=True, check=False)
    if reader.returncode == NO_WORKBOOK:
        raise UnreadableWorkbookError(_("This is no workbook that can be read, or it is protected by a password."))
    if reader.returncode:
        raise UnreadableWorkbookError(_("The workbook is too large when unpacked."))
    rows: list[list[str]] = json.loads(reader.stdout)
    return rows


def _read_csv(content: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    raise UnreadableWorkbookError(_("This is no workbook that can be read, or it is protected by a password."))
