"""The demonstration: the same for the same seed and day, and what it shows keeps our own rules."""

import datetime as dt
from typing import Any

import pytest
from django.db import transaction

from arrears.models import Charge, Payment
from collection.demo.load import _load_rows
from collection.demo.plan import DemoPlan, two_projects
from collection.models import Case, ContactAttempt, PromiseToPay
from notices.models import Notice
from owners.models import Owner, Unit
from tests.factories import SHANGHAI, TODAY

UNITS, MONTHS = 120, 14
READ: dict[Any, tuple[str, ...]] = {
    Unit: ("code", "area", "is_vacant"),
    Owner: ("name", "kind"),
    Charge: ("unit__code", "fee_type__name", "period_start", "amount"),
    Payment: ("account__unit__code", "amount", "received_on", "method", "kind"),
    Case: (
        "account__unit__code", "state", "overdue", "reason", "stage", "next_step", "team__name", "responsible__name",
    ),
    ContactAttempt: ("case__account__unit__code", "happened_at", "recorded_at", "channel", "outcome", "note", "breach"),
    PromiseToPay: ("case__account__unit__code", "pay_by", "amount", "state"),
    Notice: ("number", "account__unit__code", "principal", "state"),
}  # fmt: skip


def load(seed: int) -> dict[str, list[tuple[Any, ...]]]:
    """What a demonstration consists of; it is taken back again."""
    now = dt.datetime.combine(TODAY, dt.time(9), SHANGHAI)
    demo = DemoPlan(seed=seed, today=TODAY, now=now, months=MONTHS, projects=two_projects(UNITS))
    with transaction.atomic():
        _load_rows(demo, lambda _: None)
        read = {of.__name__: list(of.objects.order_by("pk").values_list(*columns)) for of, columns in READ.items()}
        transaction.set_rollback(True)
    return read


@pytest.mark.long
@pytest.mark.django_db
def test_the_same_seed_and_day_give_the_same_estate() -> None:
    first = load(7)
    assert load(7) == first
    assert load(8) != first
    assert all(first.values())
    steps = {(state, bool(step)) for _unit, state, *_middle, step, _team, _member in first["Case"]}
    assert steps == {("open", True), ("closed", False)}
    breaches = {limit for *_told, breach in first["ContactAttempt"] for limit in breach.split(",") if limit}
    assert breaches <= {"request", "promise"}  # as happens; nobody calls at night or a number that is not to be called
    waiting = [pay_by for _unit, pay_by, _amount, state in first["PromiseToPay"] if state == "waiting"]
    assert all(pay_by >= TODAY for pay_by in waiting)
