"""To whom and where the letters of a batch go: on site or to the second address, and which share an envelope.

An address from which mail came back is passed over. A letter is addressed to all co-owners; the address is that of
the first of them who has one.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from company.models import Project
from notices.facts import AccountFacts
from owners.models import Address, OwnershipMember, Phone
from owners.persons import PersonKey, person_key

AddressKind = Address.Kind
POSTCODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


@dataclass(frozen=True, slots=True)
class Option:
    """An address at hand, without its text; ``row`` is None for the room itself at the project's postal address."""

    kind: AddressKind
    row: int | None
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """Who answers for an account: the owners in order, the persons that they are, and their addresses."""

    owners: Sequence[int] = ()
    persons: frozenset[PersonKey] = frozenset()
    options: Sequence[Option] = ()

    def usable(self) -> list[Option]:
        return [option for option in self.options if not option.returned]

    def option(self, first: AddressKind, *, other: bool = False) -> Option | None:
        """The address that ``first`` asks for, else the other one; with ``other`` the other way round."""
        usable = sorted(self.usable(), key=lambda option: (option.kind == first) == other)
        return usable[0] if usable else None

    @property
    def may_switch(self) -> bool:
        """Whether there are two addresses to choose from."""
        return len(self.usable()) > 1


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on an envelope; ``kind`` is empty where nothing is sent by post and no address is known."""

    name: str
    kind: str = ""
    address: str = ""
    phone: str = ""
    postcode: str = ""


def read_parties(project: Project, facts: Collection[AccountFacts]) -> dict[int, Party]:
    """By account id; two queries, and no address is decrypted."""
    by_ownership: dict[int, list[tuple[int, PersonKey]]] = defaultdict(list)
    members = OwnershipMember.objects.filter(ownership__in=[one.ownership_id for one in facts])
    columns = ("ownership_id", "owner_id", "owner__name", "owner__id_number_hash")
    for ownership_id, owner_id, name, id_hash in members.order_by("position", "pk").values_list(*columns):
        by_ownership[ownership_id].append((owner_id, person_key(owner_id, name, id_hash)))
    on_file = _addresses({owner for rows in by_ownership.values() for owner, _ in rows})
    found = {}
    for one in facts:
        rows = by_ownership[one.ownership_id]
        owners = [owner for owner, _ in rows]
        found[one.account_id] = Party(
            owners=owners,
            persons=frozenset(person for _, person in rows),
            options=_options(owners, on_file, has_site=bool(project.postal_address)),
        )
    return found


def _addresses(owner_ids: Collection[int]) -> dict[tuple[int, str], Option]:
    live = Address.objects.filter(owner__in=owner_ids, ended_at__isnull=True)
    return {
        (owner_id, kind): Option(AddressKind(kind), pk, returned_on is not None)
        for owner_id, kind, pk, returned_on in live.values_list("owner_id", "kind", "pk", "returned_on")
    }


def _options(owners: Sequence[int], on_file: Mapping[tuple[int, str], Option], *, has_site: bool) -> list[Option]:
    """One address of each kind at most: that of the first owner to whom mail gets through, else one that came back."""
    options = []
    for kind in AddressKind:
        rows = [on_file[owner, kind] for owner in owners if (owner, kind) in on_file]
        if not rows and kind is AddressKind.ON_SITE and has_site:
            rows = [Option(kind, None)]
        options += sorted(rows, key=lambda option: option.returned)[:1]
    return options


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter on its way into an envelope."""

    facts: AccountFacts
    party: Party
    option: Option | None


def envelopes(letters: Sequence[Letter], *, shared: bool) -> list[int]:
    """The number of the envelope of each letter, from 1. Letters to the same persons share one where ``shared``."""
    numbers: dict[object, int] = {}
    found = []
    for letter in letters:
        persons = letter.party.persons
        kind = letter.option.kind if letter.option else ""
        key: object = (persons, kind) if shared and persons else letter.facts.account_id
        found.append(numbers.setdefault(key, len(numbers) + 1))
    return found


Rest = TypeVar("Rest")


def arrange(letters: Sequence[tuple[Letter, Label, Rest]], *, by_address: bool) -> list[tuple[Letter, Label, Rest]]:
    """In round order; or those on site first, by building and room, then the second addresses, like beside like."""

    def place(entry: tuple[Letter, Label, Rest]) -> tuple[bool, str, str]:
        letter, label, _ = entry
        away = by_address and label.kind == AddressKind.SECOND
        return away, label.address if away else "", letter.facts.sort_key

    return sorted(letters, key=place)


@dataclass(frozen=True)
class AddressBook:
    """Texts and phones of the owners of a batch, decrypted."""

    project: Project
    addresses: Mapping[int, Address] = field(default_factory=dict)
    phones: Mapping[int, str] = field(default_factory=dict)

    def label(self, letter: Letter) -> Label:
        """What stands on the envelope of ``letter``."""
        phone = next((self.phones[owner] for owner in letter.party.owners if owner in self.phones), "")
        if letter.option is None:
            return Label(letter.facts.owner, phone=phone)
        if letter.option.row is None:
            text = f"{self.project.postal_address}{letter.facts.unit_address}"
        else:
            text = self.addresses[letter.option.row].text
        return Label(letter.facts.owner, letter.option.kind, text, phone, self._postcode(letter.option.kind, text))

    def _postcode(self, kind: AddressKind, text: str) -> str:
        if found := POSTCODE.search(text):
            return found[0]
        return self.project.postcode if kind is AddressKind.ON_SITE else ""


def read_address_book(project: Project, letters: Collection[Letter]) -> AddressBook:
    """Two queries. A number that its owner does not want to be called on, or that is wrong, is on no label."""
    rows = [letter.option.row for letter in letters if letter.option and letter.option.row]
    owners = {owner for letter in letters for owner in letter.party.owners}
    usable = Phone.objects.filter(owner__in=owners, ended_at__isnull=True, do_not_contact=False)
    usable = usable.exclude(state=Phone.State.WRONG_PERSON).order_by("-is_primary", "pk")
    phones: dict[int, str] = {}
    for owner_id, number in usable.values_list("owner_id", "number"):
        phones.setdefault(owner_id, number)
    return AddressBook(project, Address.objects.in_bulk(rows), phones)
