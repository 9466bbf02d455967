"""The ladders in force, read for many cases at once: a case's own plan, else its project's playbook (C6)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q

from collection.default_playbook import LADDERS
from collection.models import ArrearsReason, Case, Doer, Measure, Playbook, PlaybookStep, Precondition, Stage
from collection.steps import Step


@dataclass(frozen=True, slots=True)
class Ladder:
    """Steps in order, and the version that they stand in; None for those that a project starts with."""

    playbook_id: int | None
    steps: tuple[Step, ...]

    def steps_for(self, *, overdue: Decimal, overdue_days: int) -> list[Step]:
        """Those for a case of that amount (CNY) and age."""
        return [step for step in self.steps if step.applies(overdue=overdue, overdue_days=overdue_days)]


@dataclass(frozen=True, slots=True)
class Ladders:
    by_project: Mapping[tuple[int, str], Ladder] = field(default_factory=dict)
    by_case: Mapping[int, Ladder] = field(default_factory=dict)

    def of(self, case: Case) -> Ladder:
        own = self.by_case.get(case.pk) or self.by_project.get((case.project_id, case.reason))
        return own or Ladder(None, LADDERS[ArrearsReason(case.reason)])


def read_ladders(cases: Collection[Case]) -> Ladders:
    """One query."""
    of_project = Q(playbook__case=None, playbook__project__in={case.project_id for case in cases})
    of_case = Q(playbook__case__in=[case.pk for case in cases])
    rows = PlaybookStep.objects.filter(of_project | of_case, is_on=True, playbook__state=Playbook.State.ACTIVE)
    by_project: dict[tuple[int, str], list[PlaybookStep]] = defaultdict(list)
    by_case: dict[int, list[PlaybookStep]] = defaultdict(list)
    for row in rows.select_related("playbook").order_by("position"):
        if row.playbook.case_id:
            by_case[row.playbook.case_id].append(row)
        else:
            by_project[row.playbook.project_id, row.reason].append(row)
    return Ladders(
        {key: _ladder(steps) for key, steps in by_project.items()},
        {case_id: _ladder(steps) for case_id, steps in by_case.items()},
    )


def _ladder(rows: Sequence[PlaybookStep]) -> Ladder:
    return Ladder(rows[0].playbook_id, tuple(map(step_of, rows)))


def step_of(row: PlaybookStep) -> Step:
    """A row as a step."""
    return Step(
        key=row.key,
        stage=Stage(row.stage),
        measure=Measure(row.measure),
        title=row.title,
        doer=Doer(row.doer),
        wait_days=row.wait_days,
        due_days=row.due_days,
        min_amount=row.min_amount,
        min_days=row.min_days,
        precondition=Precondition(row.precondition) if row.precondition else None,
        talking_points=tuple(line.strip() for line in row.talking_points.splitlines() if line.strip()),
    )
