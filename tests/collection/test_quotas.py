"""Quotas: the worked example, sums over teams, and money that follows responsibility."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from collection.models import Assignment, Campaign, Case, Reductions, TargetClass, Team
from collection.quotas import Held, Quota, answering_teams, quotas_of, share_out
from collection.rate_conventions import RateSettings
from collection.rate_rows import RateRow, rate_rows
from collection.rates import rates_of, shown_percent
from company.models import Project, User
from tests.factories import NOW, create_account, create_charge, create_payment, create_project, create_user

D = Decimal
TARGET = D(90)
R, C0, A_T = D(10_000_000), D(8_000_000), D(500_000)


def example(collected: str) -> Quota:
    held = {1: Held(A_T, D(collected)), None: Held(R - C0 - A_T, D(0))}
    return share_out(receivable=R, collected_before=C0, target=TARGET, held=held).by_team[1]


class TestExample:
    def test_base_credit_and_quota(self) -> None:
        quota = example("0")
        assert (quota.base, quota.credited, quota.money) == (D(2_500_000), D(2_000_000), D("250000.00"))

    @pytest.mark.parametrize(
        ("collected", "rate", "met"),
        [
            ("300000", "92.00", True),
            ("250000", "90.00", True),
            ("249990", "89.99", False),
            ("185000", "87.40", False),
            ("122500", "84.90", False),
        ],
    )
    def test_rates(self, collected: str, rate: str, met: bool) -> None:
        quota = example(collected)
        assert (shown_percent(quota.rate, TARGET), quota.is_met) == (rate, met)

    def test_ten_yuan_short_is_short(self) -> None:
        assert example("249990").rate == D("89.9996")

    def test_is_not_what_was_collected_of_the_cases(self) -> None:
        assert example("185000").rate != D(37)

    def test_quota_is_not_below_nothing(self) -> None:
        quotas = share_out(receivable=D(100), collected_before=D(95), target=TARGET, held={1: Held(D(5), D(0))})
        assert (quotas.by_team[1].money, quotas.by_team[1].done) == (D(0), None)
        assert quotas.by_team[1].is_met

    def test_nothing_left_to_hold(self) -> None:
        quotas = share_out(receivable=D(100), collected_before=D(100), target=TARGET, held={1: Held(D(0), D(0))})
        assert quotas.by_team[1].rate is None
        assert quotas.total.rate == D(100)

    @pytest.mark.parametrize(
        ("receivable", "before", "arrears"),
        [("1366852.66", "1011470.97", "31984.35"), ("9746758.09", "1462013.71", "1988338.65")],
    )
    def test_all_of_a_share_that_does_not_divide_evenly_is_all(
        self, receivable: str, before: str, arrears: str
    ) -> None:
        held = {1: Held(D(arrears), D(arrears))}
        quota = share_out(receivable=D(receivable), collected_before=D(before), target=D(100), held=held).by_team[1]
        assert (shown_percent(quota.rate, D(100)), quota.is_met) == ("100.00", True)
        assert (quota.money, quota.missing) == (D(arrears), D(0))

    def test_a_part_of_a_cent_is_asked_for_as_a_cent(self) -> None:
        """Whoever has collected the quota has met the target, and whoever has a cent less has not."""
        share = {"receivable": D(3000), "collected_before": D(2300), "target": TARGET}
        quota = share_out(**share, held={1: Held(D(100), D(0))}).by_team[1]
        assert quota.money == D("57.15")  # 57.142857…
        assert share_out(**share, held={1: Held(D(100), quota.money)}).by_team[1].is_met
        short = share_out(**share, held={1: Held(D(100), D("57.14"))}).by_team[1]
        assert (short.is_met, short.missing) == (False, D("0.01"))

    def test_missing(self) -> None:
        assert example("185000").missing == D("65000.00")
        assert example("300000").missing == 0


class TestForecast:
    def test_goes_on_at_the_same_pace(self) -> None:
        assert example("125000").forecast(D("0.5")) == D(90)

    def test_is_never_above_all(self) -> None:
        assert example("400000").forecast(D("0.1")) == D(100)

    def test_is_none_before_the_start(self) -> None:
        assert example("0").forecast(D(0)) is None


def row(account: int, due: str, before: str, settled: str) -> RateRow:
    return RateRow(
        account_id=account,
        unit_id=account,
        target_class=TargetClass.RESIDENTIAL_PROPERTY,
        due=D(due),
        settled_before=D(before),
        settled=D(settled),
    )


class TestSums:
    ROWS = [
        row(1, "1200", "1200", "1200"),  # never a case
        row(2, "1200", "1100", "1200"),  # paid a new bill by itself
        row(3, "1200", "300", "800"),
        row(4, "1200", "0", "0"),
        row(5, "600", "100", "600"),
    ]
    TEAMS = {3: 1, 4: 2, 5: None}

    def test_team_rates_weighted_by_their_base_are_the_projects_rate(self) -> None:
        quotas = quotas_of(self.ROWS, target=TARGET, teams=self.TEAMS)
        weighted = sum((q.rate or D(0)) * q.base for q in quotas.by_team.values()) / quotas.total.base
        assert weighted == pytest.approx(rates_of(self.ROWS).current.percent)
        assert quotas.total.rate == rates_of(self.ROWS).current.percent

    def test_parts_add_up(self) -> None:
        quotas = quotas_of(self.ROWS, target=TARGET, teams=self.TEAMS)
        for figure in ("arrears", "base", "credited", "collected"):
            assert sum(getattr(q, figure) for q in quotas.by_team.values()) == pytest.approx(
                getattr(quotas.total, figure)
            )

    def test_reductions_counted_as_collected_are_credited(self) -> None:
        rows = [*self.ROWS, replace(row(3, "100", "0", "0"), reduced=D(40))]
        settings = RateSettings(reductions=Reductions.AS_COLLECTED)
        quotas = quotas_of(rows, target=TARGET, teams=self.TEAMS, settings=settings)
        assert quotas.total.rate == rates_of(rows, settings=settings).current.percent
        assert sum(q.arrears for q in quotas.by_team.values()) == quotas.total.arrears

    def test_what_is_paid_without_a_case_is_credited_to_all(self) -> None:
        quotas = quotas_of(self.ROWS, target=TARGET, teams=self.TEAMS)
        assert quotas.total.credited == D(1200 + 1200 + 300 + 0 + 100)
        assert quotas.by_team[1].collected == D(500)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def campaign(project: Project) -> Campaign:
    return Campaign.objects.create(
        project=project, name="四季度", starts_on=dt.date(2025, 11, 1), ends_on=dt.date(2025, 12, 31)
    )


def case_of(project: Project, *, opened_on: dt.date = dt.date(2025, 11, 1), **fields: object) -> Case:
    account = create_account(project=project)
    create_charge(account=account, amount="1000", month=dt.date(2025, 9, 1))
    return Case.objects.create(
        project=project, account=account, opened_on=opened_on, followed_on=opened_on, **{"overdue": D(1000), **fields}
    )


def assign(case: Case, team: Team, start: int, end: int | None, by: User) -> None:
    Assignment.objects.create(
        project=case.project,
        case=case,
        team=team,
        starts_on=dt.date(2025, 11, start),
        ends_on=dt.date(2025, 11, end) if end else None,
        assigned_at=NOW,
        assigned_by=by,
    )


@pytest.mark.django_db
class TestResponsibility:
    def test_money_follows_the_team_of_the_day(self, project: Project, campaign: Campaign) -> None:
        first, second = (Team.objects.create(project=project, name=name) for name in "一二")
        case, by = case_of(project), create_user()
        assign(case, first, 1, 10, by)
        assign(case, second, 10, None, by)
        create_payment(account=case.account, amount="400", received_on=dt.date(2025, 11, 5))
        collected = {}
        for day in (9, 10):
            on = dt.date(2025, 11, day)
            rows = rate_rows(project, on=on, campaign=campaign)
            quotas = quotas_of(rows, target=TARGET, teams=answering_teams(campaign, on=on))
            collected[day] = {team: quota.collected for team, quota in quotas.by_team.items()}
        assert collected == {9: {first.pk: D(400)}, 10: {second.pk: D(400)}}

    def test_a_case_without_a_team_is_unassigned(self, project: Project, campaign: Campaign) -> None:
        case = case_of(project)
        assert answering_teams(campaign, on=dt.date(2025, 11, 5)) == {case.account_id: None}

    def test_a_case_paid_in_the_campaign_stays_with_its_team(self, project: Project, campaign: Campaign) -> None:
        team = Team.objects.create(project=project, name="一")
        case = case_of(project, state="closed", closed_on=dt.date(2025, 11, 8), overdue=D(0))
        assign(case, team, 1, None, create_user())
        assert answering_teams(campaign, on=dt.date(2025, 11, 20)) == {case.account_id: team.pk}

    def test_cases_closed_before_or_opened_later_do_not_count(self, project: Project, campaign: Campaign) -> None:
        case_of(project, opened_on=dt.date(2025, 9, 1), state="closed", closed_on=dt.date(2025, 10, 30), overdue=D(0))
        case_of(project, opened_on=dt.date(2025, 11, 9))
        assert answering_teams(campaign, on=dt.date(2025, 11, 8)) == {}

    def test_another_projects_cases_do_not_count(self, project: Project, campaign: Campaign) -> None:
        case_of(create_project())
        assert answering_teams(campaign, on=dt.date(2025, 11, 20)) == {}
