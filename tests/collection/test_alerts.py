"""Numbers of cases that need somebody, and the lists that they open."""

import datetime as dt

import pytest

from collection.alerts import count_alerts, untouched, with_broken_promise, with_late_step, with_open_request
from collection.models import Case, ContactAttempt, OwnerRequest, PromiseToPay
from company.models import Project
from tests.factories import (
    NOW,
    TODAY,
    create_case,
    create_contact,
    create_project,
    create_promise,
    create_team,
    create_user,
)

State = PromiseToPay.State
MET = ContactAttempt.Outcome.MET_OWNER

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


def ask(case: Case, *, answered: bool) -> None:
    answer = {"answer": "已派单", "answered_at": NOW, "answered_by": create_user()} if answered else {}
    OwnerRequest.objects.create(
        project=case.project, case=case, kind="repair", text="漏水", created_at=NOW, created_by=create_user(), **answer
    )


def judged(case: Case, state: str, day: int) -> None:
    create_promise(
        case=case, pay_by=dt.date(2025, 11, day), amount="60.00", state=state, judged_on=dt.date(2025, 11, 22)
    )


def test_the_latest_promise_counts(project: Project) -> None:
    broken, mended, waiting = (create_case(project=project) for _ in range(3))
    judged(broken, State.BROKEN, 20)
    judged(mended, State.BROKEN, 10)
    judged(mended, State.KEPT, 20)
    judged(waiting, State.BROKEN, 10)
    create_promise(case=waiting, pay_by=dt.date(2025, 12, 1))
    cases = Case.objects.filter(project=project)
    assert list(with_broken_promise(cases)) == [broken]
    alerts = count_alerts(cases, today=TODAY)
    assert (alerts.broken_promises, alerts.broken_amount) == (1, broken.overdue)


def test_a_promise_kept_in_part_is_not_kept_and_a_replaced_one_is_none(project: Project) -> None:
    partly, replaced = (create_case(project=project) for _ in range(2))
    judged(partly, State.PARTLY, 20)
    judged(replaced, State.BROKEN, 10)
    judged(replaced, State.REPLACED, 21)
    assert set(with_broken_promise(Case.objects.filter(project=project))) == {partly, replaced}


def test_steps_that_should_have_been_done(project: Project) -> None:
    late, _due, _none = (create_case(project=project, next_step_on=day) for day in (dt.date(2025, 11, 20), TODAY, None))
    cases = Case.objects.filter(project=project)
    assert list(with_late_step(cases, today=TODAY)) == [late]
    alerts = count_alerts(cases, today=TODAY)
    assert (alerts.late_steps, alerts.latest_step_on) == (1, dt.date(2025, 11, 20))


def test_an_answered_request_waits_no_more(project: Project) -> None:
    waiting, answered = (create_case(project=project) for _ in range(2))
    ask(waiting, answered=False)
    ask(waiting, answered=False)
    ask(answered, answered=True)
    cases = Case.objects.filter(project=project)
    assert list(with_open_request(cases)) == [waiting]
    assert count_alerts(cases, today=TODAY).unanswered == 1


def test_cases_without_a_contact(project: Project) -> None:
    team = create_team(project=project)
    contacted, assigned, unassigned = (create_case(project=project) for _ in range(3))
    Case.objects.filter(pk=assigned.pk).update(team=team)
    create_contact(case=contacted, outcome=MET)
    cases = Case.objects.filter(project=project)
    assert set(untouched(cases)) == {assigned, unassigned}
    alerts = count_alerts(cases, today=TODAY)
    assert (alerts.untouched, alerts.untouched_unassigned) == (2, 1)


def test_closed_cases_need_nobody(project: Project) -> None:
    case = create_case(project=project)
    ask(case, answered=False)
    Case.objects.filter(pk=case.pk).update(state="closed", closed_on=dt.date(2025, 11, 20), overdue=0)
    alerts = count_alerts(Case.objects.filter(project=project), today=TODAY)
    assert (alerts.unanswered, alerts.untouched) == (0, 0)


def test_all_numbers_cost_one_query(project: Project, django_assert_num_queries) -> None:
    for _ in range(3):
        create_case(project=project)
    with django_assert_num_queries(1):
        count_alerts(Case.objects.filter(project=project), today=TODAY)
