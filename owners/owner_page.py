"""What the page of one owner shows: who they are, what they own and owned, how they are reached (O2, O3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise

from owners.history import History, history_of
from owners.models import (
    Address,
    Email,
    EmergencyContact,
    Occupant,
    Owner,
    Ownership,
    OwnershipMember,
    PersonMerge,
    Phone,
    Unit,
)
from owners.personal_data import mask_id_number, mask_name, mask_party
from owners.persons import like

Contact = Phone | Email | Address | EmergencyContact
Row = TypeVar("Row", Phone, Email, Address, EmergencyContact)


@dataclass(frozen=True, slots=True)
class Holding:
    """A unit that the person owns or owned. ``party`` names all co-owners, masked."""

    party: Ownership
    names: str
    co_owners: list[tuple[Owner, str]]
    occupants: list[Occupant]

    @property
    def is_present(self) -> bool:
        return self.party.period.upper is None


@dataclass(frozen=True, slots=True)
class Ended:
    """A contact row that is history, with who ended it as the audit trail says."""

    row: Contact
    by: str


@dataclass(frozen=True, slots=True)
class OwnerPage:
    owner: Owner
    name: str
    id_masked: str
    holdings: list[Holding]
    phones: list[Phone]
    emails: list[Email]
    addresses: list[Address]
    emergency: list[EmergencyContact]
    ended: Mapping[str, list[Ended]]
    history: History
    likenesses: list[tuple[Owner, str, str | Promise]]
    merges: list[tuple[PersonMerge, str]]


def read_owner(owner: Owner) -> OwnerPage:
    """Everything about one person; names of others are masked. A fixed number of queries."""
    history = history_of(owner.project, "owners.owner", [owner.pk])
    phones = list(owner.phones.order_by("-is_primary", "pk"))
    emails = list(owner.emails.order_by("pk"))
    addresses = list(owner.addresses.order_by("kind", "pk"))
    emergency = list(owner.emergency_contacts.order_by("pk"))
    merges = owner.merges.filter(undone_at=None).select_related("merged", "by").order_by("-at")
    return OwnerPage(
        owner=owner,
        name=mask_name(owner.name),
        id_masked=mask_id_number(owner.id_number),
        holdings=_holdings(owner),
        phones=_live(phones),
        emails=_live(emails),
        addresses=_live(addresses),
        emergency=_live(emergency),
        ended={
            "phone": _ended(phones, history, "owners.phone_ended"),
            "email": _ended(emails, history, "owners.email_ended"),
            "address": _ended(addresses, history, "owners.address_changed"),
            "emergency": _ended(emergency, history, "owners.emergency_contact_ended"),
        },
        history=history,
        likenesses=[(other, mask_name(other.name), reason) for other, reason in like(owner)],
        merges=[(merge, mask_name(merge.merged.name)) for merge in merges],
    )


def parties_of(unit: Unit) -> QuerySet[Ownership]:
    """Who owned a unit from when to when, the present party first."""
    members = Prefetch("members", OwnershipMember.objects.select_related("owner"), "in_order")
    return Ownership.objects.filter(unit=unit).prefetch_related(members).order_by("-period")


def _holdings(owner: Owner) -> list[Holding]:
    parties: Any = Ownership.objects.filter(members__owner=owner).select_related("unit__building")
    members = Prefetch("members", OwnershipMember.objects.select_related("owner"), "in_order")
    occupants = Prefetch("unit__occupants", Occupant.objects.order_by("-starts_on", "-pk"), "all_occupants")
    found = parties.prefetch_related(members, occupants).order_by("-period", "unit__sort_key")
    return [
        Holding(
            party=party,
            names=mask_party(party.party_name),
            co_owners=[
                (member.owner, mask_name(member.owner.name)) for member in party.in_order if member.owner_id != owner.pk
            ],
            occupants=party.unit.all_occupants if party.period.upper is None else [],
        )
        for party in found
    ]


def _live(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.ended_at is None]


def _ended(rows: Iterable[Contact], history: History, act: str) -> list[Ended]:
    gone = [(row.ended_at, row.pk, row) for row in rows if row.ended_at]
    return [Ended(row, history.who_ended(act, pk)) for _at, pk, row in sorted(gone, reverse=True)]
