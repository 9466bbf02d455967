"""Late fees: the arithmetic against the contract's wording, the day-by-day explanation, and who bears none (A5)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrears.late_fees import Change, Terms, accrue, late_fee_lines, late_fee_word
from arrears.models import Account, Allocation, FeeType, LateFeePolicy, Payment, PaymentBalance
from arrears.posting import reverse_charge, reverse_payment
from tests.arrears.late_fee_oracle import Bill, contract_fee
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
    create_project,
)
from tests.relief_factories import create_contract, create_late_fee_policy

DUE = dt.date(2025, 1, 31)
D = Decimal
RATES = ["0.0005", "0.003", "0.001", "0.0003", "0.000333"]


def days(start: int, end: int) -> st.SearchStrategy[dt.date]:
    return st.integers(start, end).map(lambda n: DUE + dt.timedelta(days=n))


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    """A bill of which parts were paid, some of them taken back, and parts were waived."""
    cents = draw(st.integers(1, 5_000_00))
    bill, left = Bill(D(cents) / 100, DUE), cents
    for _ in range(draw(st.integers(0, 5))):
        part = draw(st.integers(1, max(left // 2, 1)))
        if part > left:
            break
        left -= part
        came = draw(st.none() | days(-40, 400))
        back = draw(st.none() | st.integers(0, 200).map(lambda n, came=came: (came or DUE) + dt.timedelta(days=n)))
        if draw(st.booleans()):
            bill.waived.append((came or DUE, D(part) / 100, back))
        else:
            bill.paid.append((came, D(part) / 100, back))
    return bill


def changes(bill: Bill) -> list[Change]:
    found = []
    one = dt.timedelta(days=1)
    for rows, lag in ((bill.paid, one), (bill.waived, dt.timedelta())):
        for since, amount, until in rows:
            first = since + lag if since else dt.date.min
            if until is None or until > first:
                found.append(Change(first, -amount))
                found += [Change(until, amount)] if until else []
    return found


@settings(max_examples=400, deadline=None)
@given(
    bill=bills(),
    rate=st.sampled_from(RATES),
    grace=st.integers(0, 45),
    cap=st.none() | st.sampled_from(["5", "20", "30", "100", "0.33"]),
    as_of=days(-10, 900),
)
def test_the_arithmetic_is_that_of_the_contract(
    bill: Bill, rate: str, grace: int, cap: str | None, as_of: dt.date
) -> None:
    terms = Terms(D(rate), grace, cap and D(cap))
    accrual = accrue(bill.amount, bill.due_on, changes(bill), terms, as_of=as_of)
    assert accrual.amount == contract_fee(bill, per_day=rate, grace=grace, cap_percent=cap, as_of=as_of)
    assert sum((s.principal * s.days * terms.daily_rate for s in accrual.segments), D(0)) == accrual.raw
    for before, after in zip(accrual.segments, accrual.segments[1:], strict=False):
        assert before.last_on < after.first_on


def test_the_example_of_a_contract() -> None:
    """1,000.00 due on 31 January at 0.05 % with 10 days of grace; 400.00 paid on 1 March, looked at on 31 March."""
    paid = [Change(dt.date(2025, 3, 2), D("-400.00"))]
    accrual = accrue(D("1000.00"), DUE, paid, Terms(D("0.0005"), 10), as_of=dt.date(2025, 3, 31))
    shown = [(s.first_on, s.last_on, s.days, s.principal, s.amount) for s in accrual.segments]
    assert shown == [
        (dt.date(2025, 2, 11), dt.date(2025, 3, 1), 19, D("1000.00"), D("9.5")),
        (dt.date(2025, 3, 2), dt.date(2025, 3, 31), 30, D("600.00"), D("9.0")),
    ]
    assert accrual.amount == D("18.50")


def test_half_a_cent_is_rounded_up_once() -> None:
    """Three days of 0.015 are 0.045 and so 0.05; rounded day by day they would be 0.06."""
    accrual = accrue(D("30.00"), DUE, [], Terms(D("0.0005")), as_of=DUE + dt.timedelta(days=3))
    assert (accrual.raw, accrual.amount) == (D("0.0450"), D("0.05"))


# --- from the ledger --------------------------------------------------------------------------------------------


pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    """Owes 1,000.00 since 31 January, under a contract with 0.05 % a day."""
    account = create_account()
    create_contract(project=account.project)
    create_late_fee_policy(fee_type=create_fee_type(project=account.project))
    create_charge(account=account, amount="1000.00", due_on=DUE)
    return account


def fee(account: Account, on: dt.date) -> Decimal:
    return sum((line.accrual.amount for line in late_fee_lines([account.pk], account.project, on=on)), D(0))


def test_nothing_is_late_on_the_due_day(account: Account) -> None:
    assert [fee(account, DUE + dt.timedelta(days=n)) for n in (-1, 0, 1, 2)] == [0, 0, D("0.50"), D("1.00")]


def test_a_payment_counts_from_the_next_day(account: Account) -> None:
    create_payment(account=account, amount="600.00", received_on=dt.date(2025, 2, 10))
    assert fee(account, dt.date(2025, 2, 10)) == D("5.00")
    assert fee(account, dt.date(2025, 2, 11)) == D("5.20")


def test_what_was_imported_without_a_day_stops_the_fee_from_the_beginning(account: Account) -> None:
    """Its allocation counts from the due date at the earliest, here from later, since other money came before."""
    charge, common = account.charges.get(), {"project": account.project, "account": account, "posted_at": NOW}
    payment = Payment.objects.create(kind="imported", amount=D("400.00"), **common)
    PaymentBalance.objects.create(
        payment=payment, project=account.project, account=account, amount=payment.amount, allocated=payment.amount
    )
    Allocation.objects.create(payment=payment, charge=charge, amount=D("400.00"), effective_on=TODAY, **common)
    assert fee(account, DUE + dt.timedelta(days=10)) == D("3.00")


def test_a_payment_taken_back_counts_until_its_reversal(account: Account) -> None:
    payment = create_payment(account=account, amount="1000.00", received_on=dt.date(2025, 2, 10))
    reverse_payment(payment.pk, today=dt.date(2025, 3, 1), now=NOW, by=None)
    assert fee(account, dt.date(2025, 2, 28)) == D("5.00")
    assert fee(account, dt.date(2025, 3, 1)) == D("5.50")


def test_a_reversed_charge_bears_none(account: Account) -> None:
    reverse_charge(account.charges.get().pk, today=dt.date(2025, 6, 1), now=NOW, by=None)
    assert fee(account, dt.date(2025, 5, 31)) == D("60.00")
    assert fee(account, dt.date(2025, 6, 1)) == 0


def test_without_a_clause_there_is_no_late_fee_anywhere(account: Account) -> None:
    account.project.contracts.update(late_fee_clause=" ")
    assert late_fee_word(account.project, on=TODAY) is None
    assert late_fee_lines([account.pk], account.project, on=TODAY) == []


def test_the_contracts_own_word_is_kept(account: Account) -> None:
    account.project.contracts.update(late_fee_word="滞纳金")
    assert late_fee_lines([account.pk], account.project, on=TODAY)[0].word == "滞纳金"


def test_a_charge_from_before_the_contract_or_the_policy_bears_none(account: Account) -> None:
    account.project.contracts.update(starts_on=dt.date(2025, 2, 1))
    assert fee(account, TODAY) == 0
    account.project.contracts.update(starts_on=dt.date(2025, 1, 1))
    create_late_fee_policy(fee_type=FeeType.objects.get(), daily_rate="0.003", valid_from=dt.date(2025, 2, 1))
    assert fee(account, dt.date(2025, 2, 1)) == D("0.50")
    create_late_fee_policy(fee_type=FeeType.objects.get(), daily_rate="0.003", valid_from=dt.date(2025, 1, 1))
    assert fee(account, dt.date(2025, 2, 1)) == D("3.00")
    create_late_fee_policy(fee_type=FeeType.objects.get(), daily_rate="0", valid_from=dt.date(2025, 1, 1))
    assert fee(account, dt.date(2025, 2, 1)) == 0


def test_a_fee_without_a_policy_bears_none(account: Account) -> None:
    water = create_fee_type(project=account.project, name="水费", nature=FeeType.Nature.WATER, is_on_behalf=True)
    create_charge(account=account, fee_type=water, due_on=DUE)
    assert [line.charge.fee_type.name for line in late_fee_lines([account.pk], account.project, on=TODAY)] == ["物业费"]


def test_another_projects_policies_do_not_matter() -> None:
    project, other = create_project(), create_project()
    create_contract(project=other)
    create_late_fee_policy(fee_type=create_fee_type(project=other))
    account = create_account(project=project)
    create_charge(account=account, due_on=DUE)
    assert late_fee_lines([account.pk], project, on=TODAY) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("late_fee_rate_in_range", {"daily_rate": D("0.02")}),
        ("late_fee_rate_in_range", {"daily_rate": D("-0.0005")}),
        ("late_fee_cap_positive", {"cap_percent": D(0)}),
        ("late_fee_grace_in_range", {"grace_days": 400}),
    ],
)
def test_a_policy_is_within_reason(name: str, values: dict, account: Account) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        create_late_fee_policy(fee_type=FeeType.objects.get(), **values)
    assert LateFeePolicy.objects.count() == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_what_the_ledger_posts_bears_what_the_contract_says(account: Account, data: st.DataObject) -> None:
    """Payments of any day, posted in any order and some of them reversed, against the oracle."""
    with transaction.atomic():
        bill = Bill(D("1000.00"), DUE)
        for _ in range(data.draw(st.integers(0, 4))):
            amount, came = D(data.draw(st.integers(1, 24_000))) / 100, data.draw(days(1, 250))
            payment = create_payment(account=account, amount=amount, received_on=came)
            bill.paid.append((came, amount, None))
            if data.draw(st.booleans()):
                back = came + dt.timedelta(days=data.draw(st.integers(0, 40)))
                reverse_payment(payment.pk, today=back, now=NOW, by=None)
                bill.paid[-1] = (came, amount, back)
        as_of = data.draw(days(0, 290))
        expected = contract_fee(bill, per_day="0.0005", grace=0, cap_percent=None, as_of=as_of)
        overtaken = any(back and came < back for came, _amount, back in bill.paid)
        if not overtaken:  # where money was taken back, later money counts from that day at the earliest
            assert fee(account, as_of) == expected
        else:
            assert fee(account, as_of) >= expected
        transaction.set_rollback(True)
