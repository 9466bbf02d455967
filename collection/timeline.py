"""Everything done on a case on one line of time, newest first."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.models import Allocation, Payment, Verification
from collection.limits import passed_limits, short_day
from collection.models import (
    Assignment,
    Case,
    CaseTransition,
    CashTaken,
    ContactAttempt,
    LimitOverride,
    PromiseToPay,
    ReasonChange,
    StepReached,
    VisitPhoto,
)
from collection.people_contacted import people_of
from collection.reasons import Reason
from company.models import AuditEvent
from notices.models import Delivery, DeliveryTransition, Notice
from owners.persons import rows_of

Channel, Said = ContactAttempt.Channel, ContactAttempt.Payment
LATEST_VERIFICATIONS = 10
LATEST_ELSEWHERE = 10


class Group(StrEnum):
    CONTACT = "contact"
    LETTER = "letter"
    MONEY = "money"
    INTERNAL = "internal"


GROUP_LABELS: dict[Group, str | Promise] = {
    Group.CONTACT: gettext_lazy("contacts"),
    Group.LETTER: gettext_lazy("letters"),
    Group.MONEY: gettext_lazy("money"),
    Group.INTERNAL: gettext_lazy("internal"),
}
CHANNEL_ICONS = {
    Channel.VISIT: "walk",
    Channel.CALL: "phone-outgoing",
    Channel.SMS: "message",
    Channel.WECHAT: "brand-wechat",
    Channel.EMAIL: "at",
}
PROMISE_COLOURS = {
    PromiseToPay.State.WAITING: "amber",
    PromiseToPay.State.KEPT: "green",
    PromiseToPay.State.PARTLY: "red",
    PromiseToPay.State.BROKEN: "red",
    PromiseToPay.State.REPLACED: "",
}
NOTICE_COLOURS = {Notice.State.DISPATCHED: "green", Notice.State.VOID: "", Notice.State.FAILED: "red"}

DELIVERY_COLOURS = {
    Delivery.State.SIGNED: "amber",
    Delivery.State.DELIVERED: "green",
    Delivery.State.RETURNED: "red",
    Delivery.State.LOST: "red",
    Delivery.State.WITHDRAWN: "",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``clock`` is "" where only the day is known."""

    at: datetime
    group: Group
    icon: str
    title: str
    colour: str = ""
    clock: str = ""
    person: str = ""
    status: str = ""
    status_colour: str = ""
    detail: str = ""
    warnings: list[str] = field(default_factory=list)
    photos: list[VisitPhoto] = field(default_factory=list)

    @property
    def on(self) -> date:
        return timezone.localdate(self.at)


def timeline(case: Case) -> list[Entry]:
    """All entries, newest first; a fixed number of queries."""
    entries = [
        *_contacts(case),
        *_contacts_elsewhere(case),
        *_requests(case),
        *_promises(case),
        *_payments(case),
        *_cash(case),
        *_notices(case),
        *_deliveries(case),
        *_reasons(case),
        *_steps(case),
        *_transitions(case),
        *_assignments(case),
        *_verifications(case),
        *_overrides(case),
        *_claims(case),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def counts(entries: Collection[Entry]) -> dict[Group, int]:
    """How many entries there are of each group."""
    return {group: sum(entry.group == group for entry in entries) for group in Group}


def _entry(at: datetime, group: Group, icon: str, title: str, **more: object) -> Entry:
    return Entry(at, group, icon, title, clock=f"{timezone.localtime(at):%H:%M}", **more)  # type: ignore[arg-type]


def _of_day(day: date, group: Group, icon: str, title: str, **more: object) -> Entry:
    moment = timezone.make_aware(datetime.combine(day, time(23, 59)))
    return Entry(moment, group, icon, title, **more)  # type: ignore[arg-type]


def _contacts(case: Case) -> Iterator[Entry]:
    photos = Prefetch("visit__photos", VisitPhoto.objects.select_related("file").order_by("pk"))
    contacts = case.contacts.select_related("recorded_by", "visit", "emergency_contact").prefetch_related(photos)
    for contact in contacts:
        visit = getattr(contact, "visit", None)
        warnings = [_("limit passed: %(limit)s") % {"limit": limit.label} for limit in passed_limits(contact)]
        if visit and visit.changed_meanwhile:
            warnings.append(visit.get_changed_meanwhile_display())
        waits = contact.payment in {Said.PROMISED, Said.CLAIMS_PAID}
        yield _entry(
            contact.happened_at,
            Group.CONTACT,
            "phone-incoming" if contact.is_incoming else CHANNEL_ICONS[Channel(contact.channel)],
            contact_title(contact),
            colour="amber" if waits else "",
            person=contact.recorded_by.name,
            detail=contact.note,
            warnings=warnings,
            photos=list(visit.photos.all()) if visit else [],
        )


def _contacts_elsewhere(case: Case) -> Iterator[Entry]:
    """What was done to the same people for their other units: it served this case too, and counts.

    Neither the unit nor what was said is told, since the other case may be another team's.
    """
    rows = rows_of(people_of([case.pk])[case.pk], projects=[case.project_id])
    elsewhere = ContactAttempt.objects.filter(is_incoming=False, case__account__ownership__members__owner__in=rows)
    latest = elsewhere.exclude(case=case).select_related("recorded_by").distinct().order_by("-happened_at", "-pk")
    for contact in latest[:LATEST_ELSEWHERE]:
        yield _entry(
            contact.happened_at,
            Group.CONTACT,
            CHANNEL_ICONS[Channel(contact.channel)],
            contact_title(contact),
            person=contact.recorded_by.name,
            detail=_("for another unit of the same owner; counts for this one too"),
        )


def contact_title(contact: ContactAttempt) -> str:
    """``上门，见到业主，承诺缴费，放了留言条``."""
    words = [contact.get_channel_display(), ContactAttempt.Outcome(contact.outcome).word_for(contact.channel)]
    if contact.is_incoming:
        words[0] = _("%(channel)s by the owner") % {"channel": words[0]}
    if contact.emergency_contact_id:
        words.append(_("emergency contact"))
    if contact.payment != Said.NOT_DISCUSSED:
        words.append(contact.get_payment_display())
    visit = getattr(contact, "visit", None)
    if visit and visit.slip_posted:
        words.append(_("slip left"))
    return _(", ").join(words)


def _requests(case: Case) -> Iterator[Entry]:
    for request in case.requests.select_related("created_by", "answered_by"):
        title = _("Request, %(kind)s") % {"kind": request.get_kind_display()}
        waits = request.answered_at is None
        yield _entry(
            request.created_at,
            Group.CONTACT,
            "message-report",
            title,
            person=request.created_by.name,
            status=_("unanswered") if waits else _("answered"),
            status_colour="amber" if waits else "green",
            detail=request.text,
        )
        if request.answered_at and request.answered_by:
            yield _entry(
                request.answered_at,
                Group.CONTACT,
                "message-check",
                _("Answer to the request of %(day)s") % {"day": short_day(timezone.localdate(request.created_at))},
                person=request.answered_by.name,
                detail=request.answer,
            )


def _promises(case: Case) -> Iterator[Entry]:
    for promise in case.promises.exclude(state=PromiseToPay.State.WAITING):
        colour = PROMISE_COLOURS[PromiseToPay.State(promise.state)]
        status = promise.get_state_display()
        if promise.state == PromiseToPay.State.PARTLY:
            status = _("%(state)s, paid %(paid)s") % {"state": status, "paid": f"{promise.paid:,.2f}"}
        yield _of_day(
            promise.judged_on or promise.pay_by,
            Group.MONEY,
            "calendar-x" if colour == "red" else "calendar-check",
            _("Promised %(amount)s by %(day)s")
            % {"amount": f"{promise.amount:,.2f}", "day": short_day(promise.pay_by)},
            colour="red" if colour == "red" else "",
            status=status,
            status_colour=colour,
        )


def _payments(case: Case) -> Iterator[Entry]:
    settled = Prefetch(
        "allocations",
        Allocation.objects.filter(reversed_by=None, charge__isnull=False).select_related("charge__fee_type"),
    )
    payments = Payment.objects.filter(account=case.account_id).prefetch_related(settled)
    for payment in payments.select_related("reversed_by"):
        day = payment.received_on or timezone.localdate(payment.posted_at)
        words = [f"{payment.get_kind_display()} {payment.amount:,.2f}"]
        words += [payment.get_method_display()] if payment.method else []
        fees = {allocation.charge.fee_type.name: None for allocation in payment.allocations.all() if allocation.charge}
        words += [_("settles %(fees)s") % {"fees": _(", ").join(fees)}] if fees else []
        yield _of_day(
            day,
            Group.MONEY,
            "cash",
            _(", ").join(words),
            colour="" if payment.reversed_by_id or payment.kind == Payment.Kind.REVERSAL else "green",
            status=_("reversed") if payment.reversed_by_id else "",
            detail=_("receipt %(number)s") % {"number": payment.receipt_no} if payment.receipt_no else "",
        )


def _cash(case: Case) -> Iterator[Entry]:
    colours = {CashTaken.State.PENDING: "amber", CashTaken.State.CONFIRMED: "green", CashTaken.State.REFUSED: "red"}
    taken = CashTaken.objects.filter(visit__contact__case=case).select_related("visit__contact", "taken_by")
    for cash in taken:
        said = {"amount": f"{cash.amount:,.2f}", "method": cash.get_method_display(), "number": cash.receipt_no}
        yield _entry(
            cash.visit.contact.happened_at,
            Group.MONEY,
            "cash",
            _("Took %(amount)s at the door, %(method)s, receipt %(number)s") % said,
            colour=colours[CashTaken.State(cash.state)],
            person=cash.taken_by.name,
            status=cash.get_state_display(),
            status_colour=colours[CashTaken.State(cash.state)],
            detail=cash.decision_note,
        )


def _notices(case: Case) -> Iterator[Entry]:
    notices = Notice.objects.filter(account=case.account_id).select_related("batch__confirmed_by", "corrects")
    for notice in notices:
        yield _entry(
            notice.batch.confirmed_at,
            Group.LETTER,
            "mail",
            f"{notice.get_kind_display()} {notice.number}",
            person=notice.batch.confirmed_by.name,
            status=notice.get_state_display(),
            status_colour=NOTICE_COLOURS.get(Notice.State(notice.state), "blue"),
            detail=_notice_detail(notice),
            warnings=[_("listed charges are settled otherwise by now")] if notice.overtaken_at else [],
        )


def _notice_detail(notice: Notice) -> str:
    said = [notice.get_void_reason_display()] if notice.void_reason else []
    if notice.corrects:
        said.append(_("corrects %(number)s") % {"number": notice.corrects.number})
    if notice.superseded:
        said.append(_("a correction has taken its place"))
    return _("; ").join(said)


def _deliveries(case: Case) -> Iterator[Entry]:
    moves = DeliveryTransition.objects.filter(
        delivery__notice__account=case.account_id, event=DeliveryTransition.Event.MOVED
    )
    for move in moves.select_related("delivery__notice", "by").order_by("-pk"):
        delivery = move.delivery
        yield _of_day(
            move.day,
            Group.LETTER,
            "mail-check" if move.to_state == Delivery.State.DELIVERED else "truck-delivery",
            _("%(letter)s by %(channel)s")
            % {"letter": delivery.notice.get_kind_display(), "channel": delivery.get_channel_display()},
            colour=DELIVERY_COLOURS.get(Delivery.State(move.to_state), ""),
            person=move.by.name if move.by else "",
            status=move.get_to_state_display(),
            status_colour=DELIVERY_COLOURS.get(Delivery.State(move.to_state), "blue"),
            detail=move.note,
        )


def _reasons(case: Case) -> Iterable[Entry]:
    for change in ReasonChange.objects.filter(case=case).select_related("by"):
        label = Reason.from_key("/".join(filter(None, (change.reason, change.sub_reason)))).label
        title = _("Reason: %(reason)s") % {"reason": label}
        yield _entry(change.at, Group.INTERNAL, "tag", title, person=change.by.name, detail=change.note)


def _steps(case: Case) -> Iterator[Entry]:
    """In the words that the playbook had then."""
    for reached in StepReached.objects.filter(case=case).select_related("playbook"):
        title = _("Next step: %(step)s") % {"step": reached.title}
        plan = reached.playbook
        version = plan and (_("own plan") if plan.case_id else _("playbook v%(number)s") % {"number": plan.number})
        yield _entry(reached.at, Group.INTERNAL, "stairs-up", title, detail=version or "")


def _transitions(case: Case) -> Iterator[Entry]:
    for move in CaseTransition.objects.filter(case=case).select_related("by"):
        closed = move.to_state == Case.State.CLOSED
        title = _("Paid, case closed") if closed else _("Case reopened") if move.from_state else _("Case opened")
        yield _entry(
            move.at, Group.INTERNAL, "circle-check" if closed else "folder-open", title,
            colour="green" if closed else "", person=move.by.name if move.by else "",
        )  # fmt: skip


def _assignments(case: Case) -> Iterator[Entry]:
    for assignment in Assignment.objects.filter(case=case).select_related("team", "member", "assigned_by"):
        who = f"{assignment.team.name} {assignment.member.name}" if assignment.member else assignment.team.name
        title = _("Assigned to %(who)s") % {"who": who}
        yield _entry(assignment.assigned_at, Group.INTERNAL, "user-share", title, person=assignment.assigned_by.name)


def _verifications(case: Case) -> Iterator[Entry]:
    latest = Verification.objects.filter(account=case.account_id).select_related("verified_by").order_by("-verified_at")
    for verification in latest[:LATEST_VERIFICATIONS]:
        title = _("Arrears verified, %(amount)s open") % {"amount": f"{verification.outstanding:,.2f}"}
        yield _entry(
            verification.verified_at, Group.INTERNAL, "clipboard-check", title, person=verification.verified_by.name,
            detail=_("looked up in the charging system") if verification.looked_up else "",
        )  # fmt: skip


def _overrides(case: Case) -> Iterator[Entry]:
    for override in LimitOverride.objects.filter(case=case).select_related("granted_by"):
        said = {"channel": override.get_channel_display(), "day": short_day(override.day)}
        title = _("Limits lifted: %(channel)s on %(day)s") % said
        yield _entry(
            override.granted_at, Group.INTERNAL, "lock-open", title,
            person=override.granted_by.name, detail=override.reason,
        )  # fmt: skip


def _claims(case: Case) -> Iterator[Entry]:
    checked = AuditEvent.objects.filter(
        action="claims.checked", object_type=Case._meta.label_lower, object_id=str(case.pk)
    )
    for event in checked.select_related("user"):
        yield _entry(
            event.at, Group.INTERNAL, "receipt", _("Claim of payment checked"),
            person=event.user.name if event.user else "", detail=str(event.detail.get("note", "")),
        )  # fmt: skip
