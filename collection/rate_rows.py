"""What rates are computed from, read set-wise from the ledger for any day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from collection.models import Attribution, Campaign, TargetClass
from collection.rate_conventions import DEFAULTS, ZERO, RateSettings, target_class
from company.models import Project
from owners.models import Unit


@dataclass(frozen=True, slots=True)
class RateRow:
    """One account's money of one class at the end of a day, in CNY.

    "Settled" is payments and applied credit on the charges meant; "reduced" is waivers and vacancy reductions in
    force. ``prior_*`` is about years before: open on the base day, and what became of it since. ``opening`` is
    what was overdue when the campaign began and lies in its scope.
    """

    account_id: int
    unit_id: int
    target_class: TargetClass | None
    due: Decimal = ZERO
    settled: Decimal = ZERO
    settled_before: Decimal = ZERO  # of ``settled``: by money from before the campaign, as far as it still holds
    reduced: Decimal = ZERO
    prepaid: Decimal = ZERO
    prior_open: Decimal = ZERO
    prior_late: Decimal = ZERO  # fell due after the base day; not in ``prior_open``
    prior_settled: Decimal = ZERO
    prior_late_settled: Decimal = ZERO
    prior_reduced: Decimal = ZERO
    opening: Decimal = ZERO
    opening_settled: Decimal = ZERO
    is_household: bool = True  # a flat or shop; parking spaces and the like are no households
    is_developer: bool = False
    is_excluded: bool = False


def rate_rows(
    project: Project,
    *,
    on: date,
    campaign: Campaign | None = None,
    settings: RateSettings = DEFAULTS,
    excluded: Collection[int] = (),
    posted_until: datetime | None = None,
) -> list[RateRow]:
    """What the ledger says at the end of ``on``, set-wise. ``excluded``: accounts that an approval takes out.

    ``posted_until`` leaves out what was posted later, for closed periods. Money without a day (imported beside its
    charge) counts as received before every base day and every campaign.
    """
    parameters = parameters_of(project, on=on, campaign=campaign, settings=settings) | {"posted_until": posted_until}
    out = frozenset(excluded)
    return [_row(values, settings, out, campaign) for values in run(ROWS_SQL, settings, parameters)]


def parameters_of(project: Project, *, on: date, campaign: Campaign | None, settings: RateSettings) -> dict[str, Any]:
    """What STATED_SQL asks for."""
    year_start = date(on.year, 1, 1)
    return {
        "project": project.pk,
        "on": on,
        "year_start": year_start,
        "year_end": date(on.year, 12, 31),
        "due_until": date.max if settings.whole_year else on,
        "base": settings.recovery_since or year_start,
        "start": campaign.starts_on if campaign else date.min,
        "scope_from": (campaign and campaign.period_from) or date.min,
        "scope_until": (campaign and campaign.period_until) or date.max,
        "scope_due_from": campaign.due_from if campaign else date.min,
        "scope_due_until": campaign.due_until if campaign else date.max,
        "posted_until": None,
    }


def run(query: str, settings: RateSettings, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a query that reads from ``stated``: each charge as STATED_SQL has it."""
    belongs_on = {Attribution.SERVICE_PERIOD: "c.period_start", Attribution.DUE_DATE: "c.due_on"}
    stated = STATED_SQL.format(belongs_on=belongs_on[settings.attribution])
    with connection.cursor() as cursor:
        cursor.execute(f"{stated} {query}", parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# Reductions are waivers and vacancy reductions. A bad-debt write-off is none: it takes a charge off the books, not off
# what was due, and lowers no denominator.
# Each charge with what is settled of it at the end of the day, before the base day, at the start of the campaign, and
# of the first by money from before the campaign.
# Reversals are looked up row by row: they are rare, and a join would spoil the planner's estimates.
STATED_SQL = """
    WITH live AS (
        SELECT c.id, c.account_id, c.unit_id, c.fee_type_id, c.amount, c.due_on, c.period_start,
               {belongs_on} < %(year_start)s AS is_prior
        FROM arrears_charge c
        WHERE c.project_id = %(project)s AND c.kind = 'charge' AND {belongs_on} <= %(year_end)s
          AND (c.reversed_by_id IS NULL
               OR (SELECT r.effective_on FROM arrears_charge r WHERE r.id = c.reversed_by_id) > %(on)s)
    ), counted AS MATERIALIZED (
        SELECT a.charge_id, a.amount,
               CASE WHEN a.reversed_by_id IS NULL THEN 'infinity'::date
                    ELSE (SELECT r.effective_on FROM arrears_allocation r WHERE r.id = a.reversed_by_id) END AS until,
               CASE WHEN a.payment_id IN (SELECT p.id FROM arrears_payment p
                                          WHERE p.project_id = %(project)s AND p.received_on IS NULL)
                    THEN '-infinity'::date ELSE a.effective_on END AS since
        FROM arrears_allocation a
        WHERE a.project_id = %(project)s AND a.kind = 'allocation' AND a.charge_id IS NOT NULL
          AND (%(posted_until)s::timestamptz IS NULL OR a.posted_at <= %(posted_until)s)
    ), paid AS (
        SELECT charge_id,
               COALESCE(sum(amount) FILTER (WHERE since <= %(on)s AND until > %(on)s), 0) AS settled,
               COALESCE(sum(amount) FILTER (WHERE since < %(base)s AND until >= %(base)s), 0) AS before_base,
               COALESCE(sum(amount) FILTER (WHERE since < %(start)s AND until >= %(start)s), 0) AS at_start,
               COALESCE(sum(amount) FILTER (WHERE since < %(start)s AND until > %(on)s), 0) AS before_start
        FROM counted GROUP BY charge_id
    ), waived AS (
        SELECT charge_id,
               COALESCE(sum(amount) FILTER (WHERE kind <> 'write_off' AND since <= %(on)s AND until > %(on)s), 0)
                   AS reduced,
               COALESCE(sum(amount) FILTER (WHERE kind <> 'write_off' AND since < %(base)s AND until > %(on)s), 0)
                   AS reduced_early,
               COALESCE(sum(amount) FILTER (WHERE since < %(base)s AND until >= %(base)s), 0) AS waived_base,
               COALESCE(sum(amount) FILTER (WHERE since < %(start)s AND until >= %(start)s), 0) AS waived_start
        FROM (
            SELECT w.charge_id, w.kind, w.amount, w.effective_on AS since,
                   COALESCE(r.effective_on, 'infinity'::date) AS until
            FROM arrears_waiver w LEFT JOIN arrears_waiver r ON r.id = w.reversed_by_id
            WHERE w.project_id = %(project)s AND w.kind <> 'reversal' AND w.charge_id IS NOT NULL
              AND (%(posted_until)s::timestamptz IS NULL OR w.posted_at <= %(posted_until)s)
        ) spans GROUP BY charge_id
    ), stated AS (
        SELECT live.*, COALESCE(settled, 0) AS settled, COALESCE(before_base, 0) AS before_base,
               COALESCE(at_start, 0) AS at_start, COALESCE(before_start, 0) AS before_start,
               COALESCE(reduced, 0) AS reduced, COALESCE(reduced_early, 0) AS reduced_early,
               COALESCE(waived_base, 0) AS waived_base, COALESCE(waived_start, 0) AS waived_start,
               NOT is_prior AND due_on <= %(due_until)s AS is_current,
               period_start BETWEEN %(scope_from)s AND %(scope_until)s
                   AND due_on BETWEEN %(scope_due_from)s AND %(scope_due_until)s AS is_in_scope
        FROM live LEFT JOIN paid ON paid.charge_id = live.id LEFT JOIN waived ON waived.charge_id = live.id
    ), developers AS (
        SELECT a.id AS account_id FROM arrears_account a
        JOIN owners_ownershipmember m ON m.ownership_id = a.ownership_id
        JOIN owners_owner o ON o.id = m.owner_id
        WHERE a.project_id = %(project)s AND o.kind = 'developer'
    )
"""
ROWS_SQL = """
    SELECT s.account_id, s.unit_id, u.usage, f.nature, s.account_id IN (SELECT account_id FROM developers), s.figures
    FROM (
        SELECT account_id, unit_id, fee_type_id, ARRAY[
               COALESCE(sum(amount) FILTER (WHERE is_current), 0),
               COALESCE(sum(settled) FILTER (WHERE is_current), 0),
               COALESCE(sum(before_start) FILTER (WHERE is_current), 0),
               COALESCE(sum(settled) FILTER (WHERE NOT is_prior AND NOT is_current), 0),
               COALESCE(sum(amount - before_base - waived_base) FILTER (WHERE is_prior AND due_on < %(base)s), 0),
               COALESCE(sum(amount - before_base - waived_base)
                        FILTER (WHERE is_prior AND due_on BETWEEN %(base)s AND %(on)s), 0),
               COALESCE(sum(settled - before_base) FILTER (WHERE is_prior AND due_on < %(base)s), 0),
               COALESCE(sum(settled - before_base) FILTER (WHERE is_prior AND due_on BETWEEN %(base)s AND %(on)s), 0),
               COALESCE(sum(amount - at_start - waived_start) FILTER (WHERE is_in_scope AND due_on < %(start)s), 0),
               COALESCE(sum(LEAST(settled - before_start, amount - at_start - waived_start))
                        FILTER (WHERE is_in_scope AND due_on < %(start)s), 0),
               COALESCE(sum(reduced) FILTER (WHERE is_current), 0),
               COALESCE(sum(reduced - reduced_early) FILTER (WHERE is_prior AND due_on <= %(on)s), 0)
        ] AS figures
        FROM stated
        GROUP BY account_id, unit_id, fee_type_id
    ) s
    JOIN arrears_feetype f ON f.id = s.fee_type_id
    JOIN owners_unit u ON u.id = s.unit_id
"""
ROW_FIGURES = (
    "due",
    "settled",
    "settled_before",
    "prepaid",
    "prior_open",
    "prior_late",
    "prior_settled",
    "prior_late_settled",
    "opening",
    "opening_settled",
    "reduced",
    "prior_reduced",
)


def _row(
    values: tuple[Any, ...], settings: RateSettings, excluded: frozenset[int], campaign: Campaign | None
) -> RateRow:
    account_id, unit_id, usage, nature, is_developer, amounts = values
    of = target_class(usage, nature, settings.parking)
    figures = dict(zip(ROW_FIGURES, amounts, strict=True))
    if campaign and not campaign.covers(of):
        figures["opening"] = figures["opening_settled"] = ZERO
    return RateRow(
        account_id=account_id,
        unit_id=unit_id,
        target_class=of,
        is_household=usage in (Unit.Usage.RESIDENTIAL, Unit.Usage.COMMERCIAL),
        is_developer=is_developer,
        is_excluded=account_id in excluded,
        **figures,
    )
