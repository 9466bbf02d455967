"""Rooms that a sheet writes otherwise than the register: a person says which unit is meant, and that is remembered."""

from collections.abc import Mapping
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Min
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from arrears.importing.posting import clear_stage
from arrears.importing.states import State, move
from arrears.importing.waking import wake
from arrears.models import Import, ImportIssue
from company.models import User
from owners.models import Unit
from owners.unit_names import remember_unit_name

UNKNOWN_UNITS = ("unknown_unit", "slip_in_unit", "no_building")
"""Errors that say that the register lacks the room of a row."""
AT_ONCE = 50


class UnknownUnit(NamedTuple):
    """A room as a sheet writes it, how many rows stand under it, and the unit that was probably meant."""

    written: str
    rows: int
    first_row: int
    likely: str


def unknown_units(workbook: Import) -> list[UnknownUnit]:
    """The rooms that the register lacks, those with most rows first, AT_ONCE at most; one query."""
    errors = workbook.issues.filter(severity=ImportIssue.Severity.ERROR, code__in=UNKNOWN_UNITS).order_by()
    named = errors.annotate(written=Coalesce(KT("params__unit"), KT("params__room")), likely=KT("params__likely"))
    counted = named.values("written", "likely").annotate(rows=Count("pk"), first=Min("row")).order_by("-rows", "first")
    return [UnknownUnit(one["written"], one["rows"], one["first"], one["likely"] or "") for one in counted[:AT_ONCE]]


@transaction.atomic
def decide_units(workbook: Import, meant: Mapping[str, Unit], *, by: User) -> Import:
    """Remember by each room as written the unit that is meant, for this file and all later ones; check the rows anew.

    Raises MoveError when the import is past its check.
    """
    moved = move(workbook.pk, State.CONFIRMED)
    for written, unit in meant.items():
        remember_unit_name(unit, written, by=by)
    clear_stage(moved)
    wake(moved.pk, State.CONFIRMED)
    return moved
