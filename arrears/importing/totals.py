"""The sums that a sheet prints, held against the sums of its rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from arrears.importing.fields import Field
from arrears.importing.rows import RowKind

ZERO = Decimal("0.00")
COMPARED = (Field.DUE, Field.RECEIVED, Field.WAIVED, Field.OUTSTANDING, Field.LATE_FEE)
Key = Field | int
"""A field, or the index of a column where several hold the same field."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One printed total: by field or column what the sheet says and what its rows add up to, in CNY."""

    row: int
    is_subtotal: bool
    printed: dict[Key, Decimal]
    ours: dict[Key, Decimal]

    @property
    def differing(self) -> list[Key]:
        return [name for name in self.printed if self.printed[name] != self.ours[name]]


class RunningTotals:
    """Sums over a sheet and since its last printed total, of every amount that can be read."""

    def __init__(self) -> None:
        self.sheet: defaultdict[Key, Decimal] = defaultdict(lambda: ZERO)
        self.block: defaultdict[Key, Decimal] = defaultdict(lambda: ZERO)

    def add(self, amounts: Mapping[Key, Iterable[object]]) -> None:
        """Add the amounts of some rows, by field or column; what cannot be read adds nothing."""
        for name, cells in amounts.items():
            self.block[name] += sum((cell for cell in cells if isinstance(cell, Decimal)), ZERO)

    def compare(self, kind: RowKind, row: int, printed: Mapping[Key, object]) -> Comparison:
        """Hold a printed total against the sheet, or against the rows since the last one, whichever it fits."""
        read = {name: amount for name, amount in printed.items() if isinstance(amount, Decimal)}
        block = dict(self.block)
        self.block.clear()
        for name, amount in block.items():
            self.sheet[name] += amount
        fits_block = all(block.get(name, ZERO) == amount for name, amount in read.items())
        ours = block if kind is RowKind.SUBTOTAL or fits_block else self.sheet
        return Comparison(row, kind is RowKind.SUBTOTAL, read, {name: ours.get(name, ZERO) for name in read})
