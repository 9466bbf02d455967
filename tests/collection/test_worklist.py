"""The day's list: every reason and only it, each person's own, and the row that folds out to log."""

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.utils import timezone

from collection.models import (
    ArrearsReason,
    Case,
    ContactAttempt,
    Doer,
    Measure,
    Playbook,
    PlaybookStep,
    PromiseToPay,
    Stage,
)
from collection.worklist import Due, count_due, due_today, work_lines
from company.models import Project, Role, User
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_contact,
    create_project,
    create_promise,
    create_team,
    create_user,
)
from tests.field_factories import create_field_case, create_field_worker, create_request, queries

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
FIELD, HEADS = frozenset({Role.HOUSEKEEPER}), frozenset({Role.DEPARTMENT_HEAD})
Outcome, State = ContactAttempt.Outcome, PromiseToPay.State
TOLD = NOW - dt.timedelta(hours=3)
QUIET = {"next_step_on": TODAY + 9 * DAY, "next_contact_on": None}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


def quiet_case(project: Project, by: User | None = None, *, code: str = "", **fields: object) -> Case:
    """A case with nothing due; ``fields`` make it due."""
    case = create_field_case(project=project, by=by, code=code)
    Case.objects.filter(pk=case.pk).update(**(QUIET | fields))
    case.refresh_from_db()
    return case


def listed(project: Project, what: Due | None = None, roles: frozenset[Role] = FIELD) -> list[Case]:
    cases = Case.objects.filter(project=project)
    return list(due_today(cases, project=project, roles=roles, today=TODAY, what=what))


def a_call(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(next_step="remind", next_measure=Measure.REMIND, next_step_on=TODAY)


def a_visit(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(next_step="visit", next_measure=Measure.VISIT, next_step_on=TODAY - DAY)


def an_agreed_day(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(next_contact_on=TODAY)


def a_promise(case: Case) -> None:
    create_promise(case=case, pay_by=TODAY, at=NOW - 5 * DAY)


def a_broken_promise(case: Case) -> None:
    create_promise(case=case, pay_by=TODAY - DAY, at=NOW - 5 * DAY, state=State.BROKEN, judged_on=TODAY)


def an_answer(case: Case) -> None:
    by = create_user()
    create_request(case=case, at=NOW - 2 * DAY, answer="已派单", answered_at=NOW - DAY, answered_by=by)


MAKES: dict[Due, Callable[[Case], None]] = {
    Due.CALL: a_call, Due.STEP: a_visit, Due.CONTACT: an_agreed_day, Due.PROMISE: a_promise,
    Due.BROKEN: a_broken_promise, Due.ANSWERED: an_answer,
}  # fmt: skip


class TestReasons:
    @pytest.mark.parametrize("due", Due)
    def test_each_puts_a_case_on_the_list_and_no_other(self, due: Due, project: Project) -> None:
        case, _other = quiet_case(project), quiet_case(project)
        assert not listed(project)
        MAKES[due](case)
        assert listed(project) == [case]
        assert [why for why in Due if listed(project, why)] == [due]
        [line] = work_lines(due_today(Case.objects.all(), project=project, roles=FIELD, today=TODAY), now=NOW)
        assert [why.due for why in line.whys] == [due]

    def test_a_count_is_its_list(self, project: Project) -> None:
        for number, make in enumerate(MAKES.values()):
            for _ in range(number):
                make(quiet_case(project))
        numbers = count_due(Case.objects.all(), project=project, roles=FIELD, today=TODAY)
        assert numbers == {what: len(listed(project, what)) for what in (None, *Due)}
        assert numbers[None] == 15

    def test_what_is_done_leaves_it(self, project: Project) -> None:
        broken, answered = quiet_case(project), quiet_case(project)
        a_broken_promise(broken)
        an_answer(answered)
        create_contact(case=broken, outcome=Outcome.MET_OWNER, at=NOW)
        create_contact(case=answered, outcome=Outcome.NO_ANSWER, at=NOW, is_incoming=True)
        create_contact(case=answered, outcome=Outcome.NO_ANSWER, at=NOW)  # tried, but nobody was told
        assert listed(project) == [answered]
        create_contact(case=answered, outcome=Outcome.MET_OWNER, at=NOW)
        assert not listed(project)

    def test_a_promise_replaced_or_kept_since_is_not_broken(self, project: Project) -> None:
        case = quiet_case(project)
        a_broken_promise(case)
        create_promise(case=case, pay_by=TODAY + DAY, at=NOW - 4 * DAY)
        assert not listed(project)

    def test_closed_cases_are_not_due(self, project: Project) -> None:
        case = quiet_case(project)
        a_call(case)
        Case.objects.filter(pk=case.pk).update(state="closed", closed_on=TODAY, overdue=0)
        assert not listed(project)

    def test_the_longest_waiting_first(self, project: Project) -> None:
        today, before = quiet_case(project), quiet_case(project)
        a_call(today)
        a_visit(before)
        assert listed(project) == [before, today]


class TestWhoseStep:
    @pytest.mark.parametrize("step", ["lawyer_letter", "litigate"])
    def test_letters_and_suits_are_not_field_work(self, project: Project, step: str) -> None:
        case = quiet_case(project)
        Case.objects.filter(pk=case.pk).update(next_step=step, next_measure=step, next_step_on=TODAY)
        assert not listed(project)
        assert not listed(project, roles=HEADS)

    def test_the_heads_steps_are_the_heads(self, project: Project) -> None:
        talk = {"reason": ArrearsReason.RECTIFICATION, "next_step": "talk", "next_measure": Measure.TALK}
        case = quiet_case(project, **talk, next_step_on=TODAY)
        assert not listed(project)
        assert listed(project, roles=HEADS) == [case]
        [line] = work_lines(listed(project, roles=HEADS), now=NOW)
        assert line.doer == Doer.HEAD

    def test_an_unanswered_request_is_the_heads(self, project: Project) -> None:
        case = quiet_case(project, next_step="answer", next_measure=Measure.ANSWER, next_step_on=TODAY)
        assert not listed(project)
        assert listed(project, roles=HEADS) == [case]

    def test_an_own_plan_says_who(self, project: Project) -> None:
        case = quiet_case(project, next_step="visit", next_measure=Measure.VISIT, next_step_on=TODAY)
        assert listed(project) == [case]
        plan = Playbook.objects.create(project=project, case=case, number=1, created_by=create_user(), created_at=NOW)
        PlaybookStep.objects.create(
            playbook=plan, position=1, key="visit", stage=Stage.VISIT, measure=Measure.VISIT, title="部门主管亲自上门",
            doer=Doer.HEAD,
        )  # fmt: skip
        Playbook.objects.filter(pk=plan.pk).update(
            state=Playbook.State.ACTIVE, activated_by=create_user(), activated_at=NOW
        )  # fmt: skip
        assert not listed(project)
        assert listed(project, roles=HEADS) == [case]


class TestPage:
    def test_own_cases_only(self, project: Project, worker: Desk) -> None:
        mine, other = quiet_case(project, worker.user, code="3-1-101"), quiet_case(project, code="9-9-909")
        for case in (mine, other):
            a_call(case)
        page = worker.get("worklist").text
        assert "3-1-101" in page
        assert "9-9-909" not in page

    def test_a_head_sees_the_teams_and_one_members(self, project: Project) -> None:
        head = create_user(name="韩志远", project=project, role=Role.DEPARTMENT_HEAD)
        worker = create_user(name="王倩", project=project, role=Role.HOUSEKEEPER)
        create_team(project=project, members=[head, worker])
        for code, by in (("3-1-101", worker), ("3-1-102", head)):
            a_call(quiet_case(project, by, code=code))
        desk = Desk(project, user=head)
        assert len(desk.get("worklist").context_data["lines"]) == 2
        [line] = desk.get("worklist", f"?member={worker.pk}").context_data["lines"]
        assert line.case.responsible == worker

    @pytest.mark.parametrize("query", ["?what=nonsense", "?member=x", "?page=99", "?member=999999"])
    def test_what_cannot_be_read_narrows_nothing(self, project: Project, worker: Desk, query: str) -> None:
        a_call(quiet_case(project, worker.user))
        assert len(worker.get("worklist", query).context_data["lines"]) == 1

    def test_says_why_one_may_not_call(self, project: Project, worker: Desk) -> None:
        case = quiet_case(project, worker.user)
        a_visit(case)
        for _ in range(3):
            create_contact(case=case, outcome=Outcome.NO_ANSWER, at=TOLD)
        assert "一天内已打3次电话" in worker.get("worklist").text

    def test_nothing_due_leads_on(self, worker: Desk) -> None:
        assert worker.url("round") in worker.get("worklist").text

    def test_queries_do_not_grow(self, project: Project, worker: Desk) -> None:
        makes = list(MAKES.values())
        for make in makes:
            make(quiet_case(project, worker.user))
        worker.get("worklist")
        with queries() as few:
            worker.get("worklist")
        for number in range(30 - len(makes)):
            makes[number % len(makes)](quiet_case(project, worker.user))
        with queries() as many:
            assert len(worker.get("worklist").context_data["lines"]) == 30
        assert len(many) == len(few)


def told(**fields: object) -> dict[str, object]:
    return {
        "submission": str(uuid.uuid4()), "channel": "call", "outcome": "no_answer", "payment": "not_discussed",
        "next_contact": "by_rule", "happened_at": "2025-11-23T08:20",
    } | fields  # fmt: skip


class TestFoldingOut:
    HTMX = {"HX-Request": "true"}

    @pytest.fixture
    def case(self, project: Project, worker: Desk) -> Case:
        case = quiet_case(project, worker.user)
        a_call(case)
        return case

    def test_the_row_folds_out_and_in(self, case: Case, worker: Desk) -> None:
        url = worker.url("contact_quick", pk=case.pk)
        row = worker.client.get(url, headers=self.HTMX)
        assert 'name="outcome"' in row.text
        assert "<html" not in row.text
        assert 'name="outcome"' not in worker.client.get(f"{url}?fold=1", headers=self.HTMX).text

    def test_recorded_in_place(self, case: Case, worker: Desk) -> None:
        answer = worker.client.post(worker.url("contact_quick", pk=case.pk), told(), headers=self.HTMX)
        assert "work-done" in answer["HX-Trigger"]
        assert "已登记" in answer.text
        contact = ContactAttempt.objects.get()
        assert (contact.channel, contact.outcome) == ("call", "no_answer")
        case.refresh_from_db()
        assert case.next_contact_on == TODAY + 7 * DAY

    def test_sent_twice_it_is_one(self, case: Case, worker: Desk) -> None:
        call = told()
        for _ in range(2):
            worker.client.post(worker.url("contact_quick", pk=case.pk), call, headers=self.HTMX)
        assert ContactAttempt.objects.count() == 1
        other = worker.client.post(
            worker.url("contact_quick", pk=case.pk), call | {"outcome": "refused"}, headers=self.HTMX
        )  # fmt: skip
        assert "先提交的" in other.text
        assert ContactAttempt.objects.count() == 1

    def test_a_mistake_is_said_in_the_row_and_nothing_is_lost(self, case: Case, worker: Desk) -> None:
        sent = told(outcome="", note="说到一半断线")
        answer = worker.client.post(worker.url("contact_quick", pk=case.pk), sent, headers=self.HTMX)
        assert "HX-Trigger" not in answer
        assert "说到一半断线" in answer.text
        assert not ContactAttempt.objects.exists()

    def test_a_breach_is_kept_and_said(self, case: Case, worker: Desk) -> None:
        for _ in range(3):
            create_contact(case=case, outcome=Outcome.NO_ANSWER, at=TOLD)
        answer = worker.client.post(
            worker.url("contact_quick", pk=case.pk), told(happened_at="2025-11-23T09:20"), headers=self.HTMX
        )  # fmt: skip
        assert ContactAttempt.objects.latest("pk").breach == "calls_a_day"
        assert "每天电话3次" in answer.text

    def test_without_htmx_there_is_a_page_that_comes_back(self, case: Case, worker: Desk) -> None:
        page = worker.get("contact_quick", pk=case.pk)
        assert page["Location"] == worker.url("contact_new", pk=case.pk) + "?from=worklist"
        answer = worker.client.post(page["Location"], told())
        assert answer["Location"] == worker.url("worklist")

    def test_not_on_a_case_of_somebody_else(self, project: Project, worker: Desk) -> None:
        other = quiet_case(project)
        url = worker.url("contact_quick", pk=other.pk)
        assert worker.client.get(url, headers=self.HTMX).status_code == 404
        assert worker.client.post(url, told(), headers=self.HTMX).status_code == 404
