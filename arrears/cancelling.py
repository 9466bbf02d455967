"""Rows that end with the row to which they belong. Callers hold the account's lock and raise its version."""

from datetime import date, datetime
from typing import Any

from arrears.allocation import move_late_fees, move_settled, release
from arrears.models import Allocation, LateFee, LateFeeBalance, Waiver
from company.models import User


def live_allocations(**of: Any) -> list[Allocation]:
    """Allocations that still count, in the order of posting."""
    return list(
        Allocation.objects.filter(kind=Allocation.Kind.ALLOCATION, reversed_by__isnull=True, **of).order_by("pk")
    )


def cancel_late_fee(late_fee: LateFee, *, effective_on: date, now: datetime, by: User | None) -> LateFee:
    """Release what settles an assessed late fee and cancel it with a row of its own, which is returned."""
    cancel_waivers(effective_on=effective_on, now=now, by=by, late_fee=late_fee)
    release(live_allocations(late_fee=late_fee), effective_on=effective_on, now=now, by=by)
    reversal = LateFee.objects.create(
        project_id=late_fee.project_id,
        account_id=late_fee.account_id,
        charge_id=late_fee.charge_id,
        policy_id=late_fee.policy_id,
        kind=LateFee.Kind.REVERSAL,
        number=late_fee.number,
        word=late_fee.word,
        accrued_from=late_fee.accrued_from,
        accrued_until=late_fee.accrued_until,
        effective_on=max(effective_on, late_fee.effective_on),
        amount=late_fee.amount,
        posted_at=now,
        posted_by=by,
    )
    LateFee.objects.filter(pk=late_fee.pk).update(reversed_by=reversal)
    LateFeeBalance.objects.filter(late_fee=late_fee).update(is_live=False)
    return reversal


def cancel_waivers(*, effective_on: date, now: datetime, by: User | None, **of: Any) -> None:
    """Cancel what still counts of the waivers of a charge or late fee."""
    for waiver in Waiver.objects.filter(reversed_by=None, **of).exclude(kind=Waiver.Kind.REVERSAL).order_by("pk"):
        cancel_waiver(waiver, effective_on=effective_on, now=now, by=by)


def cancel_waiver(waiver: Waiver, *, effective_on: date, now: datetime, by: User | None) -> Waiver:
    """Cancel a waiver with a row of its own, which is returned; its charge or late fee is open again by the amount."""
    reversal = Waiver.objects.create(
        project_id=waiver.project_id,
        account_id=waiver.account_id,
        relief_id=waiver.relief_id,
        kind=Waiver.Kind.REVERSAL,
        charge_id=waiver.charge_id,
        late_fee_id=waiver.late_fee_id,
        amount=waiver.amount,
        effective_on=max(effective_on, waiver.effective_on),
        posted_at=now,
        posted_by=by,
    )
    Waiver.objects.filter(pk=waiver.pk).update(reversed_by=reversal)
    if waiver.charge_id:
        move_settled({waiver.charge_id: -waiver.amount})
    if waiver.late_fee_id:
        move_late_fees({waiver.late_fee_id: -waiver.amount})
    return reversal
