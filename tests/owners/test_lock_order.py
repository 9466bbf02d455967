"""Units, parties and owners are locked in one order: what changes them at the same moment waits, never in a ring."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from arrears.sales import undo_sale
from company.models import User
from owners import merging, ownerships
from owners.merging import merge_persons
from owners.models import Owner, Ownership, Unit
from owners.ownerships import Buyer, change_owner, sell_to_buyers, sell_unit
from owners.register_state import lock_register
from tests.arrears.test_races import at_once
from tests.factories import NOW, create_owner, create_ownership, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db(transaction=True)
SOLD_ON = dt.date(2025, 6, 1)
LIST_PAUSES, ACT_PAUSES = 0.2, 0.5
"""Seconds after each lock; the act that pauses longer holds its first lock when the list asks for its last one."""


def slowly(act: Callable[[], object], pause: float) -> None:
    """Run ``act`` with a pause after every row that it locks."""

    def wait(execute: Any, sql: str, *rest: Any) -> object:
        result = execute(sql, *rest)
        if " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql:
            time.sleep(pause)
        return result

    with connection.execute_wrapper(wait):
        act()


def beside_a_list(unit: Unit, act: Callable[[], object]) -> list[Exception]:
    """What fails when ``act`` meets a list of owners that holds the register of ``unit``."""

    def hold() -> None:
        with transaction.atomic():
            lock_register([unit.pk])

    both = [(hold, LIST_PAUSES), (act, ACT_PAUSES)]
    return at_once(lambda number: slowly(*both[number]), clients=2)


def correct(owner: Owner, by: User) -> None:
    change_owner(owner, name="李晓博", kind=Owner.Kind.PERSON, by=by)


def merge(owner: Owner, by: User) -> None:
    merge_persons(create_owner(project=owner.project), owner, by=by, now=NOW)


def sell_to_one_of_them(owner: Owner, by: User) -> None:
    unit = Unit.objects.get(ownerships__owners=owner)
    sell_to_buyers(unit, [Buyer(owner.name, owner=owner)], sold_on=SOLD_ON, by=by)


ACTS = (correct, merge, sell_to_one_of_them)


@pytest.fixture
def owner() -> Owner:
    unit = create_unit(project=create_project())
    owner = create_owner(project=unit.project, name="李小博")
    create_ownership(unit=unit, owners=[owner, create_owner(project=unit.project)])
    return owner


@pytest.mark.parametrize("act", ACTS)
def test_an_owner_changes_while_a_list_holds_the_unit(act: Callable[[Owner, User], None], owner: Owner) -> None:
    by = create_user()
    assert beside_a_list(Unit.objects.get(), lambda: act(owner, by)) == []


@pytest.mark.parametrize("act", ACTS)
def test_control_without_the_order_they_wait_in_a_ring(
    act: Callable[[Owner, User], None], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = create_user()
    monkeypatch.setattr(ownerships, "lock_unit", lambda _unit: None)
    for module in (ownerships, merging):
        monkeypatch.setattr(module, "lock_parties_of", lambda *_owners: None)
    (failure,) = beside_a_list(Unit.objects.get(), lambda: act(owner, by))
    assert isinstance(failure, OperationalError)


def test_a_sale_is_taken_back_while_a_list_holds_the_unit(owner: Owner) -> None:
    unit, by = Unit.objects.get(), create_user()
    sold = sell_unit(unit, [create_owner(project=unit.project)], sold_on=SOLD_ON, by=by)
    assert beside_a_list(unit, lambda: undo_sale(sold, by=by)) == []
    assert Ownership.objects.count() == 1
