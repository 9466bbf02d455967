"""Which charges money settles, and that designations are kept or refused."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.allocation import AllocationError, OpenCharge, open_charges, plan_allocation
from arrears.models import Allocation
from tests.factories import create_account, create_charge, create_fee_type, create_payment

D = Decimal


def charge(pk: int, *, due: int = 1, amount: str = "100.00", fee: int = 1) -> OpenCharge:
    return OpenCharge(pk, fee, dt.date(2025, 1, due), D(amount))


def test_the_oldest_due_is_settled_first() -> None:
    charges = [charge(1, due=20), charge(2, due=10), charge(3, due=15)]
    assert plan_allocation(charges, D("150.00")) == {2: D("100.00"), 3: D("50.00")}


def test_of_the_same_day_the_one_posted_first() -> None:
    assert plan_allocation([charge(2), charge(1)], D("100.00")) == {1: D("100.00")}


def test_the_named_fee_goes_before_older_ones() -> None:
    charges = [charge(1, due=1, fee=1), charge(2, due=20, fee=2)]
    assert plan_allocation(charges, D("120.00"), fee_type_id=2) == {2: D("100.00"), 1: D("20.00")}


def test_a_designation_goes_before_everything() -> None:
    charges = [charge(1, due=1), charge(2, due=20), charge(3, due=10)]
    plan = plan_allocation(charges, D("150.00"), designated={2: D("60.00")})
    assert plan == {2: D("60.00"), 1: D("90.00")}


def test_what_a_designation_leaves_may_go_to_the_same_charge() -> None:
    assert plan_allocation([charge(1)], D("100.00"), designated={1: D("10.00")}) == {1: D("100.00")}


@pytest.mark.parametrize(
    "designated",
    [
        pytest.param({1: D("100.01")}, id="more than is open"),
        pytest.param({9: D("1.00")}, id="another account's charge"),
        pytest.param({1: D("80.00"), 2: D("80.00")}, id="more than was paid"),
        pytest.param({1: D("0.00")}, id="nothing"),
        pytest.param({1: D("-5.00")}, id="less than nothing"),
    ],
)
def test_a_designation_that_cannot_be_followed_is_refused(designated: dict[int, Decimal]) -> None:
    with pytest.raises(AllocationError):
        plan_allocation([charge(1), charge(2)], D("150.00"), designated=designated)


CENTS = st.integers(1, 50_000).map(lambda cents: D(cents) / 100)


@given(
    st.lists(st.tuples(CENTS, st.integers(1, 28), st.integers(1, 3)), max_size=12),
    CENTS,
    st.none() | st.integers(1, 3),
)
def test_a_plan_never_settles_more_than_is_open_or_paid(
    rows: list[tuple[Decimal, int, int]], amount: Decimal, fee: int | None
) -> None:
    charges = [OpenCharge(pk, of, dt.date(2025, 1, day), open_) for pk, (open_, day, of) in enumerate(rows)]
    plan = plan_allocation(charges, amount, fee_type_id=fee)
    open_of = {c.charge_id: c.open for c in charges}
    assert all(0 < part <= open_of[pk] for pk, part in plan.items())
    assert sum(plan.values(), D(0)) == min(amount, sum(open_of.values(), D(0)))
    order = sorted(charges, key=lambda c: (c.fee_type_id != fee, c.due_on, c.charge_id))
    full = [plan.get(c.charge_id) == c.open for c in order]
    assert full == sorted(full, reverse=True), "a later charge is settled while an earlier one is open"


@pytest.mark.django_db
def test_a_charge_of_another_account_cannot_be_designated() -> None:
    account = create_account()
    stranger = create_account(project=account.project)
    theirs = create_charge(account=stranger)
    with pytest.raises(AllocationError):
        create_payment(account=account, designated={theirs.pk: D("10.00")})


@pytest.mark.django_db
def test_a_payment_for_a_fee_settles_that_fee_first() -> None:
    account = create_account()
    water = create_fee_type(project=account.project, name="水费")
    create_charge(account=account, month=dt.date(2025, 1, 1))
    later = create_charge(account=account, month=dt.date(2025, 6, 1), fee_type=water)
    create_payment(account=account, fee_type=water)
    assert Allocation.objects.get().charge == later
    assert [row.open for row in open_charges(account.pk)] == [D("100.00")]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [3, 30])
def test_settling_many_charges_costs_a_fixed_number_of_queries(size: int, django_assert_num_queries) -> None:
    account = create_account()
    for n in range(size):
        create_charge(account=account, month=dt.date(2020 + n // 12, n % 12 + 1, 1), amount="10.00")
    with django_assert_num_queries(13):
        create_payment(account=account, amount=D(10 * size))
    assert open_charges(account.pk) == []
