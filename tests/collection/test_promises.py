"""Promises judged by what was paid between the day they were given and the day they named."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone, translation

from arrears.posting import reverse_payment
from collection import promises
from collection.models import Case, PromiseToPay
from collection.promises import Judged, Promised, judge_promises, record_promise, verdict
from collection.tasks import follow_ledger
from company.models import Notification, Project, User
from tests.factories import NOW, TODAY, create_contact, create_payment, create_project, create_promise
from tests.field_factories import create_field_case, create_field_worker

State = PromiseToPay.State
DAY = dt.timedelta(days=1)
GIVEN = NOW - 5 * DAY


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def case(project: Project, worker: User) -> Case:
    return create_field_case(project=project, by=worker, amount="1000.00")


def promise(case: Case, *, days: int, amount: str = "300.00") -> PromiseToPay:
    """Given five days ago, due so many days from now."""
    return create_promise(case=case, pay_by=TODAY + days * DAY, amount=amount, at=GIVEN)


def judge(*, later: int = 0) -> Judged:
    return judge_promises(today=TODAY + later * DAY, now=NOW + later * DAY)


def state_of(given: PromiseToPay) -> tuple[str, Decimal]:
    given.refresh_from_db()
    return given.state, given.paid


class TestVerdicts:
    @pytest.mark.parametrize(
        ("paid", "expected"),
        [("300.00", State.KEPT), ("299.99", State.PARTLY), ("0.01", State.PARTLY), (None, State.BROKEN)],
    )
    def test_after_its_day(self, case: Case, paid: str | None, expected: str) -> None:
        given = promise(case, days=-1)
        if paid:
            create_payment(account=case.account, amount=paid, received_on=TODAY - 2 * DAY)
        judge()
        assert state_of(given) == (expected, Decimal(paid or 0))

    def test_on_its_day_it_still_waits_unless_the_money_is_in(self, case: Case) -> None:
        given = promise(case, days=0)
        assert judge() == Judged()
        create_payment(account=case.account, amount="300.00")
        assert judge() == Judged(kept=1)
        assert state_of(given)[0] == State.KEPT

    @pytest.mark.parametrize("received_on", [TODAY - 6 * DAY, TODAY])
    def test_money_from_before_it_was_given_or_after_its_day_does_not_count(
        self, case: Case, received_on: dt.date
    ) -> None:
        given = promise(case, days=-1)
        create_payment(account=case.account, amount="300.00", received_on=received_on)
        judge()
        assert state_of(given)[0] == State.BROKEN

    def test_payments_that_come_in_late_are_still_seen(self, case: Case) -> None:
        given = promise(case, days=-1)
        judge()
        create_payment(account=case.account, amount="300.00", received_on=TODAY - 2 * DAY)
        assert judge(later=3) == Judged(kept=1)
        assert state_of(given)[0] == State.KEPT

    def test_a_reversed_payment_is_none(self, case: Case) -> None:
        given = promise(case, days=2)
        payment = create_payment(account=case.account, amount="300.00")
        judge()
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        judge()
        assert state_of(given) == (State.WAITING, Decimal(0))
        judge(later=3)
        assert state_of(given)[0] == State.BROKEN

    def test_old_verdicts_stand(self, case: Case) -> None:
        given = promise(case, days=-1)
        judge()
        create_payment(account=case.account, amount="300.00", received_on=TODAY - 2 * DAY)
        assert judge(later=40) == Judged()
        assert state_of(given)[0] == State.BROKEN

    def test_the_rule_itself(self) -> None:
        given = PromiseToPay(amount=Decimal(10), pay_by=TODAY)
        assert verdict(given, Decimal(0), today=TODAY) == State.WAITING
        assert verdict(given, Decimal(0), today=TODAY + DAY) == State.BROKEN


class TestWhatFollows:
    def test_a_broken_promise_is_told_once_and_the_case_is_due(self, case: Case, worker: User) -> None:
        promise(case, days=-1)
        with translation.override("zh-hans"):
            judge()
            judge()
        told = Notification.objects.get(user=worker)
        assert case.account.unit.code in told.title
        assert told.url.endswith(f"/cases/{case.pk}/")
        case.refresh_from_db()
        assert case.next_contact_on == TODAY

    def test_the_task_that_runs_each_minute_judges(self, case: Case) -> None:
        today = timezone.localdate()
        given = create_promise(case=case, pay_by=today - DAY, amount="300.00", at=timezone.now() - 5 * DAY)
        follow_ledger()
        assert state_of(given)[0] == State.BROKEN

    def test_a_new_promise_takes_the_place_of_one_that_waited(self, case: Case) -> None:
        first = promise(case, days=2)
        contact = create_contact(case=case, outcome="met_owner")
        second = record_promise(contact, Promised(TODAY + 5 * DAY, Decimal("500.00")), today=TODAY)
        judge(later=10)
        assert (state_of(first)[0], state_of(second)[0]) == (State.REPLACED, State.BROKEN)


def judge_while_recording(case: Case) -> Judged:
    """A contact is being recorded, which locks the case and then its promise, when the judging begins."""
    locked, done = threading.Event(), threading.Event()

    def record() -> None:
        with transaction.atomic():
            Case.objects.select_for_update().get(pk=case.pk)
            locked.set()
            done.wait(5)
            contact = create_contact(case=case, outcome="met_owner")
            record_promise(contact, Promised(TODAY, Decimal("500.00")), today=TODAY)
        connection.close()

    recorder = threading.Thread(target=record)
    recorder.start()
    locked.wait(5)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            return judge()
    finally:
        done.set()
        recorder.join()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_whoever_records_a_contact_meanwhile_goes_first(self, case: Case) -> None:
        given = promise(case, days=-1)
        assert judge_while_recording(case) == Judged()
        assert state_of(given)[0] == State.REPLACED

    def test_control_with_the_promise_locked_before_its_case_one_of_them_fails(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lock_news(verdicts: dict[int, Decimal], *, today: dt.date) -> list[PromiseToPay]:
            return list(PromiseToPay.objects.select_for_update(skip_locked=True).filter(pk__in=verdicts))

        monkeypatch.setattr(promises, "_lock_news", lock_news)
        promise(case, days=-1)
        with pytest.raises(OperationalError, match="timeout"):
            judge_while_recording(case)
