"""Teams: who belongs to which, who may answer for cases, and a proposal that mixes the posts (C3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from collection.models import Team, TeamMember
from company.audit import record
from company.models import Project, ProjectAccess, Role, User
from company.rights import RIGHTS, Right

# Who is dealt out when teams are proposed; a leader is taken from the first of these that a team has.
TEAM_ROLES = (Role.DEPARTMENT_HEAD, Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT)
USUAL_TEAM_SIZE = 5
NUMERALS = "一二三四五六七八九十"


class AlreadyInTeamError(Exception):
    """The person belongs to a team of the project; nobody belongs to two."""


class NameTakenError(Exception):
    """Another active team of the project has the name."""


@dataclass(frozen=True, slots=True)
class ProposedTeam:
    """The first member leads."""

    name: str
    members: tuple[User, ...]


def staff_of(project: Project, roles: Iterable[Role] = TEAM_ROLES) -> QuerySet[User]:
    """Active people who hold one of ``roles`` in the project, in the order of their posts."""
    live = ProjectAccess.objects.live().filter(project=project, role__in=sorted(roles))
    staff: QuerySet[User] = User.objects.active().filter(pk__in=live.values("user")).select_related("post")
    return staff.order_by(F("post__position").asc(nulls_last=True), "name", "pk")


def staff_without_team(project: Project) -> QuerySet[User]:
    """Active staff who could visit owners and belong to no team."""
    return staff_of(project).exclude(pk__in=TeamMember.objects.present().filter(project=project).values("user"))


def answering_members(project: Project) -> dict[int, list[int]]:
    """By active team the ids of members who may answer for cases: active, and with a role that logs contacts."""
    members: dict[int, list[int]] = {pk: [] for pk in project.teams.active().values_list("pk", flat=True)}
    allowed = ProjectAccess.objects.live().filter(project=project, role__in=sorted(RIGHTS[Right.LOG_CONTACTS]))
    present = TeamMember.objects.present().filter(team__in=members, user__is_active=True)
    for team_id, user_id in present.filter(user__in=allowed.values("user")).values_list("team_id", "user_id"):
        members[team_id].append(user_id)
    return members


def propose_teams(staff: Sequence[User], roles: dict[int, Role], count: int) -> list[ProposedTeam]:
    """Deal ``staff`` out to ``count`` teams, role by role, so that posts are mixed and sizes differ by one at most.

    ``roles`` gives each person's role by id. Deterministic; fewer teams where there are fewer people.
    """
    count = max(1, min(count, len(staff)))
    hands: list[list[User]] = [[] for _ in range(count)]
    order = sorted(staff, key=lambda user: (TEAM_ROLES.index(roles[user.pk]), user.name, user.pk))
    for index, user in enumerate(order):
        hands[index % count].append(user)
    return [ProposedTeam(team_name(index), tuple(hand)) for index, hand in enumerate(hands) if hand]


def usual_count(staff: Sequence[User], roles: dict[int, Role]) -> int:
    """A team for each department head, else one for every five people."""
    heads = sum(1 for user in staff if roles[user.pk] == Role.DEPARTMENT_HEAD)
    return heads or max(1, round(len(staff) / USUAL_TEAM_SIZE))


def team_roles(project: Project) -> dict[int, Role]:
    """By user id the first of TEAM_ROLES that the person holds in the project."""
    held: dict[int, set[str]] = defaultdict(set)
    live = ProjectAccess.objects.live().filter(project=project, role__in=sorted(TEAM_ROLES))
    for user_id, role in live.values_list("user_id", "role"):
        held[user_id].add(role)
    return {user_id: next(role for role in TEAM_ROLES if role in roles) for user_id, roles in held.items()}


def team_name(index: int) -> str:
    """一组, 二组, … 十组, 11组."""
    return f"{NUMERALS[index]}组" if index < len(NUMERALS) else f"{index + 1}组"


@transaction.atomic
def create_team(
    *, project: Project, name: str, members: Sequence[User], leader: User | None, by: User, today: date
) -> Team:
    """A new team. Raises NameTakenError or AlreadyInTeamError; nothing is written then."""
    last = Team.objects.filter(project=project).order_by("-position").values_list("position", flat=True).first()
    team = Team(project=project, name=name, leader=leader, position=(last or 0) + 1)
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise NameTakenError(name) from error
    for user in members:
        _join(team, user, today=today)
    record(action="teams.created", by=by, project=project, obj=team, name=name, members=[user.pk for user in members])
    return team


@transaction.atomic
def create_teams(proposed: Sequence[ProposedTeam], *, project: Project, by: User, today: date) -> list[Team]:
    """Carry out a proposal; names that are taken get the next number."""
    taken = set(Team.objects.filter(project=project, is_active=True).values_list("name", flat=True))
    free = (name for index in range(1000) if (name := team_name(index)) not in taken)
    return [
        create_team(
            project=project, name=next(free), members=team.members, leader=team.members[0], by=by, today=today
        )
        for team in proposed
    ]  # fmt: skip


@transaction.atomic
def move_member(*, project: Project, user: User, to: Team | None, by: User, today: date) -> None:
    """Take the person out of their team and into ``to``, or into none. What they answer for stays until reassigned."""
    present = TeamMember.objects.present().select_for_update().filter(project=project, user=user).first()
    if present and to and present.team_id == to.pk:
        return
    if present:
        present.left_on = today
        present.save(update_fields=["left_on"])
        Team.objects.filter(pk=present.team_id, leader=user).update(leader=None)
    if to:
        _join(to, user, today=today)
    source = present.team_id if present else None
    record(action="teams.member_moved", by=by, project=project, obj=user, source=source, target=to.pk if to else None)


@transaction.atomic
def set_leader(*, team: Team, leader_id: int, by: User) -> None:
    """Raises TeamMember.DoesNotExist where the person is not in the team."""
    team.leader = TeamMember.objects.present().select_related("user").get(team=team, user=leader_id).user
    team.save(update_fields=["leader"])
    record(action="teams.leader_set", by=by, project=team.project, obj=team, leader=leader_id)


class TeamHasCasesError(Exception):
    """A team that answers for open cases stays until they are reassigned."""


@transaction.atomic
def dissolve_team(*, team: Team, by: User, today: date) -> None:
    """End a team and its memberships. Raises TeamHasCasesError while it answers for open cases."""
    team = Team.objects.select_for_update().get(pk=team.pk)
    if team.cases.filter(state="open").exists():
        raise TeamHasCasesError(team)
    team.is_active = False
    team.leader = None
    team.save(update_fields=["is_active", "leader"])
    TeamMember.objects.present().filter(team=team).update(left_on=today)
    record(action="teams.dissolved", by=by, project=team.project, obj=team, name=team.name)


def _join(team: Team, user: User, *, today: date) -> None:
    try:
        with transaction.atomic():
            TeamMember.objects.create(team=team, project_id=team.project_id, user=user, joined_on=today)
    except IntegrityError as error:
        raise AlreadyInTeamError(user) from error
