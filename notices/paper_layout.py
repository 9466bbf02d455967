"""Receipts and statements from their frozen data: what they say by us, set by the press with our own layouts.

The same data give the same file; nothing here reads a clock or the database.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from notices.amounts import figures
from notices.grid import Column, Grid, Page, Row, filled
from notices.models import PaperKind
from notices.press import Printed, press
from notices.scan_codes import code128

LAYOUTS = {PaperKind.RECEIPT: "receipt.typ", PaperKind.STATEMENT: "statement.typ"}
TITLES = {PaperKind.RECEIPT: "收据", PaperKind.STATEMENT: "对账单"}
ZERO = Decimal("0.00")

RECEIPT = Grid(
    (
        Column("费项", 22, "l"),
        Column("费用所属期", 36, "c"),
        Column("金额(元)", 20, "r"),
        Column("备注", 22, "l"),
    ),
    half_width=1.7,
    line=8,
    spare=2,
)
RECEIPT_LINES = 6  # of a half sheet, without head and foot

STATEMENT = Grid(
    (
        Column("日期", 13, "c"),
        Column("凭证号", 15, "l"),
        Column("摘要", 28, "l"),
        Column("应收(元)", 13, "r"),
        Column("收款(元)", 13, "r"),
        Column("余额(元)", 14, "r"),
    ),
    half_width=1.625,
    line=6.5,
    spare=2,
)
FIRST_PAGE, NEXT_PAGE = 28, 34  # lines without the head
CLOSING = 8  # lines that the words below the table and the signature take


def print_paper(kind: str, data: Mapping[str, Any], number: str) -> Printed:
    """The PDF of a receipt or statement. An empty ``number``: a copy for reading, which says so.

    Raises notices.press.PressError.
    """
    paper_kind = PaperKind(kind)
    (printed,) = press().print(LAYOUTS[paper_kind], [paper_content(paper_kind, data, number)])
    return printed


def paper_content(kind: PaperKind, data: Mapping[str, Any], number: str) -> dict[str, Any]:
    """What the layout of a receipt or statement reads."""
    is_receipt = kind is PaperKind.RECEIPT
    return {
        "title": TITLES[kind],
        "number": number,
        "scan": {"text": number, "svg": code128(number)} if number else None,
        "fields": data["fields"],
        "table": RECEIPT.as_data(receipt_pages(data)) if is_receipt else STATEMENT.as_data(statement_pages(data)),
    }


def receipt_pages(data: Mapping[str, Any]) -> list[Page]:
    """The table of a receipt by sheet: what is settled, the rest closed by 以下空白, the sum in words and figures."""
    fields = data["fields"]
    rows = [
        RECEIPT.row([line["fee"], line["period"], figures(Decimal(line["amount"])), line["remark"]])
        for line in data["lines"]
    ]
    foot = RECEIPT.row(["合计（大写）", fields["大写"], fields["金额"], ""])
    sheets = filled(rows, first=RECEIPT_LINES + 1 - foot.height, following=RECEIPT_LINES + 1 - foot.height)
    more = RECEIPT.row(["（接下张）", "", "", ""])
    if sum(row.height for row in sheets[-1]) < RECEIPT_LINES + 1 - foot.height:
        sheets[-1].append(RECEIPT.row(["（以下空白）", "", "", ""]))
    return [*(Page(sheet, more) for sheet in sheets[:-1]), Page(sheets[-1], foot)]


def statement_pages(data: Mapping[str, Any]) -> list[Page]:
    """The table of a statement by page, with 承前页 and 过次页; the words and signature below fit on its last page."""
    lines, opening = data["lines"], Decimal(data["opening"])
    rows = [STATEMENT.row(["", "", "期初余额", "", "", figures(opening)]), *(_statement_row(line) for line in lines)]
    charged, received, balance = ZERO, ZERO, opening
    sums = [(charged, received, balance)]
    for line in lines:
        charged, received = charged + Decimal(line["charged"]), received + Decimal(line["received"])
        sums.append((charged, received, Decimal(line["balance"])))
    sheets = filled(rows, first=FIRST_PAGE - 1, following=NEXT_PAGE - 2, closing=CLOSING)
    result: list[Page] = []
    done = 0
    for sheet in sheets:
        carried = [_sum_row("承前页", sums[done - 1])] if done else []
        done += len(sheet)
        label = "过次页" if done < len(rows) else "本期合计及期末余额"
        result.append(Page([*carried, *sheet], _sum_row(label, sums[done - 1])))
    return result


def _statement_row(line: Mapping[str, str]) -> Row:
    charged, received = Decimal(line["charged"]), Decimal(line["received"])
    return STATEMENT.row([
        line["day"], line["number"], line["text"], figures(charged) if charged else "",
        figures(received) if received else "", figures(Decimal(line["balance"])),
    ])  # fmt: skip


def _sum_row(label: str, sums: tuple[Decimal, Decimal, Decimal]) -> Row:
    return STATEMENT.row(["", "", label, *map(figures, sums)])
