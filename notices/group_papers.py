"""The statement of a unit, owner, building or project as a page to print: a copy for the office, without a number.

What an owner is given stays the numbered statement of each account (notices.papers).
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from arrears.group_statements import GroupLine, GroupStatement
from company.models import Project
from notices.amounts import capitals, figures, written_date
from notices.fields import one_line
from notices.grid import Column, Grid, Page, Row
from notices.paper_data import written_instant
from notices.paper_layout import FIRST_PAGE, NEXT_PAGE
from notices.press import Printed, press
from owners.personal_data import mask_party

TITLE = "对账单汇总"
LAYOUT = "group_statement.typ"
GROUP = Grid(
    (
        Column("房号", 15, "l"),
        Column("业主", 17, "l"),
        Column("期初余额(元)", 16, "r"),
        Column("应收(元)", 16, "r"),
        Column("收款(元)", 16, "r"),
        Column("期末余额(元)", 16, "r"),
    ),
    half_width=1.625,
    line=6.5,
    spare=2,
)
CLOSING_LINES = 8  # what the words below the table take


def group_data(
    stated: GroupStatement, project: Project, *, name: str, known_until: datetime | None, today: date
) -> dict[str, Any]:
    """Everything that the page says, as text (Chinese). ``name``: whose statement it is, as it may be shown."""
    return {
        "fields": {
            "对象": one_line(name),
            "项目名称": one_line(project.name),
            "物业公司": one_line(project.company_name),
            "起日": written_date(stated.since),
            "止日": written_date(stated.until),
            "数据截至": written_instant(known_until),
            "户数": str(len(stated.lines)),
            "余额": figures(abs(stated.closing)),
            "大写": capitals(abs(stated.closing)),
            "有预存": "1" if stated.closing < 0 else "",
            "逾期": figures(stated.overdue),
            "开具日期": written_date(today),
        },
        "lines": [_line(line) for line in stated.lines],
        "sums": [figures(sum_) for sum_ in (stated.opening, stated.charged, stated.received, stated.closing)],
    }


def print_group(data: Mapping[str, Any]) -> Printed:
    """The PDF. Raises notices.press.PressError."""
    content = {"title": TITLE, "fields": data["fields"], "table": GROUP.as_data(_pages(data))}
    (printed,) = press().print(LAYOUT, [content])
    return printed


def _line(line: GroupLine) -> list[str]:
    amounts = (line.opening, line.charged, line.received, line.closing)
    return [line.account.unit.code, mask_party(line.account.ownership.party_name), *map(_figures_or_dash, amounts)]


def _figures_or_dash(amount: Decimal) -> str:
    return figures(amount) if amount else "-"


def _pages(data: Mapping[str, Any]) -> list[Page]:
    """The table by page; the sum stands on the last one with the words below it."""
    foot = GROUP.row(["合计", f"{data['fields']['户数']}户", *data["sums"]])
    sheets: list[list[Row]] = [[]]
    room = FIRST_PAGE
    for row in (GROUP.row(line) for line in data["lines"]):
        if row.height > room:
            sheets.append([])
            room = NEXT_PAGE
        sheets[-1].append(row)
        room -= row.height
    if room < CLOSING_LINES and len(sheets[-1]) > 1:
        sheets.append([sheets[-1].pop()])
    more = GROUP.row(["", "接下页", "", "", "", ""])
    return [*(Page(sheet, more) for sheet in sheets[:-1]), Page(sheets[-1], foot)]
