"""What two people learn of a number at the same moment: what was said later counts, whoever writes last."""

import datetime as dt
import time
from typing import Any

import pytest
from django.db import connection

from owners import contact_points
from owners.contact_points import add_phone, mark_phone
from owners.models import Phone
from tests.arrears.test_races import at_once
from tests.factories import NOW, create_owner, create_project

pytestmark = pytest.mark.django_db(transaction=True)
PAUSE = 0.5
SAID = [
    {"said_at": NOW, "state": Phone.State.WRONG_PERSON},
    {"said_at": NOW - dt.timedelta(hours=1), "state": Phone.State.VALID},
]


def note(number: int) -> None:
    """The earlier word pauses after it has read the number; meanwhile comes the later one."""
    phone = Phone.objects.select_related("owner").get()
    if number == 0:
        time.sleep(PAUSE / 2)

    def wait(execute: Any, sql: str, *rest: Any) -> object:
        result = execute(sql, *rest)
        if number == 1 and sql.startswith("SELECT") and '"learnt_at"' in sql:
            time.sleep(PAUSE)
        return result

    with connection.execute_wrapper(wait):
        mark_phone(phone, by=None, **SAID[number])


def state_after_both() -> str:
    add_phone(create_owner(project=create_project()), "13812342617", by=None)
    assert at_once(note, clients=2) == []
    return Phone.objects.get().state


def test_what_was_said_later_stands() -> None:
    assert state_after_both() == Phone.State.WRONG_PERSON


def test_without_the_lock_the_earlier_word_overwrites_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_points, "lock_person", lambda owner: owner)
    assert state_after_both() == Phone.State.VALID
