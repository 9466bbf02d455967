"""Outstanding, overdue days and ageing, today from balances and on any day from the rows."""

import datetime as dt
from decimal import Decimal

import pytest

from arrears.models import FeeType
from arrears.posting import reverse_charge, reverse_payment
from arrears.queries import (
    AGEING_BUCKETS,
    aged_by,
    ageing,
    bucket_of,
    overdue_days,
)
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_owner,
    create_ownership,
    create_payment,
    create_project,
    create_unit,
)

DAY = dt.timedelta(days=1)
EDGES = [
    (-5, None), (0, None), (1, "d30"), (30, "d30"), (31, "d90"), (90, "d90"), (91, "d180"), (180, "d180"),
    (181, "d365"), (365, "d365"), (366, "y2"), (730, "y2"), (731, "y3"), (1095, "y3"), (1096, "older"), (9999, "older"),
]  # fmt: skip


@pytest.mark.parametrize(("days", "key"), EDGES)
def test_edges_of_the_buckets(days: int, key: str | None) -> None:
    bucket = bucket_of(days)
    assert (bucket.key if bucket else None) == key


def test_overdue_days_are_counted_from_the_due_day() -> None:
    assert [overdue_days(TODAY - n * DAY, TODAY) for n in (-1, 0, 1)] == [-1, 0, 1]


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "key"), EDGES)
def test_the_database_puts_a_charge_into_the_same_bucket(days: int, key: str | None) -> None:
    account = create_account()
    create_charge(account=account, due_on=TODAY - days * DAY)
    for as_of in (False, True):
        found = {
            line.bucket.key: (line.amount, line.accounts) for line in ageing(account.project, on=TODAY, as_of=as_of)
        }
        expected = {bucket.key: (Decimal(0), 0) for bucket in AGEING_BUCKETS}
        if key:
            expected[key] = (Decimal("100.00"), 1)
        assert found == expected


@pytest.mark.django_db
def test_what_is_overdue_leaves_out_what_is_settled_or_not_due() -> None:
    account = create_account()
    paid = create_account(project=account.project)
    future = create_account(project=account.project)
    create_charge(account=account, month=dt.date(2025, 1, 1))
    create_charge(account=account, month=dt.date(2025, 2, 1))
    create_payment(account=account, amount="30.00")
    create_charge(account=paid)
    create_payment(account=paid)
    create_charge(account=future, due_on=TODAY)
    aged = aged_by(account.project, "account", on=TODAY)
    assert {pk: (a.overdue, a.oldest_due_on) for pk, a in aged.items() if a.overdue} == {
        account.pk: (Decimal("170.00"), dt.date(2025, 1, 31))
    }


@pytest.mark.django_db
def test_another_projects_ledger_is_not_counted() -> None:
    account, stranger = create_account(), create_account()
    create_charge(account=stranger)
    assert aged_by(account.project, "account", on=TODAY) == {}


@pytest.mark.django_db
def test_open_amounts_by_each_grouping() -> None:
    project = create_project()
    first = create_account(project=project, code="1-1-101", names=["李小博", "王敏"])
    second = create_account(project=project, code="2-1-101")
    charge = create_charge(account=first, month=dt.date(2025, 10, 1))
    create_charge(account=first, due_on=TODAY + DAY)
    create_charge(account=second, month=dt.date(2023, 1, 1), amount="40.00")
    assert aged_by(project, "charge", on=TODAY)[charge.pk].overdue == Decimal("100.00")
    by_account = aged_by(project, "account", on=TODAY)[first.pk]
    assert (by_account.overdue, by_account.not_due) == (Decimal("100.00"), Decimal("100.00"))
    assert by_account.oldest_due_on == dt.date(2025, 10, 31)
    assert aged_by(project, "unit", on=TODAY)[second.unit_id].buckets["y3"] == Decimal("40.00")
    assert aged_by(project, "building", on=TODAY)[first.unit.building_id].overdue == Decimal("100.00")
    assert aged_by(project, "project", on=TODAY)[project.pk].accounts == 2
    owners = [member.owner_id for member in first.ownership.members.all()]
    by_owner = aged_by(project, "owner", on=TODAY)
    assert [by_owner[owner].overdue for owner in owners] == [Decimal("100.00")] * 2
    assert list(aged_by(project, "account", on=TODAY, accounts=[second.pk])) == [second.pk]


@pytest.mark.django_db
def test_one_owner_of_two_units_owes_for_both() -> None:
    project = create_project()
    owner = create_owner(project=project)
    for code in ("1-1-101", "P-001"):
        unit = create_unit(project=project, code=code)
        account = unit.accounts.create(project=project, ownership=create_ownership(unit=unit, owners=[owner]))
        create_charge(account=account)
    aged = aged_by(project, "owner", on=TODAY)[owner.pk]
    assert (aged.overdue, aged.accounts) == (Decimal("200.00"), 2)


def overdue_on(account, day: dt.date) -> Decimal:
    aged = aged_by(account.project, "account", on=day, as_of=True).get(account.pk)
    return aged.overdue if aged else Decimal(0)


@pytest.mark.django_db
def test_an_earlier_day_knows_neither_later_payments_nor_later_reversals() -> None:
    account = create_account()
    charge = create_charge(account=account, month=dt.date(2025, 1, 1))
    payment = create_payment(account=account, amount="60.00", received_on=dt.date(2025, 3, 1))
    reverse_payment(payment.pk, today=dt.date(2025, 5, 1), now=NOW, by=None)
    reverse_charge(charge.pk, today=dt.date(2025, 7, 1), now=NOW, by=None)
    days = {(1, 31): 0, (2, 1): 100, (2, 28): 100, (3, 1): 40, (4, 30): 40, (5, 1): 100, (6, 30): 100, (7, 1): 0}
    for (month, day), amount in days.items():
        assert overdue_on(account, dt.date(2025, month, day)) == amount, (month, day)


@pytest.mark.django_db
def test_money_freed_by_a_reversal_settles_only_from_then_on() -> None:
    account = create_account()
    january = create_charge(account=account, month=dt.date(2025, 1, 1))
    create_charge(account=account, month=dt.date(2025, 2, 1))
    create_payment(account=account, received_on=dt.date(2025, 3, 5))
    reverse_charge(january.pk, today=dt.date(2025, 6, 1), now=NOW, by=None)
    assert [overdue_on(account, dt.date(2025, month, 10)) for month in (2, 3, 5, 6)] == [100, 100, 100, 0]


@pytest.mark.django_db
def test_credit_settles_on_the_due_day() -> None:
    account = create_account()
    create_payment(account=account, received_on=dt.date(2025, 1, 5))
    create_charge(account=account, month=dt.date(2025, 2, 1))
    assert [overdue_on(account, dt.date(2025, 2, 28) + n * DAY) for n in (-1, 0, 1)] == [0, 0, 0]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [3, 30])
def test_each_answer_is_one_query(size: int, django_assert_num_queries) -> None:
    project = create_project()
    water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
    for _ in range(size):
        create_charge(account=create_account(project=project), fee_type=water)
    for as_of in (False, True):
        with django_assert_num_queries(1):
            assert len(aged_by(project, "account", on=TODAY, as_of=as_of)) == size
        with django_assert_num_queries(1):
            assert sum(line.accounts for line in ageing(project, on=TODAY, as_of=as_of)) == size
