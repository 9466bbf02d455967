"""How owners can be reached, and how that changes: the old row ends, a new one begins, nothing is overwritten."""

import re
import unicodedata
from datetime import date, datetime

from django.db import transaction
from django.db.models.functions import Coalesce

from company.audit import record
from company.models import User
from owners.models import Address, EmergencyContact, Owner, Phone
from owners.personal_data import keyed_hash
from owners.persons import lock_person

NOT_DIGITS = re.compile(r"\D")
COUNTRY_CODE = re.compile(r"^(?:00)?86(?=1\d{10}$)")
SHORTEST, LONGEST = 7, 15


class PhoneNumberError(ValueError):
    """The text holds no phone number of 7 to 15 digits."""


def normalise_phone(text: str) -> str:
    """The digits of a number: ``+86 138-1234-2617`` → ``13812342617``. Raises PhoneNumberError."""
    digits = COUNTRY_CODE.sub("", NOT_DIGITS.sub("", unicodedata.normalize("NFKC", text)))
    if not SHORTEST <= len(digits) <= LONGEST:
        raise PhoneNumberError(f"{len(digits)} digits")
    return digits


@transaction.atomic
def add_phone(
    owner: Owner,
    number: str,
    *,
    by: User | None,
    label: str = "",
    is_primary: bool = False,
    confirmed_on: date | None = None,
    said_at: datetime | None = None,
) -> Phone:
    """Add a number to those of ``owner``, or confirm it where it is known; the first one is the primary one.

    ``said_at`` is when somebody said so: what was learnt of the number later stands, and one that was given up later
    does not come back. Raises PhoneNumberError.
    """
    digits = normalise_phone(number)
    owner = lock_person(owner)
    phones = _lock_phones(owner)
    known = next((phone for phone in phones if phone.number_hash == keyed_hash(digits)), None)
    if known is None and said_at and (given_up := _given_up_after(owner, digits, said_at)):
        return given_up
    phone = known or Phone(
        project_id=owner.project_id, owner=owner, number=digits, number_hash=keyed_hash(digits), last4=digits[-4:]
    )
    phone.label = label or phone.label
    if said_at is None or not phone.was_learnt_after(said_at):
        phone.confirmed_on, phone.learnt_at = confirmed_on or phone.confirmed_on, said_at or phone.learnt_at
    phone.save()
    if is_primary or not any(other.is_primary for other in phones):
        _make_primary(phone, phones)
    if known is None:
        record(action="owners.phone_added", by=by, project=owner.project, obj=owner, row=phone.pk, last4=phone.last4)
    return phone


@transaction.atomic
def change_phone(
    phone: Phone, number: str, *, by: User | None, now: datetime, said_at: datetime | None = None
) -> Phone:  # fmt: skip
    """Replace a number by another: the old row ends, the new one takes over its label and primary mark.

    Said (``said_at``) before something else was learnt of the old number, the new one stands beside it instead.
    Raises PhoneNumberError.
    """
    digits = normalise_phone(number)
    if keyed_hash(digits) == phone.number_hash:
        return phone
    lock_person(phone.owner)
    phone.refresh_from_db(fields=["label", "is_primary", "learnt_at"])
    if said_at and phone.was_learnt_after(said_at):
        return add_phone(phone.owner, digits, by=by, said_at=said_at)
    was_primary = phone.is_primary
    end_phone(phone, by=by, now=now, said_at=said_at)
    return add_phone(phone.owner, digits, by=by, label=phone.label, is_primary=was_primary, said_at=said_at or now)


@transaction.atomic
def end_phone(phone: Phone, *, by: User | None, now: datetime, said_at: datetime | None = None) -> None:
    """The number is no longer the owner's; the row stays as history, and another number becomes the primary one.

    ``said_at`` is when that was said, where it is not just now.
    """
    phones = _lock_phones(phone.owner)
    live = Phone.objects.filter(pk=phone.pk, ended_at__isnull=True)
    live.update(ended_at=now, is_primary=False, learnt_at=said_at or now)
    left = [other for other in phones if other.pk != phone.pk]
    if left and not any(other.is_primary for other in left):
        _make_primary(left[0], left)
    record(action="owners.phone_ended", by=by, project=phone.project, obj=phone.owner, row=phone.pk, last4=phone.last4)


@transaction.atomic
def make_primary(phone: Phone, *, by: User | None) -> None:
    """The number to dial first."""
    _make_primary(phone, _lock_phones(phone.owner))
    record(
        action="owners.phone_primary", by=by, project=phone.project, obj=phone.owner, row=phone.pk, last4=phone.last4
    )


@transaction.atomic
def mark_phone(
    phone: Phone,
    *,
    by: User | None,
    said_at: datetime,
    state: Phone.State | None = None,
    do_not_contact: bool | None = None,
    confirmed_on: date | None = None,
    label: str | None = None,
) -> None:
    """Note what was learnt of a number at ``said_at``: whether it is valid, may be dialled, when that was confirmed.

    What was learnt later stands, but for the wish not to be contacted.
    """
    lock_person(phone.owner)
    phone.refresh_from_db(fields=["learnt_at"])
    if phone.was_learnt_after(said_at):
        if not do_not_contact:
            return
        state = confirmed_on = label = None
    elif state or confirmed_on:
        phone.learnt_at = said_at
    changes = {"state": state, "do_not_contact": do_not_contact, "confirmed_on": confirmed_on, "label": label}
    given = {name: value for name, value in changes.items() if value is not None}
    for name, value in given.items():
        setattr(phone, name, value)
    phone.save(update_fields=[*given, "learnt_at"])
    detail = {name: str(value) for name, value in given.items()}
    record(
        action="owners.phone_marked", by=by, project=phone.project, obj=phone.owner, row=phone.pk, last4=phone.last4,
        **detail,
    )  # fmt: skip


@transaction.atomic
def change_address(
    owner: Owner, kind: Address.Kind, text: str, *, by: User | None, now: datetime, said_at: datetime | None = None
) -> Address | None:
    """Replace the address of a kind; an empty text only ends the old one, the same text changes nothing.

    Said (``said_at``) before the address that is kept now, or before it was taken away, it goes into the history,
    once.
    """
    said_at = said_at or now
    owner = lock_person(owner)
    of_kind = Address.objects.filter(owner=owner, kind=kind)
    live = of_kind.filter(ended_at__isnull=True).first()
    text = text.strip()
    is_late = (live.learnt_at or live.created_at) > said_at if live else of_kind.filter(ended_at__gt=said_at).exists()
    if live and live.text == text:
        if not is_late:
            Address.objects.filter(pk=live.pk).update(learnt_at=said_at)
        return live
    if is_late and any(row.text == text for row in of_kind):
        return live  # told again with a correction
    if live and not is_late:
        Address.objects.filter(pk=live.pk).update(ended_at=now)
    record(
        action="owners.address_changed", by=by, project=owner.project, obj=owner, kind=kind,
        row=live.pk if live else None,
    )  # fmt: skip
    if not text:
        return None
    return Address.objects.create(
        project_id=owner.project_id, owner=owner, kind=kind, text=text, learnt_at=said_at,
        ended_at=now if is_late else None,
    )  # fmt: skip


@transaction.atomic
def mark_returned(address: Address, *, returned_on: date | None, by: User | None) -> None:
    """Mail to this address came back on a day; None takes the mark away."""
    Address.objects.filter(pk=address.pk).update(returned_on=returned_on)
    record(
        action="owners.mail_returned", by=by, project=address.project, obj=address.owner, row=address.pk,
        kind=address.kind, on=returned_on.isoformat() if returned_on else "",
    )  # fmt: skip


@transaction.atomic
def add_emergency_contact(
    owner: Owner, *, name: str, number: str = "", relation: str = "", by: User | None
) -> EmergencyContact:
    """Whom to ask that the owner call back; the same one again is the one on file. Raises PhoneNumberError."""
    digits = normalise_phone(number) if number else ""
    owner = lock_person(owner)
    same = {"name": name, "relation": relation, "number_hash": keyed_hash(digits)}
    if known := EmergencyContact.objects.filter(owner=owner, ended_at=None, **same).first():
        return known
    contact = EmergencyContact.objects.create(
        project_id=owner.project_id,
        owner=owner,
        name=name,
        relation=relation,
        number=digits,
        number_hash=keyed_hash(digits),
        last4=digits[-4:],
    )
    record(action="owners.emergency_contact_added", by=by, project=owner.project, obj=owner, row=contact.pk)
    return contact


@transaction.atomic
def end_emergency_contact(contact: EmergencyContact, *, by: User | None, now: datetime) -> None:
    """Nobody is to be asked there any more; the row stays as history."""
    EmergencyContact.objects.filter(pk=contact.pk, ended_at__isnull=True).update(ended_at=now)
    record(action="owners.emergency_contact_ended", by=by, project=contact.project, obj=contact.owner, row=contact.pk)


@transaction.atomic
def change_emergency_contact(
    contact: EmergencyContact,
    *,
    name: str,
    relation: str,
    number: str,
    do_not_contact: bool,
    by: User | None,
    now: datetime,
) -> EmergencyContact:
    """Replace an emergency contact: the old row ends, a new one begins; an empty ``number`` keeps the old one.

    Raises PhoneNumberError. Where only the mark changes, the row stays.
    """
    digits = normalise_phone(number) if number else contact.number
    if (name, relation, digits) != (contact.name, contact.relation, contact.number):
        end_emergency_contact(contact, by=by, now=now)
        contact = add_emergency_contact(contact.owner, name=name, number=digits, relation=relation, by=by)
    if do_not_contact != contact.do_not_contact:
        EmergencyContact.objects.filter(pk=contact.pk).update(do_not_contact=do_not_contact)
        record(
            action="owners.emergency_contact_marked", by=by, project=contact.project, obj=contact.owner,
            row=contact.pk, do_not_contact=do_not_contact,
        )  # fmt: skip
    return contact


def _lock_phones(owner: Owner) -> list[Phone]:
    """The live numbers of ``owner``, primary first, while nobody else changes them."""
    Owner.objects.select_for_update(no_key=True).get(pk=owner.pk)
    return list(Phone.objects.filter(owner=owner, ended_at__isnull=True).order_by("-is_primary", "pk"))


def _given_up_after(owner: Owner, digits: str, said_at: datetime) -> Phone | None:
    """The number where it ceased to be one of ``owner`` after ``said_at``."""
    ended = Phone.objects.filter(owner=owner, number_hash=keyed_hash(digits), ended_at__isnull=False)
    return ended.annotate(known_at=Coalesce("learnt_at", "ended_at")).filter(known_at__gt=said_at).first()


def _make_primary(phone: Phone, phones: list[Phone]) -> None:
    Phone.objects.filter(pk__in=[other.pk for other in phones if other.pk != phone.pk]).update(is_primary=False)
    Phone.objects.filter(pk=phone.pk).update(is_primary=True)
    phone.is_primary = True
