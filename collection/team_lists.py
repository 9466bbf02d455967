"""What the page of teams shows: members with what they answer for now."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from collection.models import Case, Team, TeamMember
from company.models import Project, User

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class MemberLine:
    user: User
    cases: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team; ``stray`` counts open cases of the team whose responsible person is not in it (any more)."""

    team: Team
    members: list[MemberLine]
    cases: int
    amount: Decimal
    stray: int


def team_lines(project: Project) -> list[TeamLine]:
    """All active teams with their members, in their order; four queries."""
    held = _held(project)
    of_team: dict[int, list[MemberLine]] = defaultdict(list)
    members = TeamMember.objects.present().filter(project=project).select_related("user__post")
    for member in members.order_by("user__post__position", "user__name", "pk"):
        cases, amount = held.get((member.team_id, member.user_id), (0, ZERO))
        of_team[member.team_id].append(MemberLine(member.user, cases, amount))
    teams = Team.objects.filter(project=project).active().select_related("leader")
    return [_line(team, of_team[team.pk], held) for team in teams]


def _line(team: Team, members: list[MemberLine], held: dict[tuple[int, int | None], tuple[int, Decimal]]) -> TeamLine:
    mine = {member: sums for (team_id, member), sums in held.items() if team_id == team.pk}
    present = {line.user.pk for line in members}
    return TeamLine(
        team=team,
        members=members,
        cases=sum(cases for cases, _amount in mine.values()),
        amount=sum((amount for _cases, amount in mine.values()), ZERO),
        stray=sum(cases for member, (cases, _amount) in mine.items() if member not in present),
    )


def _held(project: Project) -> dict[tuple[int, int | None], tuple[int, Decimal]]:
    """Open cases and CNY overdue by team and member."""
    rows = (
        Case.objects.filter(project=project, team__isnull=False)
        .open()
        .order_by()
        .values_list("team_id", "responsible_id")
        .annotate(Count("pk"), Sum("overdue"))
    )
    return {(team, member): (cases, amount) for team, member, cases, amount in rows}
