"""What a list of owners says of the people on one unit, ready to be merged into the register."""

import json
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import NamedTuple

from owners.contact_cells import WrittenContact
from owners.personal_data import encrypt

Source = tuple[str, int]
"""Sheet and row that say it."""


class ListedPhone(NamedTuple):
    number: str
    label: str


@dataclass(slots=True)
class ListedContacts:
    """How one owner can be reached, and the ID number that tells them from others of the same name."""

    id_number: str = ""
    phones: list[ListedPhone] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    emergency: list[WrittenContact] = field(default_factory=list)
    occupants: list[WrittenContact] = field(default_factory=list)

    def sealed(self) -> str:
        """All of it encrypted, to be kept until it is posted."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        return encrypt(json.dumps(kept, ensure_ascii=False))

    @classmethod
    def unsealed(cls, text: str) -> "ListedContacts":
        """What ``sealed`` has kept, decrypted by the column that holds it."""
        kept = json.loads(text)
        return cls(
            kept["id_number"],
            [ListedPhone(*phone) for phone in kept["phones"]],
            kept["emails"],
            kept["addresses"],
            [WrittenContact(*contact) for contact in kept["emergency"]],
            [WrittenContact(*contact) for contact in kept["occupants"]],
        )


@dataclass(slots=True)
class ListedOwner:
    """One person on one unit. ``unit_id`` is None for a unit that is still to be made; ``name`` may be empty."""

    source: Source
    unit_id: int | None
    unit_code: str
    name: str
    contacts: ListedContacts
    area: Decimal | None = None
    usage: str = ""
    is_vacant: bool | None = None

    @property
    def unit_key(self) -> int | str:
        return self.unit_id or self.unit_code
