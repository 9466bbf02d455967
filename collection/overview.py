"""All projects of the company side by side: what each collected this year, and how its campaign runs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum

from collection.daily_figures import rates_of_projects
from collection.dashboard import targets_of
from collection.models import Campaign, Case, TargetClass
from collection.pace import Pace, pace_of
from collection.rate_conventions import ZERO
from collection.rates import Ratio
from company.models import Project


@dataclass(frozen=True, slots=True)
class ClassRate:
    """This year's rate of a class, None where the project has none of it; its target in percent, None if not judged."""

    target_class: TargetClass
    rate: Ratio | None
    target: Decimal | None

    @property
    def shown(self) -> str:
        return self.rate.shown(self.target) if self.rate else "—"

    @property
    def is_reached(self) -> bool:
        percent = self.rate.percent if self.rate else None
        return percent is not None and self.target is not None and percent >= self.target


@dataclass(frozen=True, slots=True)
class ProjectLine:
    project: Project
    campaign: Campaign | None
    pace: Pace | None
    classes: list[ClassRate]
    cases: int
    overdue: Decimal


def compare_projects(projects: Collection[Project], *, on: date) -> list[ProjectLine]:
    """A line for each project as of the end of ``on``, cases as they stand now. The same few queries for any number."""
    rates = rates_of_projects(projects, on=on)
    campaigns = _campaigns(projects, on)
    open_cases = {
        project_id: (number, amount)
        for project_id, number, amount in Case.objects.filter(project__in=projects)
        .open()
        .order_by()
        .values_list("project")
        .annotate(Count("pk"), Sum("overdue"))
    }
    lines = []
    for project in projects:
        campaign = campaigns.get(project.pk)
        mine = rates.get(project.pk, {})
        targets = targets_of(campaign)
        number, amount = open_cases.get(project.pk, (0, ZERO))
        lines.append(
            ProjectLine(
                project=project,
                campaign=campaign,
                pace=pace_of(campaign, on=on) if campaign else None,
                classes=[ClassRate(of, mine.get(of), targets[of]) for of in TargetClass],
                cases=number,
                overdue=amount,
            )
        )
    return lines


def _campaigns(projects: Collection[Project], on: date) -> dict[int, Campaign]:
    """By project id the latest campaign that had begun by the day."""
    begun = (
        Campaign.objects.filter(project__in=projects, starts_on__lte=on)
        .exclude(state=Campaign.State.PLANNED)
        .order_by("project_id", "-starts_on", "-pk")
        .distinct("project_id")
        .prefetch_related("targets")
    )
    return {campaign.project_id: campaign for campaign in begun}
