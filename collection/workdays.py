"""Working days, weekends and public holidays in China, with days worked in their place."""

from dataclasses import dataclass
from datetime import date

import chinese_calendar
from django.utils.translation import get_language
from django.utils.translation import gettext as _

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DayKind:
    """``name``: of the holiday, or why a weekend is worked; empty on usual days."""

    is_off: bool
    name: str = ""


def day_kind(day: date) -> DayKind:
    """As the State Council has published it; by the weekday alone for years of which nothing is published yet."""
    is_weekend = day.weekday() >= SATURDAY
    try:
        is_off, holiday = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return DayKind(is_weekend)
    if is_off:
        return DayKind(True, _holiday_name(holiday))
    return DayKind(False, _("worked for a holiday") if is_weekend else "")


def _holiday_name(holiday: str | None) -> str:
    if holiday is None:
        return ""
    return str(chinese_calendar.Holiday(holiday).chinese) if get_language() == "zh-hans" else holiday
