"""Every row of a list of charges, checked: what can be staged, and each mistake at its place."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from arrears.importing.cells import Fault, Memo, shown
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Issue, Outcome, StagedRow
from arrears.importing.reading import Chunk, Place, Sheet
from arrears.importing.register import Register
from arrears.importing.rows import RowKind, RowKinds, Table
from arrears.importing.splitting import parts_of
from arrears.importing.totals import ZERO, RunningTotals
from arrears.importing.values import Parsers, Values
from arrears.models import ImportIssue
from owners.parties import same_people
from owners.registering import NewUnit, usage_of

ERROR, WARNING = ImportIssue.Severity.ERROR, ImportIssue.Severity.WARNING
STANDS_IN = {Field.ROOM: Field.UNIT, Field.PERIOD_START: Field.PERIOD, Field.PERIOD_END: Field.PERIOD}

Faults = list[tuple[Field, Fault]]


class Check:
    """Checks the sheets of one workbook, one after the other; what it finds stands in ``outcome``."""

    def __init__(self, register: Register, *, latest: date, create_units: bool) -> None:
        self.outcome = Outcome()
        self._register = register
        self._parsers = Parsers(register, latest=latest, create_units=create_units)
        self._first_seen: dict[tuple[object, ...], tuple[str, int]] = {}
        self._is_another_estate = Memo(register.is_another_estate)
        self._owner_differs = Memo(self._differs_from_register)

    def sheet(self, sheet: Sheet, layout: SheetLayout) -> Iterator[StagedRow]:
        """The rows of ``sheet`` that can be posted. Walk it to the end to have the outcome."""
        on_its_way = _SheetUnderCheck(layout, sheet.first_column)
        self.outcome.has_late_fee |= layout.column_of(Field.LATE_FEE) is not None
        for chunk in sheet.chunks():
            yield from self._chunk(chunk, on_its_way)

    def _chunk(self, chunk: Chunk, sheet: "_SheetUnderCheck") -> Iterator[StagedRow]:
        table = Table(chunk.rows, sheet.layout)
        batch = self._parsers.batch(table, chunk.numbers)
        sheet.table, summed = table, 0
        for index, (kind, row) in enumerate(zip(sheet.kinds.of(table), batch.rows, strict=True)):
            sheet.index = index
            if row.number <= sheet.layout.header_rows[1]:
                summed = index + 1
            elif kind is RowKind.DATA:
                yield from self._data_row(row, sheet, is_faulty=index in batch.faulty)
            elif kind in (RowKind.TOTAL, RowKind.SUBTOTAL):
                sheet.totals.add(batch.amounts_between(summed, index))
                summed = index + 1
                self._total_row(kind, row.number, sheet)
        sheet.totals.add(batch.amounts_between(summed, table.length))

    def _data_row(self, row: Values, sheet: "_SheetUnderCheck", *, is_faulty: bool) -> list[StagedRow]:
        self.outcome.rows += 1
        faults = sheet.faults(row) if is_faulty else sheet.contradiction(row)
        staged = [] if faults else self._staged(row, sheet)
        if not faults and (first := self._seen_before(staged)):
            faults = [(Field.FEE, Fault("twice", {"sheet": first[0], "row": first[1]}))]
        if faults:
            self.outcome.bad_rows += 1
            self.outcome.issues += [sheet.issue(ERROR, row.number, at, fault) for at, fault in faults]
            return []
        self._count(row, staged)
        self.outcome.blank_amounts += sheet.blank_amounts(row)
        self._compare_with_register(row, sheet)
        return staged

    @staticmethod
    def _staged(row: Values, sheet: "_SheetUnderCheck") -> list[StagedRow]:
        """The row as it will be posted, one row a month where it spans years."""
        received, waived = sheet.received(row), row.waived or ZERO
        amount = row.due - waived if row.due is not None else (row.outstanding or ZERO) + (received or ZERO)
        parts = parts_of(row.start, row.end, amount=amount, waived=waived, received=received)
        is_split = bool(row.external_id) and len(parts) > 1
        return [
            StagedRow(
                sheet.layout.name,
                row.number,
                row.place.unit_id,
                row.place.code,
                row.fee.pk,
                part.period_start,
                part.period_end,
                row.due_on or row.fee.due_on(part.period_start, part.period_end),
                part.amount,
                part.waived,
                part.received,
                f"{row.external_id}/{part.period_start:%Y-%m}" if is_split else row.external_id,
            )
            for part in parts
        ]

    def _seen_before(self, staged: list[StagedRow]) -> tuple[str, int] | None:
        """Where one of these charges stood first in the workbook; remembers them where none did."""
        keys = [part.key for part in staged]
        first = next((self._first_seen[key] for key in keys if key in self._first_seen), None)
        if first is None:
            self._first_seen.update(dict.fromkeys(keys, (staged[0].sheet, staged[0].row)))
        return first

    def _count(self, row: Values, staged: list[StagedRow]) -> None:
        self.outcome.empty_rows += all(not part.amount for part in staged)
        self.outcome.split_rows += len(staged) > 1
        if row.late_fee:
            self.outcome.printed_late_fee += row.late_fee

    def _compare_with_register(self, row: Values, sheet: "_SheetUnderCheck") -> None:
        """Remark what the register says otherwise, and keep the unit that it lacks. Changes no row."""
        if row.estate and self._is_another_estate[row.estate]:
            issue = sheet.issue(WARNING, row.number, Field.ESTATE, Fault("another_estate"))
            self.outcome.warn(issue, key=row.estate)
        if row.place.unit_id is None:
            self._keep_unit(row)
        if row.owner and self._owner_differs[row.place.code, row.place.unit_id, row.owner]:
            issue = sheet.issue(WARNING, row.number, Field.OWNER, Fault("owner_differs", {"unit": row.place.code}))
            self.outcome.warn(issue, key=f"{row.place.code} {row.owner}")

    def _keep_unit(self, row: Values) -> None:
        units, place = self.outcome.new_units, row.place
        if place.name is not None and (place.code not in units or (row.owner and not units[place.code].owners)):
            usage = usage_of(place.name, fee=row.fee.name)
            units[place.code] = NewUnit(place.name, place.building, usage, row.area, row.owner)

    def _differs_from_register(self, key: tuple[str, int | None, str]) -> bool:
        code, unit_id, owner = key
        new = self.outcome.new_units.get(code)
        known = new.owners if new else self._register.owners.get(unit_id or 0, "")
        return bool(known) and not same_people(known, owner)

    def _total_row(self, kind: RowKind, number: int, sheet: "_SheetUnderCheck") -> None:
        self.outcome.total_rows += 1
        printed = self._parsers.printed(sheet.table, sheet.index)
        comparison = sheet.totals.compare(kind, number, printed)
        if not comparison.is_subtotal or comparison.differing:
            self.outcome.comparisons.append((sheet.layout.name, comparison))
        for at in comparison.differing:
            wrong, ours = comparison.printed[at], comparison.ours[at]
            fault = Fault("total_differs", {"printed": str(wrong), "ours": str(ours), "by": str(wrong - ours)})
            self.outcome.warn(sheet.issue(WARNING, number, at, fault), key=f"{sheet.layout.name}!{number}!{at}")


class _SheetUnderCheck:
    """A sheet on its way through the check: ``table`` is the chunk at hand and ``index`` the row in it."""

    table: Table
    index: int

    def __init__(self, layout: SheetLayout, first_column: int) -> None:
        self.layout = layout
        self.kinds, self.totals = RowKinds(layout), RunningTotals()
        self._cells = {Field(name): first_column + index for name, index in layout.index_of().items()}
        self._has_due, self._has_received = Field.DUE in self._cells, Field.RECEIVED in self._cells

    def faults(self, row: Values) -> Faults:
        """Cells of the row that cannot be used."""
        faults = row.faults()
        if any(at == Field.DUE for at, _fault in faults):  # then what is computed from it says nothing new
            return [(at, fault) for at, fault in faults if at != Field.OUTSTANDING]
        return faults

    def contradiction(self, row: Values) -> Faults:
        """Sound cells that contradict each other."""
        if row.end < row.start:
            return [(Field.PERIOD_END, Fault("end_before_start"))]
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
        blank = [
            field for field, value in ((Field.RECEIVED, row.received), (Field.WAIVED, row.waived)) if value is None
        ]
        return [(self.layout.name, row.number, self._cells[field]) for field in blank if field in self._cells]

    def _contradiction_without_due(self, row: Values) -> Faults:
        if self._has_due:
            return [(Field.DUE, Fault("no_amount"))]
        if row.outstanding is None:
            return [(Field.OUTSTANDING, Fault("no_amount"))]
        return [(Field.OUTSTANDING, Fault("negative"))] if row.outstanding < 0 else []

    def issue(self, severity: ImportIssue.Severity, row: int, at: Field, fault: Fault) -> Issue:
        """``fault`` at its place in the sheet, in the column of ``at`` or of what stands in for it."""
        at = at if self.layout.column_of(at) else STANDS_IN.get(at, at)
        column = self.layout.column_of(at)
        params = {"header": column.header if column else str(at.label), **fault.params}
        return Issue(
            severity,
            self.layout.name,
            row,
            column.letter if column else "",
            shown(self.table[at][self.index]),
            fault.code,
            params,
            self._cells.get(at),
        )
