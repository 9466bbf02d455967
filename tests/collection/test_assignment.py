"""A proposal is computed, changed by hand, and confirmed once."""

import datetime as dt
from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from collection.assignment import (
    ChangedMeanwhileError,
    Confirmation,
    NotADraftError,
    NoTeamsError,
    NothingThereError,
    TeamsChangedError,
    drop,
    move,
    propose,
    reassign,
)
from collection.board import Board
from collection.following import follow_ledger
from collection.models import Assignment, AssignmentProposal, Case, ProposedAssignment, Team, TeamMember
from company.models import AuditEvent, Notification
from tests.collection.estate import Estate
from tests.factories import NOW, TODAY, create_case, create_payment, create_project, create_team, create_user

DAY = dt.timedelta(days=1)
Draft = AssignmentProposal


@pytest.fixture
def estate(db: None) -> Estate:
    return Estate()


class TestProposing:
    def test_every_open_case_has_one_team_and_member(self, estate: Estate) -> None:
        draft = estate.propose()
        assert sorted(draft.entries.values_list("case", flat=True)) == sorted(Case.objects.values_list("pk", flat=True))
        assert Counter(draft.entries.values_list("team", flat=True)) == {team.pk: 10 for team in estate.teams}
        assert set(Counter(draft.entries.values_list("member", flat=True)).values()) == {5}
        assert not Board(draft).split_buildings
        assert not Assignment.objects.exists()  # nothing counts before it is confirmed

    def test_members_belong_to_the_team_of_the_entry(self, estate: Estate) -> None:
        for team_id, member_id in estate.propose().entries.values_list("team", "member"):
            assert TeamMember.objects.filter(team=team_id, user=member_id).exists()

    def test_replaces_the_draft_before(self, estate: Estate) -> None:
        first, second = estate.propose(), estate.propose()
        first.refresh_from_db()
        assert (first.state, second.state) == (Draft.State.DROPPED, Draft.State.DRAFT)

    def test_computed_anew_a_confirmed_assignment_stays(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        assert Board(estate.propose()).changes == []

    def test_closed_cases_and_other_projects_are_left_out(self, estate: Estate) -> None:
        create_case()
        account = Case.objects.filter(project=estate.project).first().account
        create_payment(account=account)
        follow_ledger(today=TODAY, now=NOW)
        assert estate.propose().entries.count() == 19

    def test_within_one_team_only_its_cases_move(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        first, _second = estate.teams
        leaving = TeamMember.objects.filter(team=first).last()
        leaving.left_on = TODAY
        leaving.save()
        draft = estate.propose(team=first)
        assert set(draft.entries.values_list("team", "member")) == {(first.pk, first.leader_id)}
        assert draft.entries.count() == 10

    @pytest.mark.django_db
    def test_needs_a_team(self) -> None:
        with pytest.raises(NoTeamsError):
            propose(create_project(), by=create_user(), today=TODAY, now=NOW)

    def test_a_team_without_members_gets_cases_without_a_member(self, estate: Estate) -> None:
        TeamMember.objects.update(left_on=TODAY)
        assert set(estate.propose().entries.values_list("member", flat=True)) == {None}


class TestMoving:
    def test_to_another_team_goes_to_who_has_least(self, estate: Estate) -> None:
        draft, cases = estate.propose(), estate.of_building(1)
        source = draft.entries.get(case=cases[0]).team_id
        target = next(team for team in estate.teams if team.pk != source)
        moved = move(draft.pk, case_ids=cases, source=source, team_id=target.pk)
        assert moved.revision == 1
        entries = draft.entries.filter(case__in=cases)
        assert set(entries.values_list("team", "moved_by_hand")) == {(target.pk, True)}
        assert TeamMember.objects.filter(team=target, user=entries.first().member).exists()

    def test_to_a_member(self, estate: Estate) -> None:
        draft = estate.propose()
        entry = draft.entries.first()
        colleague = TeamMember.objects.filter(team=entry.team).exclude(user=entry.member).get().user
        move(draft.pk, case_ids=[entry.case_id], source=entry.team_id, team_id=entry.team_id, member_id=colleague.pk)
        entry.refresh_from_db()
        assert entry.member == colleague

    def test_what_is_not_there_any_more(self, estate: Estate) -> None:
        draft, cases = estate.propose(), estate.of_building(1)
        source = draft.entries.get(case=cases[0]).team_id
        target = next(team for team in estate.teams if team.pk != source)
        move(draft.pk, case_ids=cases, source=source, team_id=target.pk)
        with pytest.raises(NothingThereError):
            move(draft.pk, case_ids=cases, source=source, team_id=target.pk)
        with pytest.raises(NothingThereError):
            move(draft.pk, case_ids=[], source=source, team_id=target.pk)

    def test_to_a_team_or_member_that_is_not_there(self, estate: Estate) -> None:
        draft = estate.propose()
        entry = draft.entries.first()
        strangers = create_team(project=create_project())
        other = next(team for team in estate.teams if team.pk != entry.team_id)
        for team_id, member_id in ((strangers.pk, None), (other.pk, entry.member_id)):
            with pytest.raises(TeamsChangedError):
                move(
                    draft.pk, case_ids=[entry.case_id], source=entry.team_id, team_id=team_id, member_id=member_id
                )  # fmt: skip

    def test_not_in_a_dropped_draft(self, estate: Estate) -> None:
        draft = estate.propose()
        drop(draft.pk, by=estate.manager)
        with pytest.raises(NotADraftError):
            move(draft.pk, case_ids=[1], source=1, team_id=1)


class TestConfirming:
    def test_writes_history_and_the_present_of_each_case(self, estate: Estate) -> None:
        draft = estate.propose()
        assert estate.confirm(draft) == Confirmation(handed_over=20, unchanged=0)
        draft.refresh_from_db()
        assert (draft.state, draft.confirmed_by, draft.confirmed_at) == (Draft.State.CONFIRMED, estate.manager, NOW)
        for entry in draft.entries.select_related("case"):
            assert (entry.case.team_id, entry.case.responsible_id) == (entry.team_id, entry.member_id)
            present = Assignment.objects.get(case=entry.case)
            assert (present.team_id, present.member_id, present.proposal_id) == (
                entry.team_id,
                entry.member_id,
                draft.pk,
            )
            assert (present.starts_on, present.ends_on) == (TODAY, None)

    def test_a_handover_ends_what_was(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        draft, (case, *_rest) = estate.propose(), estate.of_building(1)
        source = draft.entries.get(case=case).team_id
        target = next(team for team in estate.teams if team.pk != source)
        draft = move(draft.pk, case_ids=[case], source=source, team_id=target.pk)
        result = estate.confirm(draft, today=TODAY + 3 * DAY)
        assert result == Confirmation(handed_over=1, unchanged=19)
        history = Assignment.objects.filter(case=case).values_list("team", "starts_on", "ends_on")
        assert list(history) == [(source, TODAY, TODAY + 3 * DAY), (target.pk, TODAY + 3 * DAY, None)]

    def test_a_case_that_closed_meanwhile_is_left_and_said(self, estate: Estate) -> None:
        draft = estate.propose()
        case = Case.objects.select_related("account__unit").first()
        create_payment(account=case.account)
        follow_ledger(today=TODAY, now=NOW)
        result = estate.confirm(draft)
        assert result == Confirmation(handed_over=19, unchanged=0, closed=[case.account.unit.code])
        case.refresh_from_db()
        assert case.team is None
        assert not case.assignments.exists()

    def test_the_second_to_confirm_learns_who_was_first(self, estate: Estate) -> None:
        draft = estate.propose()
        estate.confirm(draft)
        with pytest.raises(NotADraftError) as refused:
            estate.confirm(draft, by=create_user())
        assert refused.value.proposal.confirmed_by == estate.manager

    def test_moves_since_it_was_shown_refuse_it(self, estate: Estate) -> None:
        draft = estate.propose()
        entry = draft.entries.first()
        target = next(team for team in estate.teams if team.pk != entry.team_id)
        move(draft.pk, case_ids=[entry.case_id], source=entry.team_id, team_id=target.pk)
        with pytest.raises(ChangedMeanwhileError):
            estate.confirm(draft)
        assert not Assignment.objects.exists()

    @pytest.mark.parametrize("gone", ["member", "team"])
    def test_a_team_or_member_that_is_gone_refuses_it(self, estate: Estate, gone: str) -> None:
        draft = estate.propose()
        if gone == "member":
            TeamMember.objects.filter(user=draft.entries.first().member).update(left_on=TODAY)
        else:
            Team.objects.filter(pk=estate.teams[0].pk).update(is_active=False)
        with pytest.raises(TeamsChangedError):
            estate.confirm(draft)
        assert not Assignment.objects.exists()

    def test_members_are_told_and_it_is_recorded(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        assert Notification.objects.count() == 4
        event = AuditEvent.objects.get(action="assignment.confirmed")
        assert (event.user, event.detail["handed_over"]) == (estate.manager, 20)


class TestReassigning:
    def test_by_hand(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        cases, team = estate.of_building(1), estate.teams[1]
        member = TeamMember.objects.filter(team=team).first().user
        already = Case.objects.filter(pk__in=cases, team=team, responsible=member).count()
        done = reassign(cases, team=team, member=member, by=estate.manager, today=TODAY, now=NOW)
        assert done == 10 - already
        assert Assignment.objects.filter(case__in=cases, ends_on=None, member=member).count() == 10
        assert reassign(cases, team=team, member=member, by=estate.manager, today=TODAY, now=NOW) == 0

    def test_a_draft_follows_what_is_decided_by_hand(self, estate: Estate) -> None:
        """Confirming it afterwards must not take the case away again."""
        draft = estate.propose()
        entry = draft.entries.exclude(team=estate.teams[1]).first()
        member = estate.teams[1].members.last().user
        reassign([entry.case_id], team=estate.teams[1], member=member, by=estate.manager, today=TODAY, now=NOW)
        with pytest.raises(ChangedMeanwhileError):
            estate.confirm(draft)
        draft.refresh_from_db()
        assert estate.confirm(draft).unchanged == 1
        assert Case.objects.get(pk=entry.case_id).responsible == member

    def test_a_case_that_leaves_the_team_leaves_its_draft(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        draft = estate.propose(team=estate.teams[0])
        case = draft.entries.first().case
        reassign([case.pk], team=estate.teams[1], member=None, by=estate.manager, today=TODAY, now=NOW)
        draft.refresh_from_db()
        estate.confirm(draft)
        case.refresh_from_db()
        assert case.team == estate.teams[1]

    def test_only_to_who_may_answer(self, estate: Estate) -> None:
        with pytest.raises(TeamsChangedError):
            reassign(
                estate.of_building(1), team=estate.teams[0], member=create_user(),
                by=estate.manager, today=TODAY, now=NOW,
            )  # fmt: skip


class TestConstraints:
    def test_one_draft_a_project(self, estate: Estate) -> None:
        estate.propose()
        with pytest.raises(IntegrityError, match="one_draft_proposal"), transaction.atomic():
            AssignmentProposal.objects.create(project=estate.project, created_at=NOW, created_by=estate.manager)

    def test_a_confirmation_says_who_and_when(self, estate: Estate) -> None:
        draft = estate.propose()
        for wrong in ({"state": "confirmed"}, {"confirmed_at": NOW, "confirmed_by": estate.manager}):
            with pytest.raises(IntegrityError, match="confirmation_says"), transaction.atomic():
                AssignmentProposal.objects.filter(pk=draft.pk).update(**wrong)

    def test_a_case_is_proposed_once(self, estate: Estate) -> None:
        entry = estate.propose().entries.first()
        entry.pk = None
        with pytest.raises(IntegrityError, match="case_proposed_once"), transaction.atomic():
            entry.save()

    def test_a_case_has_one_present_assignment(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        present = Assignment.objects.first()
        present.pk = None
        with pytest.raises(IntegrityError, match="one_present_assignment"), transaction.atomic():
            present.save()

    def test_an_assignment_ends_after_it_began(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        with pytest.raises(IntegrityError, match="assignment_in_order"), transaction.atomic():
            Assignment.objects.update(ends_on=TODAY - DAY)


def test_a_project_is_never_asked_for_another_ones_entries(estate: Estate) -> None:
    other = Estate(cases=2)
    other.propose()
    assert estate.propose().entries.count() == 20
    assert ProposedAssignment.objects.filter(proposal__project=other.project).count() == 4
