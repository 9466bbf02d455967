"""What differs between the kinds of lists on their way from the sheet to the stage."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from arrears.importing import staged_charges, staged_lists, staged_owners, staged_payments
from arrears.importing.checking import Check
from arrears.importing.checking_charges import ChargeCheck
from arrears.importing.checking_lists import check_list
from arrears.importing.checking_owners import OwnerCheck
from arrears.importing.checking_payments import PaymentCheck
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Issue, Outcome, StagedListed, StagedMoney, StagedPerson, StagedRow
from arrears.importing.register import Register
from arrears.models import Import


@dataclass(frozen=True, slots=True)
class Kind:
    """``columns``: of the staging table, in the order in which checked rows hold them.

    ``against_ledger`` yields rows that cannot be posted and warns of others; ``sum_up`` sets the sums on the import and
    returns what its page tells beside them.
    """

    check: Callable[[Import, Register, date], Check]
    columns: tuple[str, ...]
    against_ledger: Callable[[Import, Outcome, Mapping[str, SheetLayout]], Iterator[Issue]]
    sum_up: Callable[[Import, Outcome], dict[str, Any]]


KINDS: dict[Import.Kind, Kind] = {
    Import.Kind.CHARGES: Kind(
        lambda workbook, register, today: ChargeCheck(register, today=today, create_units=workbook.create_units),
        StagedRow._fields,
        staged_charges.against_ledger,
        staged_charges.sum_up,
    ),
    Import.Kind.PAYMENTS: Kind(
        lambda workbook, register, today: PaymentCheck(register, today=today, create_units=workbook.create_units),
        StagedMoney._fields,
        staged_payments.against_ledger,
        staged_payments.sum_up,
    ),
    Import.Kind.ARREARS_LIST: Kind(check_list, StagedListed._fields, staged_lists.against_ledger, staged_lists.sum_up),
    Import.Kind.OWNERS: Kind(
        lambda workbook, register, today: OwnerCheck(register, today=today, create_units=workbook.create_units),
        StagedPerson._fields,
        staged_owners.against_ledger,
        staged_owners.sum_up,
    ),
}
