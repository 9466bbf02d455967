"""The sums that a sheet prints, held against the sums of its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from arrears.importing.fields import Field
from arrears.importing.rows import RowKind

ZERO = Decimal("0.00")
COMPARED = (Field.DUE, Field.RECEIVED, Field.WAIVED, Field.OUTSTANDING, Field.LATE_FEE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One printed total: by field what the sheet says and what its rows add up to, in CNY."""

    row: int
    is_subtotal: bool
    printed: dict[Field, Decimal]
    ours: dict[Field, Decimal]

    @property
    def differing(self) -> list[Field]:
        return [name for name in self.printed if self.printed[name] != self.ours[name]]


def _zeros() -> dict[Field, Decimal]:
    return dict.fromkeys(COMPARED, ZERO)


@dataclass(slots=True)
class RunningTotals:
    """Sums over a sheet and since its last printed total, of every amount that can be read."""

    sheet: dict[Field, Decimal] = field(default_factory=_zeros)
    block: dict[Field, Decimal] = field(default_factory=_zeros)

    def add(self, amounts: Mapping[Field, Iterable[object]]) -> None:
        """Add the amounts of some rows, by field; what cannot be read adds nothing."""
        for name, cells in amounts.items():
            self.block[name] += sum((cell for cell in cells if isinstance(cell, Decimal)), ZERO)

    def compare(self, kind: RowKind, row: int, printed: Mapping[Field, object]) -> Comparison:
        """Hold a printed total against the sheet, or against the rows since the last one, whichever it fits."""
        read = {name: amount for name, amount in printed.items() if isinstance(amount, Decimal)}
        block, self.block = self.block, _zeros()
        for name in COMPARED:
            self.sheet[name] += block[name]
        fits_block = all(block[name] == amount for name, amount in read.items())
        ours = block if kind is RowKind.SUBTOTAL or fits_block else self.sheet
        return Comparison(row, kind is RowKind.SUBTOTAL, read, {name: ours[name] for name in read})
