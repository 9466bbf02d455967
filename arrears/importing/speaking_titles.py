"""What a sheet says in its name or the rows above its header instead of in a column: fee, period, building."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

from arrears.catalogue import fee_key
from arrears.importing.cells import SPACE, WITHIN_A_YEAR, period_of, shown
from arrears.importing.fields import ARREARS, Field
from arrears.importing.layout import SheetLayout
from arrears.importing.reading import Cell
from arrears.importing.register import Register

BUILDING = re.compile(
    r"(?:[\w一-九十]{1,4}期)?[A-Z\d一二三四五六七八九十]{1,4}\s*(?:栋|幢|座|号楼|#楼?)", re.IGNORECASE
)
BUILDING_IN_TITLE = re.compile(r"(?:楼栋|楼号|楼幢|栋号)\s*[:：]\s*(\S{1,12})")
PERIOD_IN_TITLE = re.compile(
    r"(?:19|20)\d{2}\s*年(?:\s*\d{1,2}\s*(?:[-~至到]\s*\d{1,2}\s*)?月份?(?!\s*\d)|\s*第?[1-4一二三四]季度|\s*[上下]半年|度|全年)"
)
YEAR_IN_TITLE = re.compile(r"((?:19|20)\d{2})\s*年")
SHORTEST_WORD = 2


def given_by_titles(
    layout: SheetLayout,
    above: Sequence[Sequence[Cell]],
    values: Sequence[Sequence[Cell]],
    register: Register,
    *,
    latest: date,
) -> dict[str, str]:
    """By field what the sheet's name or title says of all its rows, where no column does."""
    texts = _texts(layout.name, above)
    found = {
        Field.FEE: _fee(texts, register) if _lacks_fee(layout, register) else "",
        Field.BUILDING: "" if _has(layout, Field.BUILDING, Field.UNIT) else _building(texts),
    }
    if register.kind == "charges":
        if not _has(layout, Field.PERIOD, Field.YEAR, Field.PERIOD_START, Field.PERIOD_END):
            found[Field.PERIOD] = _period(texts, latest)
        period = layout.column_of(Field.PERIOD)
        if period and not _has(layout, Field.YEAR) and _are_within_a_year(values[period.index]):
            found[Field.YEAR] = year_of_titles(layout.name, above)
    return {field.value: text for field, text in found.items() if text}


def year_of_titles(name: str, above: Sequence[Sequence[Cell]]) -> str:
    """The one year of which the sheet's name and title speak; empty where they name several or none."""
    return _only(YEAR_IN_TITLE.findall("\n".join(_texts(name, above))))


def _texts(name: str, above: Sequence[Sequence[Cell]]) -> list[str]:
    lines = [name, *("　".join(shown(cell) for cell in row if shown(cell).strip(SPACE)) for row in above)]
    return [unicodedata.normalize("NFKC", line).strip(SPACE) for line in lines]


def _has(layout: SheetLayout, *fields: Field) -> bool:
    return any(layout.column_of(field) for field in fields)


def _lacks_fee(layout: SheetLayout, register: Register) -> bool:
    if register.kind == "payments" or _has(layout, Field.FEE):
        return False
    return any(column.field in (Field.DUE, *ARREARS) and not column.fee_id for column in layout.columns)


def _fee(texts: Sequence[str], register: Register) -> str:
    """The one fee of which the titles speak; of 商铺物业费 and 物业费 within it the longer word counts."""
    found: dict[int, str] = {}
    for text in map(fee_key, texts):
        words = [word for word in register.fees if len(word) >= SHORTEST_WORD and word in text]
        longest = [word for word in words if not any(word != other and word in other for other in words)]
        found |= {register.fees[word].pk: word for word in longest}
    return _only(list(found.values()))


def _building(texts: Sequence[str]) -> str:
    if BUILDING.fullmatch(texts[0]):
        return texts[0]
    return _only(BUILDING_IN_TITLE.findall("\n".join(texts[1:])))


def _period(texts: Sequence[str], latest: date) -> str:
    if texts[0] and isinstance(period_of(texts[0], latest=latest), tuple):
        return texts[0]
    return _only(PERIOD_IN_TITLE.findall("\n".join(texts)))


def _are_within_a_year(cells: Sequence[Cell]) -> bool:
    return bool(cells) and all(WITHIN_A_YEAR.fullmatch(shown(cell).strip(SPACE)) for cell in cells)


def _only(found: Sequence[str]) -> str:
    """What is said once, or always the same; empty where the titles say several things or nothing."""
    return found[0] if len(set(found)) == 1 else ""
