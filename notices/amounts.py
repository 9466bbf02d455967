"""Amounts, periods and dates as documents write them."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise

import cn2an

CENT = Decimal("0.01")
LARGEST = Decimal("999999999999.99")


def figures(amount: Decimal) -> str:
    """``12345.6`` as ``12,345.60``."""
    return f"{amount:,.2f}"


def capitals(amount: Decimal) -> str:
    """CNY in 大写: ``3883.20`` as ``叁仟捌佰捌拾叁元贰角整``, ``0.05`` as ``伍分``.

    Raises ValueError for negative amounts, fractions of a cent and amounts above a thousand thousand million.
    """
    if amount < 0 or amount > LARGEST or amount != amount.quantize(CENT):
        raise ValueError(f"no 大写 for {amount}")
    words: str = cn2an.an2cn(f"{amount:.2f}", "rmb")
    return words if words.endswith(("整", "分")) else f"{words}整"


def written_date(day: date) -> str:
    """``2025年12月15日``."""
    return f"{day.year}年{day.month}月{day.day}日"


def written_periods(periods: Iterable[tuple[date, date]]) -> str:
    """The months that service periods cover, runs joined: ``2023年11月至12月、2025年1月至10月``."""
    months = sorted({month for start, end in periods for month in range(_month(start), _month(end) + 1)})
    if not months:
        return ""
    breaks = [i for i, (before, after) in enumerate(pairwise(months), start=1) if after != before + 1]
    bounds = [0, *breaks, len(months)]
    return "、".join(_run(months[first], months[last - 1]) for first, last in pairwise(bounds))


def short_period(start: date, end: date) -> str:
    """A service period for a table cell: whole months as months, else day by day."""
    if start.day != 1 or not _is_last_day(end):
        return f"{start:%Y-%m-%d}至{end:%Y-%m-%d}" if start != end else f"{start:%Y-%m-%d}"
    if start.year == end.year:
        return _run(_month(start), _month(end))
    return f"{start:%Y-%m}至{end:%Y-%m}"


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _is_last_day(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).day == 1


def _run(first: int, last: int) -> str:
    start, end = divmod(first, 12), divmod(last, 12)
    text = f"{start[0]}年{start[1] + 1}月"
    if first == last:
        return text
    return f"{text}至{end[1] + 1}月" if start[0] == end[0] else f"{text}至{end[0]}年{end[1] + 1}月"
