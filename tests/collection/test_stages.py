"""Stage and next step, from reason and history."""

import datetime as dt

import pytest
from django.db import connection

from collection.default_playbook import LADDERS
from collection.ladders import Ladder
from collection.models import (
    ArrearsReason,
    Case,
    ContactAttempt,
    Measure,
    OwnerRequest,
    PromiseToPay,
    Stage,
    StepReached,
)
from collection.requests import answer_request
from collection.stages import Standing, refresh, refresh_all, refresh_outdated, refresh_soon, standings
from company.models import Project, Role, User
from tests.factories import (
    NOW,
    SHANGHAI,
    TODAY,
    confirm_letters,
    create_case,
    create_contact,
    create_letter_project,
    create_promise,
    create_user,
)
from tests.field_factories import create_cash, create_request, create_visit, queries, verify_case
from tests.preparation import owner_connection

Channel, Outcome = ContactAttempt.Channel, ContactAttempt.Outcome
DAY = dt.timedelta(days=1)
OPENED = TODAY - 40 * DAY


def at(days: int) -> dt.datetime:
    """So many days after the case was opened, at ten."""
    return dt.datetime.combine(OPENED + days * DAY, dt.time(10), SHANGHAI)


@pytest.fixture
def project(db: None) -> Project:
    return create_letter_project()


@pytest.fixture
def head(project: Project) -> User:
    return create_user(name="赵启明", project=project, role=Role.DEPARTMENT_HEAD)


def old_case(project: Project, reason: ArrearsReason = ArrearsReason.UNKNOWN, **fields: object) -> Case:
    amount = str(fields.pop("amount", "8679.56"))
    case = create_case(project=project, amount=amount, due_on=dt.date(2024, 1, 31), today=OPENED)
    Case.objects.filter(pk=case.pk).update(reason=reason, **fields)
    case.refresh_from_db()
    return case


def stand(case: Case, *, now: dt.datetime = NOW) -> Standing:
    return standings([case], now=now)[case.pk]


class TestLadders:
    def test_every_reason_has_one_that_begins_with_verifying_and_ends_with_the_law(self) -> None:
        assert set(LADDERS) == set(ArrearsReason)
        for steps in LADDERS.values():
            assert steps[0].measure == Measure.VERIFY
            assert steps[-1].stage == Stage.LEGAL
            order = [list(Stage).index(step.stage) for step in steps]
            assert order == sorted(order)
            assert len({step.key for step in steps}) == len(steps)

    def test_nothing_is_ever_cut_off(self) -> None:
        words = " ".join(
            str(step.title).lower() + str(step.measure.label).lower() for s in LADDERS.values() for step in s
        )
        assert not [word for word in ("water", "electric", "power", "cut", "shut") if word in words]

    def test_small_and_young_arrears_are_not_visited(self) -> None:
        def visits(amount: int, days: int) -> bool:
            steps = Ladder(None, LADDERS[ArrearsReason.UNKNOWN]).steps_for(overdue=amount, overdue_days=days)
            return any(step.measure == Measure.VISIT for step in steps)

        assert [visits(999, 179), visits(1000, 0), visits(10, 180)] == [False, True, True]


class TestClimbing:
    def test_a_new_case_is_to_be_verified(self, project: Project) -> None:
        standing = stand(old_case(project))
        assert (standing.stage, standing.step.key, standing.number) == (Stage.INFORMATION, "verify", 1)
        assert standing.due_on == OPENED + 2 * DAY
        assert standing.is_late(TODAY)

    def test_step_by_step(self, project: Project) -> None:
        case = old_case(project)
        verify_case(case, at=at(1))
        assert stand(case).step.key == "remind"
        create_contact(case=case, outcome=Outcome.NO_ANSWER, at=at(2))
        assert stand(case).step.key == "remind", "nobody answered, so nobody was reminded"
        create_contact(case=case, channel=Channel.SMS, outcome=Outcome.NO_ANSWER, at=at(3))
        assert stand(case).step.key == "call"
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(4))
        standing = stand(case)
        assert (standing.stage, standing.step.key) == (Stage.VISIT, "visit")
        assert standing.ready_on == OPENED + 7 * DAY
        assert standing.due_on == OPENED + 12 * DAY

    def test_one_contact_does_not_climb_two_steps_of_a_kind(self, project: Project) -> None:
        case = old_case(project)
        for days, visits in ((5, "visit_again"), (9, "lawyer_letter")):
            create_contact(case=case, channel=Channel.SMS, outcome=Outcome.NO_ANSWER, at=at(1))
            create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(2))
            create_visit(case=case, at=at(days))
            assert stand(case).step.key == visits

    def test_only_a_head_can_do_the_talk(self, project: Project, head: User) -> None:
        case = old_case(project, ArrearsReason.MALICIOUS)
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(1))
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(2))
        assert stand(case).step.measure == Measure.TALK
        create_visit(case=case, at=at(3), recorded_by=head)
        standing = stand(case)
        assert (standing.stage, standing.step.key) == (Stage.LEGAL, "lawyer_letter")
        assert standing.ready_on == OPENED + 18 * DAY, "a reasonable time after the talk"

    def test_the_talk_at_a_door_is_not_the_visit_after_it_as_well(self, project: Project, head: User) -> None:
        case = old_case(project, ArrearsReason.BURGLED)
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(1))
        create_visit(case=case, at=at(3), recorded_by=head)
        standing = stand(case)
        assert standing.step.key == "visit_again"
        assert standing.ready_on == OPENED + 10 * DAY
        create_visit(case=case, at=at(10))
        assert stand(case).step.key == "lawyer_letter"

    def test_a_repair_is_answered_followed_and_looked_at_again(self, project: Project, head: User) -> None:
        case = old_case(project, ArrearsReason.RECTIFICATION)
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(1))
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(2), recorded_by=head)
        request = create_request(case=case, at=at(2))
        standing = stand(case)
        assert (standing.stage, standing.step.key, standing.number) == (Stage.PLAN, "answer", 4)
        answer_request(request.pk, "施工方来修", by=head, now=at(4), agreed_on=OPENED + 10 * DAY)
        assert stand(case, now=at(5)).step.key == "coordinate"
        assert stand(case, now=at(11)).step.key == "visit_again"

    def test_an_attempt_reminds_who_cannot_be_reached(self, project: Project) -> None:
        case = old_case(project, ArrearsReason.UNREACHABLE)
        create_contact(case=case, outcome=Outcome.NO_ANSWER, at=at(1))
        assert stand(case).step.key == "pass_on"
        create_contact(case=case, outcome=Outcome.PASSED_ON, at=at(3))
        assert stand(case).step.key == "slip"
        create_visit(case=case, at=at(6), slip_posted=True)
        assert stand(case).step.key == "ems_notice"

    def test_a_letter_is_the_last_step_but_one(self, project: Project, head: User) -> None:
        case = old_case(project, ArrearsReason.MALICIOUS)
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(1), recorded_by=head)
        create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(2), recorded_by=head)
        verify_case(case)
        confirm_letters(project=project, accounts=[case.account])
        assert stand(case).step.key == "litigate"


class TestWhatComesFirst:
    def test_money_in_doubt_then_a_claim_then_a_request(self, project: Project) -> None:
        case = old_case(project, claims_paid=True)
        create_request(case=case, at=NOW - DAY)
        assert stand(case).step.key == "check_claim"
        create_cash(case=case, at=NOW - DAY)
        assert stand(case).step.key == "confirm_cash"

    def test_an_answer_that_is_owed(self, project: Project) -> None:
        case = old_case(project)
        create_request(case=case, at=NOW - 4 * DAY)
        standing = stand(case)
        assert (standing.step.key, standing.number) == ("answer", 0)
        assert standing.is_late(TODAY)
        OwnerRequest.objects.update(answer="好", answered_at=NOW - DAY, answered_by=create_user())
        assert stand(case).step.key == "verify"

    def test_a_running_promise_waits_and_a_broken_one_hurries(self, project: Project) -> None:
        case = old_case(project)
        create_contact(case=case, channel=Channel.SMS, outcome=Outcome.NO_ANSWER, at=at(1))
        create_promise(case=case, pay_by=TODAY + 3 * DAY, at=NOW - DAY)
        assert stand(case).ready_on == TODAY + 4 * DAY
        PromiseToPay.objects.update(state=PromiseToPay.State.BROKEN, judged_on=TODAY)
        assert stand(case).ready_on == TODAY


class TestWriting:
    def test_stage_and_step_stand_on_the_case(self, project: Project) -> None:
        case = old_case(project)
        verify_case(case, at=at(1))
        refresh([case], now=NOW)
        written = Case.objects.get(pk=case.pk)
        assert (written.stage, written.next_step) == (Stage.REMINDER, "remind")
        assert written.next_step_on == OPENED + 4 * DAY
        assert written.next_measure == Measure.REMIND

    def test_each_step_that_a_case_comes_to_is_kept_in_words(self, project: Project) -> None:
        case = old_case(project)
        refresh([case], now=NOW)
        verify_case(case, at=at(1))
        refresh([case], now=NOW)
        refresh([case], now=NOW)
        kept = list(StepReached.objects.values_list("key", "title"))
        assert kept == [("verify", "核实欠费，阅看档案"), ("remind", "首次提醒，电话或信息")]

    def test_what_is_left_to_the_worker_is_written_once(self, project: Project) -> None:
        cases = [old_case(project), old_case(project)]
        refresh(cases, now=NOW)
        for case in cases:
            verify_case(case)
        refresh_soon(cases[:1], now=NOW)
        assert [Case.objects.get(pk=case.pk).next_step for case in cases] == ["verify", "verify"]
        assert [refresh_outdated(now=NOW), refresh_outdated(now=NOW)] == [1, 0]
        assert [Case.objects.get(pk=case.pk).next_step for case in cases] == ["remind", "verify"]

    def test_the_sweep_reaches_all_of_them_with_a_fixed_number_of_queries(self, project: Project) -> None:
        cases = [old_case(project) for _number in range(30)]
        with queries() as captured:
            assert refresh_all(now=NOW) == 30
        assert len(captured) <= 22
        assert set(Case.objects.values_list("next_step", flat=True)) == {"verify"}
        assert len(cases) == 30


@pytest.mark.django_db(transaction=True)
def test_a_case_that_somebody_works_on_is_found_again() -> None:
    case = old_case(create_letter_project())
    refresh([case], now=NOW)
    verify_case(case)
    refresh_soon([case], now=NOW)
    with owner_connection() as busy, busy.transaction(), connection.cursor() as cursor:
        busy.execute("SELECT FROM collection_case WHERE id = %s FOR UPDATE", [case.pk])
        cursor.execute("SET lock_timeout = '2s'")  # else it would wait for good where it should pass over
        assert refresh_outdated(now=NOW) == 0
        cursor.execute("RESET lock_timeout")
    assert refresh_outdated(now=NOW) == 1
    case.refresh_from_db()
    assert (case.next_step, case.outdated_at) == ("remind", None)
