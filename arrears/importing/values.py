"""The cells of a chunk as values, column by column; equal cells are parsed once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, cast

from arrears.importing.cells import (
    EARLIEST_DAY,
    NOTHING,
    Fault,
    Memo,
    amount,
    first_day,
    in_year,
    last_day,
    period_of,
    phone,
    plain_text,
)
from arrears.importing.fields import Field
from arrears.importing.reading import Cell
from arrears.importing.register import Register
from arrears.importing.rows import Table
from arrears.importing.totals import COMPARED, Key
from arrears.models import FeeType
from owners.parties import NAME_LENGTH, split_names
from owners.unit_codes import UnitName, is_room, normalise, parse_unit, unit_from_cells

MOST_OF_CODE, MOST_OF_BUILDING, MOST_OF_ENTRANCE, MOST_OF_ROOM = 80, 36, 20, 40
MOST_OF_EXTERNAL_ID = 70
MOST_OF_SERIAL_NO, MOST_OF_RECEIPT_NO, MOST_OF_METHOD = 80, 40, 40
MOST_OF_OWNERS = 400
LARGEST_AREA = 1_000_000
MOST_EXACT = 1e15
PAID_AHEAD = re.compile(r"^预[收存缴付交](?:款项?|金额|金|费用?$)?")
UNIT_FIELDS = (Field.UNIT, Field.BUILDING, Field.ENTRANCE, Field.ROOM)


@dataclass(frozen=True, slots=True)
class Place:
    """The unit of a row. ``unit_id`` is None for one that the register lacks: it is made as ``name`` says."""

    code: str
    unit_id: int | None
    name: UnitName | None = None
    building: str = ""


class Values(NamedTuple):
    """One row of a list of charges. Typed as it is when sound: until faults_of() is empty, any may be a Fault instead.

    An empty amount is None, an empty text "".
    """

    number: int
    place: Place
    owner: str
    phone: str
    estate: str
    area: Decimal | None
    fee: FeeType
    start: date
    end: date
    due_on: date | None
    due: Decimal | None
    received: Decimal | None
    waived: Decimal | None
    outstanding: Decimal | None
    late_fee: Decimal | None
    external_id: str


FIELDS = (
    None,
    Field.ROOM,
    Field.OWNER,
    Field.PHONE,
    Field.ESTATE,
    Field.AREA,
    Field.FEE,
    Field.PERIOD_START,
    Field.PERIOD_END,
    Field.DUE_ON,
    Field.DUE,
    Field.RECEIVED,
    Field.WAIVED,
    Field.OUTSTANDING,
    Field.LATE_FEE,
    Field.EXTERNAL_ID,
)
"""The field of each of the ``Values``."""


class AnyRow(Protocol):
    """What the rows of every kind of list hold; until faults_of() is empty, any of it may be a Fault instead."""

    @property
    def number(self) -> int: ...
    @property
    def place(self) -> Place: ...
    @property
    def owner(self) -> str: ...
    @property
    def estate(self) -> str: ...
    @property
    def area(self) -> Decimal | None: ...
    @property
    def fee(self) -> FeeType | None: ...


class Shape(NamedTuple):
    """How the rows of a kind of list are made: ``make`` takes the values of ``fields`` in their order.

    ``own``: parsers of fields that this kind reads in its own way, with what a missing column stands for.
    """

    make: Callable[[Iterable[Any]], Any]
    fields: tuple[Field | None, ...]
    needs_fee: bool = True
    needs_period: bool = True
    compared: tuple[Field, ...] = COMPARED
    own: Mapping[Field, tuple[Callable[[Cell], Any], Any]] = {}


CHARGE_ROW = Shape(Values._make, FIELDS)


def faults_of(row: AnyRow, fields: Sequence[Field | None]) -> list[tuple[Field, Fault]]:
    """The cells of the row that cannot be used, by field."""
    return [
        (Field(value.at) if value.at else field, value)
        for field, value in zip(fields, cast(Iterable[object], row), strict=False)
        if field and isinstance(value, Fault)
    ]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one chunk as values. ``faulty`` holds the indices of those with a cell that cannot be used."""

    rows: list[Any]
    faulty: frozenset[int]
    amounts: dict[Key, list[Any]]

    def amounts_between(self, first: int, end: int) -> dict[Key, list[Any]]:
        return {field: cells[first:end] for field, cells in self.amounts.items()}


class Parsers:
    """The parsers of one workbook, with what they remember."""

    def __init__(self, register: Register, *, latest: date, create_units: bool, shape: Shape = CHARGE_ROW) -> None:
        self._register, self._create_units, self._shape = register, create_units, shape
        self.amount, self.positive, self.fields = Memo(amount), Memo(_positive_amount), shape.fields
        self._place = Memo(self._place_of)
        needed = _needed if shape.needs_period else _as_it_is
        self._period = Memo(lambda cell: needed(period_of(cell, latest=latest)))
        positive = self.positive
        self._memos: dict[Field, tuple[Memo[Any], Any]] = {
            Field.OWNER: (Memo(_owner), ""),
            Field.PHONE: (Memo(phone), ""),
            Field.ESTATE: (Memo(plain_text), ""),
            Field.AREA: (Memo(_area), None),
            Field.FEE: (Memo(self._fee_of), Fault("no_fee") if shape.needs_fee else None),
            Field.PERIOD_START: (Memo(lambda cell: needed(first_day(cell, latest=latest))), needed(None)),
            Field.PERIOD_END: (Memo(lambda cell: needed(last_day(cell, latest=latest))), needed(None)),
            Field.DUE_ON: (Memo(lambda cell: last_day(cell, latest=latest)), None),
            Field.DUE: (positive, None),
            Field.RECEIVED: (self.amount if Field.RECEIVED_ON in shape.fields else positive, None),
            Field.WAIVED: (positive, None),
            Field.OUTSTANDING: (self.amount, None),
            Field.LATE_FEE: (Memo(_amount_or_nothing), None),
            Field.EXTERNAL_ID: (Memo(_short_text(MOST_OF_EXTERNAL_ID)), ""),
            Field.RECEIVED_ON: (Memo(lambda cell: _needed(_single_day(cell, latest=latest))), Fault("no_day")),
            Field.METHOD: (Memo(_short_text(MOST_OF_METHOD)), ""),
            Field.SERIAL_NO: (Memo(_serial_no), ""),
            Field.RECEIPT_NO: (Memo(_short_text(MOST_OF_RECEIPT_NO)), ""),
            Field.NOTE: (Memo(_note), ""),
            Field.ENTRY: (Memo(plain_text), ""),
        }
        for field, (parse, missing) in shape.own.items():
            self._memos[field] = Memo(parse), missing

    def batch(self, table: Table, numbers: list[int]) -> Batch:
        """The chunk's rows as values, in order."""
        fields = self._shape.fields
        columns: dict[Field | None, list[Any]] = {None: numbers, Field.ROOM: self._places(table)}
        columns |= {field: self._column(table, field) for field in fields if field and field in self._memos}
        if _names_periods(table) and Field.PERIOD_START in columns:
            columns[Field.PERIOD_START], columns[Field.PERIOD_END] = self._days(table)
        rows = list(map(self._shape.make, zip(*(columns[field] for field in fields), strict=True)))
        suspects = [cells for field, cells in columns.items() if field and self._may_hold_faults(field, table)]
        faulty = {index for cells in suspects for index, cell in enumerate(cells) if cell.__class__ is Fault}
        return Batch(
            rows, frozenset(faulty), {field: columns[field] for field in self._shape.compared if field in table}
        )

    def printed(self, table: Table, index: int) -> dict[Key, object]:
        """The amounts of one row as printed, of any sign."""
        return {field: self.amount[table[field][index]] for field in self._shape.compared if field in table}

    def _column(self, table: Table, field: Field) -> list[Any]:
        memo, missing = self._memos[field]
        return [memo[cell] for cell in table[field]] if field in table else [missing] * table.length

    def _places(self, table: Table) -> list[Any]:
        return [self._place[cells] for cells in zip(*(table[field] for field in UNIT_FIELDS), strict=True)]

    def _may_hold_faults(self, field: Field, table: Table) -> bool:
        if field == Field.ROOM:
            return self._place.met_fault
        if field in (Field.PERIOD_START, Field.PERIOD_END) and _names_periods(table):
            return self._period.met_fault
        memo, missing = self._memos[field]
        return memo.met_fault if field in table else isinstance(missing, Fault)

    def _days(self, table: Table) -> tuple[list[Any], list[Any]]:
        cells = table[Field.PERIOD]
        if Field.YEAR in table:
            cells = [
                cell if Field.PERIOD in table and cell in NOTHING else in_year(year, cell)
                for year, cell in zip(table[Field.YEAR], cells, strict=True)
            ]
        periods = [self._period[cell] for cell in cells]  # a fault is told once, of the start
        return (
            [period[0] if isinstance(period, tuple) else period for period in periods],
            [EARLIEST_DAY if isinstance(period, Fault) else period and period[1] for period in periods],
        )

    def _fee_of(self, cell: Cell) -> FeeType | Fault | None:
        word = plain_text(cell)
        if isinstance(word, Fault):
            return word
        if not word:
            return Fault("no_fee") if self._shape.needs_fee else None
        if fee := self._register.fee(word):
            return fee
        if Field.RECEIVED_ON in self._shape.fields:  # money paid ahead, for a fee or for none in particular
            named = PAID_AHEAD.sub("", word).strip("-—_()（） ")
            if named != word and (not named or self._register.fee(named)):
                return self._register.fee(named) if named else None
        return Fault("unknown_fee", {"fee": word})

    def _place_of(self, cells: Sequence[Cell]) -> Place | Fault:
        texts: list[str] = []
        for field, cell in zip(UNIT_FIELDS, cells, strict=True):
            text = plain_text(cell)
            if isinstance(text, Fault):
                return Fault(text.code, text.params, at=field)
            texts.append(text)
        unit, building, entrance, room = texts
        if not unit and not room:
            return Fault("no_room")
        name = unit_from_cells(building, entrance, self._register.within_estate(room or unit))
        name = name or parse_unit(self._register.within_estate(unit or room))
        if name is None and building and is_room(unit):  # 资源编码 may hold the room alone
            name = unit_from_cells(building, entrance, unit)
        unit_id = self._register.unit_id(*filter(None, (unit, name.code if name else "", room if not building else "")))
        if unit_id is not None:
            return Place(name.code if name else normalise(unit or room), unit_id)
        if name is None:
            return Fault("no_building", {"room": room or unit})
        return self._new_place(name, building)

    def _new_place(self, name: UnitName, building: str) -> Place | Fault:
        if not self._create_units:
            likely = self._register.suggestion(name.code)
            return Fault("slip_in_unit" if likely else "unknown_unit", {"unit": name.code, "likely": likely})
        lengths = (len(name.code), len(name.building), len(name.entrance), len(name.room))
        limits = (MOST_OF_CODE, MOST_OF_BUILDING, MOST_OF_ENTRANCE, MOST_OF_ROOM)
        if any(length > limit for length, limit in zip(lengths, limits, strict=True)):
            return Fault("too_long", {"limit": MOST_OF_ROOM})
        return Place(name.code, None, name, building)


def _names_periods(table: Table) -> bool:
    """Whether one cell names the whole period, alone or with another one for its year."""
    return Field.PERIOD in table or (Field.YEAR in table and Field.PERIOD_START not in table)


def _positive_amount(cell: Cell) -> Decimal | Fault | None:
    value = amount(cell)
    return Fault("negative") if isinstance(value, Decimal) and value < 0 else value


def _amount_or_nothing(cell: Cell) -> Decimal | None:
    """Of columns that are compared only: what cannot be read stops nobody."""
    value = amount(cell)
    return value if isinstance(value, Decimal) else None


def _area(cell: Cell) -> Decimal | None:
    value = _amount_or_nothing(cell)
    return value if value and 0 < value < LARGEST_AREA else None


def _owner(cell: Cell) -> str | Fault:
    text = plain_text(cell)
    if isinstance(text, Fault):
        return text
    if len(text) > MOST_OF_OWNERS or any(len(name) > NAME_LENGTH for name in split_names(text)):
        return Fault("too_long", {"limit": NAME_LENGTH})
    return text


def _needed(value: Any) -> Any:
    return Fault("no_day") if value is None else value


def _as_it_is(value: Any) -> Any:
    return value


def _short_text(most: int) -> Callable[[Cell], str | Fault]:
    def short(cell: Cell) -> str | Fault:
        text = plain_text(cell)
        return Fault("too_long", {"limit": most}) if isinstance(text, str) and len(text) > most else text

    return short


def _serial_no(cell: Cell) -> str | Fault:
    """Numbers beyond fifteen digits are exact only as text."""
    if isinstance(cell, float) and abs(cell) >= MOST_EXACT:
        return Fault("number_lost_digits")
    return _short_text(MOST_OF_SERIAL_NO)(cell)


def _single_day(cell: Cell, *, latest: date) -> date | Fault | None:
    """The one day that a cell names; None for an empty cell, a fault for a month."""
    period = period_of(cell, latest=latest)
    if not isinstance(period, tuple):
        return period
    return period[0] if period[0] == period[1] else Fault("not_a_day")


def _note(cell: Cell) -> str | Fault:
    """Remarks may hold line breaks."""
    return plain_text(" ".join(cell.split()) if isinstance(cell, str) else cell)
