"""Money taken at the door: pending until finance decides, and never decided by who took it (A3)."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from arrears.models import Payment
from arrears.posting import OwnMoneyError, lock_account, post_payment
from collection import stages
from collection.contacts import lock_case
from collection.models import CashTaken
from company.audit import record
from company.models import User


class AlreadyDecidedError(Exception):
    """Somebody in finance decided before; ``cash`` says who and how."""

    def __init__(self, cash: CashTaken) -> None:
        super().__init__(cash.pk)
        self.cash = cash


@transaction.atomic
def confirm_cash(cash_id: int, *, by: User, now: datetime) -> CashTaken:
    """Post the money to the owner's account as of the day of the visit. Raises AlreadyDecidedError, OwnMoneyError.

    The same decision by the same person again changes nothing.
    """
    cash = _lock_pending(cash_id, CashTaken.State.CONFIRMED, by=by)
    if cash.state == CashTaken.State.PENDING:
        payment = post_payment(
            account_id=cash.visit.contact.case.account_id,
            amount=cash.amount,
            received_on=timezone.localdate(cash.visit.contact.happened_at),
            now=now,
            by=by,
            method=Payment.Method(cash.method),
            receipt_no=cash.receipt_no,
            taken_by=cash.taken_by,
            submission=uuid.uuid5(cash.visit.client_id, "cash"),
        )
        _decide(cash, CashTaken.State.CONFIRMED, by=by, now=now, payment=payment)
    return cash


@transaction.atomic
def refuse_cash(cash_id: int, *, by: User, now: datetime, note: str) -> CashTaken:
    """The money was not handed in: nothing is posted, the case goes on. Raises AlreadyDecidedError, OwnMoneyError."""
    cash = _lock_pending(cash_id, CashTaken.State.REFUSED, by=by)
    if cash.state == CashTaken.State.PENDING:
        cash.decision_note = note
        _decide(cash, CashTaken.State.REFUSED, by=by, now=now)
    return cash


def _lock_pending(cash_id: int, decision: CashTaken.State, *, by: User) -> CashTaken:
    """The money under lock, after its account: postings lock that first."""
    account_id = CashTaken.objects.values_list("visit__contact__case__account_id", flat=True).get(pk=cash_id)
    lock_account(account_id)
    cash = (
        CashTaken.objects.select_for_update(of=("self",))
        .select_related("visit__contact__case", "taken_by", "project")
        .get(pk=cash_id)
    )
    if cash.taken_by_id == by.pk:
        raise OwnMoneyError(by)
    if cash.state != CashTaken.State.PENDING and (cash.state, cash.decided_by_id) != (decision, by.pk):
        raise AlreadyDecidedError(cash)
    return cash


def _decide(
    cash: CashTaken, state: CashTaken.State, *, by: User, now: datetime, payment: Payment | None = None
) -> None:
    cash.state, cash.decided_by, cash.decided_at, cash.payment = state, by, now, payment
    cash.save(update_fields=["state", "decided_by", "decided_at", "decision_note", "payment"])
    record(action=f"cash.{state}", by=by, project=cash.project, obj=cash, amount=str(cash.amount))
    stages.refresh([lock_case(cash.visit.contact.case_id)], now=now)
