"""Pages of the teams."""

import datetime as dt
import re

import pytest

from collection import teams as crew
from collection.models import Team, TeamMember
from company.models import Project, User
from tests.collection.desk import Desk, said
from tests.factories import create_case, create_officer, create_project, create_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project)


class TestTeams:
    def test_proposed_and_set_up(self, desk: Desk) -> None:
        people = [create_officer(project=desk.project, name=name) for name in "甲乙丙丁"]
        page = desk.get("teams_propose", "?count=2").text
        members = re.findall(r'name="member" value="(\d+)"', page)
        assert sorted(map(int, members)) == sorted(person.pk for person in people)
        desk.post("teams_propose", {"count": "2", "member": members})
        assert sorted(team.members.count() for team in Team.objects.all()) == [2, 2]
        assert "2 个小组" in desk.get("teams").text

    def test_a_proposal_that_is_outdated_is_shown_again(self, desk: Desk) -> None:
        create_officer(project=desk.project)
        response = desk.post("teams_propose", {"count": "1", "member": ["999"]})
        assert "人员刚有变动" in said(response)
        assert not Team.objects.exists()

    def test_members_are_moved_and_teams_named(self, desk: Desk) -> None:
        officer = create_officer(project=desk.project)
        desk.post("team_new", {"name": "一组"})
        team = Team.objects.get()
        desk.post("team_member", {"team": team.pk}, pk=officer.pk)
        desk.post("team_leader", {"leader": officer.pk}, pk=team.pk)
        team.refresh_from_db()
        assert team.leader == officer
        desk.post("team_member", {"team": ""}, pk=officer.pk)
        assert not TeamMember.objects.present().exists()

    def test_a_name_that_is_taken(self, desk: Desk) -> None:
        create_team(project=desk.project, name="一组")
        assert "已有同名小组" in desk.post("team_new", {"name": "一组"}).text

    def test_another_projects_team_is_no_target(self, desk: Desk) -> None:
        officer, foreign = create_officer(project=desk.project), create_team(project=create_project())
        assert desk.post("team_member", {"team": foreign.pk}, pk=officer.pk).status_code == 404

    def test_only_a_member_leads(self, desk: Desk) -> None:
        team = create_team(project=desk.project)
        assert "只有本组组员" in said(desk.post("team_leader", {"leader": desk.user.pk}, pk=team.pk))

    @pytest.mark.parametrize("leader", ["999999", "x", "", "9" * 30])
    def test_nobody_leads_instead_of_who_is_not_there(self, desk: Desk, leader: str) -> None:
        team = create_team(project=desk.project, members=[desk.user])
        assert "只有本组组员" in said(desk.post("team_leader", {"leader": leader}, pk=team.pk))
        team.refresh_from_db()
        assert team.leader is None

    def test_a_person_who_was_just_put_into_another_team(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        officer, team = create_officer(project=desk.project), create_team(project=desk.project)
        first = create_team(project=desk.project)

        def somebody_was_faster(joined: Team, user: User, *, today: dt.date) -> None:
            if joined == team:
                first.members.create(project=desk.project, user=user, joined_on=today)
            join(joined, user, today=today)

        join = crew._join
        monkeypatch.setattr(crew, "_join", somebody_was_faster)
        assert "人员刚有变动" in said(desk.post("team_member", {"team": team.pk}, pk=officer.pk))

    def test_a_team_with_cases_stays(self, desk: Desk) -> None:
        team = create_team(project=desk.project, members=[create_officer(project=desk.project)])
        create_case(project=desk.project, team=team)
        assert "还有未结清的欠费户" in said(desk.post("team_dissolve", pk=team.pk))
