"""Everything done on a case on one line of time, newest first."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Allocation, Payment
from collection.limits import passed_limits, short_day
from collection.models import (
    Case,
    CashTaken,
    ConductComplaint,
    ContactAttempt,
    PromiseToPay,
    VisitPhoto,
)
from collection.models.contacts import WHOLE_ID
from collection.people_contacted import people_of
from collection.timeline_entries import Entry, Group, entry, of_day
from collection.timeline_internal import internal
from company.models import User
from notices.models import Delivery, DeliveryTransition, Notice
from owners.persons import rows_of

Channel, Said = ContactAttempt.Channel, ContactAttempt.Payment
LATEST_ELSEWHERE = 10


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


def timeline(case: Case, *, viewer: User | None = None) -> list[Entry]:
    """All entries that ``viewer`` may see, newest first; a fixed number of queries.

    What is said of a member's conduct is for who answers for it.
    """
    entries = [
        *_contacts(case, viewer),
        *_contacts_elsewhere(case),
        *(_complaints(case, viewer) if viewer else ()),
        *_requests(case),
        *_promises(case),
        *_payments(case),
        *_cash(case),
        *_notices(case),
        *_deliveries(case),
        *internal(case),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def counts(entries: Collection[Entry]) -> dict[Group, int]:
    """How many entries there are of each group."""
    return {group: sum(entry.group == group for entry in entries) for group in Group}


def _contacts(case: Case, viewer: User | None) -> Iterator[Entry]:
    photos = Prefetch("visit__photos", VisitPhoto.objects.select_related("file", "place").order_by("pk"))
    rows = case.contacts.select_related("recorded_by", "visit__signature", "emergency_contact", "part_of__visit")
    contacts = list(rows.prefetch_related(photos, "files"))
    elsewhere = _rows_elsewhere(contacts, viewer)
    for contact in contacts:
        visit = getattr(contact, "visit", None)
        waits = contact.payment in {Said.PROMISED, Said.CLAIMS_PAID}
        others = elsewhere[contact.part_of_id or contact.pk]
        yield entry(
            contact.happened_at,
            Group.CONTACT,
            "phone-incoming" if contact.is_incoming else CHANNEL_ICONS[Channel(contact.channel)],
            contact_title(contact),
            colour="amber" if waits else "",
            person=contact.recorded_by.name,
            detail=_("one visit for several units of the same owner") if contact.part_of else contact.note,
            warnings=list(_warnings(contact)),
            photos=list(visit.photos.all()) if visit else [],
            files=list(contact.files.all()),
            signature=visit.signature.pk if visit and hasattr(visit, "signature") else None,
            contact=contact.pk,
            told_at=next((other.case for other in others if contact.part_of), None),
            served=[other.case for other in others if not contact.part_of],
        )


def _warnings(contact: ContactAttempt) -> Iterator[str]:
    """What passed a limit or came late did so on each of its cases."""
    whole, visit = contact.whole, getattr(contact, "visit", None)
    for limit in passed_limits(whole):
        yield _("limit passed: %(limit)s") % {"limit": limit.label}
    if visit and visit.changed_meanwhile:
        yield visit.get_changed_meanwhile_display()
    if hasattr(whole, "visit") and whole.visit.came_late:
        yield _("reached the server on %(day)s") % {"day": short_day(timezone.localdate(contact.recorded_at))}


def _rows_elsewhere(
    contacts: Collection[ContactAttempt], viewer: User | None
) -> dict[int, list[ContactAttempt]]:  # fmt: skip
    """By id of a visit that served several units its rows on other cases that ``viewer`` may see: the visit itself
    where ``contacts`` have a part of it, and its parts where they have the visit."""
    found: dict[int, list[ContactAttempt]] = defaultdict(list)
    if viewer is None:
        return found
    wholes = [contact.part_of_id for contact in contacts if contact.part_of_id]
    rows = ContactAttempt.objects.filter(Q(pk__in=wholes) | Q(part_of__in=[contact.pk for contact in contacts]))
    for row in rows.visible_to(viewer).select_related("case__account__unit").order_by("case__account__unit__sort_key"):
        found[row.part_of_id or row.pk].append(row)
    return found


def _contacts_elsewhere(case: Case) -> Iterator[Entry]:
    """What was done to the same people for their other units alone: it counts for this case too.

    Neither the unit nor what was said is told, since the other case may be another team's.
    """
    owners = rows_of(people_of([case.pk])[case.pk], projects=[case.project_id])
    rows = ContactAttempt.objects.filter(is_incoming=False, case__account__ownership__members__owner__in=owners)
    wholes = rows.exclude(case=case).values_list(WHOLE_ID)
    elsewhere = ContactAttempt.objects.filter(pk__in=wholes).exclude(case=case).exclude(parts__case=case)
    for contact in elsewhere.select_related("recorded_by").order_by("-happened_at", "-pk")[:LATEST_ELSEWHERE]:
        yield entry(
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


def _complaints(case: Case, viewer: User) -> Iterator[Entry]:
    complaints = ConductComplaint.objects.visible_to(viewer).filter(contact__case=case)
    for complaint in complaints.select_related("recorded_by", "answered_by", "member"):
        said = {"who": complaint.get_complainant_display(), "member": complaint.member.name}
        waits = complaint.answered_at is None
        yield entry(
            complaint.complained_at,
            Group.INTERNAL,
            "message-exclamation",
            _("Complaint about conduct of %(member)s, by: %(who)s") % said,
            person=complaint.recorded_by.name,
            status=_("unanswered") if waits else _("answered"),
            status_colour="amber" if waits else "green",
            detail=_("; ").join(filter(None, (complaint.text, complaint.answer))),
        )


def _requests(case: Case) -> Iterator[Entry]:
    for request in case.requests.select_related("created_by", "answered_by"):
        title = _("Request, %(kind)s") % {"kind": request.get_kind_display()}
        waits = request.answered_at is None
        yield entry(
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
            yield entry(
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
        yield of_day(
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
        yield of_day(
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
        yield entry(
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
        yield entry(
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
        yield of_day(
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
