"""The results of a campaign as of a day, for the project, each team and each member: computed, and read back frozen."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from collection.conventions import as_settings, convention_of
from collection.dashboard import targets_of
from collection.incentives import ClassResult, Result
from collection.marks import excluded_accounts
from collection.models import (
    Assignment,
    Campaign,
    IncentiveScheme,
    RateConvention,
    Settlement,
    SettlementLine,
    TargetClass,
    Team,
)
from collection.quotas import Quota, TeamId, answering_members, answering_teams, quotas_of
from collection.rate_conventions import ZERO, RateSettings, target_class
from collection.rate_rows import RateRow, rate_rows
from collection.rates import net_due
from company.models import User

Holder = SettlementLine.Holder
Held = tuple[SettlementLine.Holder, int]  # the id of a team or member; 0 where there is none
WHOLE: Held = (Holder.PROJECT, 0)


@dataclass(frozen=True, slots=True)
class HolderResult:
    """What came of one holder; ``leader`` answers for a team."""

    holder: SettlementLine.Holder
    team: Team | None
    member: User | None
    leader: User | None
    result: Result

    @property
    def person(self) -> User | None:
        """Whose bonus it is about."""
        return self.member or self.leader

    @property
    def name(self) -> str:
        return str(self.team or self.member or self.holder.label)


@dataclass(frozen=True, slots=True)
class Excluded:
    account_id: int
    due: Decimal  # CNY of this year, of all classes


@dataclass(frozen=True, slots=True)
class Results:
    """``campaign`` as of the end of ``closes_on``."""

    campaign: Campaign
    closes_on: date
    scheme: IncentiveScheme
    convention: RateConvention | None
    holders: list[HolderResult]
    excluded: list[Excluded] = field(default_factory=list)

    def of(self, holder: SettlementLine.Holder) -> list[HolderResult]:
        return [each for each in self.holders if each.holder == holder]

    @property
    def settings(self) -> RateSettings:
        return as_settings(self.convention, self.campaign)


def scheme_of(campaign: Campaign) -> IncentiveScheme:
    """What is in force in the project; unsaved, with the usual values and number 0, where nobody changed anything."""
    latest = IncentiveScheme.objects.filter(project=campaign.project_id).first()
    return latest or IncentiveScheme(project_id=campaign.project_id, number=0)


def posting_ends_at(closes_on: date, settings: RateSettings) -> datetime:
    """Until when money of a period may be posted to count for it."""
    day = closes_on + timedelta(days=settings.closing_days + 1)
    return timezone.make_aware(datetime.combine(day, time()))


def compute_results(campaign: Campaign, *, closes_on: date, excluded: Collection[int] | None = None) -> Results:
    """From the ledger as it stands, by the scheme and convention in force; ``excluded`` are accounts left out,
    those that approved marks take out unless given.

    Cases count for whom they belonged to on the closing day. A fixed number of queries.
    """
    scheme, convention = scheme_of(campaign), convention_of(campaign.project)
    settings = as_settings(convention, campaign)
    if excluded is None:
        excluded = excluded_accounts(campaign.project, on=closes_on)
    rows = rate_rows(
        campaign.project, on=closes_on, campaign=campaign, settings=settings, excluded=excluded,
        posted_until=posting_ends_at(closes_on, settings),
    )  # fmt: skip
    quotas, wholes = _shares(campaign, rows, closes_on, settings)
    taken_back = _taken_back(campaign)
    classes: dict[Held, list[ClassResult]] = {}
    for held, of in dict.fromkeys([*quotas, *taken_back]):
        if of not in wholes:
            continue
        quota, corrected = quotas.get((held, of)), taken_back.get((held, of), ZERO)
        quota = quota or Quota(wholes[of].target, ZERO, ZERO, ZERO, ZERO)
        classes.setdefault(held, []).append(_class_result(of, quota, wholes[of], scheme, corrected))
    left_out: dict[int, Decimal] = {}
    for row in rows:
        if row.is_excluded:
            left_out[row.account_id] = left_out.get(row.account_id, ZERO) + net_due(row, settings)
    holders = _named({held: Result(found, scheme) for held, found in classes.items()})
    return Results(
        campaign, closes_on, scheme, convention, holders, [Excluded(*each) for each in sorted(left_out.items())]
    )


def frozen_results(settlement: Settlement) -> Results:
    """What a settlement keeps, judged by the scheme that it names. Four queries."""
    lines = list(settlement.lines.select_related("team", "member__post", "leader"))
    quotas = {(_held(line), TargetClass(line.target_class)): (_quota(line), line.corrected) for line in lines}
    classes: dict[Held, list[ClassResult]] = {}
    for (held, of), (quota, corrected) in quotas.items():
        whole = quotas[WHOLE, of][0]
        classes.setdefault(held, []).append(ClassResult(of, quota, whole, settlement.scheme, corrected))
    first = {_held(line): line for line in reversed(lines)}
    holders = [
        HolderResult(
            held[0], first[held].team, first[held].member, first[held].leader, Result(found, settlement.scheme)
        )
        for held, found in classes.items()
    ]
    excluded = [Excluded(row.account_id, row.due) for row in settlement.exclusions.all()]
    return Results(
        settlement.campaign, settlement.closes_on, settlement.scheme, settlement.convention, holders, excluded
    )


def moves_before(campaign: Campaign, *, closes_on: date, days: int) -> list[Assignment]:
    """Cases that changed hands in the last ``days`` up to the closing day: the assignments that began then."""
    began = Assignment.objects.filter(
        project=campaign.project_id, starts_on__gt=closes_on - timedelta(days=days), starts_on__lte=closes_on
    )
    earlier = Assignment.objects.filter(project=campaign.project_id, ends_on__isnull=False).values("case")
    moved = began.filter(case__in=earlier).select_related("case__account__unit", "team", "member", "assigned_by")
    return list(moved.order_by("-starts_on", "case__account__unit__sort_key", "pk"))


def _shares(
    campaign: Campaign, rows: Collection[RateRow], on: date, settings: RateSettings
) -> tuple[dict[tuple[Held, TargetClass], Quota], dict[TargetClass, Quota]]:
    answering: Mapping[SettlementLine.Holder, Mapping[int, TeamId]] = {
        Holder.TEAM: answering_teams(campaign, on=on, settings=settings),
        Holder.MEMBER: answering_members(campaign, on=on, settings=settings),
    }
    quotas: dict[tuple[Held, TargetClass], Quota] = {}
    wholes: dict[TargetClass, Quota] = {}
    for of, target in targets_of(campaign).items():
        mine = [row for row in rows if row.target_class == of]
        if target is None or not mine:
            continue
        for holder, responsible in answering.items():
            shared = quotas_of(mine, target=target, teams=responsible, settings=settings)
            quotas[WHOLE, of] = wholes[of] = wholes.get(of, shared.total)
            for pk, quota in shared.by_team.items():
                if pk is not None:
                    quotas[(holder, pk), of] = quota
                elif holder == Holder.TEAM:
                    quotas[(Holder.NOBODY, 0), of] = quota
    return quotas, wholes


def _class_result(
    of: TargetClass, quota: Quota, whole: Quota, scheme: IncentiveScheme, corrected: Decimal
) -> ClassResult:
    if corrected:
        quota = Quota(quota.target, quota.arrears, quota.base, quota.credited, quota.collected - corrected)
    return ClassResult(of, quota, whole, scheme, corrected)


def _taken_back(campaign: Campaign) -> dict[tuple[Held, TargetClass], Decimal]:
    """CNY that counted in settlements of earlier campaigns and was taken back since the last settlement.

    It is laid to whom it belonged to at that settlement's closing, by the convention that it was made by. Reversals
    within this campaign's own money are in its figures already.
    """
    approved = Settlement.objects.filter(project=campaign.project_id, state=Settlement.State.APPROVED)
    last = approved.order_by("-proposed_at").first()
    if last is None:
        return {}
    found: dict[tuple[Held, TargetClass], Decimal] = {}
    earlier = approved.exclude(campaign=campaign).order_by("campaign_id", "-closes_on").distinct("campaign_id")
    for settlement in earlier.select_related("campaign", "convention"):
        then = as_settings(settlement.convention, settlement.campaign)
        teams = answering_teams(settlement.campaign, on=settlement.closes_on, settings=then)
        members = answering_members(settlement.campaign, on=settlement.closes_on, settings=then)
        for account_id, of, amount in _reversed_since(settlement, last.proposed_at, then):
            team, member = teams.get(account_id), members.get(account_id)
            for held in (WHOLE, team and (Holder.TEAM, team), member and (Holder.MEMBER, member)):
                if held:
                    found[held, of] = found.get((held, of), ZERO) + amount
    return found


def _reversed_since(
    settlement: Settlement, since: datetime, settings: RateSettings
) -> Iterable[tuple[int, TargetClass, Decimal]]:
    """By account and class: what the settlement counted and is released since, less what of it settles charges anew
    as of the same period.

    A reversed payment, and a reversed charge: its money becomes credit, and would count once more where it is used.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.account_id, u.usage, f.nature, sum(s.amount)
            FROM (
                SELECT a.account_id, a.charge_id, a.payment_id, a.amount
                FROM arrears_allocation a JOIN arrears_allocation x ON x.id = a.reversed_by_id
                WHERE a.project_id = %(project)s AND a.kind = 'allocation' AND a.posted_at <= %(frozen)s
                  AND x.posted_at > %(since)s AND a.effective_on BETWEEN %(start)s AND %(end)s
                UNION ALL
                SELECT a.account_id, a.charge_id, a.payment_id, -a.amount
                FROM arrears_allocation a
                WHERE a.project_id = %(project)s AND a.kind = 'allocation' AND a.posted_at > %(since)s
                  AND a.reversed_by_id IS NULL AND a.effective_on BETWEEN %(start)s AND %(end)s
            ) s
            JOIN arrears_payment p ON p.id = s.payment_id AND p.received_on IS NOT NULL AND p.posted_at <= %(frozen)s
            JOIN arrears_charge c ON c.id = s.charge_id
            JOIN arrears_feetype f ON f.id = c.fee_type_id
            JOIN owners_unit u ON u.id = c.unit_id
            GROUP BY 1, 2, 3 HAVING sum(s.amount) > 0
            """,
            {
                "project": settlement.project_id,
                "start": settlement.campaign.starts_on,
                "end": settlement.closes_on,
                "frozen": settlement.proposed_at,
                "since": since,
            },
        )
        for account_id, usage, nature, amount in cursor.fetchall():
            of = target_class(usage, nature, settings.parking)
            if of is not None:
                yield account_id, of, amount


def _named(results: Mapping[Held, Result]) -> list[HolderResult]:
    """The project first, then teams in their order, cases of nobody, and members by name."""
    teams = Team.objects.select_related("leader").in_bulk([pk for holder, pk in results if holder == Holder.TEAM])
    people = User.objects.select_related("post").in_bulk([pk for holder, pk in results if holder == Holder.MEMBER])
    found = []
    for (holder, pk), result in results.items():
        team = teams.get(pk) if holder == Holder.TEAM else None
        member = people.get(pk) if holder == Holder.MEMBER else None
        found.append(HolderResult(holder, team, member, team.leader if team else None, result))
    order = [Holder.PROJECT, Holder.TEAM, Holder.NOBODY, Holder.MEMBER]
    return sorted(
        found,
        key=lambda each: (
            order.index(each.holder),
            (each.team.position, each.team.pk) if each.team else (0, 0),
            each.member.name_key if each.member else "",
        ),
    )


def _held(line: SettlementLine) -> Held:
    return Holder(line.holder), line.team_id or line.member_id or 0


def _quota(line: SettlementLine) -> Quota:
    return Quota(line.target, line.arrears, line.base, line.credited, line.collected - line.corrected)
