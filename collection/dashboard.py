"""The collection dashboard: each class against its target, each team against its quota and time (D2).

Every part is computed once from the rows of ``collection.rate_rows``; the number of queries does not grow with teams,
cases or charges.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from collection.conventions import settings_of, stated
from collection.marks import excluded_accounts
from collection.models import Campaign, Stage, TargetClass, Team
from collection.models.cases import CaseQuerySet
from collection.pace import Pace, campaign_on, pace_of
from collection.quotas import Quota, Quotas, TeamId, answering_teams, quotas_of
from collection.rate_conventions import BASE_TARGETS, ZERO, RateSettings, View
from collection.rate_rows import RateRow, rate_rows
from collection.rates import Rates, percent_of, rates_of, shown_percent
from company.models import Project

CountedCases = tuple[TeamId, str, int, Decimal]  # team, stage, open cases, CNY overdue


@dataclass(frozen=True, slots=True)
class Judgement:
    """A word about a figure, with the colour of its dot."""

    colour: str
    word: str


@dataclass(frozen=True, slots=True)
class ClassCard:
    """One class: rate against target, quota against time, what is missing in CNY. Without a target it is not judged."""

    target_class: TargetClass
    target: Decimal | None
    rate: Decimal | None
    accounting_rate: Decimal | None
    quota: Quota | None
    pace: Pace | None

    @property
    def shown(self) -> str:
        return shown_percent(self.rate, self.target)

    @property
    def gap(self) -> Decimal | None:
        """Points below the target as the two figures are shown; None where it is reached or there is no rate."""
        if self.rate is None or self.target is None or self.rate >= self.target:
            return None
        return self.target - Decimal(self.shown)

    @property
    def past(self) -> Decimal:
        """The part of the rate from before the campaign's work, for the bar."""
        return (self.quota and self.quota.past_rate) or ZERO

    @property
    def gained(self) -> Decimal:
        return max((self.rate or ZERO) - self.past, ZERO)

    @property
    def is_behind(self) -> bool:
        return is_behind(self.quota, self.pace)

    @property
    def judgement(self) -> Judgement | None:
        if self.rate is not None and self.target is not None and self.rate >= self.target:
            return Judgement("green", _("target reached"))
        if self.quota is None or self.pace is None or self.quota.done is None:
            return None
        return Judgement("amber", _("behind time")) if self.is_behind else Judgement("green", _("ahead of time"))


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team's quota of one class; ``team`` is None for cases nobody answers for, and in the total."""

    team: Team | None
    quota: Quota
    pace: Pace
    cases: int

    @property
    def forecast(self) -> Decimal | None:
        return self.quota.forecast(self.pace.part)

    @property
    def is_behind(self) -> bool:
        return is_behind(self.quota, self.pace)

    @property
    def judgement(self) -> Judgement | None:
        """At the end whether the target is met, before it whether it will be at this pace."""
        target = f"{self.quota.target.normalize():f}%"
        if self.quota.is_met:
            return Judgement("green", _("%(target)s reached") % {"target": target})
        at_the_end = self.quota.rate if self.pace.is_over else self.forecast
        if at_the_end is None:
            return None
        if at_the_end >= self.quota.target:
            return Judgement("green", _("will reach %(target)s") % {"target": target})
        gap = self.quota.target - Decimal(shown_percent(at_the_end, self.quota.target))
        return Judgement("amber", _("%(gap)s points short") % {"gap": f"{gap:.2f}"})


@dataclass(frozen=True, slots=True)
class TeamTable:
    """The teams' lines of one class; no total where only one's own team is seen."""

    lines: list[TeamLine]
    total: TeamLine | None


@dataclass(frozen=True, slots=True)
class StageLine:
    stage: Stage
    cases: int
    amount: Decimal
    share: Decimal  # of the longest bar, in percent


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the page shows; ``own_team`` is set for who sees only that team's part."""

    on: date
    view: View
    settings: RateSettings
    campaign: Campaign | None
    pace: Pace | None
    cards: list[ClassCard]
    chosen: TargetClass
    tables: dict[TargetClass, TeamTable]
    stages: list[StageLine]
    rates: Rates
    own_team: Team | None
    answering: Mapping[int, TeamId]

    @property
    def chosen_quota(self) -> Quota | None:
        """Of the class that table and chart are about."""
        return next((card.quota for card in self.cards if card.target_class == self.chosen), None)

    @property
    def per_day(self) -> Decimal | None:
        """CNY collected a day so far on the chosen class, which the forecast carries on."""
        quota = self.chosen_quota
        return quota.collected / self.pace.days_past if quota and self.pace and self.pace.days_past else None

    @property
    def convention(self) -> list[str]:
        return stated(self.settings, self.view)

    @property
    def table(self) -> TeamTable | None:
        return self.tables.get(self.chosen)

    @property
    def accounts_shown(self) -> dict[int, TeamId]:
        """Accounts whose money the figures are about: all with a case, or those of one's own team."""
        if self.own_team is None:
            return dict(self.answering)
        return {account: team for account, team in self.answering.items() if team == self.own_team.pk}


def is_behind(quota: Quota | None, pace: Pace | None) -> bool:
    """Whether less of the quota is done than of the time has passed."""
    return quota is not None and pace is not None and quota.done is not None and quota.done < pace.percent


def build_dashboard(
    project: Project,
    *,
    cases: CaseQuerySet,
    on: date,
    view: View = View.APPRAISAL,
    chosen: TargetClass | None = None,
    own_team: Team | None = None,
    settings: RateSettings | None = None,
) -> Dashboard:
    """Everything as of the end of ``on``, but for ``cases``, which are those that the viewer sees now.

    By the project's convention unless ``settings`` are given.
    """
    campaign = campaign_on(project.pk, on=on)
    settings = settings or settings_of(project, campaign)
    out = excluded_accounts(project, on=on)
    rows = rate_rows(project, on=on, campaign=campaign, settings=settings, excluded=out)
    teams = answering_teams(campaign, on=on, settings=settings) if campaign else {}
    pace = pace_of(campaign, on=on) if campaign else None
    targets = targets_of(campaign)
    quotas = {one: _quotas_by_class(rows, targets, teams, one, settings) for one in {view, View.ACCOUNTING}}
    cards = [
        _card(of, targets[of], quotas[view][of], quotas[View.ACCOUNTING][of], pace, own_team)
        for of in quotas[view]
        if own_team is None or own_team.pk in quotas[view][of].by_team
    ]
    classes = [card.target_class for card in cards if card.target is not None]
    chosen = chosen if chosen in classes else next(iter(classes), TargetClass.RESIDENTIAL_PROPERTY)
    counted = list(cases.open().order_by().values_list("team", "stage").annotate(Count("pk"), Sum("overdue")))
    shown = {of: quotas[view][of] for of in classes}
    return Dashboard(
        on=on,
        view=view,
        settings=settings,
        campaign=campaign,
        pace=pace,
        cards=cards,
        chosen=chosen,
        tables=_tables(project, shown, pace, counted, own_team) if pace else {},
        stages=_stages(counted),
        rates=rates_of((row for row in rows if row.target_class), view=view, settings=settings),
        own_team=own_team,
        answering={account: team for account, team in teams.items() if view is View.ACCOUNTING or account not in out},
    )


def targets_of(campaign: Campaign | None) -> dict[TargetClass, Decimal | None]:
    """Base targets in percent: the campaign's, None for a class that it does not judge; without one the usual."""
    if campaign is None:
        return dict(BASE_TARGETS)
    rates = {TargetClass(target.target_class): target.rate for target in campaign.targets.all()}
    return {of: rates.get(of) for of in TargetClass}


def _quotas_by_class(
    rows: Collection[RateRow],
    targets: Mapping[TargetClass, Decimal | None],
    teams: Mapping[int, TeamId],
    view: View,
    settings: RateSettings,
) -> dict[TargetClass, Quotas]:
    rows_by_class: dict[TargetClass, list[RateRow]] = {of: [] for of in TargetClass}
    for row in rows:
        if row.target_class:
            rows_by_class[row.target_class].append(row)
    return {
        of: quotas_of(mine, target=targets[of] or ZERO, teams=teams, view=view, settings=settings)
        for of, mine in rows_by_class.items()
        if mine
    }


def _card(
    of: TargetClass,
    target: Decimal | None,
    quotas: Quotas,
    in_accounting: Quotas,
    pace: Pace | None,
    own_team: Team | None,
) -> ClassCard:
    quota, books = (q.total if own_team is None else q.by_team[own_team.pk] for q in (quotas, in_accounting))
    return ClassCard(
        target_class=of,
        target=target,
        rate=quota.rate,
        accounting_rate=books.rate,
        quota=quota if pace and target is not None else None,
        pace=pace,
    )


def _tables(
    project: Project,
    quotas: Mapping[TargetClass, Quotas],
    pace: Pace,
    counted: Collection[CountedCases],
    own_team: Team | None,
) -> dict[TargetClass, TeamTable]:
    """Teams that hold cases or are active, then what nobody answers for."""
    cases: dict[TeamId, int] = {}
    for team_id, _stage, number, _amount in counted:
        cases[team_id] = cases.get(team_id, 0) + number
    if own_team is not None:
        return {of: TeamTable(_lines([own_team], q, pace, cases), None) for of, q in quotas.items()}
    held = Q(pk__in={team_id for q in quotas.values() for team_id in q.by_team if team_id})
    found = Team.objects.filter(Q(is_active=True) | held, project=project).select_related("leader")
    teams: list[Team | None] = [*found]
    if cases.get(None) or any(None in q.by_team for q in quotas.values()):
        teams.append(None)
    number = sum(cases.values())
    return {
        of: TeamTable(_lines(teams, q, pace, cases), TeamLine(None, q.total, pace, number)) for of, q in quotas.items()
    }


def _lines(teams: Collection[Team | None], quotas: Quotas, pace: Pace, cases: Mapping[TeamId, int]) -> list[TeamLine]:
    nothing = Quota(quotas.total.target, ZERO, ZERO, ZERO, ZERO)
    keys = [(team, team.pk if team else None) for team in teams]
    return [TeamLine(team, quotas.by_team.get(key, nothing), pace, cases.get(key, 0)) for team, key in keys]


def _stages(counted: Collection[CountedCases]) -> list[StageLine]:
    numbers, amounts = dict.fromkeys(Stage, 0), dict.fromkeys(Stage, ZERO)
    for _team, stage, number, amount in counted:
        numbers[Stage(stage)] += number
        amounts[Stage(stage)] += amount
    longest = Decimal(max(numbers.values()))
    return [
        StageLine(stage, number, amounts[stage], percent_of(Decimal(number), longest) or ZERO)
        for stage, number in numbers.items()
    ]
