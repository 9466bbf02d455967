"""Verification holds while it is young, nothing was posted since, and the payment data reach far enough."""

import datetime as dt
from typing import Any

import pytest

from arrears.models import Account, Import
from arrears.verification import payments_known_until, valid_verifications, verify
from company.models import User
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment, create_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def account() -> Account:
    account = create_account()
    create_charge(account=account)
    return account


@pytest.fixture
def user() -> User:
    return create_user()


def imported(account: Account, *, kind: str = "payments", at: dt.datetime = NOW - HOUR, **fields: Any) -> Import:
    row = Import.objects.create(
        project=account.project, kind=kind, state="posted", file_name="收款.csv", posted_at=at, **fields
    )
    Import.objects.filter(pk=row.pk).update(created_at=at)
    return row


def is_valid(account: Account, *, now: dt.datetime = NOW) -> bool:
    return account.pk in valid_verifications(account.project, [account.pk], now=now)


def test_fresh_payment_data_make_a_verification_valid_for_a_day(account: Account, user: User) -> None:
    imported(account)
    verify([account], by=user, now=NOW)
    assert is_valid(account, now=NOW + 22 * HOUR)
    assert not is_valid(account, now=NOW + 24 * HOUR), "the payment data are too old by then"


def test_without_payment_data_only_a_look_up_counts(account: Account, user: User) -> None:
    verify([account], by=user, now=NOW)
    assert not is_valid(account)
    verify([account], by=user, now=NOW, looked_up=True)
    assert is_valid(account, now=NOW + 23 * HOUR)
    assert not is_valid(account, now=NOW + 25 * HOUR)


def test_the_project_sets_the_limit(account: Account, user: User) -> None:
    account.project.verification_hours = 2
    account.project.save()
    verify([account], by=user, now=NOW, looked_up=True)
    assert is_valid(account, now=NOW + HOUR)
    assert not is_valid(account, now=NOW + 3 * HOUR)


def test_a_posting_ends_it(account: Account, user: User) -> None:
    verify([account], by=user, now=NOW, looked_up=True)
    create_payment(account=account, amount="1.00")
    assert not is_valid(account)
    verify([account], by=user, now=NOW, looked_up=True)
    assert is_valid(account), "what is locked and read anew counts, not the version that the caller remembers"


def test_what_is_outstanding_is_written_down(account: Account, user: User) -> None:
    create_payment(account=account, amount="30.00")
    (verification,) = verify([account], by=user, now=NOW)
    assert verification.outstanding == 70


def test_accounts_of_two_projects_are_refused(account: Account, user: User) -> None:
    with pytest.raises(ValueError, match="several projects"):
        verify([account, create_account()], by=user, now=NOW)
    assert verify([], by=user, now=NOW) == []


def test_many_accounts_cost_a_fixed_number_of_queries(account: Account, user: User, django_assert_num_queries) -> None:
    accounts = [account, *(create_account(project=account.project) for _ in range(20))]
    with django_assert_num_queries(6):
        assert len(verify(accounts, by=user, now=NOW)) == 21


@pytest.mark.parametrize(
    ("kind", "fields", "until"),
    [
        ("payments", {}, NOW - HOUR),
        ("payments", {"as_of": TODAY - dt.timedelta(days=2)}, NOW.replace(hour=0) - dt.timedelta(days=1)),
        ("payments", {"as_of": TODAY}, NOW - HOUR),
        ("arrears_list", {"as_of": TODAY - dt.timedelta(days=1)}, NOW.replace(hour=0)),
        ("charges", {"paid": 5}, NOW - HOUR),
        ("charges", {}, None),
    ],
)
def test_how_far_a_workbook_reaches(
    kind: str, fields: dict[str, Any], until: dt.datetime | None, account: Account
) -> None:
    imported(account, kind=kind, **fields)
    assert payments_known_until(account.project) == until


def test_neither_open_imports_nor_single_payments_tell_how_far_the_data_reach(account: Account) -> None:
    create_payment(account=account, amount="1.00")
    Import.objects.create(project=account.project, kind="payments", state="checked", file_name="a.csv")
    imported(create_account())
    assert payments_known_until(account.project) is None
