"""A person's calendar as iCalendar, for programs that read it at a secret address.

It leaves the house: entries name the room and a neutral word, never an owner, an amount, a phone or a debt.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from collection.agenda import Planned
from collection.models import Campaign, Case, Milestone, OwnerRequest, PromiseToPay, RosterShift
from company.models import Project, Role, User
from company.rights import projects_of, projects_with_roles

PAST, AHEAD = timedelta(days=31), timedelta(days=183)
MOST_ENTRIES = 3000
PROJECT = ("project__name", "project__code")


@dataclass(frozen=True, slots=True)
class Dated:
    """One entry: a day, or with ``ends_at`` the hours of an instant."""

    uid: str
    text: str
    project: str
    starts: date | datetime
    ends_at: datetime | None = None
    path: str = ""


def feed_of(user: User, *, now: datetime, site: str) -> bytes:
    """What ``user`` answers for and is on duty for, in all projects where they still hold a role.

    ``site``: the address of the application, such as ``https://desk.example``; entries lead to its pages.
    """
    today = timezone.localdate(now)
    days = (today - PAST, today + AHEAD)
    calendar = Calendar()
    calendar.add("prodid", "-//Arrears Desk//calendar//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("My calendar"))
    calendar.add("x-wr-timezone", timezone.get_default_timezone_name())
    for number, entry in enumerate(_entries(user, days)):
        if number == MOST_ENTRIES:
            break
        calendar.add_component(_event(entry, now=now, site=site))
    return bytes(calendar.to_ical())


def _event(entry: Dated, *, now: datetime, site: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.uid}@arrears-desk")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("summary", entry.text)
    event.add("location", entry.project)
    event.add("class", "PRIVATE")
    event.add("dtstart", entry.starts)
    event.add("dtend", entry.ends_at or entry.starts + timedelta(days=1))
    if entry.path:
        event.add("url", f"{site}{entry.path}")
    return event


def _entries(user: User, days: tuple[date, date]) -> Iterator[Dated]:
    yield from _milestones(user, days)
    yield from _duty(user, days)
    cases = Case.objects.visible_to(user).open().filter(responsible=user)
    words = {
        Planned.STEP: _("next step"),
        Planned.PROMISE: _("to follow up"),
        Planned.CONTACT: _("planned contact"),
        Planned.AGREED: _("agreed date"),
    }
    own = [("next_step_on", Planned.STEP), ("next_contact_on", Planned.CONTACT)]
    for column, kind in own:
        rows = cases.filter(**{f"{column}__range": days}).order_by(column, "pk")
        yield from _of_cases(rows.values_list("pk", column, "account__unit__code", *PROJECT), kind, words[kind])
    promises = PromiseToPay.objects.filter(case__in=cases, state=PromiseToPay.State.WAITING, pay_by__range=days)
    requests = OwnerRequest.objects.filter(case__in=cases, agreed_on__range=days)
    for said, column, kind in ((promises, "pay_by", Planned.PROMISE), (requests, "agreed_on", Planned.AGREED)):
        named = said.order_by(column, "case").values_list(
            "case", column, "case__account__unit__code", *(f"case__{path}" for path in PROJECT)
        )
        yield from _of_cases(named.distinct(), kind, words[kind])


def _of_cases(rows: Iterable[tuple[int, date, str, str, str]], kind: Planned, word: str) -> Iterator[Dated]:
    for case_id, day, unit, project, code in rows:
        path = reverse("collection:case", kwargs={"project_code": code, "pk": case_id})
        yield Dated(f"{kind}-{case_id}-{day:%Y%m%d}", f"{unit} {word}", project, day, path=path)


def _milestones(user: User, days: tuple[date, date]) -> Iterator[Dated]:
    """Those that the person answers for, and all of the projects that they manage."""
    managed = projects_with_roles(user, {Role.PROJECT_MANAGER})
    meant = Q(responsible=user) | Q(campaign__project__in=managed)
    found = Milestone.objects.filter(meant, campaign__project__in=projects_of(user), due_on__range=days)
    found = found.exclude(campaign__state=Campaign.State.CLOSED).select_related("campaign__project")
    for milestone in found.order_by("due_on", "pk"):
        project: Project = milestone.campaign.project
        path = reverse("company:enter", kwargs={"project_code": project.code})
        yield Dated(f"milestone-{milestone.pk}", str(milestone), project.name, milestone.due_on, path=path)


def _duty(user: User, days: tuple[date, date]) -> Iterator[Dated]:
    shifts = RosterShift.objects.filter(user=user, day__range=days, campaign__project__in=projects_of(user))
    shifts = shifts.exclude(campaign__state=Campaign.State.CLOSED).select_related("campaign__project")
    for shift in shifts.order_by("day", "pk"):
        starts, ends = (
            timezone.make_aware(datetime.combine(shift.day, at)).astimezone(UTC)
            for at in (shift.duty_from, shift.duty_until)
        )
        yield Dated(f"duty-{shift.pk}", _("on duty"), shift.campaign.project.name, starts, ends)
