"""How a campaign runs against its time: days passed, money by day, and where it ends if it goes on so.

The forecast is linear: what came in per day so far goes on to the last day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from collection.models import Campaign, TargetClass
from collection.quotas import Quota, TeamId
from collection.rate_conventions import DEFAULTS, ZERO, RateSettings, target_class


@dataclass(frozen=True, slots=True)
class Pace:
    """The time of a campaign as of the end of a day."""

    starts_on: date
    ends_on: date
    days_past: int

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days + 1

    @property
    def part(self) -> Decimal:
        return Decimal(self.days_past) / self.days

    @property
    def percent(self) -> Decimal:
        return self.part * 100

    @property
    def is_over(self) -> bool:
        return self.days_past >= self.days


@dataclass(frozen=True, slots=True)
class Course:
    """Money collected on a quota up to each day, CNY."""

    pace: Pace
    quota: Decimal
    collected: list[tuple[date, Decimal]]
    expected: Decimal | None  # at the end of the campaign, by the pace so far

    @property
    def total(self) -> Decimal:
        return self.collected[-1][1] if self.collected else ZERO

    @property
    def per_day(self) -> Decimal | None:
        return self.total / self.pace.days_past if self.pace.days_past else None


def pace_of(campaign: Campaign, *, on: date) -> Pace:
    """Days passed include ``on`` itself; none before the start, all after the end."""
    days = (campaign.ends_on - campaign.starts_on).days + 1
    past = (on - campaign.starts_on).days + 1
    return Pace(campaign.starts_on, campaign.ends_on, min(max(past, 0), days))


def campaign_on(project_id: int, *, on: date) -> Campaign | None:
    """The campaign whose time covers ``on``; else the latest that had begun by then."""
    begun = Campaign.objects.filter(project_id=project_id, starts_on__lte=on).exclude(state=Campaign.State.PLANNED)
    return begun.order_by("-starts_on", "-pk").first()


def course_of(
    campaign: Campaign,
    quota: Quota,
    *,
    on: date,
    of: TargetClass,
    teams: Mapping[int, TeamId],
    settings: RateSettings = DEFAULTS,
) -> Course:
    """What came in day by day on the accounts of ``teams``, this year's charges of one class; ends at the quota's sum.

    One query. ``teams`` holds only the accounts whose money is meant.
    """
    by_day: dict[date, Decimal] = {}
    for account_id, usage, nature, day, amount in _movements(campaign, on, settings):
        if account_id in teams and target_class(usage, nature, settings.parking) == of:
            by_day[day] = by_day.get(day, ZERO) + amount
    pace = pace_of(campaign, on=on)
    running, collected = ZERO, list[tuple[date, Decimal]]()
    for offset in range(pace.days_past):
        day = campaign.starts_on + timedelta(days=offset)
        running += by_day.get(day, ZERO)
        collected.append((day, running))
    expected = running / pace.part if pace.part else None
    return Course(pace, quota.money, collected, expected)


def _movements(campaign: Campaign, on: date, settings: RateSettings) -> list[tuple[Any, ...]]:
    """Settlements of this year's charges since the campaign began by account and day; releases of them are negative.

    After its end everything counts on its last day, and the developer's money does where the rates count it, so that
    the sum stays that of the quota.
    """
    belongs_on = "c.period_start" if settings.attribution == "service_period" else "c.due_on"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.account_id, u.usage, f.nature, LEAST(m.day, %(end)s), sum(m.amount)
            FROM (
                SELECT a.charge_id, a.effective_on AS day, a.amount FROM arrears_allocation a
                JOIN arrears_payment p ON p.id = a.payment_id
                WHERE a.project_id = %(project)s AND a.kind = 'allocation' AND p.received_on IS NOT NULL
                  AND a.effective_on BETWEEN %(start)s AND %(on)s
                UNION ALL
                SELECT a.charge_id, r.effective_on, -a.amount FROM arrears_allocation r
                JOIN arrears_allocation a ON a.reversed_by_id = r.id
                WHERE r.project_id = %(project)s AND r.kind = 'release' AND a.effective_on >= %(start)s
                  AND r.effective_on BETWEEN %(start)s AND %(on)s
            ) m
            JOIN arrears_charge c ON c.id = m.charge_id
            LEFT JOIN arrears_charge cr ON cr.id = c.reversed_by_id
            JOIN arrears_feetype f ON f.id = c.fee_type_id
            JOIN owners_unit u ON u.id = c.unit_id
            WHERE {belongs_on} BETWEEN %(year_start)s AND %(year_end)s AND c.due_on <= %(due_until)s
              AND (cr.id IS NULL OR cr.effective_on > %(on)s)
              AND (%(with_developer)s OR NOT EXISTS (
                  SELECT FROM arrears_account da
                  JOIN owners_ownershipmember dm ON dm.ownership_id = da.ownership_id
                  JOIN owners_owner owner ON owner.id = dm.owner_id
                  WHERE da.id = c.account_id AND owner.kind = 'developer'))
            GROUP BY 1, 2, 3, 4
            """,  # noqa: S608  one of two fixed columns
            {
                "project": campaign.project_id,
                "start": campaign.starts_on,
                "end": campaign.ends_on,
                "on": on,
                "year_start": date(on.year, 1, 1),
                "year_end": date(on.year, 12, 31),
                "due_until": date.max if settings.whole_year else on,
                "with_developer": settings.includes_developer,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
