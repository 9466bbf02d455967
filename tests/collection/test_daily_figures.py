"""Figures kept by day say on every day what the ledger itself says."""

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from arrears.models import Account, Charge, FeeType, Payment
from arrears.posting import reverse_charge, reverse_payment
from collection import daily_figures
from collection.conventions import as_settings
from collection.daily_figures import rates_of_projects
from collection.models import Attribution, DailyFigure, FiguresState, Parking, Reductions
from collection.rate_conventions import RateSettings
from collection.rate_rows import rate_rows
from collection.rates import Ratio, rates_by_class
from collection.tasks import compute_daily_figures
from company.models import Project
from owners.models import Owner, Unit
from tests.factories import (
    NOW,
    create_account,
    create_charge,
    create_convention,
    create_fee_type,
    create_owner,
    create_ownership,
    create_payment,
    create_project,
    create_unit,
    create_user,
)
from tests.relief_factories import create_relief

LATER = dt.datetime(2026, 1, 20, 9, tzinfo=NOW.tzinfo)
DAYS = [dt.date(2024, 12, 31), *(dt.date(2025, month, day) for month in range(1, 13) for day in (1, 10, 27))]
pytestmark = pytest.mark.django_db


def accounts_of(project: Project) -> list[Account]:
    """Two flats, a shop, and a flat that the developer has not sold."""
    built = create_unit(project=project)
    owned = create_ownership(unit=built, owners=[create_owner(project=project, kind=Owner.Kind.DEVELOPER)])
    return [
        create_account(project=project),
        create_account(project=project),
        create_account(unit=create_unit(project=project, usage=Unit.Usage.COMMERCIAL)),
        Account.objects.create(project=project, unit=built, ownership=owned),
    ]


def play(project: Project, chance: Random) -> None:
    """Two years of charges; payments, reductions and reversals at random."""
    accounts = accounts_of(project)
    water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
    for account in accounts:
        for year in (2024, 2025):
            for month in range(1, 13):
                create_charge(account=account, month=dt.date(year, month, 1), amount=str(chance.randint(50, 200)))
        create_charge(account=account, month=dt.date(2025, 3, 1), amount="30", fee_type=water)
    for _ in range(24):
        act = chance.choice([_pay, _pay, _pay, _reduce, _take_back_payment, _take_back_charge])
        act(chance.choice(accounts), chance)


def _taking_back(chance: Random) -> dict[str, Any]:
    effective_on = dt.date(2025, 12, chance.randint(1, 20))
    return {"today": LATER.date(), "now": LATER, "by": create_user(), "effective_on": effective_on}


def _day(chance: Random) -> dt.date:
    return dt.date(2025, chance.randint(1, 11), chance.randint(1, 28))


def _pay(account: Account, chance: Random) -> None:
    create_payment(account=account, amount=str(chance.randint(20, 900)), received_on=_day(chance), now=LATER)


def _reduce(account: Account, chance: Random) -> None:
    charge = account.charges.filter(kind=Charge.Kind.CHARGE, reversed_by=None, balance__settled=0).first()
    if charge is not None:
        create_relief(account=account, charge=charge, amount="7", effective_on=_day(chance), approved=True)


def _take_back_payment(account: Account, chance: Random) -> None:
    payment = Payment.objects.filter(account=account, kind=Payment.Kind.RECEIVED, reversed_by=None).first()
    if payment is not None:
        reverse_payment(payment.pk, **_taking_back(chance))


def _take_back_charge(account: Account, chance: Random) -> None:
    charge = account.charges.filter(kind=Charge.Kind.CHARGE, reversed_by=None).last()
    if charge is not None:
        reverse_charge(charge.pk, **_taking_back(chance))


def from_the_ledger(project: Project, on: dt.date, settings: RateSettings) -> dict[str, Ratio]:
    rates = rates_by_class(rate_rows(project, on=on, settings=settings), settings=settings)
    return {of: rate.current for of, rate in rates.items() if rate.current != Ratio()}


@pytest.mark.parametrize("seed", range(6))
def test_on_every_day_they_say_what_the_ledger_says(seed: int) -> None:
    project = create_project()
    play(project, Random(seed))
    for number, given in enumerate(
        (
            {},
            {"includes_developer": True, "reductions": Reductions.AS_COLLECTED},
            {"reductions": Reductions.IGNORED, "attribution": Attribution.DUE_DATE},
            {"whole_year": True},
            {"whole_year": True, "attribution": Attribution.DUE_DATE, "parking": Parking.WITH_RESIDENTIAL},
        )
    ):
        settings = as_settings(create_convention(project=project, number=number + 1, **given))
        daily_figures.follow_ledger(now=NOW)
        for on in DAYS:
            kept = rates_of_projects([project], on=on).get(project.pk, {})
            told = from_the_ledger(project, on, settings)
            assert {of: rate for of, rate in kept.items() if rate != Ratio()} == told, (on, settings)


def test_projects_do_not_mix_and_cost_two_queries(django_assert_num_queries) -> None:
    projects = [create_project() for _ in range(3)]
    for number, project in enumerate(projects, start=1):
        create_charge(account=create_account(project=project), amount=str(100 * number))
    daily_figures.follow_ledger(now=NOW)
    with django_assert_num_queries(2):
        rates = rates_of_projects(projects, on=dt.date(2025, 12, 31))
    dues = [sum(rate.whole for rate in rates[project.pk].values()) for project in projects]
    assert dues == [Decimal(100), Decimal(200), Decimal(300)]


def test_a_posting_puts_its_project_behind_and_no_other() -> None:
    account, other = create_account(), create_account()
    create_charge(account=account)
    create_charge(account=other)
    assert daily_figures.follow_ledger(now=NOW) == 2
    assert daily_figures.follow_ledger(now=NOW) == 0
    create_payment(account=account, amount="40", received_on=dt.date(2025, 11, 1), now=LATER)
    compute_daily_figures()
    states = {state.project_id: state.computed_at for state in FiguresState.objects.all()}
    assert states[other.project_id] == NOW
    assert states[account.project_id] > NOW


def test_what_was_made_before_is_thrown_away() -> None:
    account = create_account()
    charge = create_charge(account=account)
    daily_figures.compute(account.project_id, now=NOW)
    assert DailyFigure.objects.filter(project=account.project).count() == 1
    reverse_charge(charge.pk, today=charge.due_on, now=LATER, by=None, effective_on=charge.due_on)
    daily_figures.compute(account.project_id, now=NOW)
    assert not DailyFigure.objects.filter(project=account.project).exists()


def test_a_changed_convention_puts_its_project_behind() -> None:
    account = create_account()
    create_charge(account=account, month=dt.date(2025, 12, 1), due_on=dt.date(2025, 12, 31))
    daily_figures.follow_ledger(now=NOW)
    on = dt.date(2025, 11, 30)
    assert rates_of_projects([account.project], on=on) == {}
    create_convention(project=account.project, whole_year=True)
    assert daily_figures.follow_ledger(now=NOW) == 1
    (rates,) = rates_of_projects([account.project], on=on).values()
    assert [rate.whole for rate in rates.values()] == [Decimal(100)]
