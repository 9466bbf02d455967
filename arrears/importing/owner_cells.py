"""The cells of a list of owners as values; what cannot be used becomes a Fault that says what to do."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from arrears.importing.cells import CENT, SPACE, Fault, amount, plain_text, shown
from arrears.importing.fields import Field
from arrears.importing.reading import Cell
from arrears.importing.values import LARGEST_AREA, MOST_EXACT
from owners.contact_cells import (
    UnreadableContactError,
    WrittenName,
    plain,
    read_contacts,
    read_emails,
    read_id_numbers,
    read_names,
    read_phones,
    read_usage,
    read_vacancy,
)
from owners.parties import NAME_LENGTH
from owners.personal_data import mask_phone

MOST_OF_ADDRESS = 300
MOST_OF_RELATION = 40
MOST_OF_PART = 20
MASKED = "*"

Value = TypeVar("Value")


def _text(cell: Cell) -> str | Fault:
    """Text of one line; line breaks stand between several."""
    text = "；".join(cell.split("\n")) if isinstance(cell, str) and "\n" in cell.strip(SPACE) else cell
    return plain_text(text.replace("\t", " ").replace("\r", "") if isinstance(text, str) else text)


def _several(read: Callable[[str], list[Any]], code: str) -> Callable[[Cell], tuple[Any, ...] | Fault]:
    """A parser of cells that may hold several; ``code`` is the mistake of a part that cannot be read."""

    def parse(cell: Cell) -> tuple[Any, ...] | Fault:
        text = _text(cell)
        if isinstance(text, Fault):
            return text
        if MASKED in text:
            return Fault("masked_value")
        try:
            return tuple(read(text))
        except UnreadableContactError as unreadable:
            part = unreadable.part
            return Fault(code, {"part": mask_phone(part) if any(map(str.isdecimal, part)) else part[:MOST_OF_PART]})

    return parse


def _names(cell: Cell) -> tuple[WrittenName, ...] | Fault:
    text = _text(cell)
    if isinstance(text, Fault):
        return text
    if MASKED in text:
        return Fault("masked_value")
    names = tuple(read_names(text))
    return Fault("too_long", {"limit": NAME_LENGTH}) if any(len(name.name) > NAME_LENGTH for name in names) else names


def _id_numbers(cell: Cell) -> tuple[Any, ...] | Fault:
    """Numbers beyond fifteen digits are exact only as text."""
    if isinstance(cell, float | int) and abs(cell) >= MOST_EXACT:
        return Fault("number_lost_digits")
    return _several(read_id_numbers, "not_an_id_number")(cell)


def _address(cell: Cell) -> str | Fault:
    text = plain_text(" ".join(cell.split()) if isinstance(cell, str) else cell)
    if isinstance(text, Fault):
        return text
    if "***" in text:
        return Fault("masked_value")
    return Fault("too_long", {"limit": MOST_OF_ADDRESS}) if len(text) > MOST_OF_ADDRESS else plain(text) and text


def _relation(cell: Cell) -> str | Fault:
    text = plain_text(cell)
    if isinstance(text, str) and len(text) > MOST_OF_RELATION:
        return Fault("too_long", {"limit": MOST_OF_RELATION})
    return text


def _area(cell: Cell) -> Decimal | Fault | None:
    """Square metres, as exact as the register keeps them; 0 stands for not known."""
    bare = cell.strip(SPACE).rstrip("㎡平方米m²M2") if isinstance(cell, str) else cell
    value = amount(round(bare, 2) if isinstance(bare, float) else bare)
    if isinstance(value, Fault) or (value is not None and not 0 <= value < LARGEST_AREA):
        return Fault("not_an_area")
    return value.quantize(CENT) if value else None


def _vacancy(cell: Cell) -> bool | Fault | None:
    text = plain_text(cell)
    if isinstance(text, Fault):
        return text
    try:
        return read_vacancy(text)
    except UnreadableContactError:
        return Fault("not_yes_or_no", {"yes": "是", "no": "否"})


def _usage(cell: Cell) -> str | Fault:
    """A usage of ours; empty for words that mean none of them, which the check remarks."""
    text = plain_text(cell)
    return text if isinstance(text, Fault) else str(read_usage(text) or "")


PHONES = _several(read_phones, "not_a_phone")
CONTACTS = _several(read_contacts, "not_a_phone")
PARSERS: dict[Field, tuple[Callable[[Cell], Any], Any]] = {
    Field.OWNER: (_names, ()),
    Field.CO_OWNERS: (_names, ()),
    Field.ID_NUMBERS: (_id_numbers, ()),
    Field.PHONES: (PHONES, ()),
    Field.MORE_PHONES: (PHONES, ()),
    Field.EMERGENCY: (CONTACTS, ()),
    Field.EMERGENCY_PHONE: (PHONES, ()),
    Field.RELATION: (_relation, ""),
    Field.ON_SITE: (_address, ""),
    Field.SECOND_ADDRESS: (_address, ""),
    Field.EMAILS: (_several(read_emails, "not_an_email"), ()),
    Field.OCCUPANT: (CONTACTS, ()),
    Field.OCCUPANT_PHONE: (PHONES, ()),
    Field.UNIT_AREA: (_area, None),
    Field.USAGE: (_usage, ""),
    Field.VACANT: (_vacancy, None),
}
"""By field the parser of a cell, and what a missing column stands for."""


def is_filled(cell: Cell) -> bool:
    """Whether anything stands in the cell."""
    return bool(plain(shown(cell)))
