"""A visit told again: the same is one visit, a higher revision takes its place, a removal is for good (V4)."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collection import stages
from collection.contacts import ContactReport
from collection.later_words import own_moments
from collection.models import (
    ArrearsReason,
    Case,
    CashTaken,
    ConductComplaint,
    ContactAttempt,
    OwnerRequest,
    PromiseToPay,
    ReasonChange,
    SubReason,
    Visit,
    VisitRevision,
)
from collection.promises import Promised
from collection.reasons import Reason, write_reason
from collection.requests import Requested
from collection.visit_parts import drop, lock_visited
from company.audit import record
from company.models import User

if TYPE_CHECKING:
    from collection.visits import VisitReport

UNJUDGED = frozenset({PromiseToPay.State.WAITING, PromiseToPay.State.REPLACED})


class VisitConflictError(Exception):
    """The same visit came again with other content; what came first stands. ``visit`` is that one."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit.client_id)
        self.visit = visit


class VisitRemovedError(Exception):
    """The visit was removed by whoever recorded it and does not come back."""


class Settled(models.TextChoices):
    """What somebody else has acted on."""

    CASH = "cash", _("the money taken is with finance")
    PROMISE = "promise", _("the promise has been judged")
    REQUEST = "request", _("the owner's request has been answered")
    CONDUCT = "conduct", _("it is being looked into how the visit went")


class VisitSettledError(Exception):
    """What came of the visit cannot be taken back any more; ``what`` says which part."""

    def __init__(self, what: Settled) -> None:
        super().__init__(what)
        self.what = what


def lock_visit(client_id: UUID) -> None:
    """Whoever tells of the same visit at the same moment, be it of another case, waits for the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(client_id)])


def earlier_visit(case: Case, client_id: UUID, *, by: User) -> Visit | None:
    """The visit as it is kept, None where it is new. Raises VisitRemovedError, and VisitConflictError where it belongs
    to somebody else or to another case."""
    if is_removed(client_id):
        raise VisitRemovedError(client_id)
    earlier = Visit.objects.select_related("contact").filter(client_id=client_id).first()
    if earlier and (earlier.contact.case_id != case.pk or earlier.contact.recorded_by_id != by.pk):
        raise VisitConflictError(earlier)
    return earlier


def is_removed(client_id: UUID) -> bool:
    """Whether a visit has its tombstone."""
    return VisitRevision.objects.filter(client_id=client_id, is_removal=True).exists()


def is_told_already(earlier: Visit, report: VisitReport) -> bool:
    """Whether ``report`` is what is kept, or older than that. Raises VisitConflictError for other content under the
    same revision."""
    if report.revision > earlier.revision:
        return False
    if report.revision == earlier.revision and earlier.content_sha256 != report.content_sha256():
        raise VisitConflictError(earlier)
    return True


def known_message(client_id: UUID, revision: int, sent_sha256: str, *, by: User) -> bool:
    """Whether this very message of a phone was worked off before, on whatever day and in whatever language."""
    told = VisitRevision.objects.filter(client_id=client_id, revision=revision, sent_by=by)
    return told.filter(sent_sha256=sent_sha256).exists()


def write_history(case: Case, report: VisitReport, *, by: User, now: datetime) -> VisitRevision:
    """Keep what was said, before it is written where it belongs. The caller holds the visit and the case."""
    return VisitRevision.objects.create(
        project_id=case.project_id,
        case=case,
        client_id=report.client_id,
        revision=report.revision,
        content=_content(report),
        content_sha256=report.content_sha256(),
        sent_sha256=report.sent_sha256,
        received_at=now,
        sent_by=by,
    )


@transaction.atomic
def remove_visit(case: Case, client_id: UUID, revision: int, *, by: User, now: datetime) -> None:
    """Take a visit back with all that came of it, also one that has not arrived: it does not come any more. Its parts
    on other cases go with it.

    What was told stays in its history. Again it changes nothing. Raises VisitConflictError, VisitSettledError.
    """
    lock_visit(client_id)
    try:
        visit = earlier_visit(case, client_id, by=by)
    except VisitRemovedError:
        return
    if visit and visit.revision >= revision:
        raise VisitConflictError(visit)
    locked, others = lock_visited(case, visit.contact if visit else None)
    if visit:
        take_back(visit, locked, None, now=now)
    VisitRevision.objects.create(
        project_id=locked.project_id, case=locked, client_id=client_id, revision=revision, is_removal=True,
        received_at=now, sent_by=by,
    )  # fmt: skip
    if visit:
        contact = visit.contact
        for one in (locked, *others):
            record(action="visits.removed", by=by, project=one.project, obj=one, visit=str(client_id))
        visit.delete()
        drop([*contact.parts.all(), contact], now=now)
        stages.refresh([locked, *others], now=now)


def take_back(visit: Visit, case: Case, report: VisitReport | None, *, now: datetime) -> None:
    """Undo what came of a visit and is not told again in ``report``. News of numbers and addresses stay: these have a
    history and a page of their own. Raises VisitSettledError; the caller holds the case's lock."""
    told = report.contact if report else None
    if _is_looked_into(visit.contact):
        raise VisitSettledError(Settled.CONDUCT)
    _keep_cash(visit, report)
    _take_back_promise(visit.contact, told)
    _take_back_requests(visit, told)
    visit.photos.all().delete()
    if told is None or told.reason is None:
        _take_back_reason(visit.contact, case, now=now)
    if visit.contact.payment == ContactAttempt.Payment.CLAIMS_PAID and case.claims_paid:
        _take_back_claim(visit.contact, case)


def _take_back_claim(contact: ContactAttempt, case: Case) -> None:
    """The case waits for finance no longer, unless the owner said elsewhere too, and unchecked, that it is paid."""
    others = case.contacts.filter(payment=ContactAttempt.Payment.CLAIMS_PAID, happened_at__date__gte=case.opened_on)
    if case.claim_checked_at:
        others = others.filter(recorded_at__gt=case.claim_checked_at)
    case.claims_paid = others.exclude(pk=contact.pk).exists()
    case.save(update_fields=["claims_paid"])


def _is_looked_into(contact: ContactAttempt) -> bool:
    """Whether somebody complained about the visit, on whichever of its cases, or it was drawn to be called back."""
    complaints = ConductComplaint.objects.filter(Q(contact=contact) | Q(contact__part_of=contact))
    return complaints.exists() or contact.call_backs.exists()


def what_is_new(visit: Visit, told: ContactReport) -> ContactReport:
    """``told`` without the promise and the request that are kept already."""
    if PromiseToPay.objects.filter(contact=visit.contact_id).exists():
        told = replace(told, promised=None)
    if visit.contact.requests.exists():
        told = replace(told, requested=None)
    return told


def _keep_cash(visit: Visit, report: VisitReport | None) -> None:
    """Money that was told stays as it is: only finance decides on it."""
    kept = CashTaken.objects.filter(visit=visit).first()
    if kept is None:
        return
    cash = report.cash if report else None
    if cash is None or (cash.amount, cash.method, cash.receipt_no) != (kept.amount, kept.method, kept.receipt_no):
        raise VisitSettledError(Settled.CASH)


def _take_back_promise(contact: ContactAttempt, told: ContactReport | None) -> None:
    promise = PromiseToPay.objects.filter(contact=contact).first()
    if promise is None or (told and told.promised == Promised(promise.pay_by, promise.amount)):
        return
    if promise.state not in UNJUDGED:
        raise VisitSettledError(Settled.PROMISE)
    if promise.state == PromiseToPay.State.WAITING:
        _wait_again(promise, contact)
    promise.delete()


def _wait_again(promise: PromiseToPay, contact: ContactAttempt) -> None:
    """The promise that this one took the place of waits again."""
    earlier = PromiseToPay.objects.filter(case=promise.case_id, contact__happened_at__lte=contact.happened_at)
    before = earlier.exclude(pk=promise.pk).order_by("-contact__happened_at", "-pk").first()
    if before and before.state == PromiseToPay.State.REPLACED:
        before.state, before.judged_on = PromiseToPay.State.WAITING, None
        before.save(update_fields=["state", "judged_on"])


def _take_back_requests(visit: Visit, told: ContactReport | None) -> None:
    before = VisitRevision.objects.filter(client_id=visit.client_id, revision=visit.revision).first()
    asked_before = (before.content["requested"] or []) if before else []
    for request in visit.contact.requests.all():
        if told and told.requested and _is_told_again(request, told.requested, asked_before):
            continue
        if request.answered_at:
            raise VisitSettledError(Settled.REQUEST)
        request.delete()


def _is_told_again(request: OwnerRequest, asked: Requested, asked_before: list[str]) -> bool:
    """Whether the same is asked for. That it went to another department since, where somebody handed it on, is no
    correction of the visit."""
    if (request.kind, request.text) != (asked.kind, asked.text):
        return False
    return request.department == asked.department or asked_before[2:] == [asked.department]


def _take_back_reason(contact: ContactAttempt, case: Case, *, now: datetime) -> None:
    """The reason before this visit, unless somebody has set another since."""
    moments = set(own_moments(contact))
    changes = list(case.reason_changes.order_by("-pk"))
    others = [change for change in changes if change.at not in moments or change.by_id != contact.recorded_by_id]
    if changes[:1] == others[:1]:
        return
    before = others[0] if others else ReasonChange(reason=ArrearsReason.UNKNOWN)
    sub_reason = SubReason(before.sub_reason) if before.sub_reason else None
    reason = Reason(ArrearsReason(before.reason), sub_reason)
    write_reason([case], reason, by=contact.recorded_by, now=now, refresh=False)


def _content(report: VisitReport) -> dict[str, Any]:
    """What was said, as it is kept for good: without numbers and addresses."""
    contact = report.contact
    return {
        "happened_at": contact.happened_at.isoformat(),
        "outcome": contact.outcome,
        "payment": contact.payment,
        "promised": [contact.promised.pay_by.isoformat(), str(contact.promised.amount)] if contact.promised else None,
        "requested": [*astuple(contact.requested)] if contact.requested else None,
        "reason": contact.reason.key if contact.reason else None,
        "number": contact.number.news if contact.number else None,
        "second_address": bool(contact.second_address),
        "note": contact.note,
        "next_contact_on": contact.next_contact_on.isoformat() if contact.next_contact_on else None,
        "slip_posted": report.slip_posted,
        "cash": [str(report.cash.amount), report.cash.method, report.cash.receipt_no] if report.cash else None,
        "photos": sorted(photo.sent_sha256 for photo in report.photos),
        "signed": bool(report.signature),
        "also": list(report.also),
    }
