"""Rates: the small ledger of the definitions with every result, and the same read from a real ledger."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from arrears.models import Account, FeeType
from arrears.posting import reverse_charge, reverse_payment
from collection.models import Attribution, Campaign, Parking, Reductions, TargetClass
from collection.rate_conventions import DEFAULTS, RateSettings, View, target_class
from collection.rate_rows import RateRow, rate_rows
from collection.rates import Rates, Ratio, rates_by_class, rates_of, shown_percent
from company.models import Project
from owners.models import Owner, Unit
from tests.factories import (
    NOW,
    create_account,
    create_charge,
    create_fee_type,
    create_owner,
    create_ownership,
    create_payment,
    create_project,
    create_unit,
)
from tests.relief_factories import create_contract, create_late_fee_policy, create_relief

YEAR_END = dt.date(2025, 12, 31)
FLATS = TargetClass.RESIDENTIAL_PROPERTY
D = Decimal


def class_rates(
    project: Project, *, on: dt.date, settings: RateSettings = DEFAULTS, **rows: Any
) -> dict[TargetClass, Rates]:
    """The rates of a project's classes at the end of ``on``."""
    return rates_by_class(rate_rows(project, on=on, settings=settings, **rows), settings=settings)


def flat(unit: int, settled: str = "0", **given: Any) -> RateRow:
    fields = {name: D(value) if isinstance(value, str) else value for name, value in given.items()}
    money: Any = {"due": D(1200), "settled": D(settled), **fields}
    return RateRow(account_id=unit, unit_id=unit, target_class=FLATS, **money)


# 甲 … 己 of the definitions: twelve months of 100 each.
SMALL_LEDGER = [
    flat(1, "1200"),
    flat(2, "600", reduced="100", prior_open="800", prior_reduced="100", prior_settled="500"),
    flat(3, reduced="360"),
    flat(4, is_developer=True),
    flat(5, "300", is_excluded=True),
    flat(6, "1200"),
]


def shown(rates: Rates) -> tuple[Decimal, Decimal, str]:
    return rates.current.part, rates.current.whole, rates.current.shown()


class TestSmallLedger:
    def test_this_years_rate(self) -> None:
        assert shown(rates_of(SMALL_LEDGER)) == (D(3000), D(4340), "69.12")

    def test_reductions_counted_as_collected(self) -> None:
        settings = RateSettings(reductions=Reductions.AS_COLLECTED)
        assert shown(rates_of(SMALL_LEDGER, settings=settings)) == (D(3460), D(4800), "72.08")

    def test_reductions_ignored(self) -> None:
        settings = RateSettings(reductions=Reductions.IGNORED)
        assert shown(rates_of(SMALL_LEDGER, settings=settings)) == (D(3000), D(4800), "62.50")

    def test_accounting_view_excludes_nobody(self) -> None:
        assert shown(rates_of(SMALL_LEDGER, view=View.ACCOUNTING)) == (D(3300), D(5540), "59.57")

    def test_accounting_view_with_the_developer(self) -> None:
        settings = RateSettings(includes_developer=True)
        rates = rates_of(SMALL_LEDGER, view=View.ACCOUNTING, settings=settings)
        assert shown(rates) == (D(3300), D(6740), "48.96")

    def test_unit_rate_counts_part_payment_as_unpaid(self) -> None:
        assert rates_of(SMALL_LEDGER).units == Ratio(D(2), D(4))
        assert rates_of(SMALL_LEDGER).units.shown() == "50.00"

    def test_prior_year_recovery(self) -> None:
        rates = rates_of(SMALL_LEDGER)
        assert rates.prior == Ratio(D(500), D(700))
        assert rates.prior.shown() == "71.43"

    def test_combined(self) -> None:
        rates = rates_of(SMALL_LEDGER)
        assert rates.combined == Ratio(D(3500), D(5040))
        assert rates.combined.shown() == "69.44"

    def test_what_is_left_out_stands_beside_the_rate(self) -> None:
        rates = rates_of(SMALL_LEDGER)
        assert (rates.excluded_accounts, rates.excluded_due) == (1, D(1200))
        assert shown_percent(rates.excluded_share) == "21.66"
        assert rates.developer == Ratio(D(0), D(1200))


class TestConventions:
    def test_nothing_due_is_a_dash_and_not_all(self) -> None:
        assert rates_of([]).current.shown() == "—"
        assert rates_of([flat(1, due="100", reduced="100")]).units.shown() == "—"

    def test_a_unit_settles_all_its_classes(self) -> None:
        water = RateRow(account_id=1, unit_id=1, target_class=TargetClass.UTILITIES, due=D(30))
        assert rates_of([flat(1, "1200"), water]).units == Ratio(D(0), D(1))
        assert rates_by_class([flat(1, "1200"), water])[FLATS].units == Ratio(D(1), D(1))

    def test_parking_spaces_are_no_households(self) -> None:
        assert rates_of([replace(flat(1, "1200"), is_household=False)]).units.percent is None

    def test_tolerance_moves_the_unit_rate_alone(self) -> None:
        rates = rates_of([flat(1, "1199.50")], settings=RateSettings(tolerance=D("0.50")))
        assert rates.units == Ratio(D(1), D(1))
        assert rates.current.shown() == "99.96"

    def test_late_prior_charges_count_unless_switched_off(self) -> None:
        row = flat(1, prior_open="100", prior_settled="50", prior_late="100", prior_late_settled="100")
        assert rates_of([row]).prior == Ratio(D(150), D(200))
        assert rates_of([row], settings=RateSettings(counts_late_prior=False)).prior == Ratio(D(50), D(100))

    @pytest.mark.parametrize(
        ("percent", "target", "text"),
        [
            ("89.9996", "90", "89.99"),
            ("90", "90", "90.00"),
            ("89.994", "90", "89.99"),
            ("99.9999", None, "99.99"),
            ("83.165", "90", "83.17"),
        ],
    )
    def test_rounding_never_reaches_a_target(self, percent: str, target: str | None, text: str) -> None:
        assert shown_percent(D(percent), D(target) if target else None) == text

    @pytest.mark.parametrize(
        ("usage", "nature", "expected"),
        [
            ("residential", "property", FLATS),
            ("commercial", "property", TargetClass.COMMERCIAL_PROPERTY),
            ("parking", "electricity", TargetClass.UTILITIES),
            ("commercial", "water", TargetClass.UTILITIES),
            ("parking", "property", TargetClass.PARKING),
            ("residential", "parking", TargetClass.PARKING),
            ("residential", "other", None),
            ("other", "property", None),
        ],
    )
    def test_class_is_usage_and_nature(self, usage: str, nature: str, expected: TargetClass | None) -> None:
        assert target_class(usage, nature) == expected

    def test_parking_may_be_merged_or_off(self) -> None:
        assert target_class("parking", "parking", Parking.WITH_RESIDENTIAL) == FLATS
        assert target_class("parking", "parking", Parking.OFF) is None


@pytest.fixture
def project() -> Project:
    return create_project()


def year_of(account: Account, *, amount: str = "100", year: int = 2025) -> list[int]:
    return [create_charge(account=account, amount=amount, month=dt.date(year, month, 1)).pk for month in range(1, 13)]


def pay(account: Account, amount: str, on: dt.date, **fields: object) -> int:
    return create_payment(account=account, amount=amount, received_on=on, now=LATER, **fields).pk


LATER = dt.datetime(2026, 1, 20, 9, tzinfo=NOW.tzinfo)


@pytest.mark.django_db
class TestLedger:
    def test_the_small_ledger_as_far_as_it_has_rows(self, project: Project) -> None:
        """甲, 己 and a developer; 乙 without its reduction: 2024 and 2025 settled in part."""
        first, second, last = (create_account(project=project) for _ in range(3))
        pay(first, "200", dt.date(2024, 12, 20))
        for account in (first, last):
            year_of(account)
        prior = year_of(second, year=2024, amount="70")
        current = year_of(second)
        pay(first, "1000", dt.date(2025, 6, 1))
        pay(second, "500", dt.date(2025, 3, 3), designated={key: D(70) for key in prior[:7]} | {prior[7]: D(10)})
        pay(second, "600", dt.date(2025, 7, 1), designated=dict.fromkeys(current[:6], D(100)))
        pay(last, "2400", dt.date(2025, 1, 5))
        unit = create_unit(project=project)
        developer = create_owner(project=project, name="开发公司", kind=Owner.Kind.DEVELOPER)
        unsold = create_ownership(unit=unit, owners=[developer])
        year_of(Account.objects.create(project=project, unit=unit, ownership=unsold))
        rates = class_rates(project, on=YEAR_END)[FLATS]
        assert rates.current == Ratio(D(3000), D(3600))
        assert rates.prior == Ratio(D(500), D(840))
        assert rates.units == Ratio(D(2), D(3))
        assert rates.developer == Ratio(D(0), D(1200))

    def test_any_day_counts_what_was_due_and_received_by_then(self, project: Project) -> None:
        account = create_account(project=project)
        year_of(account)
        pay(account, "250", dt.date(2025, 3, 10))
        assert class_rates(project, on=dt.date(2025, 3, 9))[FLATS].current == Ratio(D(0), D(200))
        assert class_rates(project, on=dt.date(2025, 3, 10))[FLATS].current == Ratio(D(200), D(200))
        assert class_rates(project, on=dt.date(2025, 3, 31))[FLATS].current == Ratio(D(250), D(300))

    def test_whole_year_and_money_ahead(self, project: Project) -> None:
        account = create_account(project=project)
        year_of(account)
        pay(account, "500", dt.date(2025, 2, 1))
        on = dt.date(2025, 2, 28)
        assert class_rates(project, on=on)[FLATS].prepaid == D(300)
        whole = class_rates(project, on=on, settings=RateSettings(whole_year=True))[FLATS]
        assert whole.current == Ratio(D(500), D(1200))

    def test_reversals_count_from_their_day(self, project: Project) -> None:
        account = create_account(project=project)
        charges = [create_charge(account=account, month=dt.date(2025, month, 1)) for month in (1, 2)]
        payment = pay(account, "200", dt.date(2025, 3, 1))
        reverse_payment(payment, today=dt.date(2025, 4, 1), now=LATER, by=None)
        reverse_charge(charges[1].pk, today=dt.date(2025, 5, 1), now=LATER, by=None)
        at = {
            day: class_rates(project, on=day)[FLATS].current
            for day in (dt.date(2025, 3, 31), dt.date(2025, 4, 1), dt.date(2025, 5, 1))
        }
        assert list(at.values()) == [Ratio(D(200), D(200)), Ratio(D(0), D(200)), Ratio(D(0), D(100))]

    def test_recovery_since_another_day(self, project: Project) -> None:
        account = create_account(project=project)
        year_of(account, year=2024)
        pay(account, "300", dt.date(2025, 2, 1))
        pay(account, "100", dt.date(2025, 11, 10))
        settings = RateSettings(recovery_since=dt.date(2025, 11, 1))
        assert class_rates(project, on=YEAR_END)[FLATS].prior == Ratio(D(400), D(1200))
        assert class_rates(project, on=YEAR_END, settings=settings)[FLATS].prior == Ratio(D(100), D(900))

    def test_december_due_in_january_is_a_late_prior_charge(self, project: Project) -> None:
        create_charge(account=create_account(project=project), month=dt.date(2024, 12, 1), due_on=dt.date(2025, 1, 10))
        rates = class_rates(project, on=dt.date(2025, 1, 31))[FLATS]
        assert (rates.prior.whole, rates.prior_late) == (D(100), D(100))
        by_due = class_rates(project, on=dt.date(2025, 1, 31), settings=RateSettings(attribution=Attribution.DUE_DATE))[
            FLATS
        ]
        assert (by_due.current.whole, by_due.prior.whole) == (D(100), D(0))

    def test_campaign_recovers_what_was_overdue_at_its_start(self, project: Project) -> None:
        account = create_account(project=project)
        year_of(account)
        campaign = Campaign.objects.create(
            project=project, name="四季度", starts_on=dt.date(2025, 4, 1), ends_on=dt.date(2025, 6, 30)
        )
        pay(account, "100", dt.date(2025, 3, 31))
        pay(account, "150", dt.date(2025, 4, 1))
        rates = class_rates(project, on=dt.date(2025, 5, 15), campaign=campaign)[FLATS]
        assert rates.campaign == Ratio(D(150), D(200))

    def test_money_from_before_that_goes_back_is_owed_again(self, project: Project) -> None:
        account = create_account(project=project)
        year_of(account)
        campaign = Campaign.objects.create(
            project=project, name="四季度", starts_on=dt.date(2025, 3, 1), ends_on=dt.date(2025, 6, 30)
        )
        bounced = pay(account, "200", dt.date(2025, 2, 10))
        reverse_payment(bounced, today=dt.date(2025, 3, 10), now=LATER, by=None)
        pay(account, "50", dt.date(2025, 3, 20))
        (row,) = rate_rows(project, on=dt.date(2025, 3, 30), campaign=campaign)
        assert (row.due, row.settled, row.settled_before) == (D(200), D(50), D(0))
        assert (row.opening, row.opening_settled) == (D(0), D(0))

    def test_money_without_a_day_was_there_before_any_campaign(self, project: Project) -> None:
        account = create_account(project=project)
        charge = create_charge(account=account, month=dt.date(2025, 4, 1))
        campaign = Campaign.objects.create(
            project=project, name="四季度", starts_on=dt.date(2025, 4, 15), ends_on=dt.date(2025, 6, 30)
        )
        post_undated(account, charge.pk)
        (row,) = rate_rows(project, on=dt.date(2025, 5, 15), campaign=campaign)
        assert (row.settled, row.settled_before) == (D(40), D(40))

    def test_posted_after_the_closing_is_left_out(self, project: Project) -> None:
        account = create_account(project=project)
        create_charge(account=account, month=dt.date(2025, 1, 1))
        create_payment(account=account, received_on=dt.date(2025, 2, 1), now=LATER)
        (row,) = rate_rows(project, on=YEAR_END, posted_until=NOW)
        assert row.settled == 0
        (row,) = rate_rows(project, on=YEAR_END, posted_until=LATER)
        assert row.settled == D(100)

    def test_excluded_accounts_are_given_by_the_caller(self, project: Project) -> None:
        account = create_account(project=project)
        create_charge(account=account, month=dt.date(2025, 1, 1))
        rows = rate_rows(project, on=YEAR_END, excluded=[account.pk])
        assert rates_of(rows).excluded_due == D(100)
        assert rates_of(rows, view=View.ACCOUNTING).current.whole == D(100)

    def test_classes_from_usage_and_nature(self, project: Project) -> None:
        shop = create_account(unit=create_unit(project=project, usage=Unit.Usage.COMMERCIAL))
        water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
        create_charge(account=shop, month=dt.date(2025, 1, 1))
        create_charge(account=shop, month=dt.date(2025, 1, 1), fee_type=water, amount="30")
        rates = class_rates(project, on=YEAR_END)
        assert {of: rate.current.whole for of, rate in rates.items()} == {
            TargetClass.COMMERCIAL_PROPERTY: D(100),
            TargetClass.UTILITIES: D(30),
        }

    def test_another_projects_money_is_not_seen(self, project: Project) -> None:
        year_of(create_account(project=create_project()))
        assert class_rates(project, on=YEAR_END) == {}

    def test_one_query(self, project: Project, django_assert_num_queries) -> None:
        for _ in range(3):
            year_of(create_account(project=project))
        with django_assert_num_queries(1):
            class_rates(project, on=YEAR_END)


def post_undated(account: Account, charge_id: int) -> None:
    """As an import posts an amount that a sheet prints as received without a day."""
    from arrears.models import Allocation, ChargeBalance, Payment, PaymentBalance

    payment = Payment.objects.create(
        project_id=account.project_id, account=account, kind=Payment.Kind.IMPORTED, amount=D(40), posted_at=NOW
    )
    PaymentBalance.objects.create(
        payment=payment, project_id=account.project_id, account=account, amount=D(40), allocated=D(40)
    )
    Allocation.objects.create(
        project_id=account.project_id,
        account=account,
        payment=payment,
        charge_id=charge_id,
        amount=D(40),
        effective_on=dt.date(2025, 4, 30),
        posted_at=NOW,
    )
    ChargeBalance.objects.filter(charge_id=charge_id).update(settled=D(40))


@pytest.mark.django_db
class TestReductionsFromTheLedger:
    """What stands in the ledger as waivers and vacancy reductions, by the conventions of rates.md."""

    def test_they_come_off_the_base_from_their_own_day(self) -> None:
        account = create_account()
        project = account.project
        year_of(account)
        create_relief(account=account, amount="60.00", effective_on=dt.date(2025, 5, 1), approved=True)
        pay(account, "300", dt.date(2025, 5, 1))
        before, after = (
            class_rates(project, on=day)[FLATS].current for day in (dt.date(2025, 4, 30), dt.date(2025, 6, 30))
        )
        assert (before.whole, after) == (D(400), Ratio(D(300), D(540)))

    def test_prior_debt_is_reduced_after_the_base_day_and_smaller_before(self) -> None:
        account = create_account()
        year_of(account, year=2024)
        first, second = account.charges.order_by("due_on")[:2]
        create_relief(account=account, charge=first, effective_on=dt.date(2024, 12, 1), approved=True)
        create_relief(account=account, charge=second, effective_on=dt.date(2025, 2, 1), amount="30", approved=True)
        assert class_rates(account.project, on=dt.date(2025, 6, 30))[FLATS].prior == Ratio(D(0), D(1160))

    def test_a_write_off_improves_no_rate(self) -> None:
        account = create_account()
        year_of(account)
        create_relief(account=account, kind="write_off", effective_on=dt.date(2025, 5, 1), approved=True)
        assert class_rates(account.project, on=dt.date(2025, 6, 30))[FLATS].current == Ratio(D(0), D(600))

    def test_a_late_fee_waived_or_paid_stands_in_no_rate(self) -> None:
        account = create_account()
        create_contract(project=account.project)
        charge = create_charge(account=account, month=dt.date(2025, 1, 1))
        create_late_fee_policy(fee_type=charge.fee_type)
        create_relief(account=account, kind="late_fee", amount="5.00", approved=True)
        create_payment(account=account, amount="105.00")
        assert class_rates(account.project, on=YEAR_END)[FLATS].current == Ratio(D(100), D(100))
