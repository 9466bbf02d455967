"""The ledger under a letter: preformatted lines on a grid of half-widths, cut into pages by us.

All lines are equally high, so that pages, carried sums and repeated heads are plain counting; a real table costs the
layout engine several times as much. 156 mm are 96 half-widths of 1.625 mm; a cell that is too long goes on in a
second line of the same row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from notices.amounts import figures
from notices.fonts import half_widths

HALF_WIDTH = 1.625  # mm
LINE = 6.5  # mm
FIRST_PAGE_LINES = 31
NEXT_PAGE_LINES = 34
ON_GRID = str.maketrans({"—": "-", "–": "-", "·": "・", "（": "(", "）": ")"})


@dataclass(frozen=True)
class Column:
    head: str
    width: int
    align: str


COLUMNS = (
    Column("序号", 6, "c"),
    Column("费项", 18, "l"),
    Column("费用所属期", 20, "c"),
    Column("应缴日", 12, "c"),
    Column("应收(元)", 13, "r"),
    Column("已收(元)", 13, "r"),
    Column("未付本金(元)", 14, "r"),
)


@dataclass(frozen=True)
class Line:
    """One listed charge, in CNY."""

    fee: str
    period: str
    due_on: str
    amount: Decimal
    settled: Decimal

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled


@dataclass(frozen=True)
class Sums:
    amount: Decimal = Decimal("0.00")
    settled: Decimal = Decimal("0.00")

    def plus(self, line: Line) -> "Sums":
        return Sums(self.amount + line.amount, self.settled + line.settled)

    def cells(self, label: str) -> list[str]:
        open_ = self.amount - self.settled
        return ["", label, "", "", figures(self.amount), figures(self.settled), figures(open_)]


Row = list[str]  # the lines of one row of the table


@dataclass(frozen=True)
class Page:
    """What stands between two rules: rows without their head; ``foot`` is the last of them."""

    rows: list[Row]
    foot: Row


def pages(lines: Sequence[Line]) -> list[Page]:
    """The rows of the table by page, with 承前页 and 过次页 where it goes on and 合计 at its end."""
    result: list[Page] = []
    rows: list[Row] = []
    sums, room = Sums(), FIRST_PAGE_LINES - 1
    for number, line in enumerate(lines, start=1):
        row = _row(_cells(number, line))
        if len(row) > room:
            result.append(Page(rows, _row(sums.cells("过次页"))))
            rows, room = [_row(sums.cells("承前页"))], NEXT_PAGE_LINES - 2
        rows.append(row)
        room -= len(row)
        sums = sums.plus(line)
    return [*result, Page(rows, _row(sums.cells("合计")))]


def blocks(lines: Sequence[Line]) -> list[str]:
    """The table as HTML, one block a page."""
    return [_block(page) for page in pages(lines)]


def _cells(number: int, line: Line) -> list[str]:
    money = [figures(amount) for amount in (line.amount, line.settled, line.open)]
    return [str(number), line.fee, line.period, line.due_on, *money]


def _row(cells: Sequence[str]) -> Row:
    wrapped = [_wrap(text.translate(ON_GRID), column.width - 1) for text, column in zip(cells, COLUMNS, strict=True)]
    height = max(map(len, wrapped))
    columns = [[*part, *[""] * (height - len(part))] for part in wrapped]
    return ["".join(map(_padded, line, COLUMNS)).rstrip() for line in zip(*columns, strict=True)]


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


def _block(page: Page) -> str:
    rows = [*page.rows, page.foot]
    head = "".join(_padded(column.head, Column("", column.width, "c")) for column in COLUMNS)
    body = "\n".join(escape(line, quote=False) for row in page.rows for line in row)
    foot = "\n".join(escape(line, quote=False) for line in page.foot)
    return f'<div class="led">{_rules(rows)}<p>{head}</p>{body}\n<b>{foot}</b></div>'


def _rules(rows: Sequence[Row]) -> str:
    """The lines of the table as one drawing in the flow, pulled back by its own height."""
    width = sum(column.width for column in COLUMNS) * HALF_WIDTH
    bottoms = [LINE]
    for row in rows:
        bottoms.append(bottoms[-1] + len(row) * LINE)
    height = bottoms[-1]
    x, uprights = 0.0, ""
    for column in COLUMNS[:-1]:
        x += column.width * HALF_WIDTH
        uprights += f"M{x:g} 0V{height:g}"
    light = uprights + "".join(f"M0 {y:g}H{width:g}" for y in bottoms[1:-2])
    heavy = f"M.15 .15H{width - 0.15:g}V{height - 0.15:g}H.15zM0 {LINE:g}H{width:g}M0 {bottoms[-2]:g}H{width:g}"
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" '
        f'style="width:{width:g}mm;height:{height:g}mm;margin-bottom:-{height:g}mm">'
        f'<g fill="none" stroke="#000"><path d="{light}" stroke-width=".2"/>'
        f'<path d="{heavy}" stroke-width=".3"/></g></svg>'
    )
