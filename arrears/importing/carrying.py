"""Cells that a sheet prints once for several rows: merged cells, and groups whose later rows leave them empty."""

from collections.abc import Sequence
from enum import Enum

from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.reading import Cell
from arrears.importing.rows import RowKind, Table, is_filled
from owners.unit_codes import parse_unit

PLACE = (Field.ESTATE, Field.BUILDING, Field.ENTRANCE, Field.UNIT, Field.ROOM, Field.OWNER, Field.PHONE, Field.AREA)
"""From the widest to the narrowest: where one is printed anew, what is narrower does not carry on."""
NAMES_THE_ROOM = (Field.UNIT, Field.ROOM)
WITH_THE_PLACE = (Field.RECEIVED_ON, Field.METHOD, Field.RECEIPT_NO)
"""What a cashier prints once for all fees of one receipt."""
MERGED_ONLY = (Field.FEE, Field.PERIOD, Field.YEAR, Field.PERIOD_START, Field.PERIOD_END, Field.DUE_ON)
CARRIED = (*PLACE, *WITH_THE_PLACE, *MERGED_ONLY)
MOST_FILLED = 0.7
FEWEST_ROWS = 3


class Source(Enum):
    """Why an empty cell has the value of the row above."""

    MERGED = "merged"
    GROUP = "group"


class Carrier:
    """Fills empty cells of one sheet, chunk by chunk. Amounts and numbers of bills and payments are never carried.

    A column that is filled in most rows is none that is printed once for a group: an empty cell there stays empty.
    """

    def __init__(self, layout: SheetLayout) -> None:
        self._columns = {Field(name): index for name, index in layout.index_of().items() if name in CARRIED}
        self._last: dict[Field, Cell] = {}
        self._sparse: frozenset[Field] | None = None
        self._after_total = True

    def fill(
        self, table: Table, kinds: Sequence[RowKind], covered: frozenset[tuple[int, int]], *, after: int
    ) -> dict[int, Source]:
        """Fill the data rows below ``after``, the index of the last header row; returns which of them were filled."""
        if self._sparse is None:
            self._sparse = self._printed_once(table, kinds, after)
        if not covered and not self._sparse:
            return {}
        filled: dict[int, Source] = {}
        columns = {field: list(table[field]) for field in self._columns}
        for index in range(after + 1, table.length):
            if kinds[index] is RowKind.DATA:
                source = self._fill_row(columns, index, covered)
                if source:
                    filled[index] = source
                self._after_total = False
            elif kinds[index] in (RowKind.TOTAL, RowKind.SUBTOTAL):
                self._after_total = True
        if filled:
            table.replace({self._columns[field]: cells for field, cells in columns.items()})
        return filled

    def _printed_once(self, table: Table, kinds: Sequence[RowKind], after: int) -> frozenset[Field]:
        rows = [index for index in range(after + 1, table.length) if kinds[index] is RowKind.DATA]
        if len(rows) < FEWEST_ROWS:
            return frozenset()
        shares = {
            field: sum(is_filled(table[field][index]) for index in rows) / len(rows)
            for field in (*PLACE, *WITH_THE_PLACE)
            if field in self._columns
        }
        return frozenset(field for field, share in shares.items() if 0 < share <= MOST_FILLED)

    def _fill_row(
        self, columns: dict[Field, list[Cell]], index: int, covered: frozenset[tuple[int, int]]
    ) -> Source | None:
        blank = {field for field in columns if not is_filled(columns[field][index])}
        of_group = self._of_group(blank, columns, index)
        source: Source | None = None
        for field, cells in columns.items():
            if field not in blank:
                self._last[field] = cells[index]
            elif field in self._last and (index, self._columns[field]) in covered:
                cells[index], source = self._last[field], source or Source.MERGED
            elif field in self._last and field in of_group:
                cells[index], source = self._last[field], Source.GROUP
            else:
                self._last.pop(field, None)
        return source

    def _of_group(self, blank: set[Field], columns: dict[Field, list[Cell]], index: int) -> set[Field]:
        """Which empty cells the group above speaks for."""
        sparse, found = self._sparse or frozenset(), set[Field]()
        for field in PLACE:
            if field in columns and field not in blank:
                break
            if field in blank and field in sparse:
                found.add(field)
        is_whole = not any(field in columns and field not in blank for field in (*PLACE[:6],))
        if is_whole:
            return set() if self._after_total else found | {field for field in WITH_THE_PLACE if field in sparse}
        room = next((columns[field][index] for field in NAMES_THE_ROOM if field in columns and field not in blank), "")
        return set() if parse_unit(str(room)) else found
