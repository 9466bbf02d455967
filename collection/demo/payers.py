"""How households and shops pay: a habit each, and from it the days and shares of what they pay."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from random import Random

from owners.models import Owner, Unit


class Habit(Enum):
    PUNCTUAL = "punctual"
    YEAR_AHEAD = "year ahead"
    TWICE_A_YEAR = "twice a year"
    NOW_AND_THEN = "now and then"
    STOPPED = "stopped"
    NEVER = "never"


# In percent, in the order of Habit.
SHARES = {
    "flat": (59, 11, 6, 7, 12, 5),
    "shop": (66, 8, 6, 9, 8, 3),
    "parking": (70, 12, 4, 4, 7, 3),
}


@dataclass(frozen=True, slots=True)
class Intent:
    """On that day the payer gives a share of what is open, or a whole year's fees ahead."""

    on: date
    share: Decimal = Decimal(1)
    ahead: bool = False


def habit_of(kind: Owner.Kind | None, usage: str, rng: Random) -> Habit:
    """A developer has paid nothing for what is unsold; owners nobody knows pay nothing either."""
    drawn = rng.choices(list(Habit), weights=SHARES[_group(usage)])[0]
    return Habit.NEVER if kind in (None, Owner.Kind.DEVELOPER) else drawn


def intents(habit: Habit, months: list[date], rng: Random) -> Iterator[Intent]:
    """What the payer does in the months in which bills come, in order of days."""
    yield from _HABITS[habit](months, rng)


def _punctual(months: list[date], rng: Random) -> Iterator[Intent]:
    """Within the month of the bill, now and then a month late but never in the last two."""
    usual = rng.randint(3, 24)
    for index, month in enumerate(months):
        if index >= len(months) - 2 or rng.random() > 0.06:
            yield Intent(month.replace(day=min(28, max(2, usual + rng.randint(-2, 3)))))


def _year_ahead(months: list[date], rng: Random) -> Iterator[Intent]:
    for index, month in enumerate(months):
        yield Intent(month.replace(day=rng.randint(5, 20)), ahead=index == 0 or month.month == 1)


def _twice_a_year(months: list[date], rng: Random) -> Iterator[Intent]:
    for month in months:
        if month.month in (6, 12):
            yield Intent(month.replace(day=rng.randint(16, 28)))


def _now_and_then(months: list[date], rng: Random) -> Iterator[Intent]:
    for month in months[:-2]:
        if rng.random() < 0.28:
            share = rng.choice([Decimal(1), Decimal(1), Decimal("0.5"), Decimal("0.6")])
            yield Intent(month.replace(day=rng.randint(2, 28)), share=share)


def _stopped(months: list[date], rng: Random) -> Iterator[Intent]:
    for month in months[: rng.randint(0, max(0, len(months) - 4))]:
        yield Intent(month.replace(day=rng.randint(3, 26)))


def _never(months: list[date], rng: Random) -> Iterator[Intent]:
    return iter(())


def _group(usage: str) -> str:
    return {Unit.Usage.COMMERCIAL: "shop", Unit.Usage.PARKING: "parking"}.get(Unit.Usage(usage), "flat")


_HABITS = {
    Habit.PUNCTUAL: _punctual,
    Habit.YEAR_AHEAD: _year_ahead,
    Habit.TWICE_A_YEAR: _twice_a_year,
    Habit.NOW_AND_THEN: _now_and_then,
    Habit.STOPPED: _stopped,
    Habit.NEVER: _never,
}
