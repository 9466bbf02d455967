"""When somebody leaves: what they answer for, and a split of it over the rest of their team (C4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Sum

from collection.assignment import AssignmentError, read_placed, take_turn
from collection.balancing import Item, balance
from collection.models import AssignmentProposal, Case, ProposedAssignment, Team
from collection.models.cases import CaseQuerySet
from collection.teams import answering_members
from company.audit import record
from company.models import Project, User
from company.models.projects import ProjectQuerySet


class NobodyLeftError(AssignmentError):
    """Nobody else of the team may answer for cases."""


class NothingToHandOverError(AssignmentError):
    """The person answers for no open case of the team."""


@dataclass(frozen=True, slots=True)
class HeldInTeam:
    """Open cases that one person answers for in a team; ``others`` may take them over."""

    team: Team
    cases: int
    amount: Decimal
    others: int


@dataclass(frozen=True, slots=True)
class HeldInProject:
    project: Project
    cases: int
    amount: Decimal


def held_by_team(project: Project, member: User) -> list[HeldInTeam]:
    """What ``member`` answers for in each team; three queries."""
    sums = _sums(_held(member).filter(project=project), "team")
    answering = answering_members(project)
    teams = Team.objects.in_bulk([team_id for team_id in sums if team_id])
    return [
        HeldInTeam(team, *sums[pk], others=len(set(answering.get(pk, [])) - {member.pk})) for pk, team in teams.items()
    ]


def held_by_project(projects: ProjectQuerySet, member: User) -> list[HeldInProject]:
    """What ``member`` answers for in each of ``projects``; two queries."""
    sums = _sums(_held(member).filter(project__in=projects), "project")
    found = Project.objects.in_bulk(list(sums))
    return [HeldInProject(project, *sums[pk]) for pk, project in found.items()]


@transaction.atomic
def propose_handing_over(team: Team, member: User, *, by: User, today: date, now: datetime) -> AssignmentProposal:
    """A draft over the team's cases, in place of the present draft: the member's are split over the others.

    The others keep what they have; it counts in their loads. The draft is changed by hand and confirmed like any
    other. Raises NobodyLeftError and NothingToHandOverError.
    """
    take_turn(team.project)
    others = [pk for pk in answering_members(team.project).get(team.pk, []) if pk != member.pk]
    if not others:
        raise NobodyLeftError
    placed = read_placed(Case.objects.filter(team=team).open().in_round_order(), on=today)
    leaving = [case.among_members(None) for case in placed if case.member_id == member.pk]
    if not leaving:
        raise NothingToHandOverError
    staying = [case.among_members(case.member_id) for case in placed if case.member_id in others]
    taken = balance(leaving, others, standing=staying)
    proposal = AssignmentProposal.objects.create(
        project=team.project, team=team, member=member, created_at=now, created_by=by
    )
    _write(proposal, team, [(item, taken[item.case_id]) for item in leaving])
    _write(proposal, team, [(item, item.holder) for item in staying if item.holder])
    record(
        action="assignment.handing_over_proposed", by=by, project=team.project, obj=proposal, member=member.pk,
        cases=len(leaving),
    )  # fmt: skip
    return proposal


def _write(proposal: AssignmentProposal, team: Team, placed: Sequence[tuple[Item, int]]) -> None:
    ProposedAssignment.objects.bulk_create(
        (
            ProposedAssignment(
                proposal=proposal,
                case_id=item.case_id,
                team=team,
                member_id=holder,
                amount=item.amount,
                difficulty=item.difficulty,
            )
            for item, holder in placed
        ),
        batch_size=2000,
    )


def _held(member: User) -> CaseQuerySet:
    return Case.objects.filter(responsible=member).open()


def _sums(cases: CaseQuerySet, by: str) -> dict[int, tuple[int, Decimal]]:
    rows = cases.order_by().values_list(by).annotate(Count("pk"), Sum("overdue"))
    return {key: (number, amount) for key, number, amount in rows if key}
