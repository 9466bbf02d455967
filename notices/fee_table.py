"""The tables of a fee notice: what each charge was computed from, or what is open of each fee."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from notices.amounts import figures
from notices.fonts import half_widths
from notices.grid import Column, Grid, Page, Row, filled

ON_BEHALF = "（代收）"
ZERO = Decimal("0.00")
HALF_WIDTH, LINE = 1.625, 6.5
# Where nothing is settled in part there is no need for three columns of money.
PLAIN = Grid(
    (
        Column("费项", 18, "l"),
        Column("费用所属期", 24, "c"),
        Column("单价×面积/表数", 28, "c"),
        Column("月数", 8, "c"),
        Column("金额(元)", 18, "r"),
    ),
    half_width=HALF_WIDTH,
    line=LINE,
)
IN_PART = Grid(
    (
        Column("费项", 16, "l"),
        Column("费用所属期", 18, "c"),
        Column("单价×面积/表数", 18, "c"),
        Column("月数", 5, "c"),
        Column("应收(元)", 13, "r"),
        Column("已收(元)", 13, "r"),
        Column("待缴(元)", 13, "r"),
    ),
    half_width=HALF_WIDTH,
    line=LINE,
)
BY_FEE = Grid(
    (Column("费项", 26, "l"), Column("费用所属期", 50, "c"), Column("金额(元)", 20, "r")),
    half_width=HALF_WIDTH,
    line=LINE,
)
TYPE_AREA, HEAD, CLOSING = 251.0, 43.0, 90.0
"""Heights in mm: of a page, of what stands above the text, of signature and receipt below the table."""
TEXT_LINE, SIGNS_OF_LINE = 6.7, 78  # mm; half-widths, two fewer than fit, since letters are not all half as wide
NEXT_PAGE = 34


def fee_table(charges: Sequence[Mapping[str, Any]], text: Sequence[str]) -> dict[str, Any]:
    """The table of a fee notice. It begins under the paragraphs of ``text``; the receipt fits below its last page."""
    in_part = any(Decimal(charge["settled"]) for charge in charges)
    grid = IN_PART if in_part else PLAIN
    rows = [grid.row(_cells(charge, in_part=in_part)) for charge in charges]
    free = TYPE_AREA - HEAD - TEXT_LINE * sum(map(_lines, text))
    if sum(row.height for row in rows) + 2 <= (free - CLOSING) / LINE:
        sheets = [rows]
    else:
        first = max(int(free / LINE) - 3, 1)  # head and foot of the table, and a line more than was counted
        sheets = filled(rows, first=first, following=NEXT_PAGE - 2, closing=math.ceil(CLOSING / LINE))
    return grid.as_data(_pages(grid, charges, sheets, in_part=in_part))


def _lines(paragraph: str) -> int:
    """About how many lines a paragraph takes, with its indent."""
    return math.ceil((half_widths(paragraph) + 4) / SIGNS_OF_LINE)


def fee_summary(fees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row for each fee, on one page: the inside of a folded slip."""
    rows = [BY_FEE.row([_name(fee), fee["period"], figures(Decimal(fee["open"]))]) for fee in fees]
    total = sum((Decimal(fee["open"]) for fee in fees), ZERO)
    return BY_FEE.as_data([Page(rows, BY_FEE.row(["合计", "", figures(total)]))])


def _name(charge: Mapping[str, Any]) -> str:
    fee: str = charge["fee"]
    return fee + (ON_BEHALF if charge["on_behalf"] else "")


def _cells(charge: Mapping[str, Any], *, in_part: bool) -> list[str]:
    known = [_name(charge), charge["period"], charge.get("computed_from", ""), charge.get("months", "")]
    return known + _money(Decimal(charge["amount"]), Decimal(charge["settled"]), in_part=in_part)


def _money(amount: Decimal, settled: Decimal, *, in_part: bool) -> list[str]:
    return [*map(figures, (amount, settled, amount - settled))] if in_part else [figures(amount - settled)]


def _pages(
    grid: Grid, charges: Sequence[Mapping[str, Any]], sheets: Sequence[list[Row]], *, in_part: bool
) -> list[Page]:
    """With 承前页 and 过次页 where the table goes on."""
    pages: list[Page] = []
    done = 0

    def sums(label: str) -> Row:
        money = [sum((Decimal(charge[key]) for charge in charges[:done]), ZERO) for key in ("amount", "settled")]
        return grid.row([label, "", "", "", *_money(money[0], money[1], in_part=in_part)])

    for sheet in sheets:
        carried = [sums("承前页")] if done else []
        done += len(sheet)
        pages.append(Page([*carried, *sheet], sums("过次页" if done < len(charges) else "合计")))
    return pages
