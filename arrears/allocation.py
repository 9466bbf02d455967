"""Which charges a payment settles: what the payer designates, else the named fee first, then the oldest.

Assessed late fees come last: they take from credit, which is what no charge could use.

Source: Civil Code art. 560. ``plan_allocation`` is arithmetic alone; ``allocate`` and ``release`` write the rows and
their balances. Callers hold the account's lock (arrears.posting.lock_account).

An allocation counts from its ``effective_on`` until the day of its release. New ones start no earlier than the money
and the charge were free, so that on no past day more is settled than was owed, or used than was paid.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Value, When

from arrears.models import Allocation, ChargeBalance, LateFeeBalance, Payment, PaymentBalance, Waiver
from company.models import User

ZERO = Decimal("0.00")


class AllocationError(ValueError):
    """A designation that cannot be followed: more than is open, another account's charge, or more than was paid."""


@dataclass(frozen=True, slots=True)
class OpenCharge:
    charge_id: int
    fee_type_id: int
    due_on: date
    open: Decimal


@dataclass(frozen=True, slots=True)
class FreeSince:
    """The days from which released money, reopened charges and reopened late fees can be used again, by id."""

    payments: dict[int, date] = field(default_factory=dict)
    charges: dict[int, date] = field(default_factory=dict)
    late_fees: dict[int, date] = field(default_factory=dict)

    def earliest(self, payment_id: int, charge_id: int | None, *days: date | None) -> date:
        """The first day on which an allocation can count that would count from the latest of ``days``."""
        bounds = [*days, self.payments.get(payment_id), self.charges.get(charge_id) if charge_id else None]
        return max(day for day in bounds if day)


def plan_allocation(
    charges: Sequence[OpenCharge],
    amount: Decimal,
    *,
    designated: Mapping[int, Decimal] | None = None,
    fee_type_id: int | None = None,
) -> dict[int, Decimal]:
    """CNY to settle by charge id. What ``designated`` leaves goes to the named fee, then to the oldest due first.

    Raises AllocationError when the designation asks for more than is open or was paid.
    """
    left, plan = amount, dict[int, Decimal]()
    open_of = {charge.charge_id: charge.open for charge in charges}
    for charge_id, wanted in (designated or {}).items():
        if wanted <= 0 or wanted > open_of.get(charge_id, ZERO) or wanted > left:
            raise AllocationError(charge_id)
        plan[charge_id] = wanted
        left -= wanted
    for charge in sorted(charges, key=lambda c: (c.fee_type_id != fee_type_id, c.due_on, c.charge_id)):
        if left <= 0:
            break
        part = min(left, charge.open - plan.get(charge.charge_id, ZERO))
        if part > 0:
            plan[charge.charge_id] = plan.get(charge.charge_id, ZERO) + part
            left -= part
    return plan


def open_charges(account_id: int) -> list[OpenCharge]:
    """What is not settled yet on the account, oldest due first."""
    rows = (
        ChargeBalance.objects.filter(account_id=account_id, is_live=True, settled__lt=F("amount"))
        .order_by("due_on", "charge_id")
        .values_list("charge_id", "charge__fee_type_id", "due_on", F("amount") - F("settled"))
    )
    return [OpenCharge(*row) for row in rows]


def free_since(*account_ids: int) -> FreeSince:
    """What was released on these accounts, or no longer waived, after it had counted for a while."""
    free = FreeSince()
    rows = Allocation.objects.filter(
        account_id__in=account_ids, reversed_by__effective_on__gt=F("effective_on")
    ).values_list("payment_id", "charge_id", "late_fee_id", "reversed_by__effective_on")
    for payment_id, charge_id, late_fee_id, day in rows:
        free.payments[payment_id] = max(day, free.payments.get(payment_id, day))
        if charge_id:
            free.charges[charge_id] = max(day, free.charges.get(charge_id, day))
        if late_fee_id:
            free.late_fees[late_fee_id] = max(day, free.late_fees.get(late_fee_id, day))
    waived = Waiver.objects.filter(account_id__in=account_ids, reversed_by__effective_on__gt=F("effective_on"))
    for charge_id, late_fee_id, day in waived.values_list("charge_id", "late_fee_id", "reversed_by__effective_on"):
        reopened, pk = (free.charges, charge_id) if charge_id else (free.late_fees, late_fee_id)
        reopened[pk] = max(day, reopened.get(pk, day))
    return free


def credit_of(account_id: int) -> list[PaymentBalance]:
    """Money received and not used yet, oldest first. Amounts bound to one charge are never credit."""
    return list(
        PaymentBalance.objects.filter(account_id=account_id, is_live=True, allocated__lt=F("amount"))
        .filter(payment__kind=Payment.Kind.RECEIVED)
        .select_related("payment")
        .order_by("payment__received_on", "payment_id")
    )


def allocate(
    payment: Payment, plan: Mapping[int, Decimal], *, effective_on: Mapping[int, date], now: datetime, by: User | None
) -> None:
    """Write the planned allocations and raise both balances. Caller holds the account's lock."""
    if not plan:
        return
    Allocation.objects.bulk_create(
        _allocation(payment, amount, effective_on[charge_id], now, by, charge_id=charge_id)
        for charge_id, amount in plan.items()
    )
    move_settled(plan)
    _move_allocated({payment.pk: sum(plan.values(), ZERO)})


def settle_late_fees(account_id: int, *, now: datetime, by: User | None) -> Decimal:
    """Use credit for assessed late fees, oldest money and oldest assessment first; returns the CNY applied.

    Callers have settled the charges before and hold the account's lock. It counts from the day on which both the
    money and the assessment were there.
    """
    opened = LateFeeBalance.objects.filter(account_id=account_id, is_live=True, settled__lt=F("amount"))
    late_fees = list(opened.select_related("late_fee").order_by("late_fee__effective_on", "late_fee_id"))
    credits = credit_of(account_id) if late_fees else []
    if not credits:
        return ZERO
    free, rows = free_since(account_id), list[Allocation]()
    used, settled = dict[int, Decimal](), dict[int, Decimal]()
    for balance in credits:
        left = balance.left
        for owed in late_fees:
            part = min(left, owed.amount - owed.settled - settled.get(owed.pk, ZERO))
            if part <= 0:
                continue
            left -= part
            used[balance.pk] = used.get(balance.pk, ZERO) + part
            settled[owed.pk] = settled.get(owed.pk, ZERO) + part
            since = free.earliest(
                balance.pk, None, balance.payment.received_on, owed.late_fee.effective_on, free.late_fees.get(owed.pk)
            )
            rows.append(_allocation(balance.payment, part, since, now, by, late_fee_id=owed.pk))
    Allocation.objects.bulk_create(rows)
    move_late_fees(settled)
    _move_allocated(used)
    return sum(used.values(), ZERO)


def cover_refund(refund: Payment, *, now: datetime, by: User | None) -> bool:
    """Take ``refund`` out of the account's credit; False, with nothing written, where there is too little.

    Caller holds the account's lock.
    """
    credits, left = credit_of(refund.account_id), refund.amount
    if sum((b.amount - b.allocated for b in credits), ZERO) < refund.amount:
        return False
    free, covers, used = free_since(refund.account_id), list[Allocation](), dict[int, Decimal]()
    for balance in credits:
        part = min(left, balance.amount - balance.allocated)
        if part <= 0:
            break
        left, used[balance.payment_id] = left - part, part
        since = free.earliest(balance.payment_id, None, refund.received_on, balance.payment.received_on)
        covers.append(_allocation(balance.payment, part, since, now, by, refund=refund))
    Allocation.objects.bulk_create(covers)
    _move_allocated(used)
    return True


def release(allocations: Collection[Allocation], *, effective_on: date, now: datetime, by: User | None) -> None:
    """Take live allocations back with a row each; what they settled and the payment are open again by their amounts.

    It counts from ``effective_on``, at the earliest from the day from which the allocation did. Caller holds the
    account's lock.
    """
    if not allocations:
        return
    releases = Allocation.objects.bulk_create(
        Allocation(
            project_id=allocation.project_id,
            account_id=allocation.account_id,
            payment_id=allocation.payment_id,
            charge_id=allocation.charge_id,
            refund_id=allocation.refund_id,
            late_fee_id=allocation.late_fee_id,
            kind=Allocation.Kind.RELEASE,
            amount=allocation.amount,
            effective_on=max(effective_on, allocation.effective_on),
            posted_at=now,
            posted_by=by,
        )
        for allocation in allocations
    )
    settled, late_fees, allocated = dict[int, Decimal](), dict[int, Decimal](), dict[int, Decimal]()
    for allocation, row in zip(allocations, releases, strict=True):
        allocation.reversed_by = row
        allocated[allocation.payment_id] = allocated.get(allocation.payment_id, ZERO) - allocation.amount
        if allocation.charge_id:
            settled[allocation.charge_id] = settled.get(allocation.charge_id, ZERO) - allocation.amount
        if allocation.late_fee_id:
            late_fees[allocation.late_fee_id] = late_fees.get(allocation.late_fee_id, ZERO) - allocation.amount
    Allocation.objects.bulk_update(allocations, ["reversed_by"])
    move_settled(settled)
    move_late_fees(late_fees)
    _move_allocated(allocated)


def less(charges: Sequence[OpenCharge], plan: Mapping[int, Decimal]) -> list[OpenCharge]:
    """What is still open once ``plan`` is carried out."""
    left = [OpenCharge(c.charge_id, c.fee_type_id, c.due_on, c.open - plan.get(c.charge_id, ZERO)) for c in charges]
    return [charge for charge in left if charge.open > 0]


def _allocation(
    payment: Payment, amount: Decimal, since: date, now: datetime, by: User | None, **target: Any
) -> Allocation:
    return Allocation(
        project_id=payment.project_id,
        account_id=payment.account_id,
        payment=payment,
        amount=amount,
        effective_on=since,
        posted_at=now,
        posted_by=by,
        **target,
    )


def move_settled(by_charge: Mapping[int, Decimal]) -> None:
    """Change what is settled of charges by so many CNY. Caller holds the account's lock and writes the rows."""
    if by_charge:
        moved = Case(*(When(charge_id=pk, then=Value(amount)) for pk, amount in by_charge.items()))
        ChargeBalance.objects.filter(charge_id__in=by_charge).update(settled=F("settled") + moved)


def move_late_fees(by_late_fee: Mapping[int, Decimal]) -> None:
    """Change what is settled of late fees by so many CNY. Caller holds the account's lock and writes the rows."""
    if by_late_fee:
        moved = Case(*(When(late_fee_id=pk, then=Value(amount)) for pk, amount in by_late_fee.items()))
        LateFeeBalance.objects.filter(late_fee_id__in=by_late_fee).update(settled=F("settled") + moved)


def _move_allocated(by_payment: Mapping[int, Decimal]) -> None:
    if by_payment:
        moved = Case(*(When(payment_id=pk, then=Value(amount)) for pk, amount in by_payment.items()))
        PaymentBalance.objects.filter(payment_id__in=by_payment).update(allocated=F("allocated") + moved)
