"""Invented letters, for looking at the layout and for previews without an account."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from notices.amounts import capitals, figures, short_period, written_periods
from notices.kinds import KindRules

FEES = ((("物业服务费", False), "328.60"), (("水费", True), "51.70"), (("公摊电费", True), "17.70"))
FIRST_MONTH = date(2023, 11, 1)


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


def _month(number: int) -> date:
    months = FIRST_MONTH.year * 12 + FIRST_MONTH.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)
