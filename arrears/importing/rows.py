"""Which rows of a sheet are data, and which are totals, repeated headers or remarks."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import zip_longest

from arrears.importing.cells import NOTHING, SPACE, Memo
from arrears.importing.fields import ARREARS, OF_OWNERS_ONLY, Field, header_key
from arrears.importing.layout import SheetLayout
from arrears.importing.reading import Cell

TOTAL_WORD = re.compile(r"[合总小共累]\s*计\s*[:：]?$")
TOTAL_LABEL = re.compile(r"[合总小共累]\s*计(?:金额|费用|欠费|款)?(?=$|[\s:：(（\d])|总金额|^total$", re.IGNORECASE)
SUBTOTAL_LABEL = re.compile(r"小\s*计")
FOOTNOTE = re.compile(
    r"[:：]|[第共]\s*\d+\s*/?\s*\d*\s*页|^(?:备注|说明|制表|审核|打印|复核|经办|填表|收款员|财务|主管)"
    r"|(?:明细表?|清单|报表|统计表|汇总表|日报表?|一览表|台账)$|^截[至止]"
)
LONGEST_LABEL, LONGEST_NOTE = 40, 500
ESSENTIAL = (
    Field.UNIT,
    Field.ROOM,
    Field.FEE,
    Field.PERIOD,
    Field.PERIOD_START,
    Field.PERIOD_END,
    Field.DUE,
    Field.RECEIVED,
    Field.SERIAL_NO,
    *ARREARS,
)
TELLING = (Field.FEE, Field.ROOM, Field.UNIT)
NAMES_A_UNIT = (Field.UNIT, Field.BUILDING, Field.ENTRANCE, Field.ROOM, Field.OWNER, Field.ESTATE)
WITH_MONEY = (Field.DUE, Field.RECEIVED, *ARREARS)
LABELLED = (*NAMES_A_UNIT, Field.FEE, Field.PERIOD, Field.PERIOD_START, Field.PERIOD_END)


class RowKind(Enum):
    DATA = "data"
    TOTAL = "total"
    SUBTOTAL = "subtotal"
    HEADER = "header"
    REMARK = "remark"


class Table:
    """The columns of one chunk under the fields that they hold."""

    def __init__(self, rows: Sequence[Sequence[Cell]], layout: SheetLayout) -> None:
        self._columns = list(zip_longest(*rows, fillvalue=""))
        self._index_of, self._given = layout.index_of(), layout.given
        self.length = len(rows)

    def __contains__(self, field: Field) -> bool:
        return field in self._index_of or field in self._given

    def __getitem__(self, field: Field) -> Sequence[Cell]:
        """The cells of a field; without a column what the sheet's title gives, else all empty."""
        index = self._index_of.get(field)
        return (self._given.get(field, ""),) * self.length if index is None else self.column(index)

    def column(self, index: int) -> Sequence[Cell]:
        """The cells of a column, by its index."""
        return self._columns[index] if index < len(self._columns) else ("",) * self.length

    def fill(self, field: Field, cells: Mapping[int, Cell]) -> None:
        """Put what merged cells stand for into the rows with these indices. Nothing where no column holds the field."""
        index = self._index_of.get(field)
        if index is None or not cells:
            return
        column = list(self.column(index))
        for row, cell in cells.items():
            column[row] = cell
        self._columns += [("",) * self.length] * (index + 1 - len(self._columns))
        self._columns[index] = tuple(column)

    def texts(self, index: int) -> list[Cell]:
        """The cells of a row that are not empty."""
        return [cell for column in self._columns if is_filled(cell := column[index])]

    def replace(self, columns: Mapping[int, Sequence[Cell]]) -> None:
        """Put other cells in columns, by index."""
        for index, cells in columns.items():
            if index < len(self._columns):
                self._columns[index] = tuple(cells)

    @property
    def first_column(self) -> Sequence[Cell]:
        return self._columns[0]


class RowKinds:
    """Tells the rows of one sheet apart, by its layout. In a list of owners a name alone makes a row of data."""

    def __init__(self, layout: SheetLayout, *, lists_owners: bool = False) -> None:
        self._essential = frozenset({*ESSENTIAL, *(OF_OWNERS_ONLY if lists_owners else ())})
        told_by = next((column for name in TELLING if (column := layout.column_of(name))), None)
        self._told_by = Field(told_by.field) if told_by else Field.FEE
        self._header = header_key(told_by.header.rpartition(" / ")[2]) if told_by else ""
        self._suspect = Memo(self._is_suspect)
        self._lists_owners = lists_owners
        self._is_total = Memo(lambda cell: _fits(TOTAL_LABEL, cell))

    def of(self, table: Table) -> list[RowKind]:
        """The kind of each row of the chunk. A row that names a fee is data, so most rows are told by one cell.

        Where no column names fees, the one that names units does as well.
        """
        cells = table[self._told_by]
        if self._lists_owners:  # 合计 may stand before 216户, which looks like a room
            cells = [
                "" if self._is_total[first] else cell for first, cell in zip(table.first_column, cells, strict=True)
            ]
        return [
            self._closer_look(table, index) if self._suspect[cell] else RowKind.DATA for index, cell in enumerate(cells)
        ]

    def _is_suspect(self, cell: Cell) -> bool:
        return not is_filled(cell) or self._may_be_a_label(cell) or self._is_header(cell)

    def _may_be_a_label(self, cell: Cell) -> bool:
        if self._told_by == Field.FEE and _fits(TOTAL_WORD, cell):
            return True
        return _fits(TOTAL_LABEL, cell) or _fits(FOOTNOTE, cell, LONGEST_NOTE)

    def _is_header(self, cell: Cell) -> bool:
        """Page breaks print the header again."""
        return isinstance(cell, str) and bool(self._header) and header_key(cell) == self._header

    def _closer_look(self, table: Table, index: int) -> RowKind:
        if self._is_header(table[self._told_by][index]):
            return RowKind.HEADER
        labels = [table.first_column[index], *(table[field][index] for field in LABELLED)]
        label = next((str(cell) for cell in labels if _fits(TOTAL_LABEL, cell)), None)
        if label is not None:
            return RowKind.SUBTOTAL if SUBTOTAL_LABEL.search(label) else RowKind.TOTAL
        filled = {field for field in (*self._essential, *NAMES_A_UNIT) if is_filled(table[field][index])}
        if not filled & set(WITH_MONEY) and all(_fits(FOOTNOTE, cell, LONGEST_NOTE) for cell in table.texts(index)):
            return RowKind.REMARK
        if (
            filled
            and filled <= set(NAMES_A_UNIT)
            and all(_fits(FOOTNOTE, table[field][index], LONGEST_NOTE) for field in filled)
        ):
            return RowKind.REMARK  # who made the list, and when
        return RowKind.DATA if filled & self._essential else RowKind.REMARK


def _fits(pattern: re.Pattern[str], cell: Cell, longest: int = LONGEST_LABEL) -> bool:
    return isinstance(cell, str) and len(cell) < longest and pattern.search(cell.strip(SPACE)) is not None


def is_filled(cell: Cell) -> bool:
    """Whether something stands in the cell; ``/`` and its like are nothing."""
    return cell.strip(SPACE) not in NOTHING if isinstance(cell, str) else True
