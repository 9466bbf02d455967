"""The only way into the ledger for single rows; workbooks are posted set-wise by arrears.importing.posting.

Every function locks the account first, writes its rows and balances, and raises ``Account.version`` in the same
transaction. After the commit a task wakes whoever follows the ledger. What a person does (``by``) stands in the audit
trail too.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from arrears.allocation import (
    AllocationError,
    allocate,
    cover_refund,
    free_since,
    open_charges,
    plan_allocation,
    release,
    settle_late_fees,
)
from arrears.cancelling import cancel_late_fee, cancel_waivers, live_allocations
from arrears.credit import apply_credit
from arrears.models import Account, Allocation, Charge, ChargeBalance, FeeType, LateFee, Payment, PaymentBalance
from company.audit import record
from company.models import User

CENT = Decimal("0.01")


class PostingError(Exception):
    """The ledger refuses the act; the subclass says why. Nothing was written."""


class AlreadyReversedError(PostingError):
    """The row was reversed before, or is itself a reversal; a reversal is final."""


class OwnMoneyError(PostingError):
    """Nobody posts or reverses money that they took themselves."""


class FutureDayError(PostingError):
    """Money cannot have been received after today."""


class NotEnoughCreditError(PostingError):
    """Only what is paid ahead and not used can be paid back."""


class RefundedError(PostingError):
    """The payment was paid back in part: reverse the refund first."""


class SubmissionReusedError(PostingError):
    """The same form or request came again with other content."""


def lock_account(account_id: int) -> Account:
    """The account's row under lock. Lock it before its charges, payments and balances, never after.

    NO KEY UPDATE: rows that merely refer to the account can be added by others meanwhile.
    """
    return Account.objects.select_for_update(no_key=True).get(pk=account_id)


def lock_accounts(account_ids: Iterable[int]) -> list[Account]:
    """Several accounts under lock, always in the order of their keys, so that two callers never wait in a ring."""
    return list(Account.objects.select_for_update(no_key=True).filter(pk__in=list(account_ids)).order_by("pk"))


def raise_versions(account_ids: Iterable[int], *, now: datetime) -> None:
    """Say that something was posted on these accounts, which the caller holds under lock; wakes consumers on commit."""
    Account.objects.filter(pk__in=list(account_ids)).update(version=F("version") + 1, posted_at=now)
    transaction.on_commit(wake_followers, robust=True)


def wake_followers() -> None:
    """Queue the tasks named in LEDGER_FOLLOWERS. Losing one is harmless: a sweep each minute finds the difference."""
    for name in settings.LEDGER_FOLLOWERS:
        current_app.send_task(name, retry=False)


@transaction.atomic
def post_charge(
    *,
    account_id: int,
    fee_type: FeeType,
    period_start: date,
    period_end: date,
    due_on: date,
    amount: Decimal,
    now: datetime,
    by: User | None = None,
    **source: Any,
) -> Charge:
    """Add one charge in CNY; credit on the account settles it at once.

    ``source``: external_id, basis, source, source_sheet, source_row. Raises IntegrityError for a second live charge
    of the same unit, fee and period, ValueError for another project's fee.
    """
    _refuse_fractions(amount)
    account = lock_account(account_id)
    if fee_type.project_id != account.project_id:
        raise ValueError(f"{fee_type} is a fee of another project")
    charge = Charge.objects.create(
        project_id=account.project_id,
        account=account,
        unit_id=account.unit_id,
        fee_type=fee_type,
        period_start=period_start,
        period_end=period_end,
        due_on=due_on,
        effective_on=due_on,
        amount=amount,
        posted_at=now,
        posted_by=by,
        **source,
    )
    ChargeBalance.objects.create(
        charge=charge, project_id=account.project_id, account=account, due_on=due_on, amount=amount
    )
    apply_credit([account_id], now=now, by=by)
    raise_versions([account_id], now=now)
    _record("ledger.charge_posted", charge, by)
    return charge


@transaction.atomic
def post_payment(
    *,
    account_id: int,
    amount: Decimal,
    received_on: date,
    now: datetime,
    by: User | None = None,
    kind: Payment.Kind = Payment.Kind.RECEIVED,
    designated: Mapping[int, Decimal] | None = None,
    fee_type: FeeType | None = None,
    **details: Any,
) -> Payment:
    """Add money in CNY received on a day and allocate it, late fees last; what is left over stays as credit.

    ``details``: method, serial_no, receipt_no, taken_by, note, submission, source, source_sheet, source_row. With the
    ``submission`` of an earlier call that call's payment is returned and nothing written. Raises FutureDayError,
    OwnMoneyError, SubmissionReusedError, AllocationError when the designation cannot be followed (kinds bound to one
    charge must designate exactly that), IntegrityError for a serial number used before.
    """
    _refuse_fractions(amount)
    account = lock_account(account_id)
    _refuse_future(received_on, now)
    _refuse_own(details.get("taken_by"), by)
    payment = Payment(
        project_id=account.project_id,
        account=account,
        kind=kind,
        amount=amount,
        received_on=received_on,
        fee_type=fee_type,
        posted_at=now,
        posted_by=by,
        **details,
    )
    if earlier := _sent_before(payment, designated):
        return earlier
    plan = _planned(account_id, payment, designated, fee_type)
    payment.save(force_insert=True)
    PaymentBalance.objects.create(payment=payment, project_id=account.project_id, account=account, amount=amount)
    free = free_since(account_id)
    days = {charge_id: free.earliest(payment.pk, charge_id, received_on) for charge_id in plan}
    allocate(payment, plan, effective_on=days, now=now, by=by)
    settle_late_fees(account_id, now=now, by=by)
    raise_versions([account_id], now=now)
    _record("ledger.payment_posted", payment, by)
    return payment


@transaction.atomic
def post_refund(
    *, account_id: int, amount: Decimal, refunded_on: date, now: datetime, by: User | None = None, **details: Any
) -> Payment:
    """Pay credit in CNY back; ``details`` as for post_payment. Raises NotEnoughCreditError and FutureDayError."""
    _refuse_fractions(amount)
    account = lock_account(account_id)
    _refuse_future(refunded_on, now)
    refund = Payment(
        project_id=account.project_id,
        account=account,
        kind=Payment.Kind.REFUND,
        amount=amount,
        received_on=refunded_on,
        posted_at=now,
        posted_by=by,
        **details,
    )
    if earlier := _sent_before(refund):
        return earlier
    refund.save(force_insert=True)
    if not cover_refund(refund, now=now, by=by):
        raise NotEnoughCreditError(amount)
    raise_versions([account_id], now=now)
    _record("ledger.refund_posted", refund, by)
    return refund


@transaction.atomic
def reverse_payment(
    payment_id: int, *, today: date, now: datetime, by: User | None, effective_on: date | None = None, note: str = ""
) -> Payment:
    """Cancel a payment or refund with a row of its own; what it settled is open again. Returns that row.

    It counts from ``effective_on``, ``today`` unless told. Raises AlreadyReversedError, RefundedError, OwnMoneyError.
    """
    account = lock_account(Payment.objects.values_list("account_id", flat=True).get(pk=payment_id))
    payment = Payment.objects.select_related("taken_by").get(pk=payment_id)
    if payment.reversed_by_id or payment.kind == Payment.Kind.REVERSAL:
        raise AlreadyReversedError(payment)
    _refuse_own(payment.taken_by, by)
    if payment.kind == Payment.Kind.REFUND:
        release(live_allocations(refund=payment), effective_on=effective_on or today, now=now, by=by)
    elif live_allocations(payment=payment, refund__isnull=False):
        raise RefundedError(payment)
    reversal = _cancel_payment(payment, effective_on=effective_on or today, now=now, by=by, note=note)
    apply_credit([account.pk], now=now, by=by)
    raise_versions([account.pk], now=now)
    _record("ledger.payment_reversed", payment, by, note)
    return reversal


@transaction.atomic
def reverse_charge(
    charge_id: int, *, today: date, now: datetime, by: User | None, effective_on: date | None = None, note: str = ""
) -> Charge:
    """Cancel a charge with a row of its own; money that had settled it becomes credit and settles others.

    What is bound to the charge is cancelled with it: amounts imported beside it or settled outside, late fees,
    waivers. It counts from
    ``effective_on``, ``today`` unless told: a charge that never should have been counts from its own day. Raises
    AlreadyReversedError. Returns the new row.
    """
    account = lock_account(Charge.objects.values_list("account_id", flat=True).get(pk=charge_id))
    charge = Charge.objects.get(pk=charge_id)
    if charge.reversed_by_id or charge.kind == Charge.Kind.REVERSAL:
        raise AlreadyReversedError(charge)
    since = effective_on or today
    allocations = live_allocations(charge=charge)
    for bound in Payment.objects.filter(pk__in=[a.payment_id for a in allocations], kind__in=Payment.Kind.BOUND):
        _cancel_payment(bound, effective_on=since, now=now, by=by)
    for late_fee in LateFee.objects.filter(charge=charge, kind=LateFee.Kind.LATE_FEE, reversed_by=None):
        cancel_late_fee(late_fee, effective_on=since, now=now, by=by)
    cancel_waivers(effective_on=since, now=now, by=by, charge=charge)
    release(live_allocations(charge=charge), effective_on=since, now=now, by=by)
    reversal = Charge.objects.create(
        project_id=account.project_id,
        account=account,
        unit_id=charge.unit_id,
        fee_type_id=charge.fee_type_id,
        kind=Charge.Kind.REVERSAL,
        period_start=charge.period_start,
        period_end=charge.period_end,
        due_on=charge.due_on,
        effective_on=max(since, charge.effective_on),
        amount=charge.amount,
        posted_at=now,
        posted_by=by,
    )
    Charge.objects.filter(pk=charge.pk).update(reversed_by=reversal)
    ChargeBalance.objects.filter(charge=charge).update(is_live=False)
    apply_credit([account.pk], now=now, by=by)
    raise_versions([account.pk], now=now)
    _record("ledger.charge_reversed", charge, by, note)
    return reversal


def _cancel_payment(payment: Payment, *, effective_on: date, now: datetime, by: User | None, note: str = "") -> Payment:
    """Release what ``payment`` settles and cancel it with a row of its own."""
    release(live_allocations(payment=payment), effective_on=effective_on, now=now, by=by)
    reversal = Payment.objects.create(
        project_id=payment.project_id,
        account_id=payment.account_id,
        kind=Payment.Kind.REVERSAL,
        amount=payment.amount,
        received_on=max(effective_on, payment.received_on or effective_on),
        method=payment.method,
        note=note,
        posted_at=now,
        posted_by=by,
    )
    Payment.objects.filter(pk=payment.pk).update(reversed_by=reversal)
    PaymentBalance.objects.filter(payment=payment).update(is_live=False)
    return reversal


def _planned(
    account_id: int, payment: Payment, designated: Mapping[int, Decimal] | None, fee_type: FeeType | None
) -> dict[int, Decimal]:
    """What ``payment`` will settle, in CNY by charge id."""
    wanted = list((designated or {}).values())
    _refuse_fractions(*wanted)
    if payment.kind in Payment.Kind.BOUND and wanted != [payment.amount]:
        raise AllocationError(payment.kind)
    return plan_allocation(
        open_charges(account_id),
        payment.amount,
        designated=designated,
        fee_type_id=fee_type.pk if fee_type else None,
    )


def _record(action: str, row: Charge | Payment, by: User | None, reason: str = "") -> None:
    if by is not None:
        detail = {"amount": str(row.amount), "unit": row.account.unit.code}
        record(action=action, by=by, project=row.project, obj=row, **detail, **({"reason": reason} if reason else {}))


def _refuse_fractions(*amounts: Decimal) -> None:
    """The database would round them silently, and balances would no longer be the sum of their rows."""
    for amount in amounts:
        if amount != amount.quantize(CENT):
            raise ValueError(f"{amount} has more than two places")


def _refuse_future(day: date, now: datetime) -> None:
    if day > timezone.localdate(now):
        raise FutureDayError(day)


def _refuse_own(taken_by: User | None, by: User | None) -> None:
    if taken_by is not None and taken_by == by:
        raise OwnMoneyError(taken_by)


SENT = ("account_id", "kind", "amount", "received_on", "method", "serial_no", "receipt_no", "taken_by_id", "note")


def _sent_before(payment: Payment, designated: Mapping[int, Decimal] | None = None) -> Payment | None:
    """The payment of the same submission; SubmissionReusedError where it says something else."""
    if payment.submission is None:
        return None
    earlier = Payment.objects.filter(submission=payment.submission).first()
    if earlier is None:
        return None
    settled = dict(earlier.allocations.filter(kind=Allocation.Kind.ALLOCATION).values_list("charge_id", "amount"))
    is_other = any(getattr(earlier, name) != getattr(payment, name) for name in SENT)
    if is_other or any(amount > settled.get(charge_id, 0) for charge_id, amount in (designated or {}).items()):
        raise SubmissionReusedError(payment.submission)
    return earlier
