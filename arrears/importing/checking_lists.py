"""What is checked of an arrears list beside its single cells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Max

from arrears.importing.cells import Fault
from arrears.importing.checking import WARNING, Check, Faults, SheetUnderCheck
from arrears.importing.fields import ARREARS, Field
from arrears.importing.layout import Column, SheetLayout
from arrears.importing.outcome import Staged, StagedAmount, StagedListed
from arrears.importing.reading import Place as Cell
from arrears.importing.reading import Refusal
from arrears.importing.register import Register
from arrears.importing.rows import Table
from arrears.importing.totals import ZERO, Key
from arrears.importing.values import Batch, Place, Shape
from arrears.importing.windows import OF_FIELD, Calendar, Window
from arrears.models import FeeType, Import

EARLIER_FROM, IS_COMPLETE, TAKES_CREDIT = "earlier_from", "is_complete", "takes_credit"
"""Keys in Import.options: since when earlier arrears are owed; units not printed owe nothing; credit is posted."""


class ListRow(NamedTuple):
    """One row of an arrears list, typed as it is when sound; its amounts stand with the sheet under check."""

    number: int
    place: Place
    owner: str
    phone: str
    estate: str
    area: Decimal | None
    fee: FeeType | None
    start: date | None
    end: date | None


LIST_ROW = Shape(
    ListRow._make,
    (
        *(None, Field.ROOM, Field.OWNER, Field.PHONE, Field.ESTATE, Field.AREA, Field.FEE),
        *(Field.PERIOD_START, Field.PERIOD_END),
    ),
    needs_fee=False,
    needs_period=False,
    compared=(),
)


def check_list(workbook: Import, register: Register, today: date) -> Check:
    """The check of an arrears list."""
    return ListCheck(workbook, register, today=today)


def calendar_of(workbook: Import) -> Calendar:
    """The windows of a list whose day is known. Raises Refusal where it is not."""
    if workbook.as_of is None:
        raise Refusal("no_as_of")
    earlier_from = workbook.options.get(EARLIER_FROM)
    return Calendar(workbook.as_of, date.fromisoformat(earlier_from) if earlier_from else None)


class ListCheck(Check):
    """The check of a list that prints what is owed: by columns for fee and time, or in rows."""

    shape = LIST_ROW
    twice_at = Field.ROOM

    def __init__(self, workbook: Import, register: Register, *, today: date) -> None:
        super().__init__(register, today=today, create_units=workbook.create_units)
        self._workbook = workbook
        self._newest = newest_list(workbook)  # asked now: the rows are walked in the middle of a COPY

    def under_check(self, layout: SheetLayout, first_column: int) -> "_List":
        """The sheet with what the check keeps of it. Takes the day from its title where nobody has named one.

        Raises Refusal for a day that is unknown, to come, or older than a posted list.
        """
        if self._workbook.as_of is None and layout.as_of:
            self._workbook.as_of = date.fromisoformat(layout.as_of)
        refuse_day(self._workbook, today=self.today, newest=self._newest)
        return _List(layout, first_column, calendar_of(self._workbook))

    def batch(self, table: Table, numbers: list[int], sheet: "_List") -> Batch:
        """The rows of a chunk as values, with the amounts by column."""
        batch = super().batch(table, numbers, sheet)
        memo = self.parsers.amount
        sheet.amounts = {column.index: [memo[cell] for cell in table.column(column.index)] for column in sheet.money}
        for column in sheet.arrears:
            cells = sheet.amounts[column.index]
            batch = replace(batch, faulty=batch.faulty | {i for i, cell in enumerate(cells) if isinstance(cell, Fault)})
        amounts: dict[Key, list[Any]] = {index: cells for index, cells in sheet.amounts.items()}  # noqa: C416  other keys
        return replace(batch, amounts=amounts)

    def printed(self, sheet: "_List") -> dict[Key, object]:
        """The amounts of the total row at hand, by column."""
        return {index: cells[sheet.index] for index, cells in sheet.amounts.items()}

    def contradiction(self, row: ListRow, sheet: "_List") -> Faults:
        """Sound cells that contradict each other."""
        if row.start and row.end and row.end < row.start:
            return [(Field.PERIOD_END, Fault("end_before_start"))]
        if row.fee is None and any(not column.fee_id for column in sheet.arrears):
            return [(Field.FEE, Fault("no_fee"))]
        as_of = sheet.calendar.as_of.isoformat()
        later = [column.index for column in sheet.arrears if sheet.is_to_come(column) and sheet.amount(column)]
        return [(at, Fault("after_the_list", {"as_of": as_of})) for at in later]

    def faults(self, row: ListRow, sheet: "_List") -> Faults:
        """Cells of the row that cannot be used, amounts among them."""
        amounts = ((column.index, sheet.amounts[column.index][sheet.index]) for column in sheet.arrears)
        return [*super().faults(row, sheet), *((at, cell) for at, cell in amounts if isinstance(cell, Fault))]

    def staged(self, row: ListRow, sheet: "_List") -> Sequence[Staged]:
        """Every amount of the row, also those that are nothing."""
        return [self._listed(row, column, sheet) for column in sheet.arrears if not sheet.is_to_come(column)]

    def _listed(self, row: ListRow, column: Column, sheet: "_List") -> StagedListed:
        window, start, end, is_known = sheet.time_of(column)
        is_dated = bool(row.start and row.end) and not column.period
        return StagedListed(
            sheet.layout.name,
            row.number,
            column.letter,
            row.place.unit_id,
            row.place.code,
            column.fee_id or (row.fee.pk if row.fee else 0),
            window.value,
            row.start if is_dated and row.start else start,
            row.end if is_dated and row.end else end,
            is_dated or is_known,
            sheet.amount(column),
        )

    def count(self, row: ListRow, staged: Sequence[StagedAmount], sheet: "_List") -> None:
        """Add up printed late fees, and hold the sums of the row against its amounts."""
        self.outcome.printed_late_fee += sum((sheet.amount(column) for column in sheet.late_fees), ZERO)
        self.outcome.empty_rows += all(not part.amount for part in staged)
        for column in sheet.sums:
            printed = sheet.amounts[column.index][sheet.index]
            possible = sheet.sums_for(column)
            if isinstance(printed, Decimal) and printed not in possible:
                params = {"printed": str(printed), "ours": str(possible[0])}
                issue = sheet.issue(WARNING, row.number, column.index, Fault("row_sum_differs", params))
                self.outcome.warn(issue, key=f"{sheet.layout.name}!{row.number}!{column.letter}")

    def blank_amounts(self, row: ListRow, sheet: "_List") -> list[Cell]:
        """Cells of arrears that are empty and count as nothing owed."""
        blank = [column for column in sheet.arrears if sheet.amounts[column.index][sheet.index] is None]
        return [(sheet.layout.name, row.number, sheet.first_column + column.index) for column in blank]


class _List(SheetUnderCheck):
    """A sheet of an arrears list; ``amounts`` by column are those of the chunk at hand."""

    amounts: dict[int, list[Any]]

    def __init__(self, layout: SheetLayout, first_column: int, calendar: Calendar) -> None:
        super().__init__(layout, first_column)
        self.calendar = calendar
        self.arrears = [column for column in layout.columns if column.field in ARREARS]
        self.late_fees = [column for column in layout.columns if column.field == Field.LATE_FEE]
        self.sums = [column for column in layout.columns if column.field == Field.COLUMN_SUM]
        self.names_periods = any(column.period for column in self.arrears)
        self.money = sorted([*self.arrears, *self.late_fees, *self.sums], key=lambda column: column.index)

    def is_to_come(self, column: Column) -> bool:
        """Whether the column stands for a year or month that begins after the list's month."""
        start = column.period.partition("/")[0]
        return bool(start) and date.fromisoformat(start) > self.calendar.month_end

    def time_of(self, column: Column) -> tuple[Window, date, date, bool]:
        """The window of a column with its first and last day, and whether these make the period of a charge.

        Where columns name years or months, all are compared as one window: theirs need not fit the others.
        """
        window = OF_FIELD[Field(column.field)]
        if not self.names_periods:
            start, end, _is_known = self.calendar.period(window)
            return window, start, end, False
        if column.period:
            begin, _slash, last = column.period.partition("/")
            end = min(date.fromisoformat(last), self.calendar.month_end)
            return Window.WHOLE, date.fromisoformat(begin) if begin else end, end, bool(begin)
        start, end, is_known = self.calendar.period(window)
        return Window.WHOLE, start, end, is_known and window != Window.WHOLE

    def amount(self, column: Column) -> Decimal:
        """What the row at hand prints in a column, in CNY; nothing where that is no amount."""
        cell = self.amounts[column.index][self.index]
        return cell if isinstance(cell, Decimal) else ZERO

    def sums_for(self, at: Column) -> list[Decimal]:
        """What a sum in this column may add up, in CNY: its group, or the row, with late fees or without."""
        group = at.header.rpartition(" / ")[0]
        last = max((column.index for column in self.sums if column.index < at.index), default=-1)
        addends = [*self.arrears, *self.late_fees]
        return [
            sum((self.amount(column) for column in columns if with_late_fee or column.field != Field.LATE_FEE), ZERO)
            for columns in (
                [column for column in addends if group and column.header.startswith(f"{group} / ")],
                [column for column in addends if last < column.index < at.index],
                addends,
                [column for column in addends if column.index < at.index],
            )
            if columns
            for with_late_fee in (True, False)
        ] or [ZERO]


def refuse_day(workbook: Import, *, today: date, newest: date | None) -> None:
    """Raises Refusal for a list whose day is unknown or to come, or before ``newest``, that of a posted list."""
    as_of = calendar_of(workbook).as_of
    if as_of > today:
        raise Refusal("as_of_to_come", day=as_of.isoformat())
    if newest and newest > as_of:
        raise Refusal("older_list", day=as_of.isoformat(), newer=newest.isoformat())


def newest_list(workbook: Import) -> date | None:
    """The day of the newest other list that is posted in the project."""
    posted = Import.objects.filter(
        project=workbook.project_id, kind=Import.Kind.ARREARS_LIST, state__in=Import.IN_LEDGER_STATES
    ).exclude(pk=workbook.pk)
    newest: date | None = posted.aggregate(newest=Max("as_of"))["newest"]
    return newest
