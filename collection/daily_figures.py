"""This year's money of every project by day, made from the ledger, so that many projects stand side by side at once.

One project's figures are read from the ledger itself (collection.rate_rows). Three hundred of them would take minutes,
so each project keeps what every day changed; the sums of all days up to one are its figures of that day. A project is
behind as soon as one of its accounts was posted to or its convention changed, and is then made again as a whole.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, Sum

from arrears.models import Account
from collection.conventions import as_settings, conventions_of
from collection.models import Attribution, DailyFigure, FiguresState, RateConvention, TargetClass
from collection.rate_conventions import RateSettings, target_class
from collection.rates import Ratio, reduced_ratio
from company.models import Project

FOLLOWED = ("project", "seen_versions", "convention__number")


def rates_of_projects(projects: Collection[Project], *, on: date) -> dict[int, dict[TargetClass, Ratio]]:
    """This year's rates of several projects at the end of ``on``, by project id and class, each by its convention.

    Two queries for all.
    """
    conventions = conventions_of(projects)
    sums = (
        DailyFigure.objects.filter(project__in=projects, year=on.year, day__lte=on)
        .order_by()
        .values_list("project", "usage", "nature", "is_developer")
        .annotate(Sum("due"), Sum("settled"), Sum("reduced"))
    )
    rates: dict[int, dict[TargetClass, Ratio]] = {}
    for project_id, usage, nature, is_developer, due, settled, reduced in sums:
        settings = as_settings(conventions.get(project_id))
        of = target_class(usage, nature, settings.parking)
        if of is not None and (settings.includes_developer or not is_developer):
            mine = rates.setdefault(project_id, {})
            mine[of] = mine.get(of, Ratio()) + reduced_ratio(settled, due, reduced, settings)
    return rates


def computed_at(projects: Collection[Project]) -> datetime | None:
    """When the oldest of the projects' figures were made."""
    oldest: datetime | None = FiguresState.objects.filter(project__in=projects).aggregate(at=Min("computed_at"))["at"]
    return oldest


def follow_ledger(*, now: datetime, projects: Collection[Project] | None = None) -> int:
    """Make the figures of all projects (of ``projects``) that are behind the ledger anew; returns how many."""
    behind = _behind(projects)
    for project_id in behind:
        compute(project_id, now=now)
    return len(behind)


def compute_missing(projects: Collection[Project], *, now: datetime) -> None:
    """Make the figures of those of ``projects`` that have none yet."""
    made = set(FiguresState.objects.filter(project__in=projects).values_list("project", flat=True))
    for project in projects:
        if project.pk not in made:
            compute(project.pk, now=now)


@transaction.atomic
def compute(project_id: int, *, now: datetime) -> None:
    """Make a project's figures from its ledger as it stands. Two at once wait for each other."""
    FiguresState.objects.get_or_create(project_id=project_id, defaults={"seen_versions": -1, "computed_at": now})
    state = FiguresState.objects.select_for_update().get(project_id=project_id)
    # Read before the ledger: what is posted in between is counted, and found again.
    state.seen_versions = _versions(Account.objects.filter(project_id=project_id)).get(project_id, 0)
    convention = RateConvention.objects.filter(project=project_id).first()
    state.convention = convention
    settings = as_settings(convention)
    DailyFigure.objects.filter(project_id=project_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(_figures(settings), {"project": project_id})
    state.computed_at = now
    state.save(update_fields=["seen_versions", "convention", "computed_at"])


def _behind(projects: Collection[Project] | None) -> list[int]:
    accounts, states = Account.objects.all(), FiguresState.objects.all()
    if projects is not None:
        accounts, states = accounts.filter(project__in=projects), states.filter(project__in=projects)
    seen = {project: (versions, number) for project, versions, number in states.values_list(*FOLLOWED)}
    conventions = RateConvention.objects.order_by().values_list("project").annotate(Max("number"))
    numbers: dict[int, int] = dict(conventions)
    current = {project: (versions, numbers.get(project)) for project, versions in _versions(accounts).items()}
    return sorted(project for project, state in current.items() if seen.get(project) != state)


def _versions(accounts: Any) -> dict[int, int]:
    """By project the sum of its accounts' versions: every posting raises it."""
    return dict(accounts.order_by().values_list("project").annotate(Sum("version")))


def _figures(settings: RateSettings) -> str:
    """The year and the first day of a charge depend on the convention: two of two fixed expressions each."""
    belongs_on = "c.period_start" if settings.attribution == Attribution.SERVICE_PERIOD else "c.due_on"
    whole = f"LEAST(c.due_on, make_date(extract(year FROM {belongs_on})::int, 1, 1))"
    return FIGURES.format(belongs_on=belongs_on, since=whole if settings.whole_year else "c.due_on")


# Every amount counts from one day until another: a charge from its due date until its reversal, what is settled or
# reduced of it from its own day on, but never longer than the charge counts. Each span adds on its first day and takes
# away on the day after its last.
FIGURES = """
    WITH live AS (
        SELECT c.id, c.account_id, c.unit_id, c.fee_type_id, extract(year FROM {belongs_on})::int AS year, c.amount,
               {since} AS since,
               CASE WHEN c.reversed_by_id IS NULL THEN 'infinity'::date
                    ELSE (SELECT r.effective_on FROM arrears_charge r WHERE r.id = c.reversed_by_id) END AS until
        FROM arrears_charge c
        WHERE c.project_id = %(project)s AND c.kind = 'charge'
    ), span AS (
        SELECT account_id, unit_id, fee_type_id, year, since, until, amount AS due, 0 AS settled, 0 AS reduced
        FROM live
        UNION ALL
        SELECT c.account_id, c.unit_id, c.fee_type_id, c.year,
               CASE WHEN a.payment_id IN (SELECT p.id FROM arrears_payment p
                                          WHERE p.project_id = %(project)s AND p.received_on IS NULL)
                    THEN c.since ELSE GREATEST(a.effective_on, c.since) END,
               CASE WHEN a.reversed_by_id IS NULL THEN c.until
                    ELSE LEAST(c.until, (SELECT r.effective_on FROM arrears_allocation r WHERE r.id = a.reversed_by_id))
               END, 0, a.amount, 0
        FROM arrears_allocation a JOIN live c ON c.id = a.charge_id
        WHERE a.project_id = %(project)s AND a.kind = 'allocation'
        UNION ALL
        SELECT c.account_id, c.unit_id, c.fee_type_id, c.year, GREATEST(w.effective_on, c.since),
               LEAST(c.until, COALESCE(r.effective_on, 'infinity'::date)), 0, 0, w.amount
        FROM arrears_waiver w JOIN live c ON c.id = w.charge_id LEFT JOIN arrears_waiver r ON r.id = w.reversed_by_id
        WHERE w.project_id = %(project)s AND w.kind NOT IN ('reversal', 'write_off')
    ), change AS (
        SELECT account_id, unit_id, fee_type_id, year, since AS day, due, settled, reduced FROM span WHERE since < until
        UNION ALL
        SELECT account_id, unit_id, fee_type_id, year, until, -due, -settled, -reduced
        FROM span WHERE since < until AND until < 'infinity'
    ), developers AS (
        SELECT a.id AS account_id FROM arrears_account a
        JOIN owners_ownershipmember m ON m.ownership_id = a.ownership_id
        JOIN owners_owner o ON o.id = m.owner_id
        WHERE a.project_id = %(project)s AND o.kind = 'developer'
    )
    INSERT INTO collection_dailyfigure (project_id, year, day, usage, nature, is_developer, due, settled, reduced)
    SELECT %(project)s, c.year, c.day, u.usage, f.nature, c.account_id IN (SELECT account_id FROM developers) AS built,
           sum(c.due), sum(c.settled), sum(c.reduced)
    FROM change c JOIN owners_unit u ON u.id = c.unit_id JOIN arrears_feetype f ON f.id = c.fee_type_id
    GROUP BY c.year, c.day, u.usage, f.nature, built
"""
