"""Instalment plans: agreed by two people, judged by what was paid, never ticked (A6)."""

import datetime as dt
import threading
import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from arrears import plans
from arrears.models import Account, InstalmentPlan
from arrears.plans import (
    PlanExistsError,
    PlanMoveError,
    decide_plan,
    judge_plans,
    propose_plan,
    withdraw_plan,
)
from arrears.posting import reverse_payment
from arrears.relief import NotEntitledError, OwnProposalError
from company.models import Notification, Role
from company.rights import rights_of
from tests.arrears.test_races import at_once
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment, create_user
from tests.relief_factories import create_plan

pytestmark = pytest.mark.django_db
D, DAY = Decimal, dt.timedelta(days=1)
MANAGER = rights_of(frozenset({Role.PROJECT_MANAGER}))
THREE = tuple((TODAY + dt.timedelta(days=days), "100.00") for days in (10, 20, 30))


def make_account() -> Account:
    account = create_account()
    create_charge(account=account, amount="300.00")
    return account


@pytest.fixture
def account() -> Account:
    return make_account()


def pay(account: Account, amount: str, days: int) -> int:
    when = NOW + dt.timedelta(days=days)
    return create_payment(account=account, amount=amount, received_on=when.date(), now=when).pk


def judged(plan: InstalmentPlan, days: int) -> str:
    judge_plans(today=TODAY + dt.timedelta(days=days), now=NOW + dt.timedelta(days=days))
    plan.refresh_from_db()
    return plan.state


def test_paid_in_time_it_is_kept(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    for days in (10, 20, 30):
        pay(account, "100.00", days)
        assert judged(plan, days + 1) == ("running" if days < 30 else "kept")
    assert plan.paid == D("300.00")


def test_paid_at_once_it_is_kept_at_once(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    pay(account, "300.00", 5)
    assert judged(plan, 5) == "kept"


def test_on_its_day_an_instalment_is_not_missed_yet(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    assert [judged(plan, days) for days in (9, 10, 11)] == ["running", "running", "broken"]


def test_part_of_what_was_due_is_partly_kept(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    pay(account, "60.00", 9)
    assert judged(plan, 11) == "partly"


def test_a_payment_that_is_posted_late_mends_the_verdict_and_one_reversed_spoils_it(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    assert judged(plan, 11) == "broken"
    payment = pay(account, "100.00", 10)
    assert judged(plan, 12) == "running"
    later = NOW + dt.timedelta(days=12)
    reverse_payment(payment, today=later.date(), now=later, by=None)
    assert judged(plan, 13) == "broken"


def test_money_from_before_the_plan_does_not_count(account: Account) -> None:
    create_payment(account=account, amount="100.00", received_on=TODAY - DAY)
    plan = create_plan(account=account, instalments=THREE, running=True)
    assert judged(plan, 11) == "broken"


def test_a_missed_plan_is_told_once(account: Account) -> None:
    plan = create_plan(account=account, instalments=THREE, running=True)
    for days in (7, 8, 11, 12):
        judged(plan, days)
    keys = sorted(Notification.objects.values_list("key", flat=True))
    assert keys == [f"plan-missed:{plan.pk}", f"plan-missed:{plan.pk}"]


def test_only_the_manager_approves_and_never_the_own_plan(account: Account) -> None:
    proposer = create_user()
    plan = create_plan(account=account, by=proposer)
    with pytest.raises(OwnProposalError):
        decide_plan(plan.pk, approve=True, by=proposer, rights=MANAGER, now=NOW)
    with pytest.raises(NotEntitledError):
        decide_plan(plan.pk, approve=True, by=create_user(), rights=rights_of(frozenset({Role.FINANCE})), now=NOW)
    decide_plan(plan.pk, approve=False, by=create_user(), rights=MANAGER, now=NOW, note="太久")
    with pytest.raises(PlanMoveError):
        withdraw_plan(plan.pk, by=proposer)


def test_one_plan_at_a_time(account: Account) -> None:
    create_plan(account=account)
    with pytest.raises(PlanExistsError):
        create_plan(account=account)


@pytest.mark.parametrize(
    "parts",
    [[], [(TODAY - DAY, D("1.00"))], [(TODAY, D(0))], [(TODAY, D("1.005"))], [(TODAY, D(1)), (TODAY, D(2))]],
)
def test_a_schedule_that_makes_no_sense_is_refused(parts: list, account: Account) -> None:
    with pytest.raises(ValueError, match="instalment"):
        propose_plan(account_id=account.pk, instalments=parts, reason="分期", by=create_user(), now=NOW)


def test_sent_twice_it_is_one_plan(account: Account) -> None:
    key, by = uuid.uuid4(), create_user()
    parts = [(TODAY + DAY, D("1.00"))]
    sent = [
        propose_plan(account_id=account.pk, instalments=parts, reason="分期", by=by, now=NOW, submission=key)
        for _ in range(2)
    ]
    assert sent[0] == sent[1]


def test_the_database_knows_who_may_not_decide(account: Account) -> None:
    plan = create_plan(account=account)
    with pytest.raises(IntegrityError, match="plan_decided_by_another"), transaction.atomic():
        InstalmentPlan.objects.update(state="running", decided_by=plan.proposed_by, decided_at=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_decisions_at_once_are_one() -> None:
    plan, people = create_plan(account=make_account()), [create_user() for _ in range(5)]

    def act(number: int) -> None:
        decide_plan(plan.pk, approve=number % 2 == 0, by=people[number], rights=MANAGER, now=NOW)

    assert [type(failure) for failure in at_once(act, clients=5)] == [PlanMoveError] * 4


@pytest.mark.django_db(transaction=True)
def test_control_without_the_locks_several_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have read the plan as proposed before any of them writes."""
    plan, people = create_plan(account=make_account()), [create_user() for _ in range(3)]
    meeting = threading.Barrier(3)

    def moved_without_locks(plan_id: int, to: InstalmentPlan.State) -> InstalmentPlan:
        found = InstalmentPlan.objects.select_related("account__unit", "project").get(pk=plan_id)
        meeting.wait(timeout=30)
        if to not in plans.ALLOWED[InstalmentPlan.State(found.state)]:
            raise PlanMoveError(found)
        found.state = to
        return found

    monkeypatch.setattr(plans, "_moved", moved_without_locks)

    def act(number: int) -> None:
        decide_plan(plan.pk, approve=number % 2 == 0, by=people[number], rights=MANAGER, now=NOW)

    assert at_once(act, clients=3) == [], "each believes to have decided"
