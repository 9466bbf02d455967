"""Finding the header of a sheet and what each column holds: by the header's words, and by the look of the values."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from arrears.importing.by_fee import name_fee_columns
from arrears.importing.cells import NOTHING, SPACE, WITHIN_A_YEAR, amount, period_of, shown
from arrears.importing.fields import AMOUNTS, DAYS, NAMING_PEOPLE, Field, Vocabulary, header_key
from arrears.importing.headers import find_header, text_of
from arrears.importing.layout import Column, SheetLayout, letter_of
from arrears.importing.list_columns import day_spoken_of, name_arrears_columns, settle_sums
from arrears.importing.methods import method_of
from arrears.importing.reading import Cell, Chunk, Sheet
from arrears.importing.register import Register
from arrears.importing.speaking_titles import given_by_titles, year_of_titles
from owners.contact_cells import read_usage
from owners.personal_data import mask_address, mask_name, mask_phone
from owners.unit_codes import normalise, parse_unit

LOOKED_AT = 200
SAMPLES = 3
EXACT, CONTAINS, BY_LOOK, CONTRADICTED = 95, 82, 66, 55
CONFIRMED_BY_LOOK = 4
LOOKS_RIGHT, LOOKS_WRONG = 0.8, 0.3
PHONE = re.compile(r"(?<!\d)(?:(?:\+?86)?1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|1\d*\.\d+E\+?10)(?!\d)", re.IGNORECASE)
LONG_NUMBER = re.compile(r"\d{8,}[\dXx]?")
ID_NUMBER = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d)")
GAPPED_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}[\dXx]?")
WRITTEN_NAME = re.compile(r"[\u3400-\u9fff·]{2,}")
TELLING = (
    Field.PHONE,
    Field.PHONES,
    Field.ID_NUMBERS,
    Field.FEE,
    Field.UNIT,
    Field.PERIOD,
    Field.RECEIVED_ON,
    Field.METHOD,
)
"""Fields that the values alone may suggest, where the header says nothing."""
BY_WINDOW = frozenset({Field.CURRENT, Field.EARLIER, Field.THIS_YEAR, Field.PRIOR_YEARS, Field.COLUMN_SUM})
"""Fields that arrears.importing.list_columns finds."""


@dataclass(frozen=True, slots=True)
class Guess:
    confidence: int
    field: Field
    evidence: str
    params: dict[str, str | int]


def recognise(head: Chunk, sheet: Sheet, *, register: Register, latest: date) -> SheetLayout | None:
    """The layout of a sheet from its first rows; None where it has no header."""
    rows, header = head.rows, find_header(head.rows, register)
    if header is None:
        return None
    columns = [
        Column(index, letter_of(sheet.first_column + index), text, []) for index, text in enumerate(header.texts)
    ]
    values = _values_by_column(rows[header.last + 1 : header.last + 1 + LOOKED_AT], len(columns))
    fingerprint = fingerprint_of(header.texts)
    looks = Looks(register, latest)
    if register.kind == "arrears_list":
        year = year_of_titles(sheet.name, rows[: header.first])
        name_arrears_columns(columns, values, register, year=year)
    guesses = [[] if column.confidence else _guesses(column.header, values[column.index], looks) for column in columns]
    _assign(columns, guesses)
    settle_sums(columns)
    name_fee_columns(columns, values, register)
    _recall(columns, register.columns.get(fingerprint))
    for column in columns:
        column.samples = _samples(column, values[column.index])
    header_rows = (head.numbers[header.first], head.numbers[header.last])
    spoken_of = None
    if register.kind in ("arrears_list", "charges"):
        spoken_of = day_spoken_of(rows[: header.first], latest=latest, any_day=register.kind == "arrears_list")
    as_of = spoken_of.isoformat() if spoken_of else ""
    layout = SheetLayout(sheet.name, header_rows, fingerprint, columns, as_of=as_of)
    layout.given = given_by_titles(layout, rows[: header.first], values, register, latest=latest)
    return layout


def fingerprint_of(headers: Sequence[str]) -> str:
    """SHA-256 of the header texts: the same export of next month has the same."""
    return hashlib.sha256("\x1f".join(header_key(text) for text in headers).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Looks:
    """Whether values look like what a field holds."""

    register: Register
    latest: date

    def share(self, field: Field, values: Sequence[Cell], *, is_named: bool = True) -> float | None:
        """How many of the values fit, from 0 to 1; None where there are none or the field has no look of its own.

        ``is_named``: the header says so, and a bare 3 may be a month.
        """
        fits = self._is_period if field == Field.PERIOD and not is_named else self._test(field)
        if fits is None or not values:
            return None
        return sum(map(fits, values)) / len(values)

    def _test(self, field: Field) -> Callable[[Cell], bool] | None:
        if field in AMOUNTS or field in (Field.AREA, Field.UNIT_AREA):
            return lambda cell: isinstance(amount(cell), Decimal)
        if field == Field.PERIOD:
            return lambda cell: self._is_period(cell) or WITHIN_A_YEAR.fullmatch(shown(cell).strip(SPACE)) is not None
        if field in DAYS:
            return self._is_period
        tests: dict[Field, Callable[[Cell], bool]] = {
            Field.FEE: lambda cell: self.register.fee(text_of(cell)) is not None,
            Field.PHONE: lambda cell: PHONE.search(shown(cell)) is not None,
            Field.PHONES: lambda cell: PHONE.search(shown(cell)) is not None and not ID_NUMBER.search(shown(cell)),
            Field.ID_NUMBERS: lambda cell: ID_NUMBER.search(shown(cell)) is not None,
            Field.USAGE: lambda cell: read_usage(shown(cell)) is not None,
            Field.UNIT: self._is_unit,
            Field.YEAR: lambda cell: re.fullmatch(r"(?:19|20)\d{2}\s*年?度?", shown(cell).strip(SPACE)) is not None,
            Field.ROOM: lambda cell: bool(re.search(r"\d", shown(cell))),
            Field.METHOD: lambda cell: method_of(text_of(cell)) is not None,
        }
        return tests.get(field)

    def _is_period(self, cell: Cell) -> bool:
        return isinstance(period_of(cell, latest=self.latest), tuple)

    def _is_unit(self, cell: Cell) -> bool:
        text = shown(cell)
        return self.register.unit_id(text) is not None or bool(
            isinstance(cell, str)
            and parse_unit(text)
            and re.fullmatch(r"\w{1,4}(?:-\w{1,3})?-\w{2,6}", normalise(text))
        )


def _guesses(header: str, values: Sequence[Cell], looks: Looks) -> list[Guess]:
    """What the column may hold, each field once, best first."""
    by_word = [_judged(guess, values, looks) for guess in _by_header(header, looks.register.vocabulary)]
    seen = {guess.field for guess in by_word}
    telling = [field for field in TELLING if field in looks.register.vocabulary.fields and field not in seen]
    by_look = [guess for field in telling if (guess := _by_look(field, values, looks))]
    found = [guess for guess in by_word + by_look if guess.field not in BY_WINDOW]
    return sorted(found, key=lambda guess: -guess.confidence)


def _by_header(header: str, vocabulary: Vocabulary) -> list[Guess]:
    """Fields whose words the header is, or contains; of a header in two rows the lower one counts more."""
    fields_of_word = vocabulary.fields_of_word
    for text in dict.fromkeys((header_key(header), header_key(header.rpartition(" / ")[2]))):
        if text in fields_of_word:
            return [Guess(EXACT, field, "synonym", {}) for field in fields_of_word[text]]
    key = header_key(header)
    inside = [word for word in fields_of_word if len(word) > 1 and word in key]
    if not inside:
        return []
    longest = max(inside, key=len)
    return [Guess(CONTAINS, field, "contains", {"word": longest}) for field in fields_of_word[longest]]


def _judged(guess: Guess, values: Sequence[Cell], looks: Looks) -> Guess:
    """The guess by the header, made stronger or weaker by what stands in the column."""
    share = looks.share(guess.field, values)
    if share is None:
        return guess
    if share >= LOOKS_RIGHT:
        return Guess(guess.confidence + CONFIRMED_BY_LOOK, guess.field, guess.evidence, guess.params)
    if share < LOOKS_WRONG:
        return Guess(CONTRADICTED, guess.field, "values_differ", {"fitting": round(share * 100)})
    return guess


def _by_look(field: Field, values: Sequence[Cell], looks: Looks) -> Guess | None:
    share = looks.share(field, values, is_named=False)
    if share is None or share < LOOKS_RIGHT:
        return None
    return Guess(BY_LOOK, field, f"looks_like_{field}", {"fitting": round(share * len(values)), "of": len(values)})


def _assign(columns: Sequence[Column], guesses: Sequence[list[Guess]]) -> None:
    """Give each field to the column that claims it best; what is left over is not imported."""
    claims = [(guess, column) for column, wanted in zip(columns, guesses, strict=True) for guess in wanted]
    taken: dict[Field, Column] = {}
    for guess, column in sorted(claims, key=lambda claim: -claim[0].confidence):
        if column.field:
            continue
        if guess.field not in taken:
            taken[guess.field] = column
            column.field, column.confidence = guess.field.value, guess.confidence
            column.evidence, column.params = guess.evidence, guess.params
        elif guess.evidence == "synonym":
            column.evidence, column.params = "taken", {"column": taken[guess.field].letter}


def _recall(columns: Sequence[Column], remembered: Mapping[str, str] | None) -> None:
    if remembered is None:
        return
    for column in columns:
        column.hold(remembered.get(str(column.index), ""))
        column.confidence = 99 if column.field else 0
        column.evidence, column.params = "remembered", {}


def _samples(column: Column, values: Sequence[Cell]) -> list[str]:
    """The first values as the page shows them, personal data masked."""
    texts = [shown(value) for value in values[:SAMPLES]]
    if column.field == Field.PHONE:
        return [mask_phone(text) for text in texts]
    if column.field == Field.OWNER:
        return [re.sub(r"[^\s、，,;；/／|（）()]+", lambda name: mask_name(name[0]), text) for text in texts]
    if column.field in (Field.ON_SITE, Field.SECOND_ADDRESS):
        return [mask_address(text) for text in texts]
    if column.field in NAMING_PEOPLE:
        return [mask_written(text)[:40] for text in texts]
    if column.field in (Field.EXTERNAL_ID, Field.SERIAL_NO, Field.RECEIPT_NO):
        return texts
    return [LONG_NUMBER.sub(lambda number: mask_phone(number[0]), text)[:40] for text in texts]


def mask_written(text: str) -> str:
    """A cell of a list of owners with its names, numbers and addresses masked."""
    plain = unicodedata.normalize("NFKC", text)
    masked = GAPPED_NUMBER.sub(lambda number: mask_phone(re.sub(r"[\s-]", "", number[0])), plain)
    return WRITTEN_NAME.sub(lambda name: mask_name(name[0]) if len(name[0]) <= 4 else mask_address(name[0]), masked)


def _values_by_column(rows: Sequence[Sequence[Cell]], width: int) -> list[list[Cell]]:
    columns: list[list[Cell]] = [[] for _ in range(width)]
    for row in rows:
        for column, cell in zip(columns, row, strict=False):
            if text_of(cell) not in NOTHING:
                column.append(cell)
    return columns
