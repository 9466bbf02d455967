"""The columns of an arrears list: for which time and which fee each amount stands, and of which day the list speaks."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from arrears.importing.cells import SPACE, amount, period_of
from arrears.importing.fields import ARREARS, VOCABULARIES, Field, header_key
from arrears.importing.layout import Column
from arrears.importing.reading import Cell
from arrears.importing.register import Register

EXACT, BY_FEE_ALONE, TO_BE_CHOSEN = 97, 90, 40
LOOKS_RIGHT = 0.8
MOST_OF_HEADER = 14
WINDOW_WORDS: tuple[tuple[Field, re.Pattern[str]], ...] = (
    (Field.PRIOR_YEARS, re.compile(r"以前年度|往年度?|历年|上年度?|陈欠|历史")),
    (Field.THIS_YEAR, re.compile(r"本年度?|当年度?|今年")),
    (Field.EARLIER, re.compile(r"前期|往期|上期|期初|以前|前欠")),
    (Field.CURRENT, re.compile(r"本期|本月|当期|当月")),
)
FILLERS = re.compile(r"应收|应缴|未收|未缴|未交|欠费|欠款|欠缴|欠收|拖欠|累计|结转|金额|余额|明细|费用|款|欠")
LATE_FEE = re.compile(r"违约金|滞纳金")
SETTLED = re.compile(r"已收|实收|已缴|实缴|已交|收款|减免|优惠")
OWED = re.compile(r"欠|未")
NAMED_PERIOD = re.compile(
    r"((?:19|20)\d{2}(?!\d{3})(?:[\d年月度份./~至到-]*[\d年月度份])?)\s*((?:年|月|末|底)?(?:[及含(]*以前\)?|之?前))?"
)
YEARS = re.compile(r"((?:19|20)\d{2})年?[-~至到]((?:19|20)\d{2})年?度?")
SHORT_YEAR = re.compile(r"(?<!\d)([12]\d)年")
MONTH_ALONE = re.compile(r"(?<![\d第])(?:1[0-2]|0?[1-9])月")
INCLUDED = ("及", "含", "(", "底", "末")
FEE_ENDING = re.compile(r"(?:费|分摊|公摊)$")
A_DAY = r"(\d{4}\s*(?:年\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*[日号])?|(?P<by>[-/.])\s*\d{1,2}(?:\s*(?P=by)\s*\d{1,2})?))"
SPOKEN_OF = tuple(
    re.compile(words + r"(?:日期|时间|日|于|到)?\s*[:：]?\s*" + A_DAY)
    for words in (r"截[至止]", r"(?:统计|制表|打印|报表|导出|数据|查询|填报|制单)", r"日期", r"")
)
SUM_WORDS = VOCABULARIES["arrears_list"].fields_of_word


def name_arrears_columns(
    columns: Sequence[Column], values: Sequence[Sequence[Cell]], register: Register, *, year: str = ""
) -> None:
    """Say of each column with arrears, printed late fees or sums what it holds. Other columns stay as they are.

    ``year``: the one of which the title speaks, for columns that are headed 1月, 2月.
    """
    for column, cells in zip(columns, values, strict=True):
        _name(column, cells, register.fee_id, year)
    _begin_before_the_first_year(columns)
    _leave_one_of_each(columns)


def names_arrears(text: str, fee_id: Callable[[str], int | None]) -> bool:
    """Whether a cell may be the header of a column with arrears: it names a fee, or a time in few words."""
    short = len(text) <= MOST_OF_HEADER
    return short and bool(
        _window_of([text]) or _fee_of(text, fee_id) or FEE_ENDING.search(text.strip(SPACE)) or period_named(text)
    )


def period_named(header: str, *, year: str = "") -> str:
    """The year or month that a header names, as Column.period holds it; without a start where it says 以前."""
    match = NAMED_PERIOD.search(_with_year(header, year))
    if match is None:
        return ""
    said = YEARS.sub(r"\1年至\2年", match[1].strip())
    period = period_of(f"{said}年" if said.isdecimal() and len(said) == 4 else said, latest=date.max)
    if not isinstance(period, tuple):
        return ""
    start, end = period
    if start == end and start.day == 1:  # a month that Excel keeps as its first day
        end = start.replace(day=monthrange(start.year, start.month)[1])
    if not match[2]:
        return f"{start}/{end}"
    return f"/{end}" if match[2].startswith(INCLUDED) else f"<{start}"


def settle_sums(columns: Sequence[Column]) -> None:
    """Where a list by rows prints nothing but a sum, that is what is owed."""
    sums = [column for column in columns if column.field == Field.COLUMN_SUM]
    has_fee = any(column.field == Field.FEE for column in columns)
    if len(sums) == 1 and has_fee and not any(column.field in ARREARS for column in columns):
        sums[0].field = Field.OUTSTANDING


def day_spoken_of(rows: Sequence[Sequence[Cell]], *, latest: date, any_day: bool = True) -> date | None:
    """The day of which the rows above the header speak: 截至 beats 制表日期 beats any other day; a month is its end.

    Without ``any_day`` only the first two count: titles of charges name the days of their periods.
    """
    text = "\n".join(" ".join(_shown(cell) for cell in row if _shown(cell)) for row in rows)
    for pattern in SPOKEN_OF if any_day else SPOKEN_OF[:2]:
        for match in pattern.finditer(text):
            period = period_of(match[1], latest=latest)
            if isinstance(period, tuple):
                return period[1]
    return None


def _shown(cell: Cell) -> str:
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    return cell.strip(SPACE) if isinstance(cell, str) else ""


def _with_year(header: str, year: str) -> str:
    """The header with years in four figures; ``year`` before a month that names none."""
    text = SHORT_YEAR.sub(r"20\1年", unicodedata.normalize("NFKC", header))
    return MONTH_ALONE.sub(rf"{year}年\g<0>", text) if year and not NAMED_PERIOD.search(text) else text


def _name(column: Column, cells: Sequence[Cell], fee_id: Callable[[str], int | None], year: str) -> None:
    parts = [part for part in column.header.split(" / ") if part]
    whole = "".join(parts)
    if not parts or not _are_amounts(cells):
        return
    if LATE_FEE.search(whole):
        _hold(column, Field.LATE_FEE, None, EXACT, "synonym")
    elif any(SUM_WORDS.get(header_key(part)) == [Field.COLUMN_SUM] for part in parts):
        _hold(column, Field.COLUMN_SUM, None, EXACT, "synonym")
    elif not SETTLED.search(whole):
        _name_arrears(column, [_with_year(part, year) for part in parts], fee_id)


def _name_arrears(column: Column, parts: Sequence[str], fee_id: Callable[[str], int | None]) -> None:
    period = period_named("".join(parts))
    if period:
        _name_period(column, parts, period, fee_id)
        return
    window = _window_of(parts)
    fee = next((found for part in parts if (found := _fee_of(part, fee_id))), None)
    rest = [bare for part in parts if (bare := _bare(part))]
    if fee:
        _hold(column, window or Field.OUTSTANDING, fee, EXACT if window else BY_FEE_ALONE, "fee_column")
    elif window and not rest:
        _hold(column, window, None, EXACT, "synonym")
    elif window or (len(rest) == 1 and FEE_ENDING.search(rest[0])):
        column.confidence, column.evidence, column.params = TO_BE_CHOSEN, "unknown_fee_column", {"fee": rest[-1]}


def _name_period(column: Column, parts: Sequence[str], period: str, fee_id: Callable[[str], int | None]) -> None:
    """A column of what is owed for a year or month. Words that are no fee of the project make it one to be chosen."""
    others = [NAMED_PERIOD.sub("", unicodedata.normalize("NFKC", part)).strip("()- _") for part in parts]
    fee = next((found for part in others if part and (found := _fee_of(part, fee_id))), None)
    rest = [bare for part in others if (bare := _bare(part))]
    if fee is None and rest:
        if FEE_ENDING.search(rest[-1]):
            column.confidence, column.evidence, column.params = TO_BE_CHOSEN, "unknown_fee_column", {"fee": rest[-1]}
        return
    _hold(column, Field.OUTSTANDING, fee, EXACT, "named_period")
    column.period = period


def _begin_before_the_first_year(columns: Sequence[Column]) -> None:
    """``2024年以前`` means before 2024 where 2024 has a column of its own, else it takes that year in."""
    own = [column.period for column in columns if column.period and not column.period.startswith(("<", "/"))]
    for column in columns:
        if column.period.startswith("<"):
            first = date.fromisoformat(column.period[1:])
            is_apart = any(period.startswith(f"{first.year}-") for period in own)
            column.period = f"/{first - timedelta(days=1) if is_apart else date(first.year, 12, 31)}"


def _window_of(parts: Sequence[str]) -> Field | None:
    text = "".join(parts)
    return next((field for field, words in WINDOW_WORDS if words.search(text)), None)


def _fee_of(part: str, fee_id: Callable[[str], int | None]) -> int | None:
    without_window = _without_window(part)
    texts = dict.fromkeys((part, without_window, _bare(part)))
    return next((found for text in texts if text and (found := fee_id(text))), None)


def _without_window(part: str) -> str:
    for _field, words in WINDOW_WORDS:
        part = words.sub("", part)
    return part.strip("()（）-—_ 的")


def _bare(part: str) -> str:
    return header_key(FILLERS.sub("", _without_window(part)))


def _are_amounts(cells: Sequence[Cell]) -> bool:
    """Whether a column can hold amounts; one that is empty can."""
    return not cells or sum(isinstance(amount(cell), Decimal) for cell in cells) >= LOOKS_RIGHT * len(cells)


def _hold(column: Column, field: Field, fee_id: int | None, confidence: int, evidence: str) -> None:
    column.field, column.fee_id, column.confidence = field.value, fee_id, confidence
    column.evidence, column.params = evidence, {}


def _leave_one_of_each(columns: Sequence[Column]) -> None:
    """Of 本期应收 and 本期欠费 side by side the latter is what is owed; what a fee owes in all is then a sum."""
    in_windows = {
        column.fee_id
        for column in columns
        if column.field in ARREARS and (column.field != Field.OUTSTANDING or column.period)
    }
    for column in columns:
        if column.field == Field.OUTSTANDING and not column.period and column.fee_id in in_windows:
            _hold(column, Field.COLUMN_SUM, None, EXACT, "synonym")
    by_choice: dict[str, list[Column]] = {}
    for column in columns:
        if column.field in ARREARS:
            by_choice.setdefault(column.choice, []).append(column)
    for alike in by_choice.values():
        owed = [column for column in alike if OWED.search(column.header)]
        if len(alike) > 1 and len(owed) == 1:
            for column in alike:
                if column is not owed[0]:
                    column.hold("")
                    column.confidence, column.evidence, column.params = 0, "taken", {"column": owed[0].letter}
