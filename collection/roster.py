"""Who is on duty when during a campaign, and which contact hours nobody covers (C1)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from collection.models import Campaign, RosterShift
from collection.workdays import DayKind, day_kind
from company.audit import record
from company.models import Project, ProjectAccess, User
from company.models.people import UserQuerySet
from company.rights import RIGHTS, Right


class RosterError(Exception):
    """The act is refused, nothing was written; the subclass says why."""


class ClosedError(RosterError):
    """The roster of a closed campaign stays as it was."""


class OutsideHoursError(RosterError):
    """Nobody is on duty outside the project's contact hours."""


class NoDayError(RosterError):
    """None of the days lies in the campaign."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From one time of a day until another, exclusive."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Duty:
    """A shift as the roster shows it; ``counts`` is False for who may not contact owners any more."""

    shift: RosterShift
    counts: bool


@dataclass(frozen=True, slots=True)
class DayCover:
    """One day of a campaign: who is on duty, and the contact hours that nobody covers."""

    day: date
    kind: DayKind
    duties: list[Duty]
    gaps: list[Hours]


def cover_of(campaign: Campaign) -> list[DayCover]:
    """Every day of the campaign; two queries."""
    project = campaign.project
    able = set(on_duty_staff(project).values_list("pk", flat=True))
    by_day: dict[date, list[Duty]] = defaultdict(list)
    shifts = (
        RosterShift.objects.filter(campaign=campaign)
        .select_related("user")
        .order_by("day", "duty_from", "user__name_key", "pk")
    )
    for shift in shifts:
        by_day[shift.day].append(Duty(shift, shift.user_id in able))
    hours = Hours(project.contact_from, project.contact_until)
    return [
        DayCover(day, day_kind(day), by_day[day], gaps(hours, _covered(by_day[day])))
        for day in days_between(campaign.starts_on, campaign.ends_on)
    ]


def on_duty_staff(project: Project) -> UserQuerySet:
    """Who can be on duty: active people who may contact owners of the project."""
    live = ProjectAccess.objects.live().filter(project=project, role__in=sorted(RIGHTS[Right.LOG_CONTACTS]))
    staff: UserQuerySet = User.objects.active().filter(pk__in=live.values("user")).order_by("name_key", "pk")
    return staff


def gaps(hours: Hours, covered: Iterable[Hours]) -> list[Hours]:
    """The parts of ``hours`` in which nobody is there, in order."""
    found, free_from = [], hours.start
    for span in sorted(covered, key=lambda span: span.start):
        if span.start > free_from:
            found.append(Hours(free_from, min(span.start, hours.end)))
        free_from = max(free_from, span.end)
        if free_from >= hours.end:
            break
    if free_from < hours.end:
        found.append(Hours(free_from, hours.end))
    return [gap for gap in found if gap.start < gap.end]


@transaction.atomic
def put_on_duty(
    campaign: Campaign, user: User, days: Collection[date], hours: Hours, *, by: User, now: datetime
) -> int:
    """``user`` is on duty on ``days`` as far as they lie in the campaign; returns on how many.

    What touches an earlier shift of the same day becomes one with it. Raises ClosedError, NoDayError and
    OutsideHoursError.
    """
    campaign, days = _lock(campaign, days)
    contact = Hours(campaign.project.contact_from, campaign.project.contact_until)
    if not contact.start <= hours.start < hours.end <= contact.end:
        raise OutsideHoursError
    touching = RosterShift.objects.filter(
        campaign=campaign, user=user, day__in=days, duty_from__lte=hours.end, duty_until__gte=hours.start
    )
    widest = dict.fromkeys(days, hours)
    for shift in touching:
        span = widest[shift.day]
        widest[shift.day] = Hours(min(span.start, shift.duty_from), max(span.end, shift.duty_until))
    touching.delete()
    RosterShift.objects.bulk_create(
        RosterShift(
            campaign=campaign, user=user, day=day, duty_from=span.start, duty_until=span.end, set_at=now, set_by=by
        )
        for day, span in widest.items()
    )
    _record("roster.set", campaign, user, days, by=by, hours=f"{hours.start:%H:%M}-{hours.end:%H:%M}")
    return len(days)


@transaction.atomic
def take_off_duty(campaign: Campaign, user: User, days: Collection[date], *, by: User) -> int:
    """``user`` has no shift on ``days`` any more; returns how many there were. Raises ClosedError and NoDayError."""
    campaign, days = _lock(campaign, days)
    removed, _by_model = RosterShift.objects.filter(campaign=campaign, user=user, day__in=days).delete()
    if removed:
        _record("roster.cleared", campaign, user, days, by=by)
    return removed


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _covered(duties: Iterable[Duty]) -> list[Hours]:
    return [Hours(duty.shift.duty_from, duty.shift.duty_until) for duty in duties if duty.counts]


def _lock(campaign: Campaign, days: Collection[date]) -> tuple[Campaign, list[date]]:
    """The campaign under lock, so that of two changes at once one waits; the days that lie in it."""
    locked = Campaign.objects.select_for_update(of=("self",)).select_related("project").get(pk=campaign.pk)
    if locked.state == Campaign.State.CLOSED:
        raise ClosedError
    inside = sorted({day for day in days if locked.starts_on <= day <= locked.ends_on})
    if not inside:
        raise NoDayError
    return locked, inside


def _record(action: str, campaign: Campaign, user: User, days: Sequence[date], *, by: User, hours: str = "") -> None:
    record(
        action=action, by=by, project=campaign.project, obj=campaign, member=user.pk, hours=hours,
        first=days[0].isoformat(), last=days[-1].isoformat(), days=len(days),
    )  # fmt: skip
