"""Staged owners merged into the register, in one transaction, with a trace of every row that was made or changed.

The lock of the project lets one list of owners at a time compare itself with the register; the locks of units, parties
and owners hold off whoever edits contacts by hand. So the same file at the same moment finds everything there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model
from django.utils import timezone

from arrears.importing.copying import copy_rows
from arrears.importing.staged_owners import listed_owners, planned
from arrears.models import Import, RegisterChange
from company.models import Project
from owners.list_merge_writing import Written, write_merge
from owners.listed import Source
from owners.models import (
    Address,
    Building,
    Email,
    EmergencyContact,
    Occupant,
    Owner,
    Ownership,
    OwnershipMember,
    Phone,
    Unit,
)
from owners.register_state import lock_register

Table = RegisterChange.Table
MODELS: dict[RegisterChange.Table, type[Model]] = {
    Table.BUILDING: Building,
    Table.UNIT: Unit,
    Table.OWNER: Owner,
    Table.OWNERSHIP: Ownership,
    Table.MEMBER: OwnershipMember,
    Table.PHONE: Phone,
    Table.EMAIL: Email,
    Table.ADDRESS: Address,
    Table.EMERGENCY: EmergencyContact,
    Table.OCCUPANT: Occupant,
}
TABLES = {model: table for table, model in MODELS.items()}
COLUMNS = ("import_id", "sheet", "row", "table", "object_id", "column", "before", "after")


@dataclass(frozen=True, slots=True)
class Known:
    """Buildings and units that the register had before the list was posted, by their keys."""

    buildings: frozenset[int]
    units: frozenset[int]


def lock_project(workbook: Import) -> None:
    """Let one list of owners, or whoever registers units, at a time work on the project."""
    Project.objects.select_for_update(no_key=True).get(pk=workbook.project_id)


def known_register(workbook: Import) -> Known:
    """What the project has before units are made."""
    of_project = {"project": workbook.project_id}
    return Known(
        frozenset(Building.objects.filter(**of_project).values_list("pk", flat=True)),
        frozenset(Unit.objects.filter(**of_project).values_list("pk", flat=True)),
    )


def post_owners(workbook: Import, made_units: Mapping[str, int], *, known: Known, now: datetime) -> int:
    """Merge what is staged and keep the trace; returns how many rows of the list brought something new.

    ``made_units``: ids by code of the units that the register lacked when the list was checked.
    """
    listed = listed_owners(workbook)
    for person in listed:
        person.unit_id = person.unit_id or made_units[person.unit_code]
    units = {person.unit_id for person in listed if person.unit_id}
    lock_register(units)
    merge = planned(workbook, listed, today=timezone.localdate(now), now=now)
    of_unit = {person.unit_id: person.source for person in reversed(listed) if person.unit_id}
    made = list(_units_made(workbook, known, of_unit))
    written = [*made, *write_merge(merge)]
    _keep_trace(workbook, written)
    return len(merge.sources | {one.source for one in made})


def _units_made(workbook: Import, known: Known, of_unit: dict[int, Source]) -> Iterator[Written]:
    """Buildings, units and the parties of nobody known that came with them."""
    units = Unit.objects.filter(project=workbook.project_id, pk__in=of_unit.keys() - known.units)
    for unit in units.select_related("building"):
        if unit.building_id not in known.buildings:
            yield Written(of_unit[unit.pk], unit.building)
        yield Written(of_unit[unit.pk], unit)
    for ownership in Ownership.objects.filter(unit__in=of_unit.keys() - known.units):
        yield Written(of_unit[ownership.unit_id], ownership)


def _keep_trace(workbook: Import, written: Iterable[Written]) -> None:
    seen: dict[tuple[str, int, str], Written] = {}
    for one in written:
        seen.setdefault((TABLES[type(one.row)], one.row.pk, one.column), one)
    rows = (
        (workbook.pk, *one.source, table, key, column, one.before, one.after)
        for (table, key, column), one in seen.items()
    )
    copy_rows("arrears_registerchange", COLUMNS, rows)
