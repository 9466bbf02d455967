"""Days and amounts that a form offers, so that nothing need be typed at the door."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

FRIDAY = 4
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OfferedDay:
    day: date
    label: str


@dataclass(frozen=True, slots=True)
class OfferedAmount:
    """An amount in CNY."""

    amount: Decimal
    label: str


def offered_days(today: date) -> list[OfferedDay]:
    """Three different days on which somebody may pay: the day after tomorrow, a Friday, the end of a month."""
    soon = today + timedelta(days=2)
    friday = soon + timedelta(days=(FRIDAY - soon.weekday()) % 7 or 7)
    end = _end_of_month(today)
    if end in {soon, friday} or end < soon:
        end = _end_of_month(end + timedelta(days=1))
    return sorted(
        [
            OfferedDay(soon, _("the day after tomorrow")),
            OfferedDay(friday, date_format(friday, "l")),
            OfferedDay(end, _("end of the month")),
        ],
        key=lambda offer: offer.day,
    )


def offered_next(today: date) -> list[OfferedDay]:
    """Days for the next contact beside the one by rule."""
    return [OfferedDay(today + timedelta(days=3), _("in three days"))]


def next_by_rule(today: date, *, promised_for: date | None) -> date:
    """When to get in touch again: the day after a promise, else in a week."""
    return promised_for + DAY if promised_for else today + WEEK


def offered_amounts(overdue: Decimal) -> list[OfferedAmount]:
    """All of it, and about half of it as a round sum where there is enough; nothing where nothing is owed any more."""
    if not overdue:
        return []
    offers = [OfferedAmount(overdue, _("all"))]
    round_sum = _round_half(overdue)
    return [*offers, OfferedAmount(round_sum, _("a round sum"))] if round_sum else offers


def _round_half(amount: Decimal) -> Decimal | None:
    half = amount / 2
    step = next((Decimal(step) for step in (1000, 100, 10) if half >= step), None)
    return (half // step * step).quantize(Decimal("0.01")) if step else None


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
