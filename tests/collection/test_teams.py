"""Teams: proposals mix the posts, nobody is in two, history stays."""

import pytest
from django.db import IntegrityError, transaction

from collection import teams
from collection.models import Team, TeamMember
from collection.teams import (
    AlreadyInTeamError,
    NameTakenError,
    TeamHasCasesError,
    answering_members,
    create_teams,
    dissolve_team,
    move_member,
    propose_teams,
    set_leader,
    staff_without_team,
    team_roles,
    usual_count,
)
from company.models import AuditEvent, Project, Role, User
from tests.factories import TODAY, create_case, create_project, create_team, create_user, give_role

MIX = [Role.DEPARTMENT_HEAD, Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT]


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


def staff(project: Project, counts: dict[Role, int]) -> list[User]:
    return [
        create_user(name=f"{role}{n}", project=project, role=role)
        for role, count in counts.items()
        for n in range(count)
    ]


class TestProposal:
    def test_posts_are_mixed_and_sizes_alike(self, project: Project) -> None:
        staff(project, {Role.DEPARTMENT_HEAD: 3, Role.OFFICER: 4, Role.HOUSEKEEPER: 5, Role.ASSISTANT: 2})
        roles = team_roles(project)
        proposed = propose_teams(list(staff_without_team(project)), roles, 3)
        assert [team.name for team in proposed] == ["一组", "二组", "三组"]
        assert sorted(len(team.members) for team in proposed) == [4, 5, 5]
        for role, at_most in ((Role.DEPARTMENT_HEAD, 1), (Role.OFFICER, 2), (Role.HOUSEKEEPER, 2), (Role.ASSISTANT, 1)):
            assert max(sum(roles[user.pk] == role for user in team.members) for team in proposed) <= at_most
        assert {roles[team.members[0].pk] for team in proposed} == {Role.DEPARTMENT_HEAD}

    def test_nobody_is_lost_or_doubled(self, project: Project) -> None:
        people = staff(project, {Role.OFFICER: 7, Role.ASSISTANT: 4})
        proposed = propose_teams(people, team_roles(project), 4)
        assert sorted(user.pk for team in proposed for user in team.members) == sorted(user.pk for user in people)

    def test_never_more_teams_than_people(self, project: Project) -> None:
        assert len(propose_teams(staff(project, {Role.OFFICER: 2}), team_roles(project), 9)) == 2

    def test_usually_a_team_for_each_department_head(self, project: Project) -> None:
        people = staff(project, {Role.DEPARTMENT_HEAD: 2, Role.OFFICER: 9})
        assert usual_count(people, team_roles(project)) == 2
        assert usual_count(people[2:], team_roles(project)) == 2

    def test_carried_out_beside_teams_that_exist(self, project: Project, manager: User) -> None:
        create_team(project=project, name="一组")
        people = staff(project, {Role.OFFICER: 2})
        made = create_teams(propose_teams(people, team_roles(project), 2), project=project, by=manager, today=TODAY)
        assert [team.name for team in made] == ["二组", "三组"]
        assert [team.leader for team in made] == people

    def test_staff_without_team_are_active_and_of_the_field(self, project: Project) -> None:
        free, taken, gone = staff(project, {Role.OFFICER: 3})
        create_team(project=project, members=[taken])
        User.objects.filter(pk=gone.pk).update(is_active=False)
        create_user(project=project, role=Role.FINANCE)
        create_user(project=create_project(), role=Role.OFFICER)
        assert list(staff_without_team(project)) == [free]


class TestMembers:
    def test_a_move_keeps_history_and_takes_the_lead_away(self, project: Project, manager: User) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        first = create_team(project=project, members=[officer], leader=officer)
        second = create_team(project=project)
        move_member(project=project, user=officer, to=second, by=manager, today=TODAY)
        assert list(TeamMember.objects.values_list("team", "left_on")) == [(first.pk, TODAY), (second.pk, None)]
        first.refresh_from_db()
        assert first.leader is None
        assert AuditEvent.objects.get().detail == {"source": first.pk, "target": second.pk}

    def test_a_move_to_where_one_is_changes_nothing(self, project: Project, manager: User) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        team = create_team(project=project, members=[officer])
        move_member(project=project, user=officer, to=team, by=manager, today=TODAY)
        assert TeamMember.objects.count() == 1
        assert not AuditEvent.objects.exists()

    def test_only_a_member_leads(self, project: Project, manager: User) -> None:
        officer, stranger = staff(project, {Role.OFFICER: 2})
        team = create_team(project=project, members=[officer])
        set_leader(team=team, leader_id=officer.pk, by=manager)
        with pytest.raises(TeamMember.DoesNotExist):
            set_leader(team=team, leader_id=stranger.pk, by=manager)
        assert Team.objects.get().leader == officer

    def test_nobody_joins_a_second_team(self, project: Project, manager: User) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        create_team(project=project, members=[officer])
        with pytest.raises(AlreadyInTeamError):
            teams.create_team(project=project, name="新组", members=[officer], leader=None, by=manager, today=TODAY)
        assert Team.objects.count() == 1

    def test_names_are_given_once(self, project: Project, manager: User) -> None:
        create_team(project=project, name="一组")
        with pytest.raises(NameTakenError):
            teams.create_team(project=project, name="一组", members=[], leader=None, by=manager, today=TODAY)

    def test_who_may_answer_for_cases(self, project: Project) -> None:
        officer, left, inactive = staff(project, {Role.OFFICER: 3})
        finance = create_user(project=project, role=Role.FINANCE)
        elsewhere = create_user(project=create_project(), role=Role.OFFICER)
        team = create_team(project=project, members=[officer, left, inactive, finance, elsewhere])
        dissolved = create_team(project=project, is_active=False)
        TeamMember.objects.filter(user=left).update(left_on=TODAY)
        User.objects.filter(pk=inactive.pk).update(is_active=False)
        assert answering_members(project) == {team.pk: [officer.pk]}
        assert dissolved.pk not in answering_members(project)

    def test_a_team_with_open_cases_stays(self, project: Project, manager: User) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        team = create_team(project=project, members=[officer], leader=officer)
        case = create_case(project=project, team=team)
        with pytest.raises(TeamHasCasesError):
            dissolve_team(team=team, by=manager, today=TODAY)
        case.team = None
        case.save()
        dissolve_team(team=team, by=manager, today=TODAY)
        team.refresh_from_db()
        assert (team.is_active, team.leader) == (False, None)
        assert list(staff_without_team(project)) == [officer]


class TestConstraints:
    def test_one_team_a_person(self, project: Project) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        create_team(project=project, members=[officer])
        with pytest.raises(IntegrityError, match="one_team_a_person"), transaction.atomic():
            create_team(project=project, members=[officer])

    def test_a_person_may_be_in_teams_of_two_projects(self, project: Project) -> None:
        (officer,) = staff(project, {Role.OFFICER: 1})
        other = create_project()
        give_role(user=officer, role=Role.OFFICER, project=other)
        teams = {create_team(project=place, members=[officer]) for place in (project, other)}
        assert {membership.team for membership in officer.team_memberships.all()} == teams

    def test_team_name_unique_while_active(self, project: Project) -> None:
        create_team(project=project, name="一组", is_active=False)
        create_team(project=project, name="一组")
        with pytest.raises(IntegrityError, match="team_name_unique"), transaction.atomic():
            create_team(project=project, name="一组")
