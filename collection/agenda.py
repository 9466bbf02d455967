"""What a month holds, day by day: milestones, due steps, promises, planned contacts, agreed dates and one's own duty.

Days with many cases are counted, so that a month of thousands costs as many queries as one of three.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, QuerySet, TextChoices
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from collection.milestones import progress_of
from collection.models import Campaign, Case, OwnerRequest, PromiseToPay, RosterShift
from collection.models.cases import CaseQuerySet
from company.models import Project, User


class Planned(TextChoices):
    """What may be planned on a case for a day."""

    STEP = "step", gettext_lazy("step due")
    PROMISE = "promise", pgettext_lazy("planned", "promise due")
    CONTACT = "contact", gettext_lazy("planned contact")
    AGREED = "agreed", gettext_lazy("agreed date")


ICONS = {
    Planned.STEP: "stairs-up",
    Planned.PROMISE: "coin-yuan",
    Planned.CONTACT: "phone-call",
    Planned.AGREED: "tool",
}


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """Something planned for a day, as it stands in an address: ``step-2025-11-23``."""

    kind: Planned
    day: date

    @classmethod
    def from_key(cls, key: str) -> "PlannedDay":
        """Raises ValueError where the text is no such key."""
        kind, _dash, day = key.partition("-")
        return cls(Planned(kind), date.fromisoformat(day))

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.day.isoformat()}"

    def __str__(self) -> str:
        return f"{self.kind.label} {self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a day; opens ``url`` where there is one. ``colour``: red for late, amber for soon."""

    kind: str
    text: str
    url: str
    icon: str
    colour: str = ""


def planned_on(cases: QuerySet[Case], planned: PlannedDay) -> QuerySet[Case]:
    """Those of ``cases`` with something of the kind on the day."""
    day = planned.day
    match planned.kind:
        case Planned.STEP:
            return cases.filter(next_step_on=day)
        case Planned.CONTACT:
            return cases.filter(next_contact_on=day)
        case Planned.PROMISE:
            return cases.filter(pk__in=_promises().filter(pay_by=day).values("case"))
    return cases.filter(pk__in=OwnerRequest.objects.filter(agreed_on=day).values("case"))


def agenda(
    project: Project,
    *,
    cases: CaseQuerySet,
    first: date,
    last: date,
    today: date,
    user: User,
    member: User | None = None,
    campaign: Campaign | None = None,
) -> dict[date, list[Entry]]:
    """By day from ``first`` to ``last`` what is planned; a fixed number of queries.

    ``cases`` are those that the viewer sees; only open ones count, with ``member`` only that person's. Milestones are
    shown of ``campaign``, which the viewer may open, the duty is ``user``'s own.
    """
    found: dict[date, list[Entry]] = defaultdict(list)
    for day, entry in _milestones(campaign, first, last, today) if campaign else ():
        found[day].append(entry)
    for day, entry in _duty(project, user, first, last):
        found[day].append(entry)
    shown = cases.open().filter(responsible=member) if member else cases.open()
    for kind in Planned:
        for day, number, case_id, unit in _counted(shown, kind, first, last):
            found[day].append(_entry(project, kind, day, number, case_id, unit, today=today, member=member))
    return found


def _milestones(campaign: Campaign, first: date, last: date, today: date) -> Iterator[tuple[date, Entry]]:
    url = reverse("collection:campaign_detail", kwargs={"project_code": campaign.project.code, "pk": campaign.pk})
    for progress in progress_of(campaign, today=today):
        if first <= progress.due_on <= last:
            text = f"{progress.label} {progress.done}"
            yield progress.due_on, Entry("milestone", text, url, "flag", progress.colour)


def _duty(project: Project, user: User, first: date, last: date) -> Iterator[tuple[date, Entry]]:
    shifts = RosterShift.objects.filter(campaign__project=project, user=user, day__range=(first, last))
    for shift in shifts.exclude(campaign__state=Campaign.State.CLOSED):
        hours = f"{shift.duty_from:%H:%M}–{shift.duty_until:%H:%M}"
        yield shift.day, Entry("duty", _("on duty %(hours)s") % {"hours": hours}, "", "user-check")


def _counted(cases: CaseQuerySet, kind: Planned, first: date, last: date) -> list[tuple[date, int, int, str]]:
    """By day the number of cases, with id and unit of one of them."""
    rows, day, path = {
        Planned.STEP: (cases, "next_step_on", ""),
        Planned.CONTACT: (cases, "next_contact_on", ""),
        Planned.PROMISE: (_promises().filter(case__in=cases), "pay_by", "case__"),
        Planned.AGREED: (OwnerRequest.objects.filter(case__in=cases), "agreed_on", "case__"),
    }[kind]
    counted = rows.filter(**{f"{day}__range": (first, last)}).order_by().values(day)
    counted = counted.annotate(
        number=Count(f"{path}id", distinct=True), one=Min(f"{path}id"), unit=Min(f"{path}account__unit__code")
    )
    return list(counted.values_list(day, "number", "one", "unit"))


def _entry(
    project: Project,
    kind: Planned,
    day: date,
    number: int,
    case_id: int,
    unit: str,
    *,
    today: date,
    member: User | None,
) -> Entry:
    code = {"project_code": project.code}
    colour = "red" if day < today else ""
    if number == 1:
        url = reverse("collection:case", kwargs={**code, "pk": case_id})
        return Entry(kind, f"{unit} {kind.label}", url, ICONS[kind], colour)
    query = {"planned": PlannedDay(kind, day).key} | ({"member": str(member.pk)} if member else {})
    url = f"{reverse('collection:cases', kwargs=code)}?{urlencode(query)}"
    text = ngettext("%(kind)s: %(number)s case", "%(kind)s: %(number)s cases", number)
    return Entry(kind, text % {"kind": kind.label, "number": number}, url, ICONS[kind], colour)


def _promises() -> QuerySet[PromiseToPay]:
    return PromiseToPay.objects.filter(state=PromiseToPay.State.WAITING)
