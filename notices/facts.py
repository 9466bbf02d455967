"""What the ledger says about the accounts of a batch, read set-wise."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet

from arrears.models import Account, ChargeBalance
from notices.amounts import short_period

ZERO = Decimal("0.00")
UNKNOWN_START = "start_unknown"  # key in Charge.basis: earlier arrears of which nobody knows since when


@dataclass(frozen=True)
class ListedCharge:
    """One overdue charge as the letter lists it, in CNY."""

    charge_id: int
    fee: str
    on_behalf: bool
    period: tuple[date, date]
    due_on: date
    amount: Decimal
    settled: Decimal
    start_unknown: bool = False

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled

    def as_data(self) -> dict[str, Any]:
        """The row as a letter freezes it."""
        return {
            "id": self.charge_id,
            "fee": self.fee,
            "on_behalf": self.on_behalf,
            "period": short_period(*self.period),
            "due_on": self.due_on.isoformat(),
            "amount": str(self.amount),
            "settled": str(self.settled),
        }


@dataclass(frozen=True)
class AccountFacts:
    account_id: int
    version: int
    ownership_id: int
    unit_code: str
    unit_address: str
    sort_key: str
    owner: str
    charges: list[ListedCharge] = field(default_factory=list)

    @property
    def principal(self) -> Decimal:
        return sum((charge.open for charge in self.charges), ZERO)


def read_facts(accounts: QuerySet[Account], *, on: date) -> dict[int, AccountFacts]:
    """By account id, in round order: who it is and what has been overdue on that day. Two queries."""
    rows = list(accounts.select_related("unit__building", "ownership").order_by("unit__sort_key", "pk"))
    charges = overdue_charges([account.pk for account in rows], on=on)
    return {
        account.pk: AccountFacts(
            account_id=account.pk,
            version=account.version,
            ownership_id=account.ownership_id,
            unit_code=account.unit.code,
            unit_address=account.unit.address,
            sort_key=account.unit.sort_key,
            owner=account.ownership.party_name,
            charges=charges.get(account.pk, []),
        )
        for account in rows
    }


def overdue_charges(account_ids: Collection[int], *, on: date) -> Mapping[int, list[ListedCharge]]:
    """By account id the charges due before that day and not settled, oldest first."""
    balances = (
        ChargeBalance.objects.filter(account_id__in=account_ids, is_live=True, settled__lt=F("amount"), due_on__lt=on)
        .select_related("charge__fee_type")
        .order_by("account_id", "due_on", "charge__period_start", "charge__fee_type__position", "charge_id")
    )
    found: dict[int, list[ListedCharge]] = defaultdict(list)
    for balance in balances:
        charge = balance.charge
        found[balance.account_id].append(
            ListedCharge(
                charge_id=charge.pk,
                fee=charge.fee_type.name,
                on_behalf=charge.fee_type.is_on_behalf,
                period=(charge.period_start, charge.period_end),
                due_on=charge.due_on,
                amount=charge.amount,
                settled=balance.settled,
                start_unknown=bool((charge.basis or {}).get(UNKNOWN_START)),
            )
        )
    return found


def changed_charges(listed: Collection[Mapping[str, Any]]) -> set[int]:
    """Ids among the frozen rows ``listed`` whose charge is settled otherwise, reversed or gone by now. One query."""
    ids = [row["id"] for row in listed]
    now = {
        pk: str(settled)
        for pk, settled in ChargeBalance.objects.filter(pk__in=ids, is_live=True).values_list("pk", "settled")
    }
    return {row["id"] for row in listed if now.get(row["id"]) != row["settled"]}
