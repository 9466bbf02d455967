"""The scope of a campaign: periods, classes and ages decide what its figures and its list of cases are about."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from arrears.models import Account, FeeType
from collection.case_list import CaseFilter, filtered, totals
from collection.following import follow_ledger
from collection.milestones import progress_of
from collection.models import Campaign, Case, Measure, Milestone, Stage, TargetClass
from collection.quotas import answering_teams, quotas_of
from collection.rate_rows import rate_rows
from collection.scope import Scope, accounts_in_scope, cases_in_scope, scope_of
from company.models import Project, Role
from owners.models import Unit
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_campaign,
    create_charge,
    create_fee_type,
    create_payment,
    create_project,
    create_team,
    create_unit,
    create_user,
)

pytestmark = pytest.mark.django_db
START = dt.date(2025, 11, 1)  # of the usual campaign
D = Decimal


class Ledger:
    """A flat with old and new charges, a shop, and water: each with its age at the start."""

    def __init__(self) -> None:
        self.project = create_project()
        property_fee = create_fee_type(project=self.project)
        water = create_fee_type(project=self.project, name="水费", nature=FeeType.Nature.WATER)
        self.flat = create_account(project=self.project, code="1-1-101")
        shop_unit = create_unit(project=self.project, code="S-1", usage=Unit.Usage.COMMERCIAL)
        self.shop = create_account(project=self.project, unit=shop_unit)
        self.charge(self.flat, property_fee, dt.date(2024, 1, 1), "100.00")  # 640 days
        self.charge(self.flat, property_fee, dt.date(2025, 9, 1), "200.00")  # 32 days
        self.charge(self.flat, water, dt.date(2025, 9, 1), "30.00")
        self.charge(self.flat, property_fee, dt.date(2025, 11, 1), "400.00")  # due after the start
        self.charge(self.shop, property_fee, dt.date(2025, 8, 1), "800.00")  # 62 days
        follow_ledger(today=TODAY, now=NOW, project=self.project)

    def charge(self, account: Account, fee: FeeType, month: dt.date, amount: str) -> None:
        due_on = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
        due_on = min(due_on, dt.date(2025, 11, 10))
        create_charge(account=account, fee_type=fee, month=month, due_on=due_on, amount=D(amount))

    def campaign(self, **scope: Any) -> Campaign:
        return create_campaign(project=self.project, **scope)

    def listed(self, campaign: Campaign) -> list[str]:
        wanted = CaseFilter(campaign=campaign)
        found = filtered(Case.objects.all(), wanted, project=self.project, today=TODAY)
        return sorted(found.values_list("account__unit__code", flat=True))


@pytest.fixture
def ledger(db: None) -> Ledger:
    return Ledger()


SCOPES: dict[str, tuple[dict[str, Any], Scope, list[str]]] = {
    "all": ({}, Scope(2, 4, D(1130)), ["1-1-101", "S-1"]),
    "periods": (
        {"period_from": dt.date(2025, 9, 1), "period_until": dt.date(2025, 9, 30)},
        Scope(1, 2, D(230)), ["1-1-101"],
    ),
    "one class": ({"classes": [TargetClass.COMMERCIAL_PROPERTY]}, Scope(1, 1, D(800)), ["S-1"]),
    "two classes": (
        {"classes": [TargetClass.COMMERCIAL_PROPERTY, TargetClass.UTILITIES]}, Scope(2, 2, D(830)), ["1-1-101", "S-1"],
    ),
    "old": ({"least_days": 366}, Scope(1, 1, D(100)), ["1-1-101"]),
    "young": ({"most_days": 31}, Scope(0, 0, D(0)), []),
    "32 days exactly": ({"least_days": 32, "most_days": 32}, Scope(1, 2, D(230)), ["1-1-101"]),
    "all three": (
        {"period_from": dt.date(2025, 1, 1), "classes": [TargetClass.UTILITIES], "most_days": 90},
        Scope(1, 1, D(30)), ["1-1-101"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCOPES)
def test_number_amount_recovery_and_list_are_about_the_same(ledger: Ledger, name: str) -> None:
    fields, expected, units = SCOPES[name]
    campaign = ledger.campaign(**fields)
    assert scope_of(campaign, today=TODAY) == expected
    rows = rate_rows(ledger.project, on=TODAY, campaign=campaign)
    assert sum(row.opening for row in rows) == expected.amount
    assert ledger.listed(campaign) == units


@pytest.mark.parametrize("seed", range(5))
def test_the_ledgers_reading_and_that_of_the_list_name_the_same_accounts(ledger: Ledger, seed: int) -> None:
    """Nothing was paid, so whoever is in scope still owes."""
    rng = random.Random(seed)
    for _ in range(8):
        days = sorted(rng.sample(range(1, 800), 2))
        months = sorted(dt.date(2024 + rng.randrange(2), rng.randint(1, 12), 1) for _ in range(2))
        campaign = ledger.campaign(
            state=Campaign.State.CLOSED,
            classes=rng.sample(list(TargetClass), rng.randrange(3)),
            least_days=rng.choice([None, days[0]]),
            most_days=rng.choice([None, days[1]]),
            period_from=rng.choice([None, months[0]]),
            period_until=rng.choice([None, months[1]]),
        )
        meant = accounts_in_scope(campaign, on=TODAY)
        listed = cases_in_scope(Case.objects.open(), campaign, today=TODAY)
        assert set(listed.values_list("account", flat=True)) == meant


def test_what_was_paid_before_the_start_is_out_and_what_is_paid_since_stays(ledger: Ledger) -> None:
    campaign = ledger.campaign(classes=[TargetClass.COMMERCIAL_PROPERTY])
    create_payment(account=ledger.shop, amount=D(300), received_on=dt.date(2025, 10, 20))
    create_payment(account=ledger.shop, amount=D(200), received_on=dt.date(2025, 11, 5))
    assert scope_of(campaign, today=TODAY) == Scope(1, 1, D(500))
    rows = rate_rows(ledger.project, on=TODAY, campaign=campaign)
    assert [(row.opening, row.opening_settled) for row in rows if row.opening] == [(D(500), D(200))]


def test_a_campaign_to_come_counts_what_will_be_overdue(ledger: Ledger) -> None:
    campaign = Campaign(project=ledger.project, starts_on=dt.date(2025, 12, 1))
    assert scope_of(campaign, today=TODAY) == Scope(2, 5, D(1530))


class TestQuotas:
    def test_teams_answer_for_what_is_in_scope_and_the_sum_stays_the_projects(self, ledger: Ledger) -> None:
        team = create_team(project=ledger.project)
        for case in Case.objects.all():
            case.assignments.create(
                project=ledger.project, team=team, starts_on=START, assigned_at=NOW, assigned_by=create_user()
            )
        campaign = ledger.campaign(least_days=366)
        teams = answering_teams(campaign, on=TODAY)
        assert teams == {ledger.flat.pk: team.pk, ledger.shop.pk: None}
        rows = [
            row for row in rate_rows(ledger.project, on=TODAY, campaign=campaign)
            if row.target_class == TargetClass.COMMERCIAL_PROPERTY
        ]  # fmt: skip
        quotas = quotas_of(rows, target=D(100), teams=teams)
        assert quotas.by_team.keys() == {None}
        assert quotas.by_team[None].arrears == quotas.total.arrears == D(800)

    def test_without_a_scope_everybody_answers_for_all(self, ledger: Ledger) -> None:
        assert answering_teams(ledger.campaign(), on=TODAY).keys() == {ledger.flat.pk, ledger.shop.pk}


def test_milestones_count_cases_in_scope(ledger: Ledger) -> None:
    Case.objects.update(stage=Stage.LEGAL, next_measure=Measure.LAWYER_LETTER)
    due = {Milestone.Kind.LETTERS_SENT: TODAY}
    for fields, number in (({}, 2), ({"least_days": 366}, 1)):
        campaign = ledger.campaign(milestones=due, state=Campaign.State.CLOSED, **fields)
        assert [progress.count.due for progress in progress_of(campaign, today=TODAY)] == [number]


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"period_from": dt.date(2025, 2, 1), "period_until": dt.date(2025, 1, 31)}, "campaign_periods_in_order"),
        ({"least_days": 0}, "campaign_scope_is_overdue"),
        ({"least_days": 91, "most_days": 90}, "campaign_ages_in_order"),
        ({"classes": ["heating"]}, "campaign_classes_are_known"),
    ],
)
def test_a_scope_that_cannot_be_is_refused_by_the_database(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        create_campaign(project=create_project(), **fields)


class TestPages:
    DATES = {
        "name": "三年以上专项", "starts_on": "2025-11-01", "ends_on": "2025-12-31", "target_residential_property": "90",
    }  # fmt: skip

    @pytest.fixture
    def desk(self, ledger: Ledger) -> Desk:
        return Desk(ledger.project)

    def test_the_form_counts_without_saving_and_keeps_what_was_typed(self, desk: Desk) -> None:
        page = desk.post("campaign_new", self.DATES | {"age_from": "y2", "count": "1"})
        assert page.context_data["scope"] == Scope(1, 1, D(100))
        assert 'value="三年以上专项"' in page.text
        assert not Campaign.objects.exists()

    def test_before_the_start_is_known_it_says_so(self, desk: Desk) -> None:
        assert "填写开始日期" in desk.get("campaign_new").text
        assert "填写开始日期" in desk.post("campaign_new", {"starts_on": "31.12.", "count": "1"}).text

    def test_saved_changed_and_shown_with_its_list(self, desk: Desk) -> None:
        given = self.DATES | {"age_from": "y2", "age_until": "y2", "classes": ["residential_property"]}
        desk.post("campaign_new", given)
        campaign = Campaign.objects.get()
        assert (campaign.least_days, campaign.most_days, campaign.classes) == (366, 730, ["residential_property"])
        edit = desk.get("campaign_edit", pk=campaign.pk)
        assert edit.context_data["form"].initial["age_until"] == "y2"
        page = desk.get("campaign")
        assert page.context_data["left"].cases == 1
        assert f"?campaign={campaign.pk}" in page.text
        listed = desk.get("cases", f"?campaign={campaign.pk}")
        assert listed.context_data["totals"].cases == 1
        assert "三年以上专项" in listed.text

    @pytest.mark.parametrize(
        "wrong", [{"age_from": "y3", "age_until": "d90"}, {"classes": ["heating"]}, {"age_from": "soon"}]
    )
    def test_a_scope_that_cannot_be_is_refused(self, desk: Desk, wrong: dict[str, object]) -> None:
        assert desk.post("campaign_new", self.DATES | wrong).context_data["form"].errors
        assert not Campaign.objects.exists()

    def test_a_head_sees_as_many_cases_as_the_list_has(self, ledger: Ledger) -> None:
        campaign = ledger.campaign()
        head = Desk(ledger.project, Role.DEPARTMENT_HEAD, name="韩志远")
        assert head.get("campaign").context_data["left"].cases == 0
        assert head.get("cases", f"?campaign={campaign.pk}").context_data["totals"].cases == 0

    def test_another_projects_campaign_filters_nothing(self, desk: Desk) -> None:
        other = create_campaign(project=create_project(), least_days=366)
        listed = desk.get("cases", f"?campaign={other.pk}")
        assert listed.context_data["totals"] == totals(Case.objects.all())


def test_of_one_project_only(ledger: Ledger) -> None:
    other: Project = create_project()
    assert scope_of(create_campaign(project=other), today=TODAY) == Scope()


def test_the_dashboard_names_what_is_outside_and_asks_nobody_to_assign_it(ledger: Ledger) -> None:
    ledger.campaign(least_days=366)
    team = create_team(project=ledger.project)
    Case.objects.update(team=team)
    desk = Desk(ledger.project)
    page = desk.get("dashboard", f"?on={TODAY}&class=commercial_property")
    assert "未分派或不在行动范围" in page.text
    assert "去分派" not in page.text
