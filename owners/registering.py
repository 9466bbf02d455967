"""New units with their buildings and owners, many at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from company.audit import record
from company.models import Phase, Project, User
from owners.models import Building, Owner, Ownership, OwnershipMember, Unit
from owners.parties import join_names, kind_of, pinyin_initials, split_names
from owners.unit_codes import UnitName, building_key, building_name, sort_key

COMMERCIAL_WORDS = ("商铺", "商业", "商户", "门面", "底商", "铺位")
PARKING_WORDS = ("车位", "车库", "停车")
BATCH = 2000
BETWEEN_BUILDINGS = re.compile(r"[\n\r,，、;；]+")
BUILDING_RUN = re.compile(
    r"(?P<first>\d{1,3})(?:栋|幢|座|号楼)?\s*[-–—~～至到]\s*(?P<last>\d{1,3})(?P<word>栋|幢|座|号楼)?"
)
LONGEST_RUN = 200


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit to be made. ``owners`` may name several people, ``building`` is how a sheet writes it."""

    name: UnitName
    building: str
    usage: Unit.Usage
    area: Decimal | None = None
    owners: str = ""


def usage_of(name: UnitName, *, fee: str = "") -> Unit.Usage:
    """What a unit is used for, by the words in its code and in the fee that is charged for it."""
    if any(word in name.code for word in PARKING_WORDS):
        return Unit.Usage.PARKING
    if any(word in name.code or word in fee for word in COMMERCIAL_WORDS):
        return Unit.Usage.COMMERCIAL
    return Unit.Usage.RESIDENTIAL


@transaction.atomic
def register_units(project: Project, units: Sequence[NewUnit]) -> dict[str, int]:
    """Make the units that ``project`` lacks, with buildings and owners since ever; returns all their ids by code.

    Nobody else registers units of the project meanwhile. A unit that exists stays as it is.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    codes = [unit.name.code for unit in units]
    known = dict(Unit.objects.filter(project=project, code__in=codes).values_list("code", "pk"))
    missing = [unit for unit in units if unit.name.code not in known]
    buildings = _buildings(project, missing)
    made = Unit.objects.bulk_create(
        (_unit(project, new, buildings[new.name.building]) for new in missing), batch_size=BATCH
    )
    _register_owners(project, list(zip(made, missing, strict=True)))
    return known | {unit.code: unit.pk for unit in made}


def _unit(project: Project, new: NewUnit, building_id: int) -> Unit:
    return Unit(
        project=project,
        building_id=building_id,
        entrance=new.name.entrance,
        floor=new.name.floor,
        room=new.name.room,
        code=new.name.code,
        usage=new.usage,
        area=new.area,
        sort_key=sort_key(new.name.code),
    )


def _buildings(project: Project, units: Sequence[NewUnit]) -> Mapping[str, int]:
    """Ids of the units' buildings by key; makes those that are missing."""
    ids = {building_key(b.name): b.pk for b in Building.objects.filter(project=project)}
    missing = {unit.name.building: unit.building for unit in units if unit.name.building not in ids}
    made = Building.objects.bulk_create(
        Building(project=project, name=building_name(key, written), sort_key=sort_key(key)[:80])
        for key, written in missing.items()
    )
    return ids | {building_key(building.name): building.pk for building in made}


def _register_owners(project: Project, units: Sequence[tuple[Unit, NewUnit]]) -> None:
    """Owners of new units; a unit without a name gets the party that stands for an unknown owner."""
    names = [split_names(new.owners) for _unit, new in units]
    parties = Ownership.objects.bulk_create(
        (
            Ownership(project=project, unit=unit, period=DateRange(None, None, "[)"), party_name=join_names(of_unit))
            for (unit, _new), of_unit in zip(units, names, strict=True)
        ),
        batch_size=BATCH,
    )
    owners = Owner.objects.bulk_create(
        (
            Owner(project=project, name=name, kind=kind_of(name), pinyin_initials=pinyin_initials(name))
            for of_unit in names
            for name in of_unit
        ),
        batch_size=BATCH,
    )
    left = iter(owners)
    OwnershipMember.objects.bulk_create(
        (
            OwnershipMember(ownership=party, owner=next(left), position=position)
            for party, of_unit in zip(parties, names, strict=True)
            for position, _name in enumerate(of_unit)
        ),
        batch_size=BATCH,
    )


def split_building_names(text: str) -> list[str]:
    """The buildings that a list names, each once: lines, commas or 、 between them; ``1-12栋`` are twelve."""
    names: list[str] = []
    for part in filter(None, (piece.strip() for piece in BETWEEN_BUILDINGS.split(text))):
        run = BUILDING_RUN.fullmatch(part)
        if run and int(run["first"]) < int(run["last"]) < int(run["first"]) + LONGEST_RUN:
            names += [f"{n}{run['word'] or '栋'}" for n in range(int(run["first"]), int(run["last"]) + 1)]
        else:
            names.append(part)
    return list(dict.fromkeys(names))


@transaction.atomic
def register_buildings(project: Project, names: Sequence[str], *, phase: Phase | None = None, by: User) -> int:
    """Make the buildings that ``project`` lacks, under whatever spelling; returns how many. Writes the audit trail."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = {building_key(building.name) for building in Building.objects.filter(project=project)}
    missing = {key: name for name in reversed(names) if (key := building_key(name)) and key not in known}
    made = Building.objects.bulk_create(
        Building(project=project, phase=phase, name=building_name(key, written)[:40], sort_key=sort_key(key)[:80])
        for key, written in reversed(missing.items())
    )
    if made:
        record(action="owners.buildings_added", by=by, project=project, names=[building.name for building in made])
    return len(made)


@transaction.atomic
def remove_building(building: Building, *, by: User) -> bool:
    """Take away a building that was added by mistake; False, and nothing done, where it has units."""
    Project.objects.select_for_update(no_key=True).get(pk=building.project_id)
    if Unit.objects.filter(building=building).exists():
        return False
    record(action="owners.building_removed", by=by, project=building.project, name=building.name)
    building.delete()
    return True
