"""What the ledger says about the accounts of a batch, read set-wise."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, QuerySet

from arrears.models import Account, ChargeBalance, LateFeeBalance
from notices.amounts import short_period, written_periods

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
    computed_from: str = ""
    months: str = ""

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled

    def as_data(self) -> dict[str, Any]:
        """The row as a letter freezes it."""
        data = {
            "id": self.charge_id,
            "fee": self.fee,
            "on_behalf": self.on_behalf,
            "period": short_period(*self.period),
            "due_on": self.due_on.isoformat(),
            "amount": str(self.amount),
            "settled": str(self.settled),
        }
        known = {"computed_from": self.computed_from, "months": self.months}
        return data | {name: text for name, text in known.items() if text}


@dataclass(frozen=True)
class OpenLateFee:
    """A late fee that was assessed and is not settled, in CNY."""

    late_fee_id: int
    until: date
    amount: Decimal
    settled: Decimal

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled

    def as_data(self) -> dict[str, Any]:
        """The row as a letter freezes it."""
        return {"id": self.late_fee_id, "settled": str(self.settled)}


@dataclass(frozen=True)
class AccountFacts:
    """``owners``: how many answer together. ``late_fees`` are empty unless they were asked for."""

    account_id: int
    version: int
    ownership_id: int
    unit_code: str
    unit_address: str
    sort_key: str
    owner: str
    charges: list[ListedCharge] = field(default_factory=list)
    owners: int = 1
    late_fees: list[OpenLateFee] = field(default_factory=list)

    @property
    def principal(self) -> Decimal:
        return sum((charge.open for charge in self.charges), ZERO)

    def by_fee(self) -> list[dict[str, Any]]:
        """What is open of each fee, as a letter freezes it."""
        fees: dict[str, list[ListedCharge]] = {}
        for charge in self.charges:
            fees.setdefault(charge.fee, []).append(charge)
        return [
            {
                "fee": fee,
                "on_behalf": charges[0].on_behalf,
                "period": written_periods(charge.period for charge in charges),
                "open": str(sum((charge.open for charge in charges), ZERO)),
            }
            for fee, charges in fees.items()
        ]


def read_facts(accounts: QuerySet[Account], *, on: date, with_late_fees: bool = False) -> dict[int, AccountFacts]:
    """By account id, in round order: who it is and what has been overdue on that day.

    Two queries, a third for the late fees that were assessed and are open.
    """
    named = accounts.select_related("unit__building", "ownership").annotate(owners=Count("ownership__members"))
    rows = list(named.order_by("unit__sort_key", "pk"))
    ids = [account.pk for account in rows]
    charges = overdue_charges(ids, on=on)
    late_fees = open_late_fees(ids) if with_late_fees else {}
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
            owners=account.owners,
            late_fees=late_fees.get(account.pk, []),
        )
        for account in rows
    }


def open_late_fees(account_ids: Collection[int]) -> Mapping[int, list[OpenLateFee]]:
    """By account id what was assessed and is not settled; none of it is principal."""
    balances = LateFeeBalance.objects.filter(account_id__in=account_ids, is_live=True, settled__lt=F("amount"))
    found: dict[int, list[OpenLateFee]] = defaultdict(list)
    for balance in balances.select_related("late_fee").order_by("pk"):
        found[balance.account_id].append(
            OpenLateFee(balance.pk, balance.late_fee.accrued_until, balance.amount, balance.settled)
        )
    return found


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
                computed_from=computation(charge.basis or {}),
                months=str((charge.basis or {}).get("months", "")),
            )
        )
    return found


def computation(basis: Mapping[str, Any]) -> str:
    """What a charge was computed from, as bills write it: ``2.65元×124.00㎡``; empty where it is not known."""
    if basis.get("price") and basis.get("area"):
        return f"{basis['price']}元×{basis['area']}㎡"
    if basis.get("price") and basis.get("reading_from") is not None and basis.get("reading_to") is not None:
        return f"{basis['price']}元×({basis['reading_to']}-{basis['reading_from']})"
    return ""


def changed_late_fees(listed: Collection[Mapping[str, Any]]) -> set[int]:
    """Ids among the frozen rows ``listed`` whose late fee is settled otherwise or reversed by now."""
    if not listed:
        return set()
    rows = LateFeeBalance.objects.filter(pk__in=[row["id"] for row in listed], is_live=True)
    now = {pk: str(settled) for pk, settled in rows.values_list("pk", "settled")}
    return {row["id"] for row in listed if now.get(row["id"]) != row["settled"]}


def changed_charges(listed: Collection[Mapping[str, Any]]) -> set[int]:
    """Ids among the frozen rows ``listed`` whose charge is settled otherwise, reversed or gone by now. One query."""
    ids = [row["id"] for row in listed]
    now = {
        pk: str(settled)
        for pk, settled in ChargeBalance.objects.filter(pk__in=ids, is_live=True).values_list("pk", "settled")
    }
    return {row["id"] for row in listed if now.get(row["id"]) != row["settled"]}
