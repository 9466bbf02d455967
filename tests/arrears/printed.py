"""What builds workbooks as charging systems print them: a case is a file with what finance reads from it."""

import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter

Line = Sequence[Any]
Grid = Sequence[Line]


@dataclass(frozen=True)
class Printed:
    """A workbook and what stands in it, in CNY. ``charges``: unit, period start, period end and amount of some rows."""

    kind: str
    make: Callable[[], bytes]
    sums: Mapping[str, str]
    rows: int
    name: str = "导出.xlsx"
    mistakes: Sequence[tuple[int, str, str]] = ()
    remarks: Sequence[str] = ()
    units: frozenset[str] = frozenset()
    charges: Sequence[tuple[str, str, str, str]] = ()
    as_of: dt.date | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Formula:
    text: str
    value: Any = ""


def book(
    sheets: Mapping[str, Grid] | Grid,
    *,
    merged: Sequence[str] = (),
    hidden: Sequence[str] = (),
    hidden_rows: Sequence[int] = (),
    hidden_columns: Sequence[int] = (),
    since_1904: bool = False,
) -> bytes:
    """An .xlsx workbook; ``merged`` are ranges of its first sheet, of which the upper left cell speaks."""
    content = io.BytesIO()
    grids = sheets if isinstance(sheets, Mapping) else {"Sheet1": sheets}
    with xlsxwriter.Workbook(content, {"date_1904": since_1904}) as made:
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for place, (name, grid) in enumerate(grids.items()):
            sheet = made.add_worksheet(name)
            for number, line in enumerate(grid):
                for column, cell in enumerate(line):
                    _write(sheet, number, column, cell, day)
            if place == 0:
                _dress(sheet, grid, merged, hidden_rows, hidden_columns)
            if name in hidden:
                sheet.hide()
    return content.getvalue()


def _write(sheet: Any, number: int, column: int, cell: Any, day: Any) -> None:
    if isinstance(cell, Formula):
        sheet.write_formula(number, column, cell.text, None, cell.value)
    elif isinstance(cell, str):
        sheet.write_string(number, column, cell)
    elif cell is not None:
        sheet.write(number, column, cell, day if isinstance(cell, dt.date) else None)


def _dress(
    sheet: Any, grid: Grid, merged: Sequence[str], hidden_rows: Sequence[int], hidden_columns: Sequence[int]
) -> None:
    for place in merged:
        (top, left), (_bottom, _right) = (_place(corner) for corner in place.split(":"))
        value = grid[top][left] if left < len(grid[top]) else ""
        sheet.merge_range(place, value if not isinstance(value, Formula) else "")
    for number in hidden_rows:
        sheet.set_row(number - 1, None, None, {"hidden": True})
    for column in hidden_columns:
        sheet.set_column(column, column, None, None, {"hidden": True})


def _place(corner: str) -> tuple[int, int]:
    from xlsxwriter.utility import xl_cell_to_rowcol

    found: tuple[int, int] = xl_cell_to_rowcol(corner)
    return found


def text(grid: Grid, *, separator: str = ",") -> str:
    """The grid as CSV; cells that need it are quoted."""

    def written(cell: Any) -> str:
        plain = "" if cell is None else str(cell)
        return '"' + plain.replace('"', '""') + '"' if any(mark in plain for mark in f'{separator}"\n') else plain

    return "".join(separator.join(map(written, line)) + "\r\n" for line in grid)


def day(text_of_it: str) -> dt.date:
    return dt.date.fromisoformat(text_of_it)
