"""Pages of campaign, teams, assignment and letters: what people see when it works, and when it does not."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.verification import verify
from collection.assignment import confirm, move, propose
from collection.models import Assignment, AssignmentProposal, Campaign, Case, OwnerRequest, Stage, Team, TeamMember
from company.models import Project, Role
from notices.models import Batch, Notice
from tests.factories import (
    NOW,
    TODAY,
    create_campaign,
    create_case,
    create_debtor,
    create_letter_project,
    create_officer,
    create_payment,
    create_project,
    create_team,
    create_user,
)

pytestmark = pytest.mark.django_db


class Desk:
    """A person signed in to a project, and what the pages answer."""

    def __init__(self, project: Project, role: Role = Role.PROJECT_MANAGER, name: str = "沈静宜") -> None:
        self.project = project
        self.user = create_user(name=name, project=project, role=role)
        self.client = Client()
        self.client.force_login(self.user)

    def url(self, page: str, **kwargs: object) -> str:
        return reverse(f"collection:{page}", kwargs={"project_code": self.project.code, **kwargs})

    def get(self, page: str, query: str = "", **kwargs: object) -> HttpResponse:
        return self.client.get(self.url(page, **kwargs) + query)

    def post(self, page: str, data: dict[str, object] | None = None, **kwargs: object) -> HttpResponse:
        return self.client.post(self.url(page, **kwargs), data or {})


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project)


DATES = {
    "name": "2025年四季度集中催缴", "starts_on": "2025-11-01", "ends_on": "2025-12-31",
    "target_residential_property": "90", "due_template_ready": "2025-11-15", "due_letters_sent": "2025-12-05",
    "due_litigation_prepared": "2025-12-20",
}  # fmt: skip


class TestCampaign:
    def test_planned_started_and_closed(self, desk: Desk) -> None:
        assert "还没有集中催缴" in desk.get("campaign").text
        response = desk.post("campaign_new", DATES)
        campaign = Campaign.objects.get()
        assert response["Location"] == desk.url("campaign_detail", pk=campaign.pk)
        for to in ("running", "closed"):
            desk.post("campaign_state", {"to": to}, pk=campaign.pk)
            campaign.refresh_from_db()
            assert campaign.state == to
        assert "律师函全部发出" in desk.get("campaign").text

    def test_contradicting_dates_are_pointed_out_and_what_was_typed_stays(self, desk: Desk) -> None:
        wrong = DATES | {"due_template_ready": "2025-12-06"}
        page = desk.post("campaign_new", wrong).text
        assert "晚于需要它的律师函" in page
        assert 'value="2025-12-06"' in page
        assert not Campaign.objects.exists()
        desk.post("campaign_new", wrong | {"contradiction_reason": "律所要求"})
        assert Campaign.objects.get().contradiction_reason == "律所要求"

    @pytest.mark.parametrize(
        "wrong",
        [{"ends_on": "2025-11-01"}, {"ends_on": "31.12.2025"}, {"target_residential_property": ""},
         {"target_residential_property": "101"}, {"period_from": "2025-02-01", "period_until": "2025-01-31"}],
    )  # fmt: skip
    def test_bad_input_is_refused(self, desk: Desk, wrong: dict[str, str]) -> None:
        response = desk.post("campaign_new", DATES | wrong)
        assert response.status_code == 200
        assert response.context_data["form"].errors
        assert not Campaign.objects.exists()

    def test_a_second_running_one_is_refused(self, desk: Desk) -> None:
        create_campaign(project=desk.project)
        planned = create_campaign(project=desk.project, state=Campaign.State.PLANNED)
        assert "另有集中催缴进行中" in said(desk.post("campaign_state", {"to": "running"}, pk=planned.pk))

    def test_a_leader_reads_only(self, project: Project) -> None:
        create_campaign(project=project)
        leader = Desk(project, Role.COMPANY_LEADER)
        page = leader.get("campaign").text
        assert "2025年四季度集中催缴" in page
        assert leader.url("campaign_new") not in page


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

    def test_a_team_with_cases_stays(self, desk: Desk) -> None:
        team = create_team(project=desk.project, members=[create_officer(project=desk.project)])
        create_case(project=desk.project, team=team)
        assert "还有未结清的欠费户" in said(desk.post("team_dissolve", pk=team.pk))


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


class TestLetters:
    @pytest.fixture
    def office(self) -> Desk:
        return Desk(create_letter_project(), Role.NOTICE_ADMIN, name="苏若楠")

    def debtor(self, office: Desk, **fields: object) -> Case:
        account = create_debtor(project=office.project, months=2, verified=False)
        verify([account], by=office.user, now=timezone.now(), looked_up=True)
        return create_case(account=account, today=timezone.localdate(), **fields)

    def order(self, **fields: object) -> dict[str, object]:
        deadline = timezone.localdate() + dt.timedelta(days=21)
        return {
            "kind": "lawyer_letter", "occasion": "2025-11", "deadline_on": deadline.isoformat(), "act": "check"
        } | fields  # fmt: skip

    def test_chosen_checked_and_confirmed(self, office: Desk) -> None:
        cases = [self.debtor(office, stage=Stage.LEGAL) for _ in range(2)]
        self.debtor(office)
        page = office.get("letters_new", "?stage=legal")
        assert page.context_data["number"] == 2
        checked = office.post("letters_new", self.order(stage="legal"))
        assert len(checked.context_data["preview"].included) == 2
        assert not Batch.objects.exists()
        ids = checked.context_data["case_ids"]
        response = office.post("letters_new", self.order(cases=ids, act="confirm"))
        batch = Batch.objects.get()
        assert response["Location"] == f"/p/{office.project.code}/notices/batches/{batch.pk}/"
        assert set(batch.notices.values_list("account", flat=True)) == {case.account_id for case in cases}

    def test_confirming_twice_issues_once(self, office: Desk) -> None:
        case = self.debtor(office)
        order = self.order(cases=str(case.pk), act="confirm")
        office.post("letters_new", order)
        assert "没有可发的欠费户" in office.post("letters_new", order).text
        assert Notice.objects.count() == 1

    def test_held_cases_are_left_out_with_the_reason(self, office: Desk) -> None:
        asking, claiming, free = (self.debtor(office) for _ in range(3))
        OwnerRequest.objects.create(
            project=office.project, case=asking, kind="repair", text="渗水", created_at=timezone.now(),
            created_by=office.user,
        )  # fmt: skip
        Case.objects.filter(pk=claiming.pk).update(claims_paid=True)
        ids = ",".join(str(case.pk) for case in (asking, claiming, free))
        preview = office.post("letters_new", self.order(cases=ids)).context_data["preview"]
        assert [entry.facts.account_id for entry in preview.included] == [free.account_id]
        held = {out.account_id: out.detail for out in preview.left_out}
        assert held.keys() == {asking.account_id, claiming.account_id}
        assert all(held.values())
        office.post("letters_new", self.order(cases=ids, act="confirm"))
        assert [notice.account_id for notice in Notice.objects.all()] == [free.account_id]

    def test_who_is_not_verified_can_be_verified_on_the_spot(self, office: Desk) -> None:
        account = create_debtor(project=office.project, verified=False)
        case = create_case(account=account, today=timezone.localdate())
        order = self.order(cases=str(case.pk))
        assert not office.post("letters_new", order).context_data["preview"].included
        again = office.post("letters_new", order | {"act": "verify", "looked_up": "1"})
        assert len(again.context_data["preview"].included) == 1

    def test_boxes_ticked_in_a_list_choose(self, office: Desk) -> None:
        cases = [self.debtor(office) for _ in range(3)]
        page = office.get("letters_new", f"?case={cases[0].pk}&case={cases[2].pk}")
        assert page.context_data["number"] == 2

    def test_another_projects_cases_are_not_found(self, office: Desk) -> None:
        foreign = create_case()
        page = office.post("letters_new", self.order(cases=str(foreign.pk), act="confirm"))
        assert page.context_data["number"] == 0
        assert not Batch.objects.exists()

    @pytest.mark.parametrize("cases", ["1,x", "9" * 20, "-1"])
    def test_a_list_that_cannot_be_read(self, office: Desk, cases: str) -> None:
        assert "读不出来" in office.get("letters_new", f"?cases={cases}").text

    def test_what_is_missing_is_said(self) -> None:
        office = Desk(create_project(), Role.NOTICE_ADMIN)
        case = create_case(project=office.project)
        checked = office.post("letters_new", self.order(cases=str(case.pk)))
        assert checked.context_data["preview"].faults
        assert office.post("letters_new", self.order(cases=str(case.pk), act="confirm")).status_code == 200
        assert not Batch.objects.exists()


@pytest.mark.parametrize("page", ["campaign", "teams", "assignment", "letters_new"])
def test_a_list_costs_the_same_queries_for_more_rows(page: str, django_assert_max_num_queries: Callable) -> None:
    def cost(number: int) -> int:
        project = create_project()
        desk = Desk(project)
        create_campaign(project=project)
        for _ in range(number):
            create_team(project=project, members=[create_officer(project=project)])
            create_case(project=project)
        propose(project, by=desk.user, today=TODAY, now=NOW)
        desk.get(page)
        with django_assert_max_num_queries(60) as counted:
            desk.get(page)
        return len(counted)

    assert cost(3) == cost(10)
