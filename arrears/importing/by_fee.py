"""Lists with a column of amounts for each fee: one row of the sheet is several charges or payments of the ledger."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from arrears.importing.cells import Fault, amount
from arrears.importing.fields import Field
from arrears.importing.layout import Column, SheetLayout
from arrears.importing.list_columns import FEE_ENDING, TO_BE_CHOSEN
from arrears.importing.reading import Cell
from arrears.importing.register import Register
from arrears.importing.rows import Table
from arrears.importing.totals import Key
from arrears.importing.values import Batch, Parsers, faults_of
from arrears.models import FeeType

MONEY_OF_KIND = {"charges": Field.DUE, "payments": Field.RECEIVED}
"""By kind of list the field that may stand in a column for each fee."""
OTHER_MONEY = (Field.RECEIVED, Field.WAIVED, Field.OUTSTANDING)
NAMED_FEE = 93


def name_fee_columns(columns: Sequence[Column], values: Sequence[Sequence[Cell]], register: Register) -> None:
    """Take columns that a fee heads for its amounts, in a list that has no column for fees.

    A single amount for the whole row is then a sum. Where money is printed that belongs to no fee in particular, such
    as what was received in all, nothing is changed: nobody could say which fee it is for.
    """
    money = MONEY_OF_KIND.get(register.kind)
    held = {column.field for column in columns}
    others = [field for field in OTHER_MONEY if field != money]
    if money is None or Field.FEE in held or held & set(others):
        return
    free = [
        (column, cells)
        for column, cells in zip(columns, values, strict=True)
        if (not column.field or column.field == money) and _may_be_amounts(cells)
    ]
    named = [(column, fee_id) for column, _cells in free if (fee_id := register.fee_id(column.header))]
    if not named or len({fee_id for _column, fee_id in named}) < len(named):
        return
    for column, cells in free:
        if column.field == money:
            column.hold("")
            column.confidence, column.evidence, column.params = 0, "sum_of_row", {}
        elif cells and FEE_ENDING.search(column.header):
            column.confidence, column.evidence, column.params = (
                TO_BE_CHOSEN,
                "unknown_fee_column",
                {"fee": column.header},
            )
    for column, fee_id in named:
        column.field, column.fee_id, column.confidence = money.value, fee_id, NAMED_FEE
        column.evidence, column.params = "fee_column", {}


def _may_be_amounts(cells: Sequence[Cell]) -> bool:
    """Whether at least some are amounts; the others are mistakes at their place, and no reason to drop a fee."""
    return not cells or any(isinstance(amount(cell), Decimal) for cell in cells)


class FeeColumns:
    """The columns of a sheet that hold the amounts of one fee each; none in a sheet with a column for fees."""

    def __init__(self, layout: SheetLayout, register: Register) -> None:
        fees = {fee.pk: fee for fee in register.fees.values()}
        self._columns = [(column, fees[column.fee_id]) for column in layout.columns if column.fee_id in fees]
        self._amounts: dict[int, list[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._columns)

    def spread(self, batch: Batch, table: Table, parsers: Parsers, blank: dict[str, Any]) -> Batch:
        """The rows without an amount of their own; those with a fee column that cannot be used are faulty too."""
        self._amounts = {
            column.index: [parsers.positive[cell] for cell in table.column(column.index)]
            for column, _fee in self._columns
        }
        rows = [row._replace(fee=self._columns[0][1], **blank) for row in batch.rows]
        faulty = {index for index in batch.faulty if faults_of(rows[index], parsers.fields)}
        for cells in self._amounts.values():
            faulty |= {index for index, cell in enumerate(cells) if isinstance(cell, Fault)}
        amounts: dict[Key, list[Any]] = dict(self._amounts.items())
        return replace(batch, rows=rows, faulty=frozenset(faulty), amounts=amounts)

    def printed(self, table: Table, index: int) -> dict[Key, object]:
        """The amounts of a total row, by column."""
        return {column.index: amount(table.column(column.index)[index]) for column, _fee in self._columns}

    def faults(self, index: int) -> list[tuple[Key, Fault]]:
        """Amounts of a row that cannot be used."""
        return [(at, cells[index]) for at, cells in self._amounts.items() if isinstance(cells[index], Fault)]

    def blank(self, index: int) -> list[int]:
        """The columns of a row that are empty; the sheet may have a broken formula there."""
        return [at for at, cells in self._amounts.items() if cells[index] is None]

    def amounts(self, index: int) -> list[tuple[FeeType, Decimal]]:
        """What a row says of each fee, in CNY; an empty cell says nothing."""
        return [
            (fee, cell)
            for column, fee in self._columns
            if isinstance(cell := self._amounts[column.index][index], Decimal) and cell
        ]
