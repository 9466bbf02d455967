"""A row that spans years becomes one charge a month, so that each year has what is its own (A7)."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from arrears.importing.cells import CENT


class Part(NamedTuple):
    """A row or one month of it, in CNY. ``amount`` is what is due less what is waived."""

    period_start: date
    period_end: date
    amount: Decimal
    waived: Decimal
    received: Decimal | None


def parts_of(whole: Part) -> list[Part]:
    """The row as it is within one year, else split by month: amounts by the share of each month that it covers.

    What was received (None: the sheet does not say) settles the oldest months first.
    """
    period_start, period_end, amount, waived, received = whole
    if period_start.year == period_end.year:
        return [whole]
    months = list(_months(period_start, period_end))
    weights = [Decimal((end - start).days + 1) / monthrange(start.year, start.month)[1] for start, end in months]
    parts, left = [], received or Decimal("0.00")
    for (start, end), own, own_waived in zip(months, _shares(amount, weights), _shares(waived, weights), strict=True):
        settled = min(left, own)
        left -= settled
        parts.append(Part(start, end, own, own_waived, None if received is None else settled))
    return parts


def _months(start: date, end: date) -> Iterator[tuple[date, date]]:
    while start <= end:
        last = start.replace(day=monthrange(start.year, start.month)[1])
        yield start, min(last, end)
        start = last + timedelta(days=1)


def _shares(total: Decimal, weights: list[Decimal]) -> Iterator[Decimal]:
    """Shares in cents that add up to ``total``: each is rounded together with all before it."""
    whole, so_far, given = sum(weights), Decimal(0), Decimal("0.00")
    for weight in weights:
        so_far += weight
        share = (total * so_far / whole).quantize(CENT, ROUND_HALF_UP) - given
        given += share
        yield share
