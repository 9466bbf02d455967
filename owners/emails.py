"""E-mail addresses of owners: as with phones the old row ends and a new one begins."""

from datetime import date, datetime

from django.db import transaction

from company.audit import record
from company.models import User
from owners.models import Email, Owner
from owners.personal_data import keyed_hash, mask_email
from owners.persons import lock_person


@transaction.atomic
def add_email(
    owner: Owner,
    address: str,
    *,
    by: User | None,
    label: str = "",
    confirmed_on: date | None = None,
    do_not_contact: bool = False,
) -> Email:
    """Add an address, or confirm it where it is known. Whether it is one is for the caller to check."""
    owner = lock_person(owner)
    wanted = keyed_hash(address.strip().lower())
    email, added = Email.objects.get_or_create(
        owner=owner, address_hash=wanted, ended_at=None,
        defaults={"project_id": owner.project_id, "address": address.strip()},
    )  # fmt: skip
    email.label = label or email.label
    email.confirmed_on = confirmed_on or email.confirmed_on
    email.do_not_contact = email.do_not_contact or do_not_contact
    email.save(update_fields=["label", "confirmed_on", "do_not_contact"])
    if added:
        record(
            action="owners.email_added", by=by, project=owner.project, obj=owner, row=email.pk,
            masked=mask_email(email.address),
        )  # fmt: skip
    return email


@transaction.atomic
def change_email(
    email: Email,
    *,
    address: str,
    label: str,
    confirmed_on: date | None,
    do_not_contact: bool,
    by: User | None,
    now: datetime,
) -> Email:
    """Another address ends the old row; an empty one keeps it and only notes what was learnt of it."""
    if address and keyed_hash(address.strip().lower()) != email.address_hash:
        end_email(email, by=by, now=now)
        return add_email(
            email.owner, address, by=by, label=label, confirmed_on=confirmed_on, do_not_contact=do_not_contact
        )
    email.label, email.confirmed_on, email.do_not_contact = label, confirmed_on, do_not_contact
    email.save(update_fields=["label", "confirmed_on", "do_not_contact"])
    record(
        action="owners.email_marked", by=by, project=email.project, obj=email.owner, row=email.pk,
        masked=email.masked, do_not_contact=do_not_contact,
    )  # fmt: skip
    return email


@transaction.atomic
def end_email(email: Email, *, by: User | None, now: datetime) -> None:
    """The address is no longer the owner's; the row stays as history."""
    Email.objects.filter(pk=email.pk, ended_at__isnull=True).update(ended_at=now)
    record(
        action="owners.email_ended", by=by, project=email.project, obj=email.owner, row=email.pk, masked=email.masked
    )
