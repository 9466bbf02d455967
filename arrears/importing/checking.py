"""The check of every row of a workbook: what can be staged, and each mistake at its place.

What differs between kinds of lists stands in checking_charges, checking_payments and checking_lists.
"""

import bisect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from arrears.importing.carrying import Carrier, Source
from arrears.importing.cells import Fault, Memo, latest_day, shown
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Issue, Outcome, Staged
from arrears.importing.reading import Chunk, Place, Sheet
from arrears.importing.register import Register
from arrears.importing.rows import RowKind, RowKinds, Table
from arrears.importing.totals import Key, RunningTotals
from arrears.importing.values import CHARGE_ROW, AnyRow, Batch, Parsers, Shape, faults_of
from arrears.models import ImportIssue
from owners.parties import same_people
from owners.registering import NewUnit, usage_of

ERROR, WARNING = ImportIssue.Severity.ERROR, ImportIssue.Severity.WARNING
STANDS_IN = {
    Field.ROOM: (Field.UNIT,),
    Field.PERIOD_START: (Field.PERIOD, Field.YEAR),
    Field.PERIOD_END: (Field.PERIOD, Field.YEAR),
}
"""Where a field has no column of its own, the columns that say it."""

Faults = list[tuple[Key, Fault]]


class SheetUnderCheck:
    """A sheet on its way through the check: ``table`` is the chunk at hand and ``index`` the row in it."""

    table: Table
    index: int

    def __init__(self, layout: SheetLayout, first_column: int) -> None:
        self.layout, self.first_column = layout, first_column
        self.kinds, self.totals, self.carrier = RowKinds(layout), RunningTotals(), Carrier(layout)
        self.cells = {Field(name): first_column + index for name, index in layout.index_of().items()}

    def issue(self, severity: ImportIssue.Severity, row: int, at: Key, fault: Fault) -> Issue:
        """``fault`` at its place: in a column by its index, or that of the field or of what stands in for it."""
        if isinstance(at, Field):
            said_by = (at, *STANDS_IN.get(at, ()))
            column = next((found for field in said_by if (found := self.layout.column_of(field))), None)
            name = str(at.label)
        else:
            column, name = self.layout.columns[at], ""
        params = {"header": column.header if column else name, **fault.params}
        return Issue(
            severity,
            self.layout.name,
            row,
            column.letter if column else "",
            shown(self.table.column(column.index)[self.index]) if column else "",
            fault.code,
            params,
            self.first_column + column.index if column else None,
        )


class Check(ABC):
    """Checks the sheets of one workbook, one after the other; what it finds stands in ``outcome``."""

    shape: Shape = CHARGE_ROW
    twice_at: Field = Field.FEE

    def __init__(self, register: Register, *, today: date, create_units: bool) -> None:
        self.outcome = Outcome(checked_on=today)
        self.register, self.today = register, today
        self.parsers = Parsers(register, latest=latest_day(today), create_units=create_units, shape=self.shape)
        self._first_seen: dict[object, tuple[str, int]] = {}
        self._is_another_estate = Memo(register.is_another_estate)
        self._owner_differs = Memo(self._differs_from_register)

    @abstractmethod
    def contradiction(self, row: Any, sheet: Any) -> Faults:
        """Sound cells that contradict each other, or that the ledger cannot take."""

    @abstractmethod
    def staged(self, row: Any, sheet: Any) -> Sequence[Staged]:
        """The row as it will be posted. Called for rows without faults."""

    def under_check(self, layout: SheetLayout, first_column: int) -> SheetUnderCheck:
        """The sheet with what the check keeps of it."""
        return SheetUnderCheck(layout, first_column)

    def faults(self, row: Any, sheet: Any) -> Faults:
        """Cells of the row that cannot be used."""
        return list(faults_of(row, self.shape.fields))

    def batch(self, table: Table, numbers: list[int], sheet: Any) -> Batch:
        """The rows of a chunk as values."""
        return self.parsers.batch(table, numbers)

    def printed(self, sheet: Any) -> dict[Key, object]:
        """The amounts of the total row at hand."""
        return self.parsers.printed(sheet.table, sheet.index)

    def carry(
        self, table: Table, kinds: Sequence[RowKind], chunk: Chunk, sheet: Any, *, after: int
    ) -> dict[int, Source]:
        """Fill cells that the sheet prints once for several rows below ``after``; returns which rows were filled."""
        return sheet.carrier.fill(table, kinds, chunk.covered, after=after)  # type: ignore[no-any-return]

    def count(self, row: Any, staged: Sequence[Any], sheet: Any) -> None:  # noqa: B027  a hook
        """Take note of a row that can be posted."""

    def blank_amounts(self, row: Any, sheet: Any) -> list[Place]:
        """Cells that are empty and mean nothing; the sheet may have a broken formula there."""
        return []

    def sheet(self, sheet: Sheet, layout: SheetLayout) -> Iterator[Staged]:
        """The rows of ``sheet`` that can be posted. Walk it to the end to have the outcome."""
        on_its_way = self.under_check(layout, sheet.first_column)
        self.outcome.has_late_fee |= layout.column_of(Field.LATE_FEE) is not None
        for field, text in layout.given.items():
            self._tell_given(layout, Field(field), text)
        for chunk in sheet.chunks():
            yield from self._chunk(chunk, on_its_way)

    def _chunk(self, chunk: Chunk, sheet: SheetUnderCheck) -> Iterator[Staged]:
        table = Table(chunk.rows, sheet.layout)
        kinds = sheet.kinds.of(table)
        header = bisect.bisect_right(chunk.numbers, sheet.layout.header_rows[1]) - 1
        carried = self.carry(table, kinds, chunk, sheet, after=header)
        batch = self.batch(table, chunk.numbers, sheet)
        sheet.table, summed = table, 0
        for index, (kind, row) in enumerate(zip(kinds, batch.rows, strict=True)):
            sheet.index = index
            if index in carried:
                self._tell_carried(row, sheet, carried[index])
            if row.number <= sheet.layout.header_rows[1]:
                summed = index + 1
            elif kind is RowKind.DATA:
                yield from self._data_row(row, sheet, is_faulty=index in batch.faulty)
            elif kind in (RowKind.TOTAL, RowKind.SUBTOTAL):
                sheet.totals.add(batch.amounts_between(summed, index))
                summed = index + 1
                self._total_row(kind, row.number, sheet)
        sheet.totals.add(batch.amounts_between(summed, table.length))

    def _tell_given(self, layout: SheetLayout, field: Field, text: str) -> None:
        if layout.column_of(field) is None:
            params = {"field": field.value, "text": text}
            issue = Issue(WARNING, layout.name, layout.header_rows[0], "", text, "given", params)
            self.outcome.warn(issue, key=f"{layout.name} {field}")

    def _tell_carried(self, row: AnyRow, sheet: SheetUnderCheck, source: Source) -> None:
        """Cells that are empty and not merged are taken from the row above by guess; a person is to see that."""
        if source is Source.GROUP:
            issue = sheet.issue(WARNING, row.number, Field.ROOM, Fault("carried"))
            self.outcome.warn(issue, key=sheet.layout.name)

    def _data_row(self, row: Any, sheet: SheetUnderCheck, *, is_faulty: bool) -> Sequence[Staged]:
        self.outcome.rows += 1
        self._compare_estate(row, sheet)
        faults = self.faults(row, sheet) if is_faulty else self.contradiction(row, sheet)
        staged = [] if faults else self.staged(row, sheet)
        if not faults and (first := self._seen_before(staged)):
            faults = [(self.twice_at, Fault("twice", {"sheet": first[0], "row": first[1]}))]
        if faults:
            self.outcome.bad_rows += 1
            self.outcome.issues += [sheet.issue(ERROR, row.number, at, fault) for at, fault in faults]
            return []
        self.count(row, staged, sheet)
        self.outcome.blank_amounts += self.blank_amounts(row, sheet)
        self._compare_with_register(row, sheet)
        return staged

    def _seen_before(self, staged: Sequence[Staged]) -> tuple[str, int] | None:
        """Where one of these stood first in the workbook; remembers them where none did."""
        if not staged:
            return None
        seen, here = self._first_seen, (staged[0].sheet, staged[0].row)
        if len(staged) == 1:  # nearly always
            first = seen.setdefault(staged[0].key, here)
            return first if first is not here else None
        keys = [part.key for part in staged]
        if any(key in seen for key in keys):
            return next(seen[key] for key in keys if key in seen)
        seen.update(dict.fromkeys(keys, here))
        return None

    def _compare_estate(self, row: Any, sheet: SheetUnderCheck) -> None:
        """Remark another estate, above all where it is why no room is known: faulty rows are told too."""
        if row.estate and self._is_another_estate[row.estate]:
            issue = sheet.issue(WARNING, row.number, Field.ESTATE, Fault("another_estate"))
            self.outcome.warn(issue, key=row.estate)

    def _compare_with_register(self, row: AnyRow, sheet: SheetUnderCheck) -> None:
        """Remark what the register says otherwise, and keep the unit that it lacks. Changes no row."""
        if row.place.unit_id is None:
            self._keep_unit(row)
        if row.owner and self._owner_differs[row.place.code, row.place.unit_id, row.owner]:
            issue = sheet.issue(WARNING, row.number, Field.OWNER, Fault("owner_differs", {"unit": row.place.code}))
            self.outcome.warn(issue, key=f"{row.place.code} {row.owner}")

    def _keep_unit(self, row: AnyRow) -> None:
        units, place = self.outcome.new_units, row.place
        if place.name is not None and (place.code not in units or (row.owner and not units[place.code].owners)):
            usage = usage_of(place.name, fee=row.fee.name if row.fee else "")
            units[place.code] = NewUnit(place.name, place.building, usage, row.area, row.owner)

    def _differs_from_register(self, key: tuple[str, int | None, str]) -> bool:
        code, unit_id, owner = key
        new = self.outcome.new_units.get(code)
        known = new.owners if new else self.register.owners.get(unit_id or 0, "")
        return bool(known) and not same_people(known, owner)

    def _total_row(self, kind: RowKind, number: int, sheet: SheetUnderCheck) -> None:
        self.outcome.total_rows += 1
        comparison = sheet.totals.compare(kind, number, self.printed(sheet))
        if not comparison.is_subtotal or comparison.differing:
            self.outcome.comparisons.append((sheet.layout.name, comparison))
        for at in comparison.differing:
            wrong, ours = comparison.printed[at], comparison.ours[at]
            fault = Fault("total_differs", {"printed": str(wrong), "ours": str(ours), "by": str(wrong - ours)})
            self.outcome.warn(sheet.issue(WARNING, number, at, fault), key=f"{sheet.layout.name}!{number}!{at}")
