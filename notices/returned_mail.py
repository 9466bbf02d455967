"""The mark of returned mail on the addresses to which letters were sent."""

from collections.abc import Iterator
from datetime import datetime

from company.models import User
from notices.models import Delivery
from owners.contact_points import change_address, mark_returned
from owners.models import Address, Owner
from owners.persons import lock_person


def mark_addresses(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Mark the address of each owner whom the letter names, unless it was refused there or changed since.

    A flat without an address row of its own gets one, so that the mark has a place.
    """
    if delivery.return_reason == Delivery.ReturnReason.REFUSED or delivery.returned_on is None:
        return
    flat = f"{delivery.project.postal_address}{delivery.notice.account.unit.address}"
    for owner in _owners(delivery):
        address = _address(owner, delivery)
        if address is None and delivery.address_kind == Address.Kind.ON_SITE:
            address = change_address(owner, Address.Kind.ON_SITE, flat, by=by, now=now)
        elif address is not None and address.created_at > delivery.recorded_at and address.text != flat:
            continue  # another address than the one that the letter went to
        if address is not None and address.returned_on is None:
            mark_returned(address, returned_on=delivery.returned_on, by=by)


def unmark_addresses(delivery: Delivery, *, by: User) -> None:
    """Take away the marks that this sending has made."""
    for owner in _owners(delivery):
        address = _address(owner, delivery)
        if address is not None and delivery.returned_on and address.returned_on == delivery.returned_on:
            mark_returned(address, returned_on=None, by=by)


def _owners(delivery: Delivery) -> Iterator[Owner]:
    members = delivery.notice.account.ownership.members.select_related("owner").order_by("owner_id")
    seen = set()
    for member in members:
        owner = lock_person(member.owner)
        if owner.pk not in seen:
            seen.add(owner.pk)
            yield owner


def _address(owner: Owner, delivery: Delivery) -> Address | None:
    return Address.objects.filter(owner=owner, kind=delivery.address_kind, ended_at=None).first()
