"""Accounts are made when the first charge needs them: one for a unit and each party that has owned it."""

from collections.abc import Iterable
from datetime import date

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from arrears.models import Account
from company.models import Project
from owners.models import Ownership, Unit


@transaction.atomic
def account_on(unit: Unit, day: date) -> Account:
    """The account of whoever owned ``unit`` on ``day``; of a party without members where nobody is known."""
    ownership = Ownership.objects.filter(unit=unit, period__contains=day).first() or _unknown_owner(unit, day)
    account, _created = Account.objects.get_or_create(
        ownership=ownership, defaults={"project_id": unit.project_id, "unit": unit}
    )
    return account


def make_accounts(project: Project, unit_days: Iterable[tuple[int, date]]) -> None:
    """Make whatever accounts are missing for these units on these days, a few statements for all of them.

    In one order, so that two callers never wait for each other in a ring.
    """
    wanted = set(unit_days)
    units = Unit.objects.in_bulk({unit_id for unit_id, _day in wanted})
    for unit_id, day in sorted(_days_without_owner(wanted)):
        _unknown_owner(units[unit_id], day)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO arrears_account (project_id, unit_id, ownership_id, version)
            SELECT DISTINCT owned.project_id, owned.unit_id, owned.id, 0
            FROM unnest(%s::bigint[], %s::date[]) AS wanted (unit_id, day)
            JOIN owners_ownership AS owned ON owned.unit_id = wanted.unit_id AND owned.period @> wanted.day
            WHERE owned.project_id = %s
            ORDER BY owned.id
            ON CONFLICT (ownership_id) DO NOTHING
            """,
            [*_columns(wanted), project.pk],
        )


def _days_without_owner(unit_days: set[tuple[int, date]]) -> list[tuple[int, date]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.unit_id, wanted.day FROM unnest(%s::bigint[], %s::date[]) AS wanted (unit_id, day)
            WHERE NOT EXISTS (
                SELECT FROM owners_ownership AS owned
                WHERE owned.unit_id = wanted.unit_id AND owned.period @> wanted.day
            )
            """,
            _columns(unit_days),
        )
        return list(cursor.fetchall())


def _columns(unit_days: set[tuple[int, date]]) -> list[list[object]]:
    return [[unit_id for unit_id, _day in unit_days], [day for _unit_id, day in unit_days]]


def _unknown_owner(unit: Unit, day: date) -> Ownership:
    """A party without members for the time around ``day`` in which nobody is known to own ``unit``."""
    try:
        with transaction.atomic():
            found = Ownership.objects.filter(unit=unit, period__contains=day).first()
            return found or Ownership.objects.create(project_id=unit.project_id, unit=unit, period=_gap(unit, day))
    except IntegrityError:  # somebody else filled the gap at the same moment
        return Ownership.objects.get(unit=unit, period__contains=day)


def _gap(unit: Unit, day: date) -> DateRange:
    periods = list(Ownership.objects.filter(unit=unit).values_list("period", flat=True))
    before = [period.upper for period in periods if period.upper is not None and period.upper <= day]
    after = [period.lower for period in periods if period.lower is not None and period.lower > day]
    return DateRange(max(before, default=None), min(after, default=None), "[)")
