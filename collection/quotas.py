"""What each team has to bring in (折算口径, rates.md).

The base target is a rate over all receivables of the year, while a team holds only cases that are unpaid. So a
team's share is converted: it is credited with its part of what had been collected without it, and judged by the same
rate as the project. Teams' rates weighted by their base add up to the project's rate.

Where a project judges its teams by area (责任区), every unit, paid or not, is somebody's, and nothing is converted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from django.db import connection

from collection.areas import area_holders
from collection.models import Campaign, QuotaBy
from collection.rate_conventions import DEFAULTS, ZERO, RateSettings, View
from collection.rate_rows import RateRow
from collection.rates import CENT, HUNDRED, NOISE, counted_relief, counts, net_due, percent_of
from collection.scope import accounts_in_scope

TeamId = int | None  # None: cases that nobody answers for yet


@dataclass(frozen=True, slots=True)
class Quota:
    """A share of the project's target, in CNY, unrounded but for ``money``."""

    target: Decimal  # percent
    arrears: Decimal  # of the cases held: what was not collected without them
    base: Decimal  # the receivables that the rate is taken over
    credited: Decimal
    collected: Decimal

    @property
    def money(self) -> Decimal:
        """What has to be collected in all to reach the target; not below 0.

        A part of a cent is rounded up: with a cent less the target is not reached.
        """
        needed = max(self.target / HUNDRED * self.base - self.credited, ZERO)
        return needed.quantize(NOISE, ROUND_HALF_UP).quantize(CENT, ROUND_CEILING)

    @property
    def missing(self) -> Decimal:
        return max(self.money - self.collected, ZERO)

    @property
    def rate(self) -> Decimal | None:
        return percent_of(self.credited + self.collected, self.base)

    @property
    def past_rate(self) -> Decimal | None:
        """The part of the rate that was there without the campaign's work."""
        return percent_of(self.credited, self.base)

    @property
    def done(self) -> Decimal | None:
        """Percent of the quota that is collected; None where there is no quota."""
        return percent_of(self.collected, self.money)

    @property
    def is_met(self) -> bool:
        """Compared unrounded: 89.9996 % has not met 90 %."""
        return self.rate is not None and self.rate >= self.target

    def forecast(self, elapsed: Decimal) -> Decimal | None:
        """The rate at the end if collecting goes on at its pace; ``elapsed`` is the part of the time that has passed.

        Never more than if everything were collected; None before the start.
        """
        if elapsed <= 0:
            return None
        expected = min(self.collected / elapsed, max(self.arrears, self.collected))
        return percent_of(self.credited + expected, self.base)


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quota of the whole project and of each team; they add up."""

    total: Quota
    by_team: dict[TeamId, Quota]


@dataclass(frozen=True, slots=True)
class AccountShare:
    """What one account adds to the figures of a class, in CNY; ``is_held``: there was a case, ``team`` answered for it.

    ``arrears`` is what its holder took over, ``collected`` what came in on that since.
    """

    account_id: int
    team: TeamId
    is_held: bool
    due: Decimal
    settled: Decimal
    arrears: Decimal
    collected: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """What a team's cases owed at first and what came in on them since, in CNY."""

    arrears: Decimal = ZERO
    collected: Decimal = ZERO


def share_out(
    *, receivable: Decimal, collected_before: Decimal, target: Decimal, held: Mapping[TeamId, Held]
) -> Quotas:
    """Convert the project's target (percent) into a quota for each holder of cases.

    ``receivable`` R is the net receivable of the class, ``collected_before`` C₀ what came in without the teams' work;
    their difference A is what the teams hold together.
    """
    arrears = receivable - collected_before
    whole = Quota(
        target=target,
        arrears=arrears,
        base=receivable,
        credited=collected_before,
        collected=sum((h.collected for h in held.values()), ZERO),
    )
    return Quotas(whole, {team: _share(whole, h) for team, h in held.items()})


def _share(whole: Quota, held: Held) -> Quota:
    def part(amount: Decimal) -> Decimal:
        return amount * held.arrears / whole.arrears if whole.arrears else ZERO

    return Quota(
        target=whole.target,
        arrears=held.arrears,
        base=part(whole.base),
        credited=part(whole.credited),
        collected=held.collected,
    )


def quotas_of(
    rows: Collection[RateRow],
    *,
    target: Decimal,
    teams: Mapping[int, TeamId],
    view: View = View.APPRAISAL,
    settings: RateSettings = DEFAULTS,
) -> Quotas:
    """Quotas of one class from its rows; ``teams`` names for each account with a case the team that answers for it.

    Accounts without a case were paid by themselves, also during the campaign: that is credited to all, like what was
    collected before it.
    """
    shares = shares_of(rows, teams=teams, view=view, settings=settings)
    if settings.quota_by is QuotaBy.AREAS:
        return _plain(shares, target)
    held: dict[TeamId, Held] = {}
    for share in shares:
        if share.is_held:
            so_far = held.get(share.team, Held())
            held[share.team] = Held(so_far.arrears + share.arrears, so_far.collected + share.collected)
    receivable = sum((share.due for share in shares), ZERO)
    arrears = sum((share.arrears for share in shares), ZERO)
    return share_out(receivable=receivable, collected_before=receivable - arrears, target=target, held=held)


def _plain(shares: Collection[AccountShare], target: Decimal) -> Quotas:
    """The quotas of areas: each over its own units, so that they add up without any conversion."""
    by_team: dict[TeamId, list[AccountShare]] = {}
    for share in shares:
        by_team.setdefault(share.team, []).append(share)
    return Quotas(_sum(shares, target), {team: _sum(held, target) for team, held in by_team.items()})


def _sum(shares: Collection[AccountShare], target: Decimal) -> Quota:
    base = sum((share.due for share in shares), ZERO)
    arrears = sum((share.arrears for share in shares), ZERO)
    collected = sum((share.collected for share in shares), ZERO)
    return Quota(target=target, arrears=arrears, base=base, credited=base - arrears, collected=collected)


def shares_of(
    rows: Iterable[RateRow], *, teams: Mapping[int, TeamId], view: View, settings: RateSettings
) -> list[AccountShare]:
    """What each account adds to the quotas of its class; rows that do not count are left out."""
    return [_share_of(row, teams, settings) for row in rows if counts(row, view, settings)]


def _share_of(row: RateRow, teams: Mapping[int, TeamId], settings: RateSettings) -> AccountShare:
    due, relief = net_due(row, settings), counted_relief(row, settings)
    is_held = row.account_id in teams
    before = row.settled_before if is_held else row.settled
    return AccountShare(
        account_id=row.account_id,
        team=teams.get(row.account_id),
        is_held=is_held,
        due=due,
        settled=row.settled + relief,
        arrears=due - before - relief,
        collected=row.settled - before,
    )


def answering_teams(campaign: Campaign, *, on: date, settings: RateSettings = DEFAULTS) -> dict[int, TeamId]:
    """By account with a case in the campaign up to ``on``: the team that answered for it on that day, or None.

    Where nothing of an account is in the campaign's scope, nobody answers for it: what it owes and pays is in the
    project's figures and in no quota. By area every account of the project is named.
    """
    return _answering(campaign, "team_id", on, settings)


def answering_members(campaign: Campaign, *, on: date, settings: RateSettings = DEFAULTS) -> dict[int, TeamId]:
    """Like ``answering_teams`` for the member of staff who was responsible on that day."""
    return _answering(campaign, "member_id", on, settings)


def _answering(campaign: Campaign, holder: str, on: date, settings: RateSettings) -> dict[int, TeamId]:
    if settings.quota_by is QuotaBy.AREAS:
        return area_holders(campaign.project_id, holder, on=on)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT ON (c.account_id) c.account_id, a.{holder}
            FROM collection_case c
            LEFT JOIN collection_assignment a
              ON a.case_id = c.id AND a.starts_on <= %(on)s AND (a.ends_on IS NULL OR a.ends_on > %(on)s)
            WHERE c.project_id = %(project)s AND c.opened_on <= %(on)s
              AND (c.closed_on IS NULL OR c.closed_on >= %(start)s)
            ORDER BY c.account_id, (a.id IS NOT NULL) DESC, c.id DESC, a.id DESC
            """,  # noqa: S608  one of two fixed columns
            {"project": campaign.project_id, "on": on, "start": campaign.starts_on},
        )
        answering: dict[int, TeamId] = dict(cursor.fetchall())
    if campaign.has_scope:
        meant = accounts_in_scope(campaign, on=on)
        return {account: team if account in meant else None for account, team in answering.items()}
    return answering
