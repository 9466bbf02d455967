"""The assignment board in the browser: moved, confirmed once, and within the own team for its head."""

import re

import pytest

from collection.assignment import confirm, move, propose
from collection.models import Assignment, AssignmentProposal, Case, Team, TeamMember
from company.models import Project, Role, User
from tests.collection.desk import Desk, said
from tests.factories import (
    NOW,
    TODAY,
    create_case,
    create_officer,
    create_payment,
    create_project,
    create_team,
    create_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project)


class TestAssignment:
    @pytest.fixture
    def teams(self, project: Project) -> list[Team]:
        teams = []
        for name in ("一组", "二组"):
            members = [create_officer(project=project, name=f"{name}{n}") for n in "甲乙"]
            teams.append(create_team(project=project, name=name, members=members, leader=members[0]))
        for building in (1, 2):
            for room in range(4):
                create_case(project=project, code=f"{building}-1-{room + 1}01")
        return teams

    @pytest.fixture
    def draft(self, desk: Desk, teams: list[Team]) -> AssignmentProposal:
        return propose(desk.project, by=desk.user, today=TODAY, now=NOW)

    def place(self, draft: AssignmentProposal) -> tuple[Team, int]:
        entry = draft.entries.select_related("team", "case__account__unit").first()
        return entry.team, entry.case.account.unit.building_id

    def test_from_no_draft_to_a_confirmed_one(self, desk: Desk, teams: list[Team]) -> None:
        assert "8 户还没有分派" in desk.get("assignment").text
        desk.post("assignment_propose")
        draft = AssignmentProposal.objects.get()
        page = desk.get("assignment").text
        assert "怎么算的" in page
        assert "30% × 户数比" in page
        response = desk.post("assignment_confirm", {"revision": draft.revision}, pk=draft.pk)
        assert "8 户换了责任人" in said(response)
        assert Assignment.objects.count() == 8
        assert "现行分派" in desk.get("assignment").text

    def test_cases_of_somebody_deactivated_are_pointed_out_until_handed_over(
        self, desk: Desk, teams: list[Team], draft: AssignmentProposal
    ) -> None:
        confirm(draft.pk, by=desk.user, today=TODAY, now=NOW, revision=draft.revision)
        assert "已停用" not in desk.get("assignment").text
        gone = User.objects.get(name="一组乙")
        number = Case.objects.filter(responsible=gone).count()
        User.objects.filter(pk=gone.pk).update(is_active=False)
        page = desk.get("assignment").text
        assert f"还有 {number} 户由已停用的人员负责" in page
        assert "已停用</span>" in page
        anew = propose(desk.project, by=desk.user, today=TODAY, now=NOW)
        confirm(anew.pk, by=desk.user, today=TODAY, now=NOW, revision=anew.revision)
        assert "由已停用的人员负责" not in desk.get("assignment").text

    def test_a_card_is_moved_and_loads_change_at_once(self, desk: Desk, draft: AssignmentProposal) -> None:
        team, building = self.place(draft)
        other = Team.objects.exclude(pk=team.pk).get()
        desk.post("assignment_move", {"to": other.pk}, team=team.pk, building=building)
        columns = {column.holder_id: column for column in desk.get("assignment").context_data["board"].columns}
        assert (columns[team.pk].load.number, columns[other.pk].load.number) == (0, 8)
        assert columns[other.pk].load.number_ratio == 2

    def test_a_member_takes_over(self, desk: Desk, draft: AssignmentProposal) -> None:
        entry = draft.entries.select_related("case__account__unit").first()
        colleague = TeamMember.objects.filter(team=entry.team).exclude(user=entry.member).get().user
        building = entry.case.account.unit.building_id
        data = {"member": entry.member_id, "to": colleague.pk}
        response = desk.post("assignment_move", data, team=entry.team_id, building=building)
        assert response["Location"].endswith(f"?team={entry.team_id}")
        assert set(draft.entries.filter(team=entry.team).values_list("member", flat=True)) == {colleague.pk}

    def test_single_cases_are_moved(self, desk: Desk, draft: AssignmentProposal) -> None:
        team, building = self.place(draft)
        other = Team.objects.exclude(pk=team.pk).get()
        page = desk.get("assignment_card", team=team.pk, building=building).text
        cases = re.findall(r'name="case" value="(\d+)"', page)
        assert len(cases) == 4
        desk.post("assignment_move", {"some": "1", "to": other.pk, "case": cases[:1]}, team=team.pk, building=building)
        assert draft.entries.filter(team=other).count() == 5

    def test_nothing_ticked_moves_nothing(self, desk: Desk, draft: AssignmentProposal) -> None:
        team, building = self.place(draft)
        response = desk.post("assignment_move", {"some": "1", "to": team.pk}, team=team.pk, building=building)
        assert "没有移动" in said(response)

    @pytest.mark.parametrize("case", ["x", "²", "9" * 30])
    def test_a_case_that_cannot_be_read_does_not_move_the_whole_card(
        self, desk: Desk, draft: AssignmentProposal, case: str
    ) -> None:
        team, building = self.place(draft)
        other = Team.objects.exclude(pk=team.pk).get()
        response = desk.post("assignment_move", {"to": other.pk, "case": case}, team=team.pk, building=building)
        assert "没有移动" in said(response)
        assert draft.entries.filter(team=team).count() == 4

    def test_a_card_that_is_gone(self, desk: Desk, draft: AssignmentProposal) -> None:
        team, building = self.place(draft)
        other = Team.objects.exclude(pk=team.pk).get()
        for _ in range(2):
            response = desk.post("assignment_move", {"to": other.pk}, team=team.pk, building=building)
        assert "已不在原处" in said(response)

    def test_the_second_to_confirm_is_told_who_was_first(self, desk: Desk, draft: AssignmentProposal) -> None:
        colleague = Desk(desk.project, name="方振华")
        colleague.post("assignment_confirm", {"revision": 0}, pk=draft.pk)
        response = desk.post("assignment_confirm", {"revision": 0}, pk=draft.pk)
        assert re.search("方振华已在 .+ 确认了这份分派", said(response))
        assert Assignment.objects.count() == 8

    def test_moves_since_the_page_was_opened_refuse_it(self, desk: Desk, draft: AssignmentProposal) -> None:
        entry = draft.entries.first()
        other = Team.objects.exclude(pk=entry.team_id).get()
        move(draft.pk, case_ids=[entry.case_id], source=entry.team_id, team_id=other.pk)
        response = desk.post("assignment_confirm", {"revision": 0}, pk=draft.pk)
        assert "有人移动过" in said(response)
        assert not Assignment.objects.exists()

    def test_a_case_closed_meanwhile_is_named(self, desk: Desk, draft: AssignmentProposal) -> None:
        create_payment(account=Case.objects.get(account__unit__code="1-1-101").account)
        Case.objects.filter(account__unit__code="1-1-101").update(
            state=Case.State.CLOSED, closed_on=TODAY, overdue=0, oldest_due_on=None
        )
        assert "1-1-101" in desk.get("assignment").text
        assert "1-1-101" in said(desk.post("assignment_confirm", {"revision": 0}, pk=draft.pk))

    def test_a_draft_is_dropped(self, desk: Desk, draft: AssignmentProposal) -> None:
        assert "草稿已放弃" in said(desk.post("assignment_drop"))
        draft.refresh_from_db()
        assert draft.state == AssignmentProposal.State.DROPPED

    def test_without_a_team_one_is_sent_to_set_one_up(self, desk: Desk) -> None:
        assert desk.post("assignment_propose")["Location"] == desk.url("teams")


class TestDepartmentHead:
    """Proposes within the own team, sees no other, and does not confirm."""

    @pytest.fixture
    def head(self, project: Project) -> Desk:
        return Desk(project, Role.DEPARTMENT_HEAD, name="韩志远")

    @pytest.fixture
    def teams(self, project: Project, head: Desk) -> list[Team]:
        own = create_team(project=project, name="一组", members=[head.user, create_officer(project=project)])
        other = create_team(project=project, name="二组", members=[create_officer(project=project, name="何思远")])
        for room in range(6):
            create_case(project=project, code=f"{room // 3 + 1}-1-{room + 1}01")
        draft = propose(project, by=head.user, today=TODAY, now=NOW)
        confirm(draft.pk, revision=0, by=create_user(), today=TODAY, now=NOW)
        return [own, other]

    def test_sees_the_own_team_only(self, head: Desk, teams: list[Team]) -> None:
        page = head.get("assignment").text
        assert "一组" in page
        assert "何思远" not in page
        head.post("assignment_propose")
        assert "何思远" not in head.get("assignment", f"?team={teams[1].pk}").text

    def test_proposes_for_the_own_team(self, head: Desk, teams: list[Team]) -> None:
        head.post("assignment_propose")
        draft = AssignmentProposal.objects.get(state="draft")
        assert draft.team == teams[0]
        assert set(draft.entries.values_list("team", flat=True)) == {teams[0].pk}
        assert head.post("assignment_confirm", {"revision": 0}, pk=draft.pk).status_code == 403

    def test_does_not_replace_the_managers_draft(self, head: Desk, teams: list[Team]) -> None:
        draft = propose(head.project, by=create_user(), today=TODAY, now=NOW)
        assert "项目经理已有一份草稿" in said(head.post("assignment_propose"))
        draft.refresh_from_db()
        assert draft.state == AssignmentProposal.State.DRAFT

    def test_cannot_reach_into_another_team(self, head: Desk, teams: list[Team]) -> None:
        draft = propose(head.project, by=create_user(), today=TODAY, now=NOW)
        entry = draft.entries.filter(team=teams[1]).select_related("case__account__unit").first()
        building = entry.case.account.unit.building_id
        for answer in (
            head.get("assignment_card", team=teams[1].pk, building=building),
            head.post("assignment_move", {"to": teams[0].pk}, team=teams[1].pk, building=building),
        ):
            assert answer.status_code == 404
        own = draft.entries.filter(team=teams[0]).select_related("case__account__unit").first()
        building = own.case.account.unit.building_id
        head.post("assignment_move", {"to": teams[1].pk}, team=teams[0].pk, building=building)
        own.refresh_from_db()
        assert own.team == teams[0]

    def test_without_a_team_there_is_nothing(self, head: Desk) -> None:
        assert "您还未入组" in head.get("assignment").text
        assert "不在任何小组" in said(head.post("assignment_propose"))
