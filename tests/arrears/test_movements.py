import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrears.models import Payment
from arrears.movements import MovementKind, account_movements
from arrears.posting import post_refund, reverse_charge, reverse_payment
from arrears.relief import revoke_relief
from arrears.statements import statement
from company.rights import Right
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_payment, create_user
from tests.relief_factories import create_contract, create_late_fee_policy, create_relief

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def account():
    return create_account(code="8-2-1203")


def told(account, **days):
    days.setdefault("until", TODAY)
    return [(line.kind, line.charged, line.received, line.balance) for line in account_movements(account, **days).lines]


def test_charges_stand_on_their_due_day_and_money_on_the_day_it_came_in(account):
    create_charge(account=account, amount="100.00", due_on=dt.date(2025, 3, 10))
    create_charge(account=account, amount="50.00", month=dt.date(2025, 2, 1), due_on=dt.date(2025, 4, 10))
    create_payment(account=account, amount="120.00", received_on=dt.date(2025, 3, 20))
    assert told(account) == [
        (MovementKind.CHARGED, 100, 0, 100),
        (MovementKind.RECEIVED, 0, 120, -20),
        (MovementKind.CHARGED, 50, 0, 30),
    ]


def test_what_came_before_the_first_day_is_brought_forward_and_what_comes_later_is_left_out(account):
    for month in range(1, 7):
        create_charge(account=account, month=dt.date(2025, month, 1), due_on=dt.date(2025, month, 10))
    found = account_movements(account, since=dt.date(2025, 3, 1), until=dt.date(2025, 4, 30))
    assert (found.opening, found.charged, found.closing) == (200, 200, 400)
    assert [line.day.month for line in found.lines] == [3, 4]


def test_without_a_first_day_it_begins_with_the_first_movement(account):
    assert account_movements(account, until=TODAY).since == TODAY
    create_charge(account=account, due_on=dt.date(2024, 5, 6))
    assert account_movements(account, until=TODAY).since == dt.date(2024, 5, 6)


def test_a_reversed_payment_is_shown_with_its_reversal(account):
    create_charge(account=account)
    payment = create_payment(account=account, received_on=TODAY)
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    assert told(account)[1:] == [(MovementKind.RECEIVED, 0, 100, 0), (MovementKind.PAYMENT_REVERSED, 0, -100, 100)]


def test_a_charge_that_never_should_have_been_is_left_out(account):
    charge = create_charge(account=account, due_on=dt.date(2025, 3, 10))
    reverse_charge(charge.pk, today=TODAY, now=NOW, by=None, effective_on=charge.due_on)
    assert told(account) == []
    other = create_charge(account=account, due_on=dt.date(2025, 3, 10))
    reverse_charge(other.pk, today=TODAY, now=NOW, by=None)
    assert told(account) == [(MovementKind.CHARGED, 100, 0, 100), (MovementKind.CHARGE_REVERSED, -100, 0, 0)]


def test_an_amount_without_a_day_counts_with_the_charge_that_it_settles(account):
    charge = create_charge(account=account, due_on=dt.date(2025, 3, 10))
    kind = Payment.Kind.SETTLED_OUTSIDE
    designated = {charge.pk: Decimal("40.00")}
    create_payment(account=account, amount="40.00", received_on=dt.date(2025, 5, 1), kind=kind, designated=designated)
    assert told(account)[-1] == (MovementKind.SETTLED_OUTSIDE, 0, 40, 60)


def test_a_refund_raises_the_balance_again(account):
    create_payment(account=account, amount="80.00")
    post_refund(account_id=account.pk, amount=Decimal("30.00"), refunded_on=TODAY, now=NOW)
    assert told(account) == [(MovementKind.RECEIVED, 0, 80, -80), (MovementKind.REFUNDED, 0, -30, -50)]


def test_it_costs_as_many_queries_for_many_rows_as_for_few(account, django_assert_num_queries):
    for month in range(1, 4):
        create_charge(account=account, month=dt.date(2025, month, 1))
    with django_assert_num_queries(5):
        account_movements(account, until=TODAY)
    for month in range(1, 13):
        create_charge(account=account, month=dt.date(2024, month, 1))
        create_payment(account=account, amount="10.00")
    with django_assert_num_queries(5):
        account_movements(account, until=TODAY)


ACTS = st.lists(
    st.tuples(st.sampled_from(["charge", "pay", "reverse charge", "reverse payment"]), st.integers(1, 9_999)),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_the_last_balance_is_what_the_ledger_says(acts):
    """Charges due by the last day less all money that was received and not paid back."""
    account = create_account()
    fee = create_fee_type(project=account.project)
    charges, payments = [], []
    for number, (act, cents) in enumerate(acts):
        amount = Decimal(cents) / 100
        month = dt.date(2024 + number // 12, number % 12 + 1, 1)
        if act == "charge":
            due_on = TODAY + (cents % 60 - 30) * DAY
            charges.append(create_charge(account=account, amount=amount, month=month, due_on=due_on, fee_type=fee))
        elif act == "pay":
            payments.append(create_payment(account=account, amount=amount, received_on=TODAY - cents % 40 * DAY))
        elif act == "reverse charge" and charges:
            reverse_charge(charges.pop().pk, today=TODAY, now=NOW, by=None)
        elif act == "reverse payment" and payments:
            reverse_payment(payments.pop().pk, today=TODAY, now=NOW, by=None)
    stated = statement(account, on=TODAY)
    later = sum(
        line.charge.amount
        for line in stated.charges
        if line.charge.kind == "charge" and not line.charge.reversed_by_id and line.charge.due_on > TODAY
    )
    closing = account_movements(account, until=TODAY).closing
    assert closing == stated.charged - later - stated.settled - stated.credit


def test_late_fees_raise_what_is_owed_and_waivers_lower_it(account):
    """Money that settled a late fee does not look like money paid ahead, and reversals bring back what was."""
    create_contract(project=account.project, late_fee_word="滞纳金")
    charge = create_charge(account=account, amount="1000.00", month=dt.date(2024, 7, 1), due_on=TODAY - 100 * DAY)
    create_late_fee_policy(fee_type=charge.fee_type)
    before = account_movements(account, until=TODAY).closing
    waived = create_relief(account=account, kind="late_fee", amount="30.00", approved=True)
    assessed = sum(row.amount for row in account.late_fees.all())
    create_relief(account=account, charge=charge, amount="200.00", approved=True)
    create_payment(account=account, amount=assessed - 30)
    found = account_movements(account, until=TODAY)
    assert found.closing == before + assessed - 30 - 200 - (assessed - 30)
    assert [line.label for line in found.lines if line.kind == "late_fee"][:1] == ["滞纳金"]
    revoke_relief(waived.pk, by=create_user(), rights=frozenset(Right), now=NOW, today=TODAY, note="误批")
    assert account_movements(account, until=TODAY).closing == before - 200 + 30
