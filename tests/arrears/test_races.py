"""Many clients on one account at once: nothing is lost, nothing is counted twice (promises 5 and 7)."""

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from arrears import posting
from arrears.checking import check_ledger, totals
from arrears.models import Account, Charge, Payment
from arrears.posting import AlreadyReversedError, post_payment, reverse_payment
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, PAYMENTS = 8, 20
AMOUNT = Decimal("0.70")


@pytest.fixture(autouse=True)
def _slow_planning(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    """Time passes between reading what is open and writing what is settled, as it does on a busy server."""
    plan = posting.plan_allocation

    def slow(*args, **kwargs):
        planned = plan(*args, **kwargs)
        time.sleep(0.002)
        return planned

    monkeypatch.setattr(posting, "plan_allocation", slow)
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def account() -> Account:
    """Owes 90.00 in 30 charges, so that payments of 0.70 keep meeting at their edges."""
    account = create_account()
    for n in range(30):
        create_charge(account=account, month=dt.date(2022 + n // 12, n % 12 + 1, 1), amount="3.00")
    return account


def at_once(act: Callable[[int], object], *, clients: int) -> list[Exception]:
    """Runs ``act`` in as many threads, each on a connection of its own; returns what they raised."""
    start, failures = threading.Barrier(clients), list[Exception]()

    def client(number: int) -> None:
        try:
            start.wait(timeout=30)
            act(number)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return failures


def pay(account: Account) -> list[Exception]:
    failures: list[Exception] = []

    def client(_: int) -> None:
        for _ in range(PAYMENTS):
            try:
                post_payment(account_id=account.pk, amount=AMOUNT, received_on=TODAY, now=NOW)
            except Exception as failure:
                failures.append(failure)

    return failures + at_once(client, clients=CLIENTS)


def test_payments_at_once_are_exact(account: Account) -> None:
    assert pay(account) == []
    assert check_ledger() == []
    sums, paid = totals(), AMOUNT * CLIENTS * PAYMENTS
    assert (sums.settled, sums.credit) == (Decimal("90.00"), paid - 90)
    account.refresh_from_db()
    assert account.version == 30 + CLIENTS * PAYMENTS


def test_control_without_the_lock_payments_are_lost(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)
    failures = pay(account)
    sums, paid = totals(), AMOUNT * CLIENTS * PAYMENTS
    assert failures or check_ledger() or sums.credit != paid - 90


def test_one_submission_sent_many_times_at_once_is_one_payment(account: Account) -> None:
    key = uuid.uuid4()

    def send(_: int) -> None:
        post_payment(account_id=account.pk, amount=AMOUNT, received_on=TODAY, now=NOW, submission=key)

    assert at_once(send, clients=5) == []
    assert Payment.objects.count() == 1


def test_control_without_a_submission_each_is_a_payment_of_its_own(account: Account) -> None:
    at_once(
        lambda _: post_payment(account_id=account.pk, amount=AMOUNT, received_on=TODAY, now=NOW),
        clients=5,
    )
    assert Payment.objects.count() == 5


def test_a_payment_is_reversed_once_however_many_ask(account: Account) -> None:
    payment = create_payment(account=account, amount="10.00")
    failures = at_once(lambda _: reverse_payment(payment.pk, today=TODAY, now=NOW, by=None), clients=5)
    assert [type(failure) for failure in failures] == [AlreadyReversedError] * 4
    assert Payment.objects.filter(kind=Payment.Kind.REVERSAL).count() == 1
    assert check_ledger() == []


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "lock_account", lambda account_id: Account.objects.get(pk=account_id))


def test_control_without_the_lock_a_reversal_meets_another(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)
    meeting, release = threading.Barrier(5), posting.release

    def release_together(*args, **kwargs) -> None:
        meeting.wait(timeout=20)
        release(*args, **kwargs)

    payment = create_payment(account=account, amount="10.00")
    monkeypatch.setattr(posting, "release", release_together)
    failures = at_once(lambda _: reverse_payment(payment.pk, today=TODAY, now=NOW, by=None), clients=5)
    assert not any(isinstance(failure, AlreadyReversedError) for failure in failures)


def test_charging_paying_and_reversing_at_once_leaves_the_ledger_sound(account: Account) -> None:
    """Each of them reads and writes balances; the order is left to chance."""
    assert everything_at_once(account) == []
    assert check_ledger() == []


def test_control_without_the_lock_it_does_not(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)
    assert everything_at_once(account) or check_ledger()


def everything_at_once(account: Account) -> list[Exception]:
    """Charges, payments and reversals by all clients; returns what failed."""
    payments = [create_payment(account=account, amount="5.00").pk for _ in range(6)]
    charges = list(Charge.objects.order_by("pk").values_list("pk", flat=True)[:6])

    def act(number: int) -> None:
        for turn in range(6):
            match (number + turn) % 4:
                case 0:
                    month = dt.date(2010 + number, turn + 1, 1)
                    create_charge(account=account, month=month, amount="3.00")
                case 1:
                    post_payment(account_id=account.pk, amount=AMOUNT, received_on=TODAY, now=NOW)
                case 2:
                    _once(lambda turn=turn: reverse_payment(payments[turn], today=TODAY, now=NOW, by=None))
                case 3:
                    _once(lambda turn=turn: posting.reverse_charge(charges[turn], today=TODAY, now=NOW, by=None))

    return at_once(act, clients=CLIENTS)


def _once(act: Callable[[], object]) -> None:
    try:
        act()
    except AlreadyReversedError:
        return
