"""Contacts that happened, by whatever channel: one record with everything that came of it (C8)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from collection import stages
from collection.later_words import has_later_contact, has_later_reason, is_checked
from collection.limits import breaches
from collection.models import Case, ContactAttempt, ContactFile, PromiseToPay
from collection.people_contacted import lock_people
from collection.photos import keep_photos
from collection.promises import Promised, record_promise
from collection.reasons import Reason, ReasonRefusedError, reasons_for, write_reason
from collection.requests import Requested, SubmissionReusedError, open_request
from company.audit import record
from company.models import Role, User
from company.photos import Photo
from owners.contact_points import add_phone, change_address, change_phone, mark_phone
from owners.models import Address, EmergencyContact, Owner, Phone

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment


class NumberNews(models.TextChoices):
    """What was learnt about a number."""

    CONFIRMED = "confirmed", _("it is right")
    UNREACHABLE = "unreachable", _("cannot be reached")
    WRONG_PERSON = "wrong_person", _("belongs to somebody else")
    DO_NOT_CONTACT = "do_not_contact", _("do not contact")
    CHANGED = "changed", _("has changed")


@dataclass(frozen=True, slots=True)
class NumberReport:
    """News of the number ``phone_id``, or with None a number to add; ``number`` is the new one, if there is one."""

    phone_id: int | None
    news: NumberNews
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactReport:
    """What somebody says of a contact. ``happened_at`` is their word, or their phone's; the server notes its own."""

    channel: ContactAttempt.Channel
    outcome: ContactAttempt.Outcome
    happened_at: datetime
    payment: ContactAttempt.Payment = Payment.NOT_DISCUSSED
    is_incoming: bool = False
    note: str = ""
    phone_id: int | None = None
    emergency_contact_id: int | None = None
    promised: Promised | None = None
    requested: Requested | None = None
    reason: Reason | None = None
    number: NumberReport | None = None
    second_address: str = ""
    next_contact_on: date | None = None
    files: Sequence[Photo] = ()


def record_contact(
    case: Case, report: ContactReport, *, by: User, roles: frozenset[Role], now: datetime, submission: UUID
) -> ContactAttempt:
    """Record a contact and what came of it, with the limits that it passed. The same ``submission`` is one contact.

    ``roles`` are those of ``by`` in the project. Raises SubmissionReusedError, ReasonRefusedError, PhoneNumberError;
    nothing is written then.
    """
    files = keep_photos(report.files, project=case.project, by=by)
    with transaction.atomic():
        locked = lock_case(case.pk)
        earlier = ContactAttempt.objects.filter(submission=submission).first()
        if earlier:
            if not _says_the_same(earlier, locked, report):
                raise SubmissionReusedError(submission)
            return earlier
        contact = write_contact(locked, report, by=by, now=now, submission=submission)
        ContactFile.objects.bulk_create(
            ContactFile(project_id=contact.project_id, contact=contact, file=file)
            for file in {file.pk: file for file in files}.values()
        )
        write_consequences(locked, contact, report, by=by, roles=roles, now=now)
        stages.refresh([locked], now=now)
    return contact


def lock_case(case_id: int) -> Case:
    """The case under lock, as it is now."""
    (locked,) = lock_cases([case_id])
    return locked


def lock_cases(case_ids: Iterable[int]) -> list[Case]:
    """The cases under lock, as they are now, always in the same order: two that meet wait and do not block each other.

    Raises Case.DoesNotExist where one is missing.
    """
    wanted = set(case_ids)
    cases = Case.objects.select_for_update(of=("self",)).select_related("project", "account")
    locked = list(cases.filter(pk__in=wanted).order_by("pk"))
    if len(locked) < len(wanted):
        raise Case.DoesNotExist
    return locked


def write_contact(
    case: Case,
    report: ContactReport,
    *,
    by: User,
    now: datetime,
    submission: UUID | None = None,
    instead_of: ContactAttempt | None = None,
    also: Collection[Case] = (),
) -> ContactAttempt:
    """The contact itself, flagged with the limits that it passed. The caller holds the lock of ``case`` and ``also``.

    A phone's clock may run ahead: what it says of the future happened now. ``instead_of`` is overwritten, but for when
    the server first heard of it. ``also`` are other cases that it serves: their people and holds are looked at too.
    """
    heard_at = instead_of.recorded_at if instead_of else now
    contact = ContactAttempt(
        pk=instead_of.pk if instead_of else None,
        project_id=case.project_id,
        case=case,
        channel=report.channel,
        is_incoming=report.is_incoming,
        phone=_phones_of(case).filter(pk=report.phone_id).first() if report.phone_id else None,
        emergency_contact=_emergency_contact(case, report.emergency_contact_id),
        outcome=report.outcome,
        payment=report.payment,
        happened_at=min(report.happened_at, heard_at),
        recorded_at=heard_at,
        recorded_by=by,
        note=report.note,
        submission=submission,
    )
    lock_people([case, *also])
    contact.breach = ",".join(breaches(contact, also=also))
    contact.save(force_insert=instead_of is None, force_update=instead_of is not None)
    return contact


def write_consequences(
    case: Case,
    contact: ContactAttempt,
    report: ContactReport,
    *,
    by: User,
    roles: frozenset[Role],
    now: datetime,
    told_for: datetime | None = None,
) -> None:
    """Promise, request, reason, numbers, address and what comes next. The caller holds the case's lock.

    What was said since the contact stands. ``told_for`` is when it happened as it was told before: what was learnt
    from it then of numbers and the address is no later word.
    """
    today, said_at = timezone.localdate(now), max(contact.happened_at, told_for or contact.happened_at)
    if report.promised:
        record_promise(contact, report.promised, today=today)
    if report.requested:
        open_request(case, report.requested, by=by, now=now, contact=contact)
    if report.reason:
        if report.reason != Reason.of(case) and report.reason not in reasons_for(roles):
            raise ReasonRefusedError(report.reason.key)
        if not has_later_reason(contact):
            write_reason([case], report.reason, by=by, now=now, said_at=contact.happened_at, refresh=False)
    _write_number_news(case, contact, report.number, by=by, said_at=said_at, now=now)
    if report.second_address and (owner := first_owner(case)):
        change_address(owner, Address.Kind.SECOND, report.second_address, by=by, now=now, said_at=said_at)
    if report.payment == Payment.CLAIMS_PAID and case.state == Case.State.OPEN and not is_checked(case, contact):
        case.claims_paid = True
    if report.next_contact_on and not has_later_contact(contact):
        case.next_contact_on = report.next_contact_on
    case.save(update_fields=["claims_paid", "next_contact_on"])


@transaction.atomic
def settle_claim(case_id: int, *, by: User, now: datetime, note: str) -> Case:
    """Finance has checked what the owner says was paid: the case is free to go on. Money found is posted apart."""
    case = lock_case(case_id)
    if case.claims_paid:
        case.claims_paid, case.claim_checked_at = False, now
        case.save(update_fields=["claims_paid", "claim_checked_at"])
        record(action="claims.checked", by=by, project=case.project, obj=case, note=note)
        stages.refresh([case], now=now)
    return case


def first_owner(case: Case) -> Owner | None:
    """The owner named first; None while nobody is known."""
    members = case.account.ownership.members.select_related("owner").order_by("position", "pk")
    return next((member.owner for member in members), None)


def _write_number_news(
    case: Case, contact: ContactAttempt, report: NumberReport | None, *, by: User, said_at: datetime, now: datetime
) -> None:
    said_on = timezone.localdate(contact.happened_at)
    phone = _phones_of(case).filter(pk=report.phone_id).first() if report and report.phone_id else contact.phone
    if report is None:
        if phone and contact.outcome == Outcome.WRONG_PERSON:
            mark_phone(phone, by=by, said_at=said_at, state=Phone.State.WRONG_PERSON)
        elif phone and contact.outcome == Outcome.MET_OWNER:
            mark_phone(phone, by=by, said_at=said_at, state=Phone.State.VALID, confirmed_on=said_on)
        return
    if phone and report.news in MARKS:
        mark_phone(phone, by=by, said_at=said_at, state=MARKS[report.news])
    if phone and report.news == NumberNews.CONFIRMED:
        mark_phone(phone, by=by, said_at=said_at, state=Phone.State.VALID, confirmed_on=said_on)
    if phone and report.news == NumberNews.DO_NOT_CONTACT:
        mark_phone(phone, by=by, said_at=said_at, do_not_contact=True)
    if report.number:
        _write_new_number(case, phone, report, by=by, said_on=said_on, said_at=said_at, now=now)


MARKS = {
    NumberNews.UNREACHABLE: Phone.State.UNREACHABLE,
    NumberNews.WRONG_PERSON: Phone.State.WRONG_PERSON,
}


def _write_new_number(
    case: Case,
    phone: Phone | None,
    report: NumberReport,
    *,
    by: User,
    said_on: date,
    said_at: datetime,
    now: datetime,
) -> None:
    if phone and report.news == NumberNews.CHANGED:
        change_phone(phone, report.number, by=by, now=now, said_at=said_at)
    elif owner := (phone.owner if phone else first_owner(case)):
        add_phone(owner, report.number, by=by, confirmed_on=said_on, said_at=said_at)


def _phones_of(case: Case) -> models.QuerySet[Phone]:
    owners = case.account.ownership.members.values("owner")
    return Phone.objects.filter(owner__in=owners, ended_at__isnull=True).select_related("owner")


def _emergency_contact(case: Case, contact_id: int | None) -> EmergencyContact | None:
    if contact_id is None:
        return None
    owners = case.account.ownership.members.values("owner")
    return EmergencyContact.objects.filter(pk=contact_id, owner__in=owners).first()


def _says_the_same(contact: ContactAttempt, case: Case, report: ContactReport) -> bool:
    told = (contact.case_id, contact.channel, contact.is_incoming, contact.outcome, contact.payment, contact.note)
    tells = (case.pk, report.channel, report.is_incoming, report.outcome, report.payment, report.note)
    promise = PromiseToPay.objects.filter(contact=contact).first()
    promised = Promised(promise.pay_by, promise.amount) if promise else None
    happened_at = min(report.happened_at, contact.recorded_at)
    return (*told, contact.happened_at, promised) == (*tells, happened_at, report.promised)
