"""Cases follow the ledger."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from arrears.models import Account
from arrears.posting import post_payment, reverse_charge, reverse_payment
from collection import following
from collection.following import FollowResult, follow_ledger
from collection.models import ArrearsReason, Case, CaseTransition, Stage
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment, create_project, create_user

DAY = dt.timedelta(days=1)


def follow(*, today: dt.date = TODAY, **kwargs: object) -> FollowResult:
    return follow_ledger(today=today, now=NOW, **kwargs)


def owing(amount: str = "100.00", **kwargs: object) -> Account:
    account = create_account(**kwargs)
    create_charge(account=account, amount=amount, due_on=dt.date(2025, 10, 31))
    return account


def states(case: Case) -> list[tuple[str, str]]:
    return list(case.transitions.values_list("from_state", "to_state"))


@pytest.mark.django_db
class TestFollowing:
    def test_opens_a_case_for_overdue_principal(self) -> None:
        account = owing("250.50")
        create_charge(account=account, amount="49.50", month=dt.date(2025, 11, 1), due_on=TODAY)
        assert follow() == FollowResult(opened=1)
        case = Case.objects.get()
        account.refresh_from_db()
        assert (case.project, case.account, case.state) == (account.project, account, Case.State.OPEN)
        assert case.overdue == Decimal("250.50")  # what falls due today is not overdue yet
        assert case.oldest_due_on == dt.date(2025, 10, 31)
        assert (case.seen_version, case.opened_on) == (account.version, TODAY)
        assert states(case) == [("", "open")]

    def test_a_new_case_has_its_next_step_and_a_closed_one_none(self) -> None:
        account = owing("100.00")
        follow()
        case = Case.objects.get()
        assert (case.stage, case.next_step) == (Stage.INFORMATION, "verify")
        assert case.next_step_on is not None
        create_payment(account=account, amount="100.00")
        follow()
        case.refresh_from_db()
        assert (case.state, case.next_step, case.next_step_on) == (Case.State.CLOSED, "", None)

    def test_the_step_follows_what_is_owed(self) -> None:
        account = owing("100.00")
        follow()
        Case.objects.update(next_step="gone", next_step_on=None)
        follow()
        assert Case.objects.get().next_step == "gone"  # nothing was posted, and it is the same day
        create_charge(account=account, month=dt.date(2025, 12, 1))
        follow()
        assert Case.objects.get().next_step == "verify"

    def test_nothing_is_overdue_on_its_due_date(self) -> None:
        create_charge(account=create_account(), due_on=TODAY)
        assert follow() == FollowResult()
        assert follow(today=TODAY + DAY) == FollowResult(opened=1)

    def test_running_again_changes_nothing(self) -> None:
        owing()
        follow()
        assert follow() == FollowResult()
        assert CaseTransition.objects.count() == 1

    def test_follows_part_payments(self) -> None:
        account = owing("100.00")
        follow()
        create_payment(account=account, amount="30.00")
        assert follow() == FollowResult(changed=1)
        assert Case.objects.get().overdue == Decimal("70.00")

    def test_a_posting_that_changes_no_overdue_is_seen_without_a_change(self) -> None:
        account = owing()
        follow()
        create_charge(account=account, month=dt.date(2025, 12, 1))
        assert follow() == FollowResult()
        account.refresh_from_db()
        assert Case.objects.get().seen_version == account.version

    def test_the_day_alone_makes_charges_overdue(self) -> None:
        account = owing("100.00")
        create_charge(account=account, amount="40.00", month=dt.date(2025, 11, 1), due_on=TODAY + 2 * DAY)
        follow()
        assert follow(today=TODAY + 3 * DAY) == FollowResult(changed=1)
        assert Case.objects.get().overdue == Decimal("140.00")

    def test_closes_when_nothing_is_left(self) -> None:
        account = owing()
        follow()
        create_payment(account=account)
        assert follow() == FollowResult(closed=1)
        case = Case.objects.get()
        account.refresh_from_db()
        assert (case.state, case.closed_on, case.overdue) == (Case.State.CLOSED, TODAY, 0)
        assert (case.seen_version, case.oldest_due_on) == (account.version, None)
        assert states(case) == [("", "open"), ("open", "closed")]

    def test_closes_when_the_charge_is_reversed(self) -> None:
        charge = create_charge(account=create_account(), due_on=TODAY - DAY)
        follow()
        reverse_charge(charge.pk, today=TODAY, now=NOW, by=None)
        assert follow() == FollowResult(closed=1)

    def test_the_same_case_reopens_within_90_days_and_keeps_what_it_carries(self) -> None:
        account = owing()
        follow()
        member = create_user()
        Case.objects.update(responsible=member, reason=ArrearsReason.OTHER, held_until=TODAY + 9 * DAY)
        payment = create_payment(account=account)
        follow()
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        assert follow(today=TODAY + 90 * DAY) == FollowResult(reopened=1)
        case = Case.objects.get()
        assert (case.state, case.closed_on, case.overdue) == (Case.State.OPEN, None, Decimal("100.00"))
        assert (case.responsible, case.reason) == (member, ArrearsReason.OTHER)
        assert case.held_until == TODAY + 9 * DAY
        assert case.opened_on == TODAY
        assert states(case) == [("", "open"), ("open", "closed"), ("closed", "open")]

    def test_a_new_case_opens_after_90_days(self) -> None:
        account = owing()
        follow()
        payment = create_payment(account=account)
        follow()
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        assert follow(today=TODAY + 91 * DAY) == FollowResult(opened=1)
        assert Case.objects.filter(state=Case.State.OPEN).count() == 1
        assert Case.objects.count() == 2

    def test_only_the_last_of_several_closed_cases_reopens(self) -> None:
        account = owing()
        for day in (TODAY, TODAY + 91 * DAY):
            follow(today=day)
            payment = create_payment(account=account)
            follow(today=day)
            reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        assert follow(today=TODAY + 92 * DAY) == FollowResult(reopened=1)
        first, second = Case.objects.order_by("pk")
        assert (first.state, second.state) == (Case.State.CLOSED, Case.State.OPEN)

    def test_a_project_can_be_followed_alone(self) -> None:
        here, there = create_project(), create_project()
        owing(project=here)
        owing(project=there)
        assert follow(project=here) == FollowResult(opened=1)
        assert Case.objects.get().project == here

    def test_a_clock_that_went_back_changes_nothing(self) -> None:
        account = owing()
        follow()
        create_charge(account=account, month=dt.date(2025, 11, 1), due_on=TODAY - DAY)
        assert follow(today=TODAY - 5 * DAY) == FollowResult()
        assert follow() == FollowResult(changed=1)

    def test_the_number_of_queries_does_not_grow_with_cases(self, django_assert_num_queries: Callable) -> None:
        for _ in range(3):
            owing()
        with django_assert_num_queries(23):
            follow()
        for _ in range(30):
            owing()
        with django_assert_num_queries(23):
            follow()


@pytest.mark.django_db
class TestConstraints:
    def test_an_account_has_one_open_case(self) -> None:
        owing()
        follow()
        case = Case.objects.get()
        case.pk = None
        with pytest.raises(IntegrityError, match="one_open_case"), transaction.atomic():
            case.save()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"overdue": 0},
            {"state": Case.State.CLOSED},
            {"closed_on": TODAY},
            {"state": Case.State.CLOSED, "closed_on": TODAY},
        ],
    )
    def test_state_and_money_agree(self, wrong: dict[str, object]) -> None:
        owing()
        follow()
        with pytest.raises(IntegrityError, match="case_state_matches_money"), transaction.atomic():
            Case.objects.update(**wrong)

    def test_overdue_is_not_negative(self) -> None:
        owing()
        follow()
        with pytest.raises(IntegrityError, match=r"case_overdue_not_negative|case_state_matches_money"):
            Case.objects.update(overdue=-1)


def pay_while_following(account: Account) -> None:
    """A payment is posted but not committed when the following starts."""
    started, commit = threading.Event(), threading.Event()

    def pay() -> None:
        with transaction.atomic():
            post_payment(account_id=account.pk, amount=Decimal("100.00"), received_on=TODAY, now=NOW)
            started.set()
            commit.wait(5)
        connection.close()

    def follow_meanwhile() -> None:
        follow()
        connection.close()

    payer, follower = threading.Thread(target=pay), threading.Thread(target=follow_meanwhile)
    payer.start()
    started.wait(5)
    follower.start()
    follower.join(0.5)  # waits for the lock where there is one, else it is done
    commit.set()
    payer.join()
    follower.join()


def follow_twice_at_once() -> list[FollowResult | Exception]:
    """The second following starts before the first has committed."""
    results: list[FollowResult | Exception] = []
    started, commit = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            results.append(follow())
            started.set()
            commit.wait(5)
        connection.close()

    def second() -> None:
        try:
            results.append(follow())
        except IntegrityError as error:
            results.append(error)
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    started.wait(5)
    threads[1].start()
    threads[1].join(0.5)
    commit.set()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "lock_accounts", lambda ids: None)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_payment_that_commits_meanwhile_closes_the_case(self) -> None:
        account = owing()
        follow()
        create_charge(account=account, amount="1.00", month=dt.date(2025, 12, 1))  # the case lags behind
        pay_while_following(account)
        assert Case.objects.get().state == Case.State.CLOSED

    @pytest.mark.usefixtures("without_lock")
    def test_control_without_the_lock_a_payer_is_left_open(self) -> None:
        account = owing()
        follow()
        create_charge(account=account, amount="1.00", month=dt.date(2025, 12, 1))
        pay_while_following(account)
        assert Case.objects.get().state == Case.State.OPEN

    def test_two_followers_open_one_case(self) -> None:
        owing()
        assert follow_twice_at_once() == [FollowResult(opened=1), FollowResult()]
        assert Case.objects.count() == CaseTransition.objects.count() == 1

    @pytest.mark.usefixtures("without_lock")
    def test_control_without_the_lock_the_second_follower_fails(self) -> None:
        owing()
        _first, second = follow_twice_at_once()
        assert isinstance(second, IntegrityError)
