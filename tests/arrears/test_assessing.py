"""Assessing late fees: append-only rows that are settled last, once however often and by however many (A5)."""

import datetime as dt
import json
import time
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from arrears import assessing
from arrears.assessing import Assessment, assess_accounts, assess_late_fees, reverse_late_fee
from arrears.checking import check_ledger, totals
from arrears.models import Account, ChargeBalance, LateFee, LateFeeBalance, PaymentBalance
from arrears.posting import AlreadyReversedError, FutureDayError, reverse_charge, reverse_payment
from company.models import AuditEvent
from tests.arrears.test_races import at_once
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
)
from tests.relief_factories import create_contract, create_late_fee_policy

D = Decimal
DUE = TODAY - dt.timedelta(days=100)


def make_account() -> Account:
    """Owes 1,000.00 for 100 days at 0.05 % a day: 50.00."""
    account = create_account()
    create_contract(project=account.project)
    create_late_fee_policy(fee_type=create_fee_type(project=account.project))
    create_charge(account=account, amount="1000.00", due_on=DUE)
    return account


@pytest.fixture
def account(db) -> Account:
    return make_account()


def assess(account: Account, as_of: dt.date = TODAY) -> Assessment:
    return assess_late_fees(account.project, as_of=as_of, now=NOW, by=None)


def open_late_fees(account: Account) -> Decimal:
    live = LateFeeBalance.objects.filter(account=account, is_live=True)
    return sum((balance.amount - balance.settled for balance in live), D(0))


def credit(account: Account) -> Decimal:
    return sum((balance.left for balance in PaymentBalance.objects.filter(account=account, is_live=True)), D(0))


def test_a_second_run_posts_only_what_grew(account: Account) -> None:
    assert assess(account, TODAY - dt.timedelta(days=10)) == Assessment(1, D("45.00"), D(0))
    assert assess(account, TODAY - dt.timedelta(days=10)) == Assessment()
    assert assess(account) == Assessment(1, D("5.00"), D(0))
    assert assess(account) == Assessment()
    assert [(row.number, row.amount) for row in LateFee.objects.order_by("pk")] == [(1, D("45.00")), (2, D("5.00"))]
    assert check_ledger() == []


def test_a_run_for_an_earlier_day_posts_nothing_and_blames_nothing(account: Account) -> None:
    assess(account)
    assert assess(account, TODAY - dt.timedelta(days=50)) == Assessment()


def test_nothing_is_assessed_ahead(account: Account) -> None:
    with pytest.raises(FutureDayError):
        assess(account, TODAY + dt.timedelta(days=1))


def test_it_is_no_principal(account: Account) -> None:
    assess(account)
    assert totals().outstanding == D("1000.00")
    assert ChargeBalance.objects.count() == 1


def test_money_settles_it_after_every_charge(account: Account) -> None:
    create_charge(account=account, amount="100.00", month=dt.date(2025, 11, 1))
    assess(account)
    create_payment(account=account, amount="1120.00")
    assert totals().outstanding == 0
    assert (open_late_fees(account), credit(account)) == (D("30.00"), D(0))
    create_payment(account=account, amount="40.00")
    assert (open_late_fees(account), credit(account)) == (D(0), D("10.00"))
    assert check_ledger() == []


def test_credit_settles_it_when_it_is_assessed(account: Account) -> None:
    create_payment(account=account, amount="1020.00")
    assess(account)
    assert (open_late_fees(account), credit(account)) == (D("30.00"), D(0))
    assert check_ledger() == []


def test_a_payment_that_is_taken_back_opens_it_again(account: Account) -> None:
    assess(account)
    payment = create_payment(account=account, amount="1050.00")
    assert open_late_fees(account) == 0
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    assert open_late_fees(account) == D("50.00")
    assert check_ledger() == []


def test_it_ends_with_its_charge_and_its_money_is_credit(account: Account) -> None:
    assess(account)
    create_payment(account=account, amount="1050.00")
    reverse_charge(account.charges.get().pk, today=TODAY, now=NOW, by=None)
    assert (open_late_fees(account), credit(account)) == (D(0), D("1050.00"))
    assert LateFee.objects.filter(kind=LateFee.Kind.REVERSAL).count() == 1
    assert check_ledger() == []


def test_reversed_it_may_be_assessed_anew(account: Account) -> None:
    assess(account)
    late_fee = LateFee.objects.get()
    reverse_late_fee(late_fee.pk, today=TODAY, now=NOW, by=None, note="算错")
    with pytest.raises(AlreadyReversedError):
        reverse_late_fee(late_fee.pk, today=TODAY, now=NOW, by=None)
    assert assess(account).amount == D("50.00")
    assert list(LateFee.objects.filter(kind="late_fee").values_list("number", flat=True)) == [1, 2]
    assert check_ledger() == []


def test_money_that_comes_to_light_later_shows_as_assessed_too_high(account: Account) -> None:
    assess(account)
    create_payment(account=account, amount="1000.00", received_on=DUE + dt.timedelta(days=20))
    assert assess(account) == Assessment(0, D(0), D("40.00"))
    assert LateFee.objects.count() == 1


def test_an_assessment_is_recorded(account: Account) -> None:
    assess(account)
    assert AuditEvent.objects.get(action="ledger.late_fees_assessed").detail["amount"] == "50.00"


def test_a_run_costs_the_same_queries_for_more_charges(account: Account, django_assert_max_num_queries) -> None:
    for month in range(2, 9):
        create_charge(account=account, month=dt.date(2025, month, 1))
    with django_assert_max_num_queries(21):
        assess(account)


class TestCommand:
    def run(self, *arguments: str) -> dict:
        out = StringIO()
        call_command("assess_late_fees", *arguments, "--json", stdout=out, stderr=StringIO())
        return json.loads(out.getvalue().splitlines()[-1])

    def test_it_says_what_it_posted(self, account: Account) -> None:
        arguments = ["--project", account.project.code, "--as-of", TODAY.isoformat()]
        first, second = self.run(*arguments), self.run(*arguments)
        assert (first["charges"], first["amount"], first["as_of"]) == (1, "50.00", "2025-11-23")
        assert (second["charges"], second["amount"]) == (0, "0.00")

    @pytest.mark.parametrize("arguments", [["--project", "NONE"], ["--project", "", "--as-of", "2099-01-01"]])
    def test_it_refuses_what_it_cannot_do(self, arguments: list[str], account: Account) -> None:
        arguments = [argument or account.project.code for argument in arguments]
        with pytest.raises(CommandError):
            call_command("assess_late_fees", *arguments, stdout=StringIO(), stderr=StringIO())


def slowly(act: Callable[..., Any]) -> Callable[..., Any]:
    """Time passes between reading and writing, as it does on a busy server."""

    def slow(*args: Any, **kwargs: Any) -> Any:
        result = act(*args, **kwargs)
        time.sleep(0.02)
        return result

    return slow


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run(self, account: Account) -> list[Exception]:
        def act(_: int) -> None:
            assess_accounts(account.project, [account.pk], as_of=TODAY, now=NOW, by=None)

        return at_once(act, clients=6)

    def test_assessed_by_many_at_once_it_is_posted_once(self) -> None:
        account = make_account()
        assert self.run(account) == []
        assert LateFee.objects.get().amount == D("50.00")
        assert check_ledger() == []

    def test_control_without_the_lock_the_database_has_to_stop_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account = make_account()
        monkeypatch.setattr(assessing, "lock_accounts", lambda ids: None)
        monkeypatch.setattr(assessing, "late_fee_lines", slowly(assessing.late_fee_lines))
        failures = self.run(account)
        assert failures
        assert LateFee.objects.count() == 1
