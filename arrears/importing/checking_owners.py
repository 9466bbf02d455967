"""What is checked of a list of owners and contacts beside its single cells, and who gets which number."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from arrears.importing.carrying import Source
from arrears.importing.cells import Fault, shown
from arrears.importing.checking import Check, Faults, SheetUnderCheck
from arrears.importing.fields import NAMING_PEOPLE, Field
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Issue, Staged, StagedPerson
from arrears.importing.owner_cells import PARSERS, is_filled
from arrears.importing.reading import Cell, Chunk
from arrears.importing.recognising import mask_written
from arrears.importing.register import Register
from arrears.importing.rows import RowKind, RowKinds, Table
from arrears.importing.totals import Key
from arrears.importing.values import UNIT_FIELDS, Batch, Place, Shape
from arrears.models import ImportIssue
from owners.contact_cells import UNNAMED_CONTACT, WrittenContact, WrittenName, WrittenNumber
from owners.id_numbers import check_digit_holds
from owners.listed import ListedContacts, ListedPhone
from owners.models import Address
from owners.parties import split_names
from owners.registering import NewUnit, usage_of
from owners.unit_codes import is_room, unit_from_cells

WARNING = ImportIssue.Severity.WARNING
LABEL_LENGTH = 40
SAYS_WHO = (Field.OWNER, Field.CO_OWNERS, Field.PHONES, Field.MORE_PHONES, Field.ID_NUMBERS)


class OwnerRow(NamedTuple):
    """One row of a list of owners, typed as it is when sound."""

    number: int
    place: Place
    owner: tuple[WrittenName, ...]
    co_owners: tuple[WrittenName, ...]
    estate: str
    area: Decimal | None
    usage: str
    is_vacant: bool | None
    id_numbers: tuple[WrittenNumber, ...]
    phones: tuple[WrittenNumber, ...]
    more_phones: tuple[WrittenNumber, ...]
    emergency: tuple[WrittenContact, ...]
    emergency_phone: tuple[WrittenNumber, ...]
    relation: str
    on_site: str
    second_address: str
    emails: tuple[str, ...]
    occupant: tuple[WrittenContact, ...]
    occupant_phone: tuple[WrittenNumber, ...]

    @property
    def names(self) -> list[str]:
        """Everybody who owns the unit by this row, each once."""
        return list(dict.fromkeys(written.name for written in (*self.owner, *self.co_owners)))

    @property
    def has_contacts(self) -> bool:
        return any(self[self._fields.index("id_numbers") :])


OWNER_ROW = Shape(
    OwnerRow._make,
    (
        *(None, Field.ROOM, Field.OWNER, Field.CO_OWNERS, Field.ESTATE, Field.UNIT_AREA, Field.USAGE, Field.VACANT),
        *(Field.ID_NUMBERS, Field.PHONES, Field.MORE_PHONES, Field.EMERGENCY, Field.EMERGENCY_PHONE, Field.RELATION),
        *(Field.ON_SITE, Field.SECOND_ADDRESS, Field.EMAILS, Field.OCCUPANT, Field.OCCUPANT_PHONE),
    ),
    needs_fee=False,
    compared=(),
    own=PARSERS,
)


class OwnerSheet(SheetUnderCheck):
    """A sheet of owners. ``above``: the unit's cells of the last row that has any; ``filled``: rows that lack them."""

    def __init__(self, layout: SheetLayout, first_column: int) -> None:
        super().__init__(layout, first_column)
        self.kinds = RowKinds(layout, lists_owners=True)
        self.above: dict[Field, Cell] = {}
        self.filled: dict[int, str] = {}

    def issue(self, severity: ImportIssue.Severity, row: int, at: Key, fault: Fault) -> Issue:
        """At its place as in every sheet, with personal data masked."""
        issue = super().issue(severity, row, at, fault)
        if at in NAMING_PEOPLE:
            issue.value = mask_written(issue.value)
        return issue


class OwnerCheck(Check):
    """The check of a list with a row for each unit, or for each of its owners."""

    shape = OWNER_ROW
    twice_at = Field.OWNER

    def __init__(self, register: Register, *, today: date, create_units: bool) -> None:
        super().__init__(register, today=today, create_units=create_units)
        self._continues = False

    def under_check(self, layout: SheetLayout, first_column: int) -> OwnerSheet:
        """The sheet with what merged cells leave to the rows below."""
        return OwnerSheet(layout, first_column)

    def carry(
        self, table: Table, kinds: Sequence[RowKind], chunk: Chunk, sheet: OwnerSheet, *, after: int
    ) -> dict[int, Source]:
        """Nothing yet: what an empty cell of a list of owners means is told row by row (``batch``)."""
        return {}

    def batch(self, table: Table, numbers: list[int], sheet: OwnerSheet) -> Batch:
        """The rows of a chunk as values, merged cells filled in."""
        sheet.filled = _fill_down(table, sheet)
        return super().batch(table, numbers, sheet)

    def contradiction(self, row: OwnerRow, sheet: OwnerSheet) -> Faults:
        """Contacts of nobody: no owner is named, and the register knows none."""
        if row.names or not row.has_contacts or self._known_owners(row):
            return []
        at = next(field for field in (Field.PHONES, Field.ID_NUMBERS, Field.OWNER) if sheet.layout.column_of(field))
        return [(at, Fault("contact_of_nobody"))]

    def staged(self, row: OwnerRow, sheet: OwnerSheet) -> Sequence[Staged]:
        """Each person of the row with what is theirs."""
        names = row.names or self._known_owners(row)[:1] or [""]
        contacts = {name: ListedContacts() for name in names}
        first = contacts[names[0]]
        self._share_id_numbers(row, contacts, sheet)
        _share_phones([*row.phones, *row.more_phones], contacts)
        first.emergency = _contacts(row.emergency, row.emergency_phone, row.relation)
        first.occupants = _contacts(row.occupant, row.occupant_phone, "")
        first.emails = list(row.emails)
        addresses = {Address.Kind.ON_SITE: row.on_site, Address.Kind.SECOND: row.second_address}
        first.addresses = {kind: text for kind, text in addresses.items() if text}
        self._continues = sheet.filled.get(sheet.index) == "contact_below"
        return [
            StagedPerson(
                sheet.layout.name, row.number, row.place.unit_id, row.place.code, name, contacts[name].sealed(),
                row.area, row.usage, row.is_vacant,
            )
            for name in names
        ]  # fmt: skip

    def _seen_before(self, staged: Sequence[Staged]) -> tuple[str, int] | None:
        """A row that continues the one above names the same owner again, and that is no mistake."""
        return None if self._continues else super()._seen_before(staged)

    def count(self, row: OwnerRow, staged: Sequence[Staged], sheet: OwnerSheet) -> None:
        """Remark what is doubtful in a sound row."""
        for at, names in ((Field.OWNER, row.owner), (Field.CO_OWNERS, row.co_owners)):
            for written in names:
                if written.note:
                    self._warn(sheet, row, at, Fault("note_on_name", {"note": written.note}))
        if any(not check_digit_holds(written.number) for written in row.id_numbers):
            self._warn(sheet, row, Field.ID_NUMBERS, Fault("check_digit"))
        if not row.usage and is_filled(sheet.table[Field.USAGE][sheet.index]):
            word = shown(sheet.table[Field.USAGE][sheet.index])
            self._warn(sheet, row, Field.USAGE, Fault("unknown_usage", {"usage": word}))
        if how := sheet.filled.get(sheet.index):
            self._warn(sheet, row, Field.ROOM, Fault(how, {"unit": row.place.code}))

    def _share_id_numbers(self, row: OwnerRow, contacts: dict[str, ListedContacts], sheet: OwnerSheet) -> None:
        left = [name for name in contacts if name not in {written.of for written in row.id_numbers}]
        for written in row.id_numbers:
            name = written.of if written.of in contacts else (left.pop(0) if left else "")
            if name in contacts and not contacts[name].id_number:
                contacts[name].id_number = written.number
            else:
                self._warn(sheet, row, Field.ID_NUMBERS, Fault("more_id_numbers"))

    def _known_owners(self, row: OwnerRow) -> list[str]:
        return split_names(self.register.owners.get(row.place.unit_id or 0, ""))

    def _compare_with_register(self, row: OwnerRow, sheet: SheetUnderCheck) -> None:  # type: ignore[override]
        """Keep the unit that the register lacks; owners are compared when all are known."""
        place, units = row.place, self.outcome.new_units
        if place.unit_id is None and place.name is not None and place.code not in units:
            usage = row.usage or usage_of(place.name)
            units[place.code] = NewUnit(place.name, place.building, usage, row.area)  # type: ignore[arg-type]

    def _warn(self, sheet: OwnerSheet, row: OwnerRow, at: Field, fault: Fault) -> None:
        issue = sheet.issue(WARNING, row.number, at, fault)
        self.outcome.warn(issue, key=f"{sheet.layout.name}!{row.number}!{at}")


def _fill_down(table: Table, sheet: OwnerSheet) -> dict[int, str]:
    """Give rows of co-owners the unit above them, and rooms the building above them; by index, what was filled in.

    A row with an area of its own is a unit of its own: without a room it is a mistake, not a co-owner.
    """
    filled: dict[Field, dict[int, Cell]] = {field: {} for field in (*UNIT_FIELDS, Field.OWNER)}
    how: dict[int, str] = {}
    for index, kind in enumerate(sheet.kinds.of(table)):
        if kind is not RowKind.DATA:
            continue
        cells = {field: table[field][index] for field in (*UNIT_FIELDS, Field.OWNER)}
        given = {field for field in UNIT_FIELDS if is_filled(cells[field])}
        wanted: tuple[Field, ...] = ()
        if not given and not is_filled(table[Field.UNIT_AREA][index]):
            if sheet.above and any(is_filled(table[field][index]) for field in SAYS_WHO):
                wanted, how[index] = UNIT_FIELDS, "owner_below"
                if not is_filled(cells[Field.OWNER]):
                    wanted, how[index] = (*UNIT_FIELDS, Field.OWNER), "contact_below"
        elif given and Field.BUILDING not in given and _needs_building(cells, sheet):
            wanted, how[index] = tuple({Field.BUILDING, Field.ENTRANCE} - given), "building_above"
        for field in wanted:
            filled[field][index] = cells[field] = sheet.above.get(field, "")
        sheet.above = cells
    for field, values in filled.items():
        table.fill(field, values)
    return how


def _needs_building(cells: dict[Field, Cell], sheet: OwnerSheet) -> bool:
    """Whether the row names a room and no building, and the row above has one to lend."""
    room, unit = shown(cells[Field.ROOM]), shown(cells[Field.UNIT])
    names_room = is_filled(room) and unit_from_cells("", shown(cells[Field.ENTRANCE]), room) is None
    is_alone = (names_room and not is_filled(unit)) or (not is_filled(room) and is_room(unit))
    return is_alone and is_filled(sheet.above.get(Field.BUILDING, ""))


def _share_phones(written: Sequence[WrittenNumber], contacts: dict[str, ListedContacts]) -> None:
    """Numbers behind a name are theirs, others the first owner's, or each owner's own where there are as many."""
    names = list(contacts)
    unnamed = [phone for phone in written if not phone.of]
    in_turn = len(names) > 1 and len(unnamed) == len(names) == len(written)
    for place, phone in enumerate(written):
        owner = phone.of if phone.of in contacts else names[place if in_turn else 0]
        words = [phone.of if phone.of not in contacts else "", phone.label]
        known = {number for number, _label in contacts[owner].phones}
        if phone.number not in known:
            label = " ".join(filter(None, words))[:LABEL_LENGTH]
            contacts[owner].phones.append(ListedPhone(phone.number, label))


def _contacts(
    written: Sequence[WrittenContact], numbers: Sequence[WrittenNumber], relation: str
) -> list[WrittenContact]:
    """Contacts of one cell, with phone and relation from columns of their own where the cell lacks them."""
    found = list(written)
    for place, phone in enumerate(numbers):
        if place < len(found) and not found[place].number:
            found[place] = found[place]._replace(number=phone.number)
        elif all(contact.number != phone.number for contact in found):
            found.append(WrittenContact(phone.of or _unnamed(found), phone.label, phone.number))
    return [contact if contact.relation else contact._replace(relation=relation) for contact in found]


def _unnamed(found: Sequence[WrittenContact]) -> str:
    return found[0].name if found else UNNAMED_CONTACT
