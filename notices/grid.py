"""Tables on a grid of half-widths: preformatted lines, all equally high, with the rules as one drawing.

A real table costs the layout engine several times as much, and pages, carried sums and repeated heads become plain
counting. A cell that is too long goes on in a second line of the same row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from notices.fonts import half_widths

ON_GRID = str.maketrans({"—": "-", "–": "-", "·": "・", "（": "(", "）": ")"})

Row = list[str]  # the lines of one row of the table


@dataclass(frozen=True)
class Column:
    """``width`` in half-widths; ``align``: l, r or c."""

    head: str
    width: int
    align: str


@dataclass(frozen=True)
class Page:
    """What stands between two rules: rows without their head; ``foot`` is the last of them."""

    rows: list[Row]
    foot: Row


@dataclass(frozen=True)
class Grid:
    """A kind of table. ``half_width`` and ``line`` (the height of a line) in mm, as the style sheet has them.

    ``spare``: half-widths of a cell that text leaves free, on the left and on the right together.
    """

    columns: tuple[Column, ...]
    half_width: float
    line: float
    spare: int = 1

    def row(self, cells: Sequence[str]) -> Row:
        """The lines of a row with these cells."""
        wrapped = [
            _wrap(text.translate(ON_GRID), column.width - self.spare)
            for text, column in zip(cells, self.columns, strict=True)
        ]
        height = max(map(len, wrapped))
        columns = [[*part, *[""] * (height - len(part))] for part in wrapped]
        return ["".join(map(_padded, line, self.columns)).rstrip() for line in zip(*columns, strict=True)]

    def block(self, page: Page) -> str:
        """One page of the table as HTML."""
        rows = [*page.rows, page.foot]
        head = "".join(_padded(column.head, Column("", column.width, "c")) for column in self.columns)
        body = "\n".join(escape(line, quote=False) for row in page.rows for line in row)
        foot = "\n".join(escape(line, quote=False) for line in page.foot)
        return f'<div class="led">{self._rules(rows)}<p>{head}</p>{body}\n<b>{foot}</b></div>'

    def _rules(self, rows: Sequence[Row]) -> str:
        """The lines of the table as one drawing in the flow, pulled back by its own height."""
        width = sum(column.width for column in self.columns) * self.half_width
        bottoms = [self.line]
        for row in rows:
            bottoms.append(bottoms[-1] + len(row) * self.line)
        height = bottoms[-1]
        light = "".join(self._uprights(height)) + "".join(f"M0 {y:g}H{width:g}" for y in bottoms[1:-2])
        frame = f"M.15 .15H{width - 0.15:g}V{height - 0.15:g}H.15z"
        heavy = f"{frame}M0 {self.line:g}H{width:g}M0 {bottoms[-2]:g}H{width:g}"
        return (
            f'<svg viewBox="0 0 {width:g} {height:g}" '
            f'style="width:{width:g}mm;height:{height:g}mm;margin-bottom:-{height:g}mm">'
            f'<g fill="none" stroke="#000"><path d="{light}" stroke-width=".2"/>'
            f'<path d="{heavy}" stroke-width=".3"/></g></svg>'
        )

    def _uprights(self, height: float) -> Iterator[str]:
        x = 0.0
        for column in self.columns[:-1]:
            x += column.width * self.half_width
            yield f"M{x:g} 0V{height:g}"


def _wrap(text: str, width: int) -> list[str]:
    """``text`` in pieces of at most ``width`` half-widths, at least one."""
    if half_widths(text) <= width:
        return [text]
    pieces, piece = [], ""
    for sign in text:
        if half_widths(piece + sign) > width and piece:
            pieces.append(piece)
            piece = ""
        piece += sign
    return [*pieces, piece]


def _padded(text: str, column: Column) -> str:
    text = {"l": " " + text, "r": text + " ", "c": text}[column.align]
    room = max(column.width - int(-(-half_widths(text) // 1)), 0)
    left = {"l": 0, "r": room, "c": room // 2}[column.align]
    return " " * left + text + " " * (room - left)
