"""The ledger under a letter: a table (notices.grid) of 156 mm, which are 96 half-widths of 1.625 mm."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from notices.amounts import figures
from notices.grid import Column, Grid, Page, Row

FIRST_PAGE_LINES = 31
NEXT_PAGE_LINES = 34

COLUMNS = (
    Column("序号", 6, "c"),
    Column("费项", 18, "l"),
    Column("费用所属期", 20, "c"),
    Column("应缴日", 12, "c"),
    Column("应收(元)", 13, "r"),
    Column("已收(元)", 13, "r"),
    Column("未付本金(元)", 14, "r"),
)
GRID = Grid(COLUMNS, half_width=1.625, line=6.5)


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


def pages(lines: Sequence[Line]) -> list[Page]:
    """The rows of the table by page, with 承前页 and 过次页 where it goes on and 合计 at its end."""
    result: list[Page] = []
    rows: list[Row] = []
    sums, room = Sums(), FIRST_PAGE_LINES - 1
    for number, line in enumerate(lines, start=1):
        row = GRID.row(_cells(number, line))
        if row.height > room:
            result.append(Page(rows, GRID.row(sums.cells("过次页"))))
            rows, room = [GRID.row(sums.cells("承前页"))], NEXT_PAGE_LINES - 2
        rows.append(row)
        room -= row.height
        sums = sums.plus(line)
    return [*result, Page(rows, GRID.row(sums.cells("合计")))]


def ledger(lines: Sequence[Line]) -> dict[str, Any]:
    """The table as the layouts read it."""
    return GRID.as_data(pages(lines))


def _cells(number: int, line: Line) -> list[str]:
    money = [figures(amount) for amount in (line.amount, line.settled, line.open)]
    return [str(number), line.fee, line.period, line.due_on, *money]
