"""A leaver's cases go to the rest of the team: proposed, changed by hand, confirmed, with history."""

import re
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from collection.assignment import TeamsChangedError, confirm, move
from collection.balancing import Item, balance
from collection.board import Board
from collection.leaving import NobodyLeftError, NothingToHandOverError, propose_handing_over
from collection.models import Assignment, AssignmentProposal, Case, Team
from company.models import Project, Role, User
from company.people import deactivate
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_case, create_project, create_team, create_user

D = Decimal


def item(case_id: int, *, building: int = 1, amount: str = "1000", holder: int | None = None) -> Item:
    return Item(case_id, building, "1", D(amount), D(5), holder)


class TestBalancingBesideWhatStands:
    def test_who_has_less_gets_more(self) -> None:
        standing = [item(n, building=n, holder=1) for n in range(100, 108)]
        taken = balance([item(n, building=n) for n in range(8)], [1, 2], standing=standing)
        assert list(taken.values()).count(2) == 8

    def test_a_building_goes_to_who_has_the_rest_of_it(self) -> None:
        standing = [
            item(100 + n, building=1 if holder == 1 else 2, holder=holder) for n, holder in enumerate([1, 2] * 10)
        ]
        taken = balance([item(1, building=2), item(2, building=1)], [1, 2], standing=standing)
        assert taken == {1: 2, 2: 1}

    def test_what_stands_is_never_moved_nor_lost(self) -> None:
        standing = [item(n, holder=1, amount="90000") for n in range(100, 103)]
        taken = balance([item(1), item(2)], [1, 2], standing=standing)
        assert taken.keys() == {1, 2}


class Crew:
    """A team of three; the first answers for six cases in two buildings, the others for two and for none."""

    def __init__(self) -> None:
        self.project = create_project()
        self.manager = create_user(name="沈静宜", project=self.project, role=Role.PROJECT_MANAGER)
        self.leaver, self.busy, self.idle = (
            create_user(name=name, project=self.project, role=Role.OFFICER) for name in ("王倩", "何思远", "李默")
        )
        self.team = create_team(project=self.project, name="一组", members=[self.leaver, self.busy, self.idle])
        for number in range(8):
            member = self.leaver if number < 6 else self.busy
            case = create_case(
                project=self.project, code=f"{number // 3 + 1}-1-{number + 1}01", team=self.team, responsible=member
            )
            Assignment.objects.create(
                project=self.project, case=case, team=self.team, member=member, starts_on=TODAY, assigned_at=NOW,
                assigned_by=self.manager,
            )  # fmt: skip

    def propose(self, **given: object) -> AssignmentProposal:
        return propose_handing_over(
            **{"team": self.team, "member": self.leaver, "by": self.manager, "today": TODAY, "now": NOW, **given}
        )

    def held(self, user: User) -> int:
        return Case.objects.open().filter(responsible=user).count()


@pytest.fixture
def crew(db: None) -> Crew:
    return Crew()


class TestProposal:
    def test_splits_the_leavers_cases_and_leaves_the_others_theirs(self, crew: Crew) -> None:
        draft = crew.propose()
        members = list(draft.entries.values_list("member", flat=True))
        assert len(members) == 8
        assert (members.count(crew.busy.pk), members.count(crew.idle.pk)) == (4, 4)
        before = dict(Case.objects.filter(responsible=crew.busy).values_list("pk", "responsible"))
        assert dict(draft.entries.filter(case__in=before).values_list("case", "member")) == before

    def test_changes_nothing_before_it_is_confirmed_and_keeps_history_after(self, crew: Crew) -> None:
        draft = crew.propose()
        assert crew.held(crew.leaver) == 6
        done = confirm(draft.pk, revision=0, by=crew.manager, today=TODAY, now=NOW)
        assert (done.handed_over, done.unchanged) == (6, 2)
        assert crew.held(crew.leaver) == 0
        ended = Assignment.objects.filter(member=crew.leaver, ends_on__isnull=False)
        assert ended.count() == 6
        assert Assignment.objects.filter(ends_on=None).count() == 8

    def test_its_arithmetic_leaves_the_leaver_out(self, crew: Crew) -> None:
        draft = crew.propose()
        board = Board(draft, team=crew.team)
        assert {column.name: column.load.number for column in board.columns} == {"何思远": 4, "李默": 4}
        assert all(column.load.number_ratio == 1 for column in board.columns)
        assert board.handed_over == 6

    def test_can_be_changed_by_hand_but_not_back_to_who_leaves(self, crew: Crew) -> None:
        draft = crew.propose()
        entry = draft.entries.filter(member=crew.idle).first()
        moved = {"case_ids": [entry.case_id], "source": crew.team.pk, "team_id": crew.team.pk}
        move(draft.pk, **moved, member_id=crew.busy.pk)
        assert draft.entries.filter(member=crew.busy).count() == 5
        with pytest.raises(TeamsChangedError):
            move(draft.pk, **moved, member_id=crew.leaver.pk)

    def test_of_somebody_deactivated_before(self, crew: Crew) -> None:
        User.objects.filter(pk=crew.leaver.pk).update(is_active=False)
        confirm(crew.propose().pk, revision=0, by=crew.manager, today=TODAY, now=NOW)
        assert crew.held(crew.leaver) == 0

    def test_takes_the_place_of_the_present_draft(self, crew: Crew) -> None:
        first, second = crew.propose(), crew.propose()
        assert AssignmentProposal.objects.get(state="draft") == second
        first.refresh_from_db()
        assert first.state == AssignmentProposal.State.DROPPED

    def test_with_nobody_left_or_nothing_held_it_is_refused(self, crew: Crew) -> None:
        with pytest.raises(NothingToHandOverError):
            crew.propose(member=crew.idle)
        User.objects.filter(pk__in=[crew.busy.pk, crew.idle.pk]).update(is_active=False)
        with pytest.raises(NobodyLeftError):
            crew.propose()
        assert not AssignmentProposal.objects.exists()

    def test_it_is_of_a_team_in_the_database(self, crew: Crew) -> None:
        with pytest.raises(IntegrityError, match="a_handing_over_is_of_a_team"), transaction.atomic():
            AssignmentProposal.objects.create(
                project=crew.project, member=crew.leaver, created_at=NOW, created_by=crew.manager
            )


class TestPages:
    @pytest.fixture
    def desk(self, crew: Crew) -> Desk:
        return Desk(crew.project, user=crew.manager)

    def test_deactivating_points_to_the_cases_first(self, crew: Crew, desk: Desk) -> None:
        person = desk.client.get(f"/people/{crew.leaver.pk}/").text
        assert f"/people/{crew.leaver.pk}/leave/" in person
        page = desk.client.get(f"/people/{crew.leaver.pk}/leave/").text
        assert "6 户" in page
        assert "600.00" in page
        assert desk.url("hand_over_cases", pk=crew.leaver.pk) in page
        assert "没有负责" in desk.client.get(f"/people/{crew.idle.pk}/leave/").text

    def test_from_the_page_to_the_board_to_confirmed(self, crew: Crew, desk: Desk) -> None:
        assert "一组" in desk.get("hand_over_cases", pk=crew.leaver.pk).text
        response = desk.post("hand_over_cases", {"team": crew.team.pk}, pk=crew.leaver.pk)
        assert response["Location"] == desk.url("assignment")
        board = desk.get("assignment").text
        assert "移交王倩的欠费户" in board
        assert "何思远" in board
        draft = AssignmentProposal.objects.get(state="draft")
        desk.post("assignment_confirm", {"revision": draft.revision}, pk=draft.pk)
        assert crew.held(crew.leaver) == 0
        assert "没有负责" in desk.client.get(f"/people/{crew.leaver.pk}/leave/").text

    def test_computing_again_stays_a_handing_over(self, crew: Crew, desk: Desk) -> None:
        desk.post("hand_over_cases", {"team": crew.team.pk}, pk=crew.leaver.pk)
        board = desk.get("assignment").text
        assert re.search(rf'action="{desk.url("hand_over_cases", pk=crew.leaver.pk)}"[^>]*>.*?name="team"', board, re.S)

    def test_a_head_does_not_replace_the_managers_handing_over(self, crew: Crew) -> None:
        head = Desk(crew.project, Role.DEPARTMENT_HEAD, name="韩志远")
        crew.team.members.create(project=crew.project, user=head.user, joined_on=TODAY)
        draft = crew.propose()
        assert "项目经理已有一份草稿" in said(head.post("assignment_propose"))
        assert AssignmentProposal.objects.get(state="draft") == draft
        assert head.post("hand_over_cases", {"team": crew.team.pk}, pk=crew.leaver.pk).status_code == 403

    def test_with_nobody_left_it_says_so(self, crew: Crew, desk: Desk) -> None:
        User.objects.filter(pk__in=[crew.busy.pk, crew.idle.pk]).update(is_active=False)
        assert "没有其他人" in said(desk.post("hand_over_cases", {"team": crew.team.pk}, pk=crew.leaver.pk))

    @pytest.mark.parametrize("team", ["", "abc", "0", "9" * 30])
    def test_a_team_that_is_not_there(self, crew: Crew, desk: Desk, team: str) -> None:
        assert "没有负责" in said(desk.post("hand_over_cases", {"team": team}, pk=crew.leaver.pk))

    def test_somebody_deactivated_with_cases_can_still_be_handed_over(self, crew: Crew, desk: Desk) -> None:
        deactivate(person=crew.leaver, by=crew.manager, now=NOW.now(NOW.tzinfo))
        for page in ("assignment", "teams"):
            assert desk.url("hand_over_cases", pk=crew.leaver.pk) in desk.get(page).text
        assert desk.get("hand_over_cases", pk=crew.leaver.pk).status_code == 200

    def test_who_left_the_team_too_is_still_pointed_to(self, crew: Crew, desk: Desk) -> None:
        deactivate(person=crew.leaver, by=crew.manager, now=NOW.now(NOW.tzinfo))
        crew.team.members.filter(user=crew.leaver).update(left_on=TODAY)
        assert "移交王倩的欠费户" in desk.get("assignment").text
        desk.post("hand_over_cases", {"team": crew.team.pk}, pk=crew.leaver.pk)
        assert Board(AssignmentProposal.objects.get(state="draft"), team=crew.team).handed_over == 6

    def test_an_administrator_sees_numbers_and_is_sent_to_the_project_manager(self, crew: Crew) -> None:
        admin = Desk(crew.project, Role.SYSTEM_ADMIN, name="管理员")
        page = admin.client.get(f"/people/{crew.leaver.pk}/leave/").text
        assert "6 户" in page
        assert "由该项目经理移交" in page
        assert "600.00" not in page

    def test_a_manager_of_another_project_sees_nothing(self, crew: Crew) -> None:
        other: Project = create_project()
        stranger = Desk(other)
        assert stranger.client.get(f"/people/{crew.leaver.pk}/leave/").status_code == 404
        assert stranger.get("hand_over_cases", pk=crew.leaver.pk).status_code == 404
        foreign: Team = create_team(project=other)
        desk = Desk(crew.project, user=crew.manager)
        desk.post("hand_over_cases", {"team": foreign.pk}, pk=crew.leaver.pk)
        assert not AssignmentProposal.objects.exists()
