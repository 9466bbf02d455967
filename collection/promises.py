"""Promises to pay: given, replaced by a later one, and judged by what was paid (C8)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection import stages
from collection.later_words import has_later_promise
from collection.models import Case, ContactAttempt, PromiseToPay
from company.notifying import notify

State = PromiseToPay.State
NOT_KEPT = frozenset({State.PARTLY, State.BROKEN})
REJUDGED_DAYS = 30  # payments are often imported late: a verdict on what was paid by then can still change


@dataclass(frozen=True, slots=True)
class Promised:
    """What the owner promised: ``amount`` in CNY by the end of ``pay_by``."""

    pay_by: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Judged:
    """How many promises got which verdict in one run."""

    kept: int = 0
    partly: int = 0
    broken: int = 0


def record_promise(contact: ContactAttempt, promised: Promised, *, today: date) -> PromiseToPay:
    """Write down a promise given at ``contact``; it takes the place of one that still waited, unless the owner promised
    something else since: then that one stands. Needs a transaction."""
    is_overtaken = has_later_promise(contact)
    if not is_overtaken:
        waiting = PromiseToPay.objects.filter(case=contact.case, state=State.WAITING)
        waiting.update(state=State.REPLACED, judged_on=today)
    return PromiseToPay.objects.create(
        project_id=contact.project_id,
        case_id=contact.case_id,
        contact=contact,
        pay_by=promised.pay_by,
        amount=promised.amount,
        state=State.REPLACED if is_overtaken else State.WAITING,
        judged_on=today if is_overtaken else None,
    )


@transaction.atomic
def judge_promises(*, today: date, now: datetime) -> Judged:
    """Judge promises by the payments dated from the day they were given to the day they named.

    A promise is kept as soon as the amount is in, and partly kept or broken after its day. Verdicts of the last 30
    days are looked at again, since payments come in late. A promise newly found broken is told to the responsible
    member, and the case is to be contacted today. Safe to run twice and at the same time.
    """
    verdicts = _verdicts(today)
    changed = []
    for promise in _lock_news(verdicts, today=today):
        paid = verdicts[promise.pk]
        state = verdict(promise, paid, today=today)
        newly_broken = state in NOT_KEPT and promise.state not in NOT_KEPT
        promise.state, promise.paid = state, paid
        promise.judged_on = None if state == State.WAITING else promise.judged_on or today
        changed.append((promise, newly_broken))
    PromiseToPay.objects.bulk_update([promise for promise, _new in changed], ["state", "paid", "judged_on"])
    _after_breaking([promise for promise, is_new in changed if is_new], today=today)
    stages.refresh(Case.objects.filter(pk__in=[promise.case_id for promise, _new in changed]), now=now)
    states = [promise.state for promise, _new in changed]
    return Judged(states.count(State.KEPT), states.count(State.PARTLY), states.count(State.BROKEN))


def _lock_news(verdicts: Mapping[int, Decimal], *, today: date) -> list[PromiseToPay]:
    """The promises of which there is news, their cases under lock. A case that somebody works on waits for a later run.

    Cases come before their promises, as they do for whoever records a contact.
    """
    of_case = {
        promise.pk: promise.case_id
        for promise in PromiseToPay.objects.filter(pk__in=verdicts)
        if _is_news(promise, verdicts[promise.pk], today=today)
    }
    cases = Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=of_case.values())
    locked = [case.pk for case in cases.order_by("pk")]
    promises = PromiseToPay.objects.select_related("case__account__unit", "case__responsible", "case__project")
    found = promises.filter(pk__in=of_case, case__in=locked).order_by("pk")
    return [promise for promise in found if _is_news(promise, verdicts[promise.pk], today=today)]


def _is_news(promise: PromiseToPay, paid: Decimal, *, today: date) -> bool:
    if promise.state == State.REPLACED:
        return False
    return (verdict(promise, paid, today=today), paid) != (State(promise.state), promise.paid)


def verdict(promise: PromiseToPay, paid: Decimal, *, today: date) -> PromiseToPay.State:
    """What ``paid`` (CNY, dated within the promise's time) makes of a promise on ``today``."""
    if paid >= promise.amount:
        return State.KEPT
    if promise.pay_by >= today:
        return State.WAITING
    return State.PARTLY if paid else State.BROKEN


def _verdicts(today: date) -> dict[int, Decimal]:
    """By id of each promise to look at: CNY paid between the day it was given and the day it named."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT promise.id, coalesce(sum(payment.amount), 0)
            FROM collection_promisetopay promise
            JOIN collection_contactattempt contact ON contact.id = promise.contact_id
            JOIN collection_case c ON c.id = promise.case_id
            LEFT JOIN arrears_payment payment ON payment.account_id = c.account_id
                AND payment.reversed_by_id IS NULL AND payment.kind IN ('received', 'imported', 'settled_outside')
                AND payment.received_on BETWEEN (contact.happened_at AT TIME ZONE %(zone)s)::date AND promise.pay_by
            WHERE promise.state = 'waiting'
               OR (promise.state IN ('kept', 'partly', 'broken') AND promise.judged_on >= %(since)s)
            GROUP BY promise.id
            """,
            {"zone": str(timezone.get_default_timezone()), "since": today - timedelta(days=REJUDGED_DAYS)},
        )
        return dict(cursor.fetchall())


def _after_breaking(promises: Collection[PromiseToPay], *, today: date) -> None:
    Case.objects.filter(pk__in=[promise.case_id for promise in promises]).open().update(next_contact_on=today)
    for promise in promises:
        case = promise.case
        if case.responsible and case.responsible.is_active and case.state == Case.State.OPEN:
            said = {"unit": case.account.unit.code, "amount": f"{promise.amount:,.2f}", "paid": f"{promise.paid:,.2f}"}
            title = _("%(unit)s: promised %(amount)s, paid %(paid)s") % said
            url = reverse("collection:case", kwargs={"project_code": case.project.code, "pk": case.pk})
            notify(
                user=case.responsible, project=case.project, key=f"promise-broken:{promise.pk}", title=title, url=url
            )
