"""The late fee as the contract words it, in the plainest way: day after day, with fractions. Knows nothing of ours.

「业主逾期交纳的，自应交之日（及宽限期）届满之次日起，每日按未付款项的万分之五支付违约金，累计不超过欠费本金的百分之三十。」
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


@dataclass
class Bill:
    amount: Decimal
    due_on: dt.date
    paid: list[tuple[dt.date | None, Decimal, dt.date | None]] = field(default_factory=list)  # day, CNY, reversed on
    waived: list[tuple[dt.date, Decimal, dt.date | None]] = field(default_factory=list)


def unpaid_on(bill: Bill, day: dt.date) -> Fraction:
    """What was unpaid when ``day`` began to bear: money in by the day before counts, unless taken back by that day."""
    left = Fraction(bill.amount)
    for came, amount, taken_back in bill.paid:
        if (came is None or came < day) and (taken_back is None or day < taken_back):
            left -= Fraction(amount)
    for since, amount, until in bill.waived:
        if since <= day and (until is None or day < until):
            left -= Fraction(amount)
    return left


def contract_fee(bill: Bill, *, per_day: str, grace: int, cap_percent: str | None, as_of: dt.date) -> Decimal:
    """CNY owed for lateness at the end of ``as_of``."""
    total, day = Fraction(0), bill.due_on + dt.timedelta(days=grace)
    while day < as_of:
        day += dt.timedelta(days=1)
        total += unpaid_on(bill, day) * Fraction(per_day)
    if cap_percent is not None:
        total = min(total, Fraction(bill.amount) * Fraction(cap_percent) / 100)
    cents = total * 100
    whole = cents.numerator // cents.denominator
    return Decimal(whole + (1 if cents - whole >= Fraction(1, 2) else 0)) / 100
