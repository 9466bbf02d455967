"""Tables that we cut into pages ourselves: cells are wrapped by the widths of our fonts, so rows can be counted.

Pages, carried sums and repeated heads become plain counting, and every page is the same wherever it is printed. Widths
are half-widths: half of the table's type size, what a digit takes there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from notices.fonts import half_widths
from notices.typeset import atoms

KEPT_TOGETHER = 3  # rows that at least stand on the last page
# Drawn alike at half width, but Typst would pull a Chinese bracket that begins a line out of its cell.
HALF_WIDTH = str.maketrans({"（": "(", "）": ")"})


@dataclass(frozen=True)
class Column:
    """``width`` in half-widths; ``align``: l, r or c."""

    head: str
    width: int
    align: str


@dataclass(frozen=True)
class Row:
    """The lines of each cell."""

    cells: list[list[str]]

    @property
    def height(self) -> int:
        return max(map(len, self.cells))

    @property
    def texts(self) -> list[str]:
        return ["".join(lines) for lines in self.cells]


@dataclass(frozen=True)
class Page:
    """What stands on one page: rows without their head; ``foot`` is the last of them."""

    rows: list[Row]
    foot: Row


@dataclass(frozen=True)
class Grid:
    """A kind of table. ``half_width`` and ``line`` (the height of a line) in mm.

    ``spare``: half-widths of a cell that text leaves free, on the left and on the right together.
    """

    columns: tuple[Column, ...]
    half_width: float
    line: float
    spare: int = 1

    def row(self, cells: Sequence[str]) -> Row:
        """The row with these cells; one that is too long goes on in a second line."""
        return Row([
            _wrapped(text.translate(HALF_WIDTH), column.width - self.spare)
            for text, column in zip(cells, self.columns, strict=True)
        ])  # fmt: skip

    def as_data(self, pages: Sequence[Page]) -> dict[str, Any]:
        """What the layouts read: ``table-page`` of templates/print/lib.typ."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "half-width": self.half_width,
            "line": self.line,
            "spare": self.spare,
            "pages": [{"rows": [row.cells for row in page.rows], "foot": page.foot.cells} for page in pages],
        }


def filled(rows: Sequence[Row], *, first: int, following: int, closing: int = 0) -> list[list[Row]]:
    """``rows`` by page: so many lines on the first, on those that follow, and ``closing`` fewer on the last one."""
    sheets: list[list[Row]] = [[]]
    room = first
    for row in rows:
        if row.height > room:
            sheets.append([])
            room = following
        sheets[-1].append(row)
        room -= row.height
    if room < closing and len(sheets[-1]) > KEPT_TOGETHER:
        sheets.append([sheets[-1].pop() for _ in range(KEPT_TOGETHER)][::-1])
    return sheets


def _wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` half-widths, at least one."""
    if half_widths(text) <= width:
        return [text]
    lines, line = [], ""
    for atom in atoms(text):
        for piece in [atom] if half_widths(atom) <= width else atom:
            if line and half_widths(line + piece) > width:
                lines.append(line)
                line = ""
            line += piece
    return [*lines, line]
