"""What is checked of a list of charges beside its single cells."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from arrears.importing.by_fee import FeeColumns
from arrears.importing.cells import Fault
from arrears.importing.checking import Check, Faults, SheetUnderCheck
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Staged, StagedAmount, StagedRow
from arrears.importing.reading import Place
from arrears.importing.register import Register
from arrears.importing.rows import Table
from arrears.importing.splitting import Part, parts_of
from arrears.importing.totals import ZERO, Key
from arrears.importing.values import Batch, Values
from arrears.models import FeeType


class ChargeCheck(Check):
    """The check of a list with a row for each charge."""

    def __init__(self, register: Register, *, today: date, create_units: bool) -> None:
        super().__init__(register, today=today, create_units=create_units)
        self._due_on: dict[tuple[int, date, date], date] = {}

    def under_check(self, layout: SheetLayout, first_column: int) -> "_Charges":
        """The sheet with what the check keeps of it."""
        return _Charges(layout, first_column, self.register)

    def batch(self, table: Table, numbers: list[int], sheet: "_Charges") -> Batch:
        """The rows of a chunk as values; with a column for each fee their amounts stand with the sheet."""
        batch = super().batch(table, numbers, sheet)
        return sheet.by_fee.spread(batch, table, self.parsers, {"due": None}) if sheet.by_fee else batch

    def printed(self, sheet: "_Charges") -> dict[Key, object]:
        """The amounts of the total row at hand."""
        return sheet.by_fee.printed(sheet.table, sheet.index) if sheet.by_fee else super().printed(sheet)

    def faults(self, row: Values, sheet: "_Charges") -> Faults:
        """Cells of the row that cannot be used."""
        faults = super().faults(row, sheet)
        if sheet.by_fee:
            return [*faults, *sheet.by_fee.faults(sheet.index)]
        if any(at == Field.DUE for at, _fault in faults):  # then what is computed from it says nothing new
            return [(at, fault) for at, fault in faults if at != Field.OUTSTANDING]
        return faults

    def contradiction(self, row: Values, sheet: "_Charges") -> Faults:
        """Sound cells that contradict each other."""
        return sheet.contradiction(row)

    def staged(self, row: Values, sheet: "_Charges") -> Sequence[Staged]:
        """The row as it will be posted: one row a fee where each has a column, one a month where it spans years."""
        if not sheet.by_fee:
            return self._parts(row, sheet)
        of_fees = [row._replace(fee=fee, due=due) for fee, due in sheet.by_fee.amounts(sheet.index)]
        return [part for of_fee in of_fees for part in self._parts(of_fee, sheet)]

    def _parts(self, row: Values, sheet: "_Charges") -> Sequence[Staged]:
        received, waived = sheet.received(row), row.waived or ZERO
        amount = row.due - waived if row.due is not None else (row.outstanding or ZERO) + (received or ZERO)
        whole = Part(row.start, row.end, amount, waived, received)
        if row.start.year == row.end.year:  # nearly always
            return (self._part(row, whole, sheet, row.external_id),)
        parts = parts_of(whole)
        is_split = bool(row.external_id) and len(parts) > 1
        return [
            self._part(
                row, part, sheet, f"{row.external_id}/{part.period_start:%Y-%m}" if is_split else row.external_id
            )
            for part in parts
        ]

    def _day_due(self, fee: FeeType, start: date, end: date) -> date:
        bill = (fee.id, start, end)
        if bill not in self._due_on:
            self._due_on[bill] = fee.due_on(start, end)
        return self._due_on[bill]

    def _part(self, row: Values, part: Part, sheet: "_Charges", external_id: str) -> StagedRow:
        start, end, amount, waived, received = part
        return StagedRow(
            sheet.layout.name,
            row.number,
            row.place.unit_id,
            row.place.code,
            row.fee.id,
            start,
            end,
            row.due_on or self._day_due(row.fee, start, end),
            amount,
            waived,
            received,
            external_id,
        )

    def count(self, row: Values, staged: Sequence[StagedAmount], sheet: "_Charges") -> None:
        """Take note of a row that can be posted."""
        if not staged or not staged[0].amount:
            self.outcome.empty_rows += all(not part.amount for part in staged)
        self.outcome.split_rows += row.start.year != row.end.year
        if row.late_fee:
            self.outcome.printed_late_fee += row.late_fee

    def blank_amounts(self, row: Values, sheet: "_Charges") -> list[Place]:
        """Cells of money already settled that are empty."""
        if sheet.by_fee:
            return [(sheet.layout.name, row.number, sheet.first_column + at) for at in sheet.by_fee.blank(sheet.index)]
        return sheet.blank_amounts(row)


class _Charges(SheetUnderCheck):
    """A sheet of charges: which amounts it prints."""

    def __init__(self, layout: SheetLayout, first_column: int, register: Register) -> None:
        super().__init__(layout, first_column)
        self.by_fee = FeeColumns(layout, register)
        self._has_due, self._has_received = Field.DUE in self.cells, Field.RECEIVED in self.cells
        self._received_at, self._waived_at = self.cells.get(Field.RECEIVED), self.cells.get(Field.WAIVED)

    def contradiction(self, row: Values) -> Faults:
        """Sound cells that contradict each other."""
        if row.end < row.start:
            return [(Field.PERIOD_END, Fault("end_before_start"))]
        if self.by_fee:
            return []
        if row.due is None:
            return self._contradiction_without_due(row)
        settled = (self.received(row) or ZERO) + (row.waived or ZERO)
        if settled > row.due:
            return [(Field.RECEIVED, Fault("paid_more_than_due", {"due": str(row.due), "settled": str(settled)}))]
        if row.outstanding is not None and row.due - settled != row.outstanding:
            return [(Field.OUTSTANDING, Fault("arrears_differ", {"computed": str(row.due - settled)}))]
        return []

    def received(self, row: Values) -> Decimal | None:
        """CNY received as printed, or by the arrears where only those are; None where the sheet says nothing."""
        if self._has_received:
            return row.received or ZERO
        if row.due is None or row.outstanding is None:
            return None
        return max(row.due - (row.waived or ZERO) - row.outstanding, ZERO)

    def blank_amounts(self, row: Values) -> list[Place]:
        """Cells of money already settled that are empty; the sheet may have a broken formula there."""
        if (row.received is not None or self._received_at is None) and (
            row.waived is not None or self._waived_at is None
        ):
            return []
        return [
            (self.layout.name, row.number, cell)
            for cell, value in ((self._received_at, row.received), (self._waived_at, row.waived))
            if value is None and cell is not None
        ]

    def _contradiction_without_due(self, row: Values) -> Faults:
        if self._has_due:
            return [(Field.DUE, Fault("no_amount"))]
        if row.outstanding is None:
            return [(Field.OUTSTANDING, Fault("no_amount"))]
        return [(Field.OUTSTANDING, Fault("negative"))] if row.outstanding < 0 else []
