"""Invented letters, receipts and statements, for looking at the layouts and for previews without an account."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from notices.amounts import capitals, figures, short_period, written_periods
from notices.kinds import KindRules

FEES = ((("物业服务费", False), "328.60"), (("水费", True), "51.70"), (("公摊电费", True), "17.70"))
FIRST_MONTH = date(2023, 11, 1)
OPENING = Decimal("657.20")
PAPER_FIELDS = {
    "业主": "陈建国、王秀兰", "房号": "3栋2单元1802室", "项目名称": "凤凰城一期",
    "物业公司": "凤凰城物业服务有限公司", "开具日期": "2025年11月24日",
}  # fmt: skip


def sample_data(rules: KindRules, *, rows: int = 12, **fields: str) -> dict[str, Any]:
    """The data of a letter with so many charges; ``fields`` replace the samples of the fields."""
    fees = FEES if rows > 12 else FEES[:1]
    charges: list[dict[str, Any]] = []
    periods = []
    for number in range(rows):
        start = _month(number // len(fees))
        end = _month(number // len(fees) + 1) - timedelta(days=1)
        (fee, on_behalf), amount = fees[number % len(fees)]
        periods.append((start, end))
        charges.append({
            "id": number + 1,
            "fee": fee,
            "on_behalf": on_behalf,
            "period": short_period(start, end),
            "due_on": start.replace(day=10).isoformat(),
            "amount": amount,
            "settled": "60.00" if number == 0 and rows > 1 else "0.00",
        })  # fmt: skip
    principal = sum((Decimal(c["amount"]) - Decimal(c["settled"]) for c in charges), Decimal(0))
    values = {field.name: field.sample for field in rules.fields} | {
        "欠费合计": figures(principal),
        "欠费合计大写": capitals(principal),
        "欠费期间": written_periods(periods),
    }
    return {"fields": values | fields, "charges": charges, "scan_code": rules.scan_code(year=2025, sequence=123)}


def sample_receipt(*, rows: int = 3, **fields: str) -> dict[str, Any]:
    """The data of a receipt of so many fees."""
    lines = [
        {"fee": fee, "period": "2025年1月至10月", "amount": amount, "remark": "代收代付" if on_behalf else ""}
        for (fee, on_behalf), amount in (FEES[number % len(FEES)] for number in range(rows))
    ]
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    values = PAPER_FIELDS | {
        "日期": "2025年11月24日", "金额": figures(total), "大写": capitals(total), "收款方式": "刷卡",
        "流水号": "8831-2207", "原收据号": "", "收款人": "何琳", "尚欠": "1,310.04",
    }  # fmt: skip
    return {"fields": values | fields, "lines": lines}


def sample_statement(*, rows: int = 12, **fields: str) -> dict[str, Any]:
    """The data of a statement with so many movements: charges, and every fifth time the money for them."""
    lines, balance = [], OPENING
    for number in range(rows):
        is_payment = number % 5 == 4
        amount = balance if is_payment else Decimal("328.60")
        balance = Decimal("0.00") if is_payment else balance + amount
        lines.append({
            "day": _month(number).replace(day=10).isoformat(),
            "number": f"RC2025{number:06d}" if is_payment else "",
            "text": "收款（微信）" if is_payment else f"物业服务费 {_month(number):%Y-%m}",
            "charged": "0.00" if is_payment else str(amount),
            "received": str(amount) if is_payment else "0.00",
            "balance": str(balance),
        })  # fmt: skip
    values = PAPER_FIELDS | {
        "建筑面积": "124.00㎡", "起日": "2023年11月1日", "止日": "2025年11月24日", "数据截至": "2025年11月24日 17:30",
        "余额": figures(balance), "大写": capitals(balance), "有预存": "",
        "服务中心地址": "凤凰城一期1栋首层物业服务中心", "联系电话": "020-88880000", "受理时间": "每日 8:30—18:00",
    }  # fmt: skip
    return {"fields": values | fields, "opening": str(OPENING), "lines": lines}


def _month(number: int) -> date:
    months = FIRST_MONTH.year * 12 + FIRST_MONTH.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)
