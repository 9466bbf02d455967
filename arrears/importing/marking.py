"""A workbook handed back with its bad cells marked: the same rows at the same places, and a sheet with the reasons."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from django.core.files.base import File
from django.utils.translation import gettext as _

from arrears.importing.layout import letter_of
from arrears.importing.messages import issue_text
from arrears.importing.reading import Cell, Sheet, opened
from arrears.importing.states import State
from arrears.importing.steps import CONTENT_TYPES, local_path
from arrears.models import Import, ImportIssue
from company.files import store_file
from company.models import FilePurpose, StoredFile

MOST_NOTES = 2000
"""Notes are kept in memory until the file is written; every reason stands in the sheet of reasons too."""
SHEET_NAME_LENGTH = 31
NOT_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
LONGEST_TEXT = 32_767
LARGEST_NUMBER = 9.9e307
FIRST_DAY_OF_EXCEL = date(1900, 1, 1)
BAD_CELL = {"bg_color": "#fdf0ef", "font_color": "#c22f2f", "border": 1, "border_color": "#f0c4c1"}
Faults = dict[tuple[str, int], list[ImportIssue]]


def mark_errors(import_id: int) -> StoredFile | None:
    """Keep the marked workbook of a checked import, once; None where nothing is to be marked.

    Done again by a second worker it gives the same file. Raises Refusal when the uploaded file cannot be read any more.
    """
    workbook = Import.objects.select_related("project", "file", "marked_file").get(pk=import_id)
    issues = list(workbook.issues.filter(severity=ImportIssue.Severity.ERROR))
    if workbook.marked_file or not issues:
        return workbook.marked_file
    with local_path(workbook.file) as path, tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        write_marked(path, issues, file)
        name = _("%(name)s, marked") % {"name": Path(workbook.file_name).stem[:150]}
        stored = store_file(
            project=workbook.project,
            content=File(file),
            name=f"{name}.xlsx",
            content_type=CONTENT_TYPES[".xlsx"],
            purpose=FilePurpose.IMPORT_ERRORS,
            by=workbook.created_by,
        )
    # Checked anew meanwhile, its issues are other rows, and this file is not the one that belongs to them.
    of_this_check = Import.objects.filter(pk=import_id, marked_file=None, issues=issues[0].pk)
    of_this_check.exclude(state=State.CANCELLED).update(marked_file=stored)
    return stored


def write_marked(path: Path, issues: Iterable[ImportIssue], file: IO[bytes]) -> None:
    """Write the workbook at ``path`` into ``file`` with the cells of ``issues`` marked. Raises Refusal."""
    faults: Faults = defaultdict(list)
    for issue in issues:
        faults[issue.sheet, issue.row or 0].append(issue)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with closing(xlsxwriter.Workbook(file.name, options)) as book, opened(path) as sheets:
        pen = _Pen(book)
        for sheet in sheets:
            pen.sheet(sheet, faults)
        pen.reasons(faults)


class _Pen:
    """Writes sheets from the top down; nothing that was written stays in memory, apart from some notes."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._bad = book.add_format(BAD_CELL)
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._bold = book.add_format({"bold": True})
        self._notes_left = MOST_NOTES
        self._names: set[str] = set()

    def sheet(self, sheet: Sheet, faults: Faults) -> None:
        """The rows of one sheet where they stood, the bad cells red, with the reason as a note."""
        out = self._new_sheet(sheet.name or _("Rows"))
        out.set_column(0, 40, 13)
        for chunk in sheet.chunks():
            for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                self._row(out, sheet, number, row, faults.get((sheet.name, number), []))

    def _row(self, out: Any, sheet: Sheet, number: int, row: list[Cell], issues: list[ImportIssue]) -> None:
        bad = {issue.column or letter_of(sheet.first_column): issue for issue in issues}
        for column, cell in enumerate(row, start=sheet.first_column):
            issue = bad.get(letter_of(column)) if bad else None
            if issue is None:
                self._cell(out, number - 1, column, cell)
                continue
            self._cell(out, number - 1, column, cell if cell != "" else issue.value, self._bad)
            if self._notes_left:
                self._notes_left -= 1
                out.write_comment(number - 1, column, _reason(issue))

    def _cell(self, out: Any, row: int, column: int, cell: Cell, style: Any = None) -> None:
        match cell:
            case "":
                out.write_blank(row, column, None, style)
            case str():
                out.write_string(row, column, cell[:LONGEST_TEXT], style)
            case datetime() | date() if cell.year >= FIRST_DAY_OF_EXCEL.year and style is None:
                out.write_datetime(row, column, cell, self._day)
            case float() | int() if abs(cell) < LARGEST_NUMBER:
                out.write_number(row, column, cell, style)
            case _:
                out.write_string(row, column, str(cell), style)

    def reasons(self, faults: Faults) -> None:
        """A last sheet that lists what is wrong, in the order of the workbook."""
        out = self._new_sheet(_("What is wrong"))
        out.set_column(0, 2, 10)
        out.set_column(3, 4, 40)
        for row, line in enumerate(_reason_lines(faults)):
            for column, text in enumerate(line):
                out.write_string(row, column, text, self._bold if row == 0 else None)

    def _new_sheet(self, wanted: str) -> Any:
        """A sheet of this name as far as Excel takes it, with a number where another sheet has it."""
        plain = NOT_IN_SHEET_NAME.sub(" ", wanted).strip("' ") or _("Rows")
        name, number = plain[:SHEET_NAME_LENGTH], 1
        while name.casefold() in self._names:
            number += 1
            name = f"{plain[: SHEET_NAME_LENGTH - 4]} {number}"
        self._names.add(name.casefold())
        return self._book.add_worksheet(name)


def _reason_lines(faults: Faults) -> Iterator[tuple[str, ...]]:
    yield _("Sheet"), _("Row"), _("Column"), _("Value"), _("Reason")
    for issues in faults.values():
        for issue in issues:
            yield issue.sheet, str(issue.row or ""), issue.column, issue.value, _reason(issue)


def _reason(issue: ImportIssue) -> str:
    return issue_text(issue.code, issue.params, sheet=issue.sheet, value=issue.value)
