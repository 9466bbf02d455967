"""A plan that is kept holds contacts until its next instalment is missed, and its instalments are announced (A6)."""

import datetime as dt

import pytest

from arrears.plans import judge_plans
from collection.limits import Limit, clearances, holds_of
from collection.models import Case, ContactAttempt
from collection.plan_reminders import remind_of_instalments
from company.models import Notification, Project, User
from tests.factories import NOW, TODAY, create_officer, create_payment, create_project
from tests.field_factories import create_field_case
from tests.relief_factories import create_plan

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
FIRST, SECOND = TODAY + 7 * DAY, TODAY + 30 * DAY


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def case(project: Project) -> Case:
    case = create_field_case(project=project)
    create_plan(account=case.account, instalments=[(FIRST, "50.00"), (SECOND, "50.00")], running=True)
    return case


def at(day: dt.date) -> dt.datetime:
    return NOW + (day - TODAY)


def limits(case: Case, day: dt.date) -> list[Limit]:
    return [refusal.limit for refusal in holds_of([case], now=at(day)).get(case.pk, [])]


def test_a_running_plan_holds_until_an_instalment_is_missed(case: Case) -> None:
    assert limits(case, TODAY) == [Limit.PLAN]
    assert limits(case, FIRST) == [Limit.PLAN]
    assert limits(case, FIRST + DAY) == []
    judge_plans(today=FIRST + DAY, now=at(FIRST + DAY))
    assert limits(case, FIRST + DAY) == []


def test_what_is_paid_in_time_holds_until_the_next_one(case: Case) -> None:
    create_payment(account=case.account, amount="50.00", received_on=FIRST, now=at(FIRST))
    (refusal,) = holds_of([case], now=at(FIRST + DAY))[case.pk]
    assert refusal.limit == Limit.PLAN
    assert "50.00" in refusal.text
    assert refusal.free_at is not None
    assert refusal.free_at.astimezone(NOW.tzinfo).date() == SECOND + DAY
    assert limits(case, SECOND + DAY) == []


def test_no_call_is_cleared_meanwhile_and_the_reason_is_said(case: Case) -> None:
    cleared = clearances([case], ContactAttempt.Channel.VISIT, now=NOW)[case.pk]
    assert Limit.PLAN in [reason.limit for reason in cleared.reasons]
    assert any("分期" in reason.text for reason in cleared.reasons)


def test_a_plan_that_nobody_approved_holds_nothing(project: Project) -> None:
    case = create_field_case(project=project)
    create_plan(account=case.account)
    assert limits(case, TODAY) == []


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user, key__startswith="plan-due:").values_list("title", flat=True))


def test_the_responsible_member_is_reminded_three_days_before_and_on_the_day(project: Project, case: Case) -> None:
    member = create_officer(project=project)
    Case.objects.filter(pk=case.pk).update(responsible=member)
    for ahead in (4, 3, 2, 1, 0, -1):
        for _again in range(2):
            remind_of_instalments(today=FIRST - ahead * DAY)
    assert len(told(member)) == 2
    assert all("50.00" in title for title in told(member))
    assert len(told(case.account.plans.get().proposed_by)) == 2


def test_nobody_is_reminded_of_what_is_paid(project: Project, case: Case) -> None:
    create_payment(account=case.account, amount="50.00", received_on=TODAY)
    assert remind_of_instalments(today=FIRST) == 0
