"""Other names of a unit: an old code, the charging system's number, a spelling that a sheet uses."""

from collections.abc import Collection

from django.db import transaction

from company.audit import record
from company.models import Project, User
from owners.models import Unit, UnitAlias
from owners.unit_codes import normalise


@transaction.atomic
def remember_unit_name(unit: Unit, written: str, *, by: User) -> UnitAlias:
    """From now on ``written`` means ``unit`` in its project; what it meant before is replaced. Recorded."""
    alias, _is_new = UnitAlias.objects.update_or_create(
        project=unit.project, alias=normalise(written), defaults={"unit": unit}
    )
    record(action="owners.unit_named", by=by, project=unit.project, obj=unit, name=alias.alias, unit=unit.code)
    return alias


def units_named(project: Project, texts: Collection[str]) -> dict[str, Unit]:
    """By text the unit that it names, by code or another name; a text that names none is left out. Two queries."""
    keys = {text: normalise(text) for text in texts}
    units = Unit.objects.filter(project=project)
    found = {
        alias.alias: alias.unit
        for alias in UnitAlias.objects.filter(project=project, alias__in=keys.values()).select_related("unit")
    } | {unit.code: unit for unit in units.filter(code__in=keys.values())}
    return {text: found[key] for text, key in keys.items() if key in found}
