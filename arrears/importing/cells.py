"""What single cells mean: amounts, days, periods, text. What cannot be used becomes a Fault, not an exception."""

import calendar
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Generic, TypeVar

from arrears.importing.reading import Cell

CENT = Decimal("0.01")
FLOAT_NOISE = Decimal("0.000001")
LARGEST_AMOUNT = Decimal("99999999.99")
EARLIEST_DAY = date(2000, 1, 1)
SERIAL_DAY_ZERO = date(1899, 12, 30)
SERIAL_DAYS = range(20_000, 110_000)  # 1954 to 2201; smaller numbers are typed years and months
KEPT_VALUES = 100_000
SHOWN_CHARACTERS = 200

NOTHING = frozenset({"", "/", "／", "-", "－", "—", "——", "–", "\\", "无"})
OPEN_ENDED = frozenset({"长期", "至今", "永久", "不限", "现在", "今", "待定", "长期有效"})
SPACE = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
PLAIN_AMOUNT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[+-]?\.\d+")
IN_BRACKETS = re.compile(r"\((.+)\)")
NUMERALS_IN_WORDS = re.compile(r"[零〇一二三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟萬两]")
DAY = re.compile(  # one separator throughout: 2022.01-03 are three months
    r"(\d{4})\s*(?:年\s*(\d{1,2})\s*月|(?P<by>[-/.])\s*(\d{1,2})\s*(?P=by))\s*(\d{1,2})\s*[日号]?"
    r"(?:(?:[ T]+|(?<=[日号]))\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
PACKED_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?")
SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?份?|(\d{4})(\d{2})")
QUARTER = re.compile(r"(\d{4})\s*[-/年]?\s*(?:第?([1-4一二三四])季度|Q([1-4]))", re.IGNORECASE)
HALF_YEAR = re.compile(r"(\d{4})\s*年?度?\s*([上下])半年")
YEAR = re.compile(r"(\d{4})\s*年(?:度|全年)?")
YEAR_SAID_ONCE = re.compile(
    r"(\d{4}\s*[-/.年])\s*(\d[-/.\d月日号]*?)\s*(?:至|到|~|～|—+|–|-)\s*(\d{1,2}(?:[-/.月]\d{1,2})?\s*[月日号]?份?)"
)
WITHIN_A_YEAR = re.compile(r"\d{1,2}\s*月?份?(?:\s*[-~至到]\s*\d{1,2}\s*月?份?)?|第?[1-4一二三四]季度|[上下]半年|全年")
RANGE_MARKS = re.compile(
    r"\s*(?:至|到|~|～|—+|–|--|[,;、])\s*|(?<=[\d日月])\s*-\s*(?=\d{4})|(?<=[\d日月])\s+(?=\d{4}\s*[-/.年])"
)
IN_ANY_BRACKETS = re.compile(r"[(\[【〔](.+)[)\]】〕]")
LOST_DIGITS = re.compile(r"\d(?:\.\d+)?E\+?\d+|1\d{3}0{7}", re.IGNORECASE)

Value = TypeVar("Value")
Period = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be used; ``code`` and ``params`` make the sentence. ``at`` names the field where it is not
    the one that was asked for."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    at: str = ""


class Memo(dict[Any, Value], Generic[Value]):
    """A parser that remembers what equal cells mean; sheets repeat their days, fees and rooms thousands of times.

    ``met_fault`` tells whether any cell so far could not be used.
    """

    def __init__(self, parse: Callable[[Any], Value]) -> None:
        super().__init__()
        self._parse = parse
        self.met_fault = False

    def __missing__(self, cell: Any) -> Value:
        if len(self) >= KEPT_VALUES:
            self.clear()
        self[cell] = value = self._parse(cell)
        self.met_fault |= isinstance(value, Fault)
        return value


def shown(cell: Cell) -> str:
    """The cell as a person would read it in the sheet, cut to what an issue keeps."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)[:SHOWN_CHARACTERS]


def plain_text(cell: Cell) -> str | Fault:
    """Text without outer white space; empty for ``/`` and its like. Control characters inside are a fault."""
    text = cell.strip(SPACE) if isinstance(cell, str) else shown(cell)
    if not text.isprintable() and any(unicodedata.category(character) in ("Cc", "Cf") for character in text):
        return Fault("control_characters")
    return "" if text in NOTHING else text


def phone(cell: Cell) -> str | Fault:
    """The number as printed; a fault where Excel has turned it into 1.39E+10."""
    text = plain_text(cell)
    if isinstance(text, str) and LOST_DIGITS.fullmatch(text):
        return Fault("phone_lost_digits")
    return text


def amount(cell: Cell) -> Decimal | Fault | None:
    """CNY with two places, None for an empty cell. Noise of binary fractions is rounded, a third decimal is a fault."""
    if isinstance(cell, float | int):
        return _checked_amount(Decimal(repr(cell)))
    if isinstance(cell, date):
        return Fault("not_an_amount")
    text = unicodedata.normalize("NFKC", cell).strip(SPACE)
    if text in NOTHING:
        return None
    bare = text.removesuffix("元").strip().lstrip("¥").strip().removeprefix("RMB").strip()
    negative = IN_BRACKETS.fullmatch(bare)
    bare = negative[1] if negative else bare
    if not PLAIN_AMOUNT.fullmatch(bare):
        return Fault("amount_in_words" if NUMERALS_IN_WORDS.search(text) else "not_an_amount")
    number = Decimal(bare.replace(",", ""))
    return _checked_amount(-number if negative else number)


def _checked_amount(number: Decimal) -> Decimal | Fault:
    if not number.is_finite() or abs(number) > LARGEST_AMOUNT:
        return Fault("amount_too_large", {"limit": str(LARGEST_AMOUNT)})
    cents = number.quantize(CENT, ROUND_HALF_UP)
    if abs(cents - number) > FLOAT_NOISE:
        return Fault("three_decimals")
    return cents if cents else Decimal("0.00")


def latest_day(today: date) -> date:
    """The last day that a sheet may name: two years ahead."""
    return today.replace(year=today.year + 2, day=min(today.day, 28) if today.month == 2 else today.day)


def first_day(cell: Cell, *, latest: date) -> date | Fault | None:
    """The day a period begins; a month alone means its first day. None for an empty cell."""
    period = period_of(cell, latest=latest)
    return period[0] if isinstance(period, tuple) else period


def last_day(cell: Cell, *, latest: date) -> date | Fault | None:
    """The day a period ends; a month alone means its last day. None for an empty cell."""
    period = period_of(cell, latest=latest)
    return period[1] if isinstance(period, tuple) else period


def period_of(cell: Cell, *, latest: date) -> Period | Fault | None:
    """First and last day of what one cell names: a day, month, quarter, half-year or year, or two with 至 between.

    None for an empty cell; a fault for days that do not exist or lie outside 2000-01-01 … ``latest``.
    """
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", cell).strip(SPACE)
        if text in NOTHING:
            return None
        period = _written_period(text)
    else:
        period = _single_day(cell)
    if isinstance(period, Fault):
        return period
    if period[0] < EARLIEST_DAY:
        return Fault("day_too_early", {"earliest": EARLIEST_DAY.isoformat()})
    if period[1] > latest:
        return Fault("day_too_late", {"latest": latest.isoformat()})
    return period


def _single_day(cell: float | int | date | datetime) -> Period | Fault:
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return cell, cell
    if math.isfinite(cell) and int(cell) in SERIAL_DAYS:
        day = SERIAL_DAY_ZERO + timedelta(days=int(cell))
        return day, day
    text = shown(cell)  # 202503 or 2025.03 typed as a number; 2025.1 may have been 2025.10
    return Fault("not_a_day") if re.fullmatch(r"\d{4}\.\d", text) else _written_period(text)


def _written_period(text: str) -> Period | Fault:
    if bracketed := IN_ANY_BRACKETS.fullmatch(text):
        text = bracketed[1].strip(SPACE)
    if text in OPEN_ENDED:
        return Fault("open_ended")
    parts = RANGE_MARKS.split(text)
    if len(parts) == 2 and all(parts):
        if parts[1] in OPEN_ENDED:
            return Fault("open_ended")
        begin, end = _simple_period(parts[0]), _simple_period(parts[1])
        if isinstance(begin, tuple) and isinstance(end, tuple):
            return _from_to(begin, end)
        named_once = _year_said_once(text)
        return named_once or (begin if isinstance(begin, Fault) else end)
    period = _simple_period(text)
    return (_year_said_once(text) or period) if isinstance(period, Fault) else period


def _from_to(begin: Period, end: Period) -> Period | Fault:
    return (begin[0], end[1]) if begin[0] <= end[1] else Fault("end_before_start")


def _year_said_once(text: str) -> Period | Fault | None:
    """``2025年1-3月``, ``2025.01.01-01.31``: the end is in the year of the beginning. None for anything else."""
    match = YEAR_SAID_ONCE.fullmatch(text)
    if match is None:
        return None
    begin, end = _simple_period(match[1] + match[2]), _simple_period(match[1] + match[3])
    if isinstance(begin, Fault) or isinstance(end, Fault):
        return None
    if (begin[0] == begin[1]) != (end[0] == end[1]):  # a day and a month: 7月1日-8 may mean the 8th
        return None
    return _from_to(begin, end)


def _simple_period(text: str) -> Period | Fault:
    try:
        if match := DAY.fullmatch(text):
            day = date(int(match[1]), int(match[2] or match[4]), int(match[5]))
            return day, day
        if match := PACKED_DAY.fullmatch(text):
            day = date(*map(int, match.groups()))
            return day, day
        if (match := SERIAL.fullmatch(text)) and int(match[1]) in SERIAL_DAYS:
            day = SERIAL_DAY_ZERO + timedelta(days=int(match[1]))
            return day, day
        if match := MONTH.fullmatch(text):
            return months(int(match[1] or match[3]), int(match[2] or match[4]), 1)
        if match := QUARTER.fullmatch(text):
            quarter = "1234".find(match[2] or match[3])
            return months(int(match[1]), 1 + 3 * (quarter if quarter >= 0 else "一二三四".index(match[2])), 3)
        if match := HALF_YEAR.fullmatch(text):
            return months(int(match[1]), 1 if match[2] == "上" else 7, 6)
        if match := YEAR.fullmatch(text):
            return months(int(match[1]), 1, 12)
    except ValueError:
        return Fault("impossible_day")
    return Fault("not_a_day")


def in_year(year: Cell, cell: Cell) -> Cell:
    """What a sheet says in two columns as one text: ``2024`` and ``3`` are ``2024年3月``, ``2024`` alone ``2024年``.

    A cell that names its year itself stands.
    """
    named = re.fullmatch(r"((?:19|20)\d{2})\s*年?度?", unicodedata.normalize("NFKC", shown(year)).strip(SPACE))
    text = unicodedata.normalize("NFKC", shown(cell)).strip(SPACE)
    if named is None:
        return cell if text not in NOTHING else year
    if text in NOTHING:
        return f"{named[1]}年"
    return f"{named[1]}年{text}" if WITHIN_A_YEAR.fullmatch(text) else cell


def months(year: int, month: int, count: int) -> Period:
    """First and last day of ``count`` months. Raises ValueError for a month that does not exist."""
    begin = date(year, month, 1)
    years, last = divmod(month - 2 + count, 12)
    year, last = year + years, last + 1
    return begin, date(year, last, calendar.monthrange(year, last)[1])
