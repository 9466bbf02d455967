"""Which team answers for which buildings from when on (责任区): set by the manager, kept with its history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Count

from collection.models import Settlement, TeamArea
from company.audit import record
from company.models import Project, User
from owners.models import Building


class BackdatedError(Exception):
    """The day lies before the one since which the building is of its present area, or of none."""

    def __init__(self, building: Building, since: date) -> None:
        super().__init__(building, since)
        self.building, self.since = building, since


class SettledError(Exception):
    """A settlement has used the areas of this day already."""

    def __init__(self, until: date) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class AreaLine:
    """One building with its number of units and the area that it is of now."""

    building: Building
    units: int
    area: TeamArea | None


Chosen = tuple[int, int | None]  # team and, where one person answers, member


def area_lines(project: Project) -> list[AreaLine]:
    """All buildings in their order. Two queries."""
    now = {
        area.building_id: area
        for area in TeamArea.objects.filter(project=project, ends_on=None).select_related("team", "member")
    }
    buildings = Building.objects.filter(project=project).annotate(number=Count("units")).order_by("sort_key", "pk")
    return [AreaLine(building, building.number, now.get(building.pk)) for building in buildings]


@transaction.atomic
def set_areas(project: Project, chosen: Mapping[int, Chosen | None], *, since: date, by: User, now: datetime) -> int:
    """Let each building of ``chosen`` be of this area, or of none, from ``since`` on; returns how many changed.

    An area that began on the same day is replaced, an earlier one ends. Raises BackdatedError and SettledError; then
    nothing changes.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # settlements are proposed under the same lock
    _refuse_settled(project, since)
    ended = _ended(project, chosen)
    open_areas = TeamArea.objects.filter(project=project, building__in=chosen, ends_on=None)
    held = {area.building_id: area for area in open_areas.select_related("building")}
    changed: list[int] = []
    for building_id, choice in chosen.items():
        area = held.get(building_id)
        if ((area.team_id, area.member_id) if area else None) != choice:
            if building_id in ended and since < ended[building_id][1]:
                raise BackdatedError(*ended[building_id])
            if area:
                _end(area, since)
            changed.append(building_id)
    TeamArea.objects.bulk_create(
        TeamArea(
            project=project, building_id=building_id, team_id=choice[0], member_id=choice[1], starts_on=since,
            set_at=now, set_by=by,
        )
        for building_id in changed
        if (choice := chosen[building_id])
    )  # fmt: skip
    if changed:
        said = {str(pk): list(chosen[pk] or ()) for pk in changed}
        record(action="areas.set", by=by, project=project, since=since.isoformat(), areas=said)
    return len(changed)


def _refuse_settled(project: Project, since: date) -> None:
    used = Settlement.objects.filter(
        project=project, state__in=[Settlement.State.PROPOSED, Settlement.State.APPROVED], closes_on__gte=since
    )
    if latest := used.order_by("-closes_on").first():
        raise SettledError(latest.closes_on)


def _ended(project: Project, building_ids: Iterable[int]) -> dict[int, tuple[Building, date]]:
    """By building until when it was last of an area that is over."""
    over = TeamArea.objects.filter(project=project, building__in=list(building_ids), ends_on__isnull=False)
    areas = over.select_related("building").order_by("ends_on")
    return {area.building_id: (area.building, area.ends_on) for area in areas if area.ends_on}


def _end(area: TeamArea, since: date) -> None:
    if since < area.starts_on:
        raise BackdatedError(area.building, area.starts_on)
    if since == area.starts_on:
        area.delete()
    else:
        area.ends_on = since
        area.save(update_fields=["ends_on"])


def area_holders(project_id: int, holder: str, *, on: date) -> dict[int, int | None]:
    """By account: the ``team_id`` or ``member_id`` of its building's area on that day, None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.id, t.{holder}
            FROM arrears_account a
            JOIN owners_unit u ON u.id = a.unit_id
            LEFT JOIN collection_teamarea t
              ON t.building_id = u.building_id AND t.starts_on <= %(on)s AND (t.ends_on IS NULL OR t.ends_on > %(on)s)
            WHERE a.project_id = %(project)s
            """,  # noqa: S608  one of two fixed columns
            {"project": project_id, "on": on},
        )
        found: dict[int, int | None] = dict(cursor.fetchall())
    return found
