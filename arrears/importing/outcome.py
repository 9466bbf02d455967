"""What checking a workbook finds: mistakes and remarks at their places, counts, and units to be made."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from arrears.importing.layout import SheetLayout
from arrears.importing.reading import Place
from arrears.importing.totals import ZERO, Comparison
from arrears.models import ImportIssue
from owners.registering import NewUnit


class LedgerMovedError(Exception):
    """Since the check somebody posted otherwise what the workbook brings; it has to be checked again."""


class Staged(Protocol):
    """What COPY writes of a checked row of any kind, in the order of its columns."""

    @property
    def sheet(self) -> str: ...
    @property
    def row(self) -> int: ...
    @property
    def key(self) -> object: ...


class StagedAmount(Staged, Protocol):
    """What is staged of a row with money."""

    @property
    def amount(self) -> Decimal: ...


class StagedRow(NamedTuple):
    """What COPY writes of a checked charge, in the order of its columns."""

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


class StagedMoney(NamedTuple):
    """What COPY writes of a checked payment, in the order of its columns."""

    sheet: str
    row: int
    unit_id: int | None
    unit_code: str
    fee_type_id: int | None
    received_on: date
    amount: Decimal
    method: str
    serial_no: str
    receipt_no: str
    note: str

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same payment as another one."""
        if self.serial_no:
            return (self.serial_no,)
        return self.unit_id or self.unit_code, self.received_on, self.amount, self.receipt_no, self.fee_type_id


class StagedListed(NamedTuple):
    """What COPY writes of an amount of an arrears list, in the order of its columns."""

    sheet: str
    row: int
    column: str
    unit_id: int | None
    unit_code: str
    fee_type_id: int
    window: str
    period_start: date
    period_end: date
    is_dated: bool
    amount: Decimal

    @property
    def key(self) -> tuple[object, ...]:
        """What can stand in a list but once."""
        period = (self.period_start, self.period_end) if self.is_dated else ()
        return self.unit_id or self.unit_code, self.fee_type_id, self.window, *period


class StagedPerson(NamedTuple):
    """What COPY writes of a person on a unit, in the order of its columns. ``contacts`` are encrypted."""

    sheet: str
    row: int
    unit_id: int | None
    unit_code: str
    name: str
    contacts: str
    area: Decimal | None
    usage: str
    is_vacant: bool | None

    @property
    def key(self) -> tuple[object, ...]:
        """Whoever owns a unit stands in a list but once."""
        return self.unit_id or self.unit_code, self.name


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


class PaidBack(NamedTuple):
    """A row of money that went back, in CNY without sign. ``issue`` is its error where it cancels no payment here."""

    issue: Issue
    unit_code: str
    fee_type_id: int | None
    received_on: date
    amount: Decimal
    serial_no: str
    receipt_no: str


@dataclass(slots=True)
class Outcome:
    """Counts, issues and new units of a workbook.

    ``blank_amounts``: empty cells of good rows that count as nothing received or waived. ``cancelled``: ids of
    staged payments that another row of the workbook cancels.
    """

    issues: list[Issue] = field(default_factory=list)
    new_units: dict[str, NewUnit] = field(default_factory=dict)
    comparisons: list[tuple[str, Comparison]] = field(default_factory=list)
    blank_amounts: list[Place] = field(default_factory=list)
    paid_back: list[PaidBack] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    rows: int = 0
    bad_rows: int = 0
    total_rows: int = 0
    empty_rows: int = 0
    split_rows: int = 0
    printed_late_fee: Decimal = ZERO
    has_late_fee: bool = False
    layouts: dict[str, SheetLayout] = field(default_factory=dict)
    checked_on: date = date.min
    _warnings: dict[tuple[str, str], Issue] = field(default_factory=dict)

    @property
    def warnings(self) -> list[Issue]:
        return list(self._warnings.values())

    def warn(self, issue: Issue, *, key: str) -> None:
        """Count a warning; rows with the same code and ``key`` are told once, at the first of them."""
        known = self._warnings.setdefault((issue.code, key), issue)
        known.params["count"] = known.params.get("count", 0) + 1
