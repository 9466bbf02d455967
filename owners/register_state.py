"""What the register knows of some units and their owners, loaded in a fixed number of queries for a merge."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from company.models import Project
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, OwnershipMember, Phone, Unit
from owners.personal_data import keyed_hash


@dataclass(slots=True)
class Card:
    """An owner with their live contacts. ``ended``: hashes of numbers that somebody has taken away from them.

    ``said``: the kinds of address that the list at hand has given them already.
    """

    owner: Owner
    phones: dict[str, Phone] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    addresses: dict[str, Address] = field(default_factory=dict)
    emergency: dict[tuple[str, str], EmergencyContact] = field(default_factory=dict)
    emails: dict[str, Email] = field(default_factory=dict)
    ended_emails: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)

    @property
    def has_primary(self) -> bool:
        return any(phone.is_primary for phone in self.phones.values())


@dataclass(slots=True)
class Party:
    """Who owns a unit now. Without members it stands for an owner who is not known yet."""

    ownership: Ownership
    members: dict[str, OwnershipMember] = field(default_factory=dict)


@dataclass(slots=True)
class RegisterState:
    """Units and parties by the unit's key, cards by the owner's key and by name and ID number.

    ``gaps``: of units that nobody owns today, the time for which that holds. ``memberships``: by owner, of how many
    parties they are or were a member.
    """

    units: dict[int, Unit]
    parties: dict[int, Party]
    cards: dict[int, Card]
    identified: dict[tuple[str, str], Card]
    occupants: dict[int, dict[str, Occupant]]
    memberships: dict[int, int]
    gaps: dict[int, DateRange]


def lock_register(unit_ids: Collection[int]) -> None:
    """Hold these units, their parties and owners until the end of the transaction, each in the order of its keys."""
    ids = list(unit_ids)
    list(Unit.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    list(Ownership.objects.select_for_update(no_key=True).filter(unit__in=ids).order_by("pk").values_list("pk"))
    owners = OwnershipMember.objects.filter(ownership__unit__in=ids).values("owner")
    list(Owner.objects.select_for_update(no_key=True).filter(pk__in=owners).order_by("pk").values_list("pk"))


def load_state(project: Project, unit_ids: Collection[int], id_numbers: Iterable[str], *, today: date) -> RegisterState:
    """The present parties of these units, and every owner of ``project`` with one of these ID numbers."""
    ids = list(unit_ids)
    parties = {
        ownership.unit_id: Party(ownership)
        for ownership in Ownership.objects.filter(unit__in=ids, period__contains=today)
    }
    by_ownership = {party.ownership.pk: party for party in parties.values()}
    members = OwnershipMember.objects.filter(ownership__in=list(by_ownership)).select_related("owner")
    cards: dict[int, Card] = {}
    for member in members.order_by("position", "pk"):
        card = cards.setdefault(member.owner_id, Card(member.owner))
        member.owner = card.owner
        by_ownership[member.ownership_id].members.setdefault(card.owner.name, member)
    hashes = list({keyed_hash(number) for number in id_numbers if number})
    same = Owner.objects.filter(project=project, id_number_hash__in=hashes, merged_into__isnull=True).order_by("pk")
    for owner in same:
        cards.setdefault(owner.pk, Card(owner))
    _load_contacts(cards)
    identified: dict[tuple[str, str], Card] = {}
    for card in sorted(cards.values(), key=lambda card: card.owner.pk):
        if card.owner.id_number_hash:
            identified.setdefault((card.owner.name, card.owner.id_number_hash), card)
    occupants: defaultdict[int, dict[str, Occupant]] = defaultdict(dict)
    for occupant in Occupant.objects.filter(unit__in=ids, ends_on__isnull=True):
        occupants[occupant.unit_id][occupant.name] = occupant
    return RegisterState(
        Unit.objects.in_bulk(ids),
        parties,
        cards,
        identified,
        occupants,
        _count_memberships(list(cards)),
        _gaps([unit_id for unit_id in ids if unit_id not in parties], today),
    )


def _load_contacts(cards: dict[int, Card]) -> None:
    of_these = {"owner__in": list(cards)}
    for phone in Phone.objects.filter(**of_these).defer("number").order_by("pk"):
        if phone.ended_at is None:
            cards[phone.owner_id].phones[phone.number_hash] = phone
        else:
            cards[phone.owner_id].ended.add(phone.number_hash)
    for email in Email.objects.filter(**of_these).defer("address"):
        if email.ended_at is None:
            cards[email.owner_id].emails[email.address_hash] = email
        else:
            cards[email.owner_id].ended_emails.add(email.address_hash)
    for address in Address.objects.filter(**of_these, ended_at__isnull=True):
        cards[address.owner_id].addresses[address.kind] = address
    for contact in EmergencyContact.objects.filter(**of_these, ended_at__isnull=True).defer("number"):
        cards[contact.owner_id].emergency[contact.name, contact.number_hash] = contact


def _gaps(unit_ids: list[int], today: date) -> dict[int, DateRange]:
    periods: defaultdict[int, list[DateRange]] = defaultdict(list)
    for unit_id, period in Ownership.objects.filter(unit__in=unit_ids).values_list("unit_id", "period"):
        periods[unit_id].append(period)
    return {
        unit_id: DateRange(
            max((period.upper for period in known if period.upper and period.upper <= today), default=None),
            min((period.lower for period in known if period.lower and period.lower > today), default=None),
            "[)",
        )
        for unit_id, known in periods.items()
    }


def _count_memberships(owner_ids: list[int]) -> dict[int, int]:
    counts: defaultdict[int, int] = defaultdict(int)
    for owner_id in OwnershipMember.objects.filter(owner__in=owner_ids).values_list("owner_id", flat=True):
        counts[owner_id] += 1
    return counts
