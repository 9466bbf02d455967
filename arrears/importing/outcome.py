"""What checking a workbook finds: mistakes and remarks at their places, counts, and units to be made."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.importing.reading import Place
from arrears.importing.totals import ZERO, Comparison
from arrears.models import ImportIssue
from owners.registering import NewUnit


class StagedRow(NamedTuple):
    """What COPY writes of a checked row, in the order of its columns."""

    sheet: str
    row: int
    unit_id: int | None
    unit_code: str
    fee_type_id: int
    period_start: date
    period_end: date
    due_on: date
    amount: Decimal
    waived: Decimal
    received: Decimal | None
    external_id: str

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same charge as another one (semantics of the ledger's unique keys)."""
        if self.external_id:
            return (self.external_id,)
        return self.unit_id or self.unit_code, self.fee_type_id, self.period_start, self.period_end


@dataclass(slots=True)
class Issue:
    """One mistake or remark. ``cell`` is its column counted from 0, None where no column is to blame."""

    severity: ImportIssue.Severity
    sheet: str
    row: int
    column: str
    value: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    cell: int | None = None


@dataclass(slots=True)
class Outcome:
    """Counts, issues and new units of a workbook.

    ``blank_amounts``: empty cells of good rows that count as nothing received or waived.
    """

    issues: list[Issue] = field(default_factory=list)
    new_units: dict[str, NewUnit] = field(default_factory=dict)
    comparisons: list[tuple[str, Comparison]] = field(default_factory=list)
    blank_amounts: list[Place] = field(default_factory=list)
    rows: int = 0
    bad_rows: int = 0
    total_rows: int = 0
    empty_rows: int = 0
    split_rows: int = 0
    printed_late_fee: Decimal = ZERO
    has_late_fee: bool = False
    _warnings: dict[tuple[str, str], Issue] = field(default_factory=dict)

    @property
    def warnings(self) -> list[Issue]:
        return list(self._warnings.values())

    def warn(self, issue: Issue, *, key: str) -> None:
        """Count a warning; rows with the same code and ``key`` are told once, at the first of them."""
        known = self._warnings.setdefault((issue.code, key), issue)
        known.params["count"] = known.params.get("count", 0) + 1
