"""Co-owners and sales: who answers for a unit on which day, and whose debt stays whose."""

import datetime as dt
from decimal import Decimal

import pytest

from arrears.accounts import account_on
from arrears.queries import aged_by
from company.models import AuditEvent
from owners.models import Ownership
from owners.ownerships import SaleError, create_owner, members_of, sell_unit, set_members
from tests.factories import TODAY, create_account, create_charge, create_project, create_user
from tests.factories import create_owner as an_owner

pytestmark = pytest.mark.django_db
SOLD_ON = dt.date(2025, 6, 1)


def test_a_sale_leaves_the_debt_with_the_old_owner_and_charges_the_new_one() -> None:
    account = create_account(names=["李小博"])
    create_charge(account=account, month=dt.date(2025, 1, 1))
    buyer = create_owner(project=account.project, name="王敏")
    party = sell_unit(account.unit, [buyer], sold_on=SOLD_ON, by=create_user())
    assert party.party_name == "王敏"
    assert account_on(account.unit, SOLD_ON - dt.timedelta(days=1)) == account
    theirs = account_on(account.unit, SOLD_ON)
    create_charge(account=theirs, month=dt.date(2025, 6, 1), amount="60.00")
    overdue = aged_by(account.project, "account", on=TODAY)
    assert {pk: row.overdue for pk, row in overdue.items()} == {account.pk: Decimal(100), theirs.pk: Decimal(60)}
    assert AuditEvent.objects.filter(action="owners.unit_sold").exists()


def test_a_unit_changes_hands_in_order() -> None:
    account = create_account()
    buyer = create_owner(project=account.project, name="王敏")
    sell_unit(account.unit, [buyer], sold_on=SOLD_ON, by=None)
    for day in (SOLD_ON, SOLD_ON - dt.timedelta(days=30)):
        with pytest.raises(SaleError):
            sell_unit(account.unit, [buyer], sold_on=day, by=None)
    assert Ownership.objects.filter(unit=account.unit).count() == 2


def test_co_owners_stand_in_their_order() -> None:
    account = create_account(names=["李小博"])
    party, (first,) = account.ownership, members_of(account.ownership)
    second = create_owner(project=account.project, name="王敏")
    set_members(party, [second, first], by=None)
    assert members_of(party) == [second, first]
    assert Ownership.objects.get(pk=party.pk).party_name == "王敏、李小博"


def test_an_owner_of_another_project_cannot_be_a_member() -> None:
    account = create_account()
    with pytest.raises(ValueError, match="another project"):
        set_members(account.ownership, [an_owner(project=create_project())], by=None)
    assert members_of(account.ownership)


def test_a_new_owner_can_be_found_by_initials() -> None:
    owner = create_owner(project=create_project(), name="张三")
    assert (owner.pinyin_initials, owner.kind) == ("zs", owner.Kind.PERSON)
