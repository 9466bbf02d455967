"""A list of owners merged into the register: what is unknown is added, what is known is kept, nothing is doubled.

The plan is made without writing, so that the check of a list and its posting say the same. A party that is known keeps
its members whatever a list says (a differing name is a remark, never a sale); one that stands for an unknown owner is
filled in. Somebody with the same name and the same ID number is one person on however many units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Model

from company.models import Project
from owners.listed import ListedContacts, ListedOwner, Source
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, OwnershipMember, Phone, Unit
from owners.ownerships import PARTY_NAME_LENGTH
from owners.parties import join_names, kind_of
from owners.personal_data import keyed_hash
from owners.register_state import Card, Party, RegisterState

LAST_DIGITS = 4
Key = TypeVar("Key")


class Made(NamedTuple):
    source: Source
    row: Model


class Change(NamedTuple):
    """A column of a row that gets another value. ``after`` of a column that names a row may still be without a key."""

    source: Source
    row: Model
    column: str
    before: Any
    after: Any


class Remark(NamedTuple):
    """What a person should look at; ``about`` names the part of the list."""

    source: Source
    code: str
    about: str
    params: dict[str, str]


@dataclass(slots=True)
class Merge:
    """What a list brings, in the order in which it is written. ``confirmed``: numbers that the register has already."""

    made: list[Made] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    confirmed: list[Change] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def sources(self) -> set[Source]:
        """The rows of the list that bring something new."""
        return {made.source for made in self.made} | {change.source for change in self.changed}

    def count(self, model: type[Model]) -> int:
        """How many rows of ``model`` are made."""
        return sum(isinstance(made.row, model) for made in self.made)


def plan_merge(
    project: Project, listed: Sequence[ListedOwner], state: RegisterState, *, today: date, now: datetime
) -> Merge:
    """What merging ``listed`` would write. Changes the objects in ``state``, but nothing in the database."""
    by_unit: dict[int | str, list[ListedOwner]] = {}
    for person in listed:
        by_unit.setdefault(person.unit_key, []).append(person)
    planner = _Planner(project, state, today, now)
    unknown = []
    for key, people in by_unit.items():
        party = state.parties.get(key) if isinstance(key, int) else None
        if party and party.members:
            planner.meet(party, people)
        else:  # known parties come first: who owns two units is then the owner that the register has
            unknown.append((party, people))
    for party, people in unknown:
        planner.fill(party, people)
    for people in by_unit.values():
        planner.describe(people)
    return planner.merge


class _Planner:
    def __init__(self, project: Project, state: RegisterState, today: date, now: datetime) -> None:
        self._project, self._state, self._today, self._now = project, state, today, now
        self._of_others: set[int | str] = set()
        self.merge = Merge()

    def meet(self, party: Party, people: list[ListedOwner]) -> None:
        """A known party: those who are members of it get what the list adds."""
        named = {person.name for person in people if person.name}
        if named and named != set(party.members):
            self._remark(people[0], "owner_differs", "owner", unit=people[0].unit_code)
            self._of_others.add(people[0].unit_key)
        for person in people:
            member = party.members.get(person.name)
            if member is None and not person.name:
                member = next(iter(party.members.values()))
            if member is not None:
                card = self._identify(self._state.cards[member.owner_id], member, person)
                self._add_contacts(card, person, beside=[self._state.cards[m.owner_id] for m in party.members.values()])

    def fill(self, party: Party | None, people: list[ListedOwner]) -> None:
        """A party that nobody knew yet becomes the people named."""
        named = [person for person in people if person.name]
        if not named:
            return
        if party is None:
            party = self._new_party(named[0])
        cards: dict[str, Card] = {}
        for person in named:
            if person.name not in cards:
                cards[person.name] = card = self._card_of(person)
                self._make(
                    person, OwnershipMember(ownership=party.ownership, owner=card.owner, position=len(cards) - 1)
                )
            self._add_contacts(cards[person.name], person, beside=list(cards.values()))
        name = join_names(list(cards))[:PARTY_NAME_LENGTH]
        if party.ownership.pk:
            self._change(named[0], party.ownership, "party_name", name)
        else:
            party.ownership.party_name = name

    def describe(self, people: list[ListedOwner]) -> None:
        """Area, usage and vacancy of the unit, and who lives there, as the list has them.

        Of a unit for which the list names other owners nothing that is known changes: it may be another estate's list.
        """
        unit = self._state.units.get(people[0].unit_id or 0)
        for column in ("area", "usage", "is_vacant"):
            said = next((person for person in people if getattr(person, column) not in (None, "")), None)
            if unit and said:
                self._describe(unit, column, said)
        for person in people if people[0].unit_key not in self._of_others else ():
            for occupant in person.contacts.occupants:
                self._add_occupant(unit, occupant.name, occupant.number, person)

    def _describe(self, unit: Unit, column: str, said: ListedOwner) -> None:
        known, words = getattr(unit, column), _shown(unit, column)
        if known == getattr(said, column) or (known is not None and said.unit_key in self._of_others):
            return
        self._change(said, unit, column, getattr(said, column))
        if known is not None:
            self._remark(said, "unit_changes", column, known=words, now=_shown(unit, column))

    def _new_party(self, person: ListedOwner) -> Party:
        period = self._state.gaps.get(person.unit_id or 0, DateRange(None, None, "[)"))
        ownership = Ownership(project=self._project, period=period)
        if person.unit_id:
            ownership.unit_id = person.unit_id
        self._make(person, ownership)
        return Party(ownership)

    def _card_of(self, person: ListedOwner) -> Card:
        """Whoever has this name and ID number, else a new owner."""
        key = (person.name, keyed_hash(person.contacts.id_number))
        card = self._state.identified.get(key) if key[1] else None
        if card is None:
            card = Card(
                Owner(
                    project=self._project,
                    name=person.name,
                    kind=kind_of(person.name),
                    id_number=person.contacts.id_number,
                    id_number_hash=key[1],
                )
            )
            self._make(person, card.owner)
            if key[1]:
                self._state.identified[key] = card
        return card

    def _identify(self, card: Card, member: OwnershipMember, person: ListedOwner) -> Card:
        """Keep the ID number of a member that had none; who is known by it already takes the member's place."""
        id_hash = keyed_hash(person.contacts.id_number)
        if not id_hash or card.owner.id_number_hash == id_hash:
            return card
        if card.owner.id_number_hash:
            self._remark(person, "id_differs", "id_number", unit=person.unit_code)
            return card
        same = self._state.identified.setdefault((card.owner.name, id_hash), card)
        if same is card:
            self._change(person, card.owner, "id_number", person.contacts.id_number)
            self._change(person, card.owner, "id_number_hash", id_hash)
            return card
        self._take_place(same, card, member, person)
        return same

    def _take_place(self, same: Card, other: Card, member: OwnershipMember, person: ListedOwner) -> None:
        """``other`` is the same person: the unit is theirs under one name, and so are the contacts."""
        self._change(person, member, "owner", same.owner)
        if self._state.memberships.get(other.owner.pk, 0) > 1:
            return  # a former unit of theirs still hangs on it
        for number_hash, phone in other.phones.items():
            if phone.is_primary and same.has_primary and number_hash not in same.phones:
                self._change(person, phone, "is_primary", after=False)
        self._hand_over(other.phones, same.phones, same, person)
        self._hand_over(other.emails, same.emails, same, person)
        self._hand_over(other.addresses, same.addresses, same, person)
        self._hand_over(other.emergency, same.emergency, same, person)

    def _hand_over(self, theirs: dict[Key, Any], mine: dict[Key, Any], same: Card, person: ListedOwner) -> None:
        """What ``same`` lacks of another's contacts becomes theirs."""
        for key in theirs.keys() - mine.keys():
            mine[key] = theirs.pop(key)
            self._change(person, mine[key], "owner", same.owner)

    def _add_contacts(self, card: Card, person: ListedOwner, *, beside: Sequence[Card]) -> None:
        """What the list adds to an owner; what one of the co-owners ``beside`` has already is not doubled."""
        contacts = person.contacts
        self._add_phones(card, contacts, person)
        for kind, text in contacts.addresses.items():
            if any(kind in other.addresses and other.addresses[kind].text == text for other in beside):
                card.said.add(kind)
            else:
                self._add_address(card, kind, text, person)
        for email in contacts.emails:
            self._add_email(card, email, person, beside)
        for contact in contacts.emergency:
            key = (contact.name, keyed_hash(contact.number))
            if all(key not in other.emergency for other in [card, *beside]):
                row = EmergencyContact(
                    project=self._project,
                    owner=card.owner,
                    name=contact.name,
                    relation=contact.relation,
                    number=contact.number,
                    number_hash=key[1],
                    last4=contact.number[-LAST_DIGITS:],
                )
                card.emergency[key] = row
                self._make(person, row)

    def _add_phones(self, card: Card, contacts: ListedContacts, person: ListedOwner) -> None:
        for number, label in contacts.phones:
            number_hash = keyed_hash(number)
            known = card.phones.get(number_hash)
            if known:
                self._confirm(known, person)
            elif number_hash in card.ended:
                self._remark(person, "phone_ended", "phone", last4=number[-LAST_DIGITS:])
            else:
                phone = Phone(
                    project=self._project,
                    owner=card.owner,
                    number=number,
                    number_hash=number_hash,
                    last4=number[-LAST_DIGITS:],
                    label=label,
                    is_primary=not card.has_primary,
                )
                card.phones[number_hash] = phone
                self._make(person, phone)

    def _add_email(self, card: Card, address: str, person: ListedOwner, beside: Sequence[Card]) -> None:
        """An address that is new to the party; one that somebody has ended is not added again."""
        address_hash = keyed_hash(address.lower())
        if any(address_hash in other.emails for other in [card, *beside]):
            return
        if address_hash in card.ended_emails:
            self._remark(person, "email_ended", "email")
            return
        card.emails[address_hash] = row = Email(
            project=self._project, owner=card.owner, address=address, address_hash=address_hash
        )
        self._make(person, row)

    def _confirm(self, phone: Phone, person: ListedOwner) -> None:
        is_older = phone.confirmed_on is None or phone.confirmed_on < self._today
        if phone.pk and phone.state == Phone.State.VALID and is_older:
            self.merge.confirmed.append(Change(person.source, phone, "confirmed_on", phone.confirmed_on, self._today))
            phone.confirmed_on = self._today

    def _add_address(self, card: Card, kind: str, text: str, person: ListedOwner) -> None:
        known, is_said = card.addresses.get(kind), kind in card.said
        card.said.add(kind)
        if known and is_said:  # the first one holds, or the same list would bring something new each time
            self._remark(person, "second_address", kind)
            return
        if known:
            self._remark(person, "address_replaced", kind)
            self._change(person, known, "ended_at", self._now)
        card.addresses[kind] = Address(project=self._project, owner=card.owner, kind=kind, text=text)
        self._make(person, card.addresses[kind])

    def _add_occupant(self, unit: Unit | None, name: str, number: str, person: ListedOwner) -> None:
        known = self._state.occupants.setdefault(unit.pk, {}) if unit else {}
        if name not in known:
            known[name] = Occupant(
                project=self._project, unit=unit, name=name, phone=number, phone_last4=number[-LAST_DIGITS:]
            )
            self._make(person, known[name])

    def _make(self, person: ListedOwner, row: Model) -> None:
        self.merge.made.append(Made(person.source, row))

    def _change(self, person: ListedOwner, row: Any, column: str, after: Any) -> None:
        before = getattr(row, column)
        setattr(row, column, after)
        if row.pk:
            self.merge.changed.append(Change(person.source, row, column, before, after))

    def _remark(self, person: ListedOwner, code: str, about: str, **params: str) -> None:
        self.merge.remarks.append(Remark(person.source, code, about, params))


def _shown(unit: Unit, column: str) -> str:
    if column == "usage":
        return str(unit.get_usage_display())
    value = getattr(unit, column)
    return {True: "✓", False: "✗"}.get(value, str(value)) if column == "is_vacant" else str(value)
