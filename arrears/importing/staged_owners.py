"""Staged owners compared with the register, and counted."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from django.utils import timezone

from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.outcome import Issue, Outcome
from arrears.models import Import, ImportIssue, StagedOwner
from owners.list_merging import Merge, Remark, plan_merge
from owners.listed import ListedContacts, ListedOwner
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Phone
from owners.register_state import load_state

CHUNK = 5000
COLUMN_OF: Mapping[str, Field] = {
    "owner": Field.OWNER,
    "id_number": Field.ID_NUMBERS,
    "phone": Field.PHONES,
    "email": Field.EMAILS,
    "area": Field.UNIT_AREA,
    "usage": Field.USAGE,
    "is_vacant": Field.VACANT,
    Address.Kind.ON_SITE: Field.ON_SITE,
    Address.Kind.SECOND: Field.SECOND_ADDRESS,
}
"""The column of the list in which a remark of the merge stands."""


def listed_owners(workbook: Import) -> list[ListedOwner]:
    """What is staged for the workbook, decrypted, in the order of the list."""
    staged = StagedOwner.objects.filter(workbook=workbook).order_by("pk")
    return [
        ListedOwner(
            (row.sheet, row.row),
            row.unit_id,
            row.unit_code,
            row.name,
            ListedContacts.unsealed(row.contacts),
            row.area,
            row.usage,
            row.is_vacant,
        )
        for row in staged.iterator(chunk_size=CHUNK)
    ]


def planned(workbook: Import, listed: list[ListedOwner], *, today: date, now: datetime) -> Merge:
    """What posting ``listed`` would write by what the register holds now. Nothing is written."""
    units = {person.unit_id for person in listed if person.unit_id}
    state = load_state(workbook.project, units, (person.contacts.id_number for person in listed), today=today)
    return plan_merge(workbook.project, listed, state, today=today, now=now)


def against_ledger(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> Iterator[Issue]:
    """Nothing: a sound row can always be posted. What differs from the register ``sum_up`` remarks."""
    outcome.layouts = dict(layouts)
    return iter(())


def sum_up(workbook: Import, outcome: Outcome) -> dict[str, Any]:
    """Set what is known already on ``workbook`` and remark what differs from the register.

    Returns the counts that its page and the command tell.
    """
    listed = listed_owners(workbook)
    today = outcome.checked_on
    merge = planned(workbook, listed, today=today, now=timezone.make_aware(datetime.combine(today, time.min)))
    for remark in merge.remarks:
        outcome.warn(_issue(remark, outcome.layouts[remark.source[0]]), key=f"{remark.source}!{remark.about}")
    workbook.known_rows = len({person.source for person in listed} - merge.sources)
    owners = len({(person.unit_key, person.name) for person in listed if person.name})
    phones = sum(len(person.contacts.phones) for person in listed)
    return {
        "sums": {"owners": owners, "phones": phones},
        "brings": len(merge.sources),
        "by_part": [
            _part("owners", owners, merge.count(Owner)),
            _part("id_numbers", sum(bool(person.contacts.id_number) for person in listed), _new_id_numbers(merge)),
            _part("phones", phones, merge.count(Phone)),
            _part("emails", sum(len(person.contacts.emails) for person in listed), merge.count(Email)),
            _part("emergency", sum(len(person.contacts.emergency) for person in listed), merge.count(EmergencyContact)),
            _part("addresses", sum(len(person.contacts.addresses) for person in listed), merge.count(Address)),
            _part("occupants", sum(len(person.contacts.occupants) for person in listed), merge.count(Occupant)),
        ],
    }


def _part(part: str, listed: int, new: int) -> dict[str, Any]:
    return {"part": part, "listed": listed, "new": new}


def _new_id_numbers(merge: Merge) -> int:
    made = sum(isinstance(one.row, Owner) and bool(one.row.id_number_hash) for one in merge.made)
    return made + sum(change.column == "id_number_hash" for change in merge.changed)


def _issue(remark: Remark, layout: SheetLayout) -> Issue:
    """The remark at its column; the value is not kept, since it may name a person."""
    at = COLUMN_OF[remark.about]
    column = layout.column_of(at)
    params = {"header": column.header if column else str(at.label), **remark.params}
    sheet, row = remark.source
    return Issue(ImportIssue.Severity.WARNING, sheet, row, column.letter if column else "", "", remark.code, params)
