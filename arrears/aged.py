"""Open amounts by age, for charges, units, owners, buildings or the project, as of any day (A4)."""

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F as Ref
from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from arrears.queries import AGEING_BUCKETS, BUCKET_BY_KEY, GROUP_PATHS, NOT_DUE, age_sums, open_rows
from company.models import Project

PATHS: dict[str, str] = {str(name): path for name, path in GROUP_PATHS.items()}
UNKNOWN_OWNER = 0
"""Stands in AgeingFilter.owner for arrears of which no owner is known."""


class GroupBy(TextChoices):
    PROJECT = "project", _("project")
    BUILDING = "building", _("building")
    UNIT = "unit", _("unit")
    OWNER = "owner", _("owner")
    CHARGE = "charge", _("charge")


@dataclass(frozen=True, slots=True)
class AgeingFilter:
    """What narrows the open charges. Ids of this project's rows; ages by bucket key or NOT_DUE; empty means all."""

    buildings: tuple[int, ...] = ()
    fees: tuple[int, ...] = ()
    ages: tuple[str, ...] = ()
    unit: int | None = None
    owner: int | None = None


LABELS: dict[GroupBy, dict[str, str]] = {
    GroupBy.PROJECT: {"label": "project__name", "place": "project_id"},
    GroupBy.BUILDING: {"label": "account__unit__building__name", "place": "account__unit__building__sort_key"},
    GroupBy.UNIT: {"label": "account__unit__code", "place": "account__unit__sort_key"},
    GroupBy.OWNER: {"label": "account__ownership__owners__name", "place": "account__ownership__owners__name"},
    GroupBy.CHARGE: {
        "label": "account__unit__code", "place": "account__unit__sort_key", "of_account": "account_id",
        "party": "account__ownership__party_name", "due": "due_on",
    },
}  # fmt: skip
OF_CHARGE = {"fee": "fee_type__name", "starts_on": "period_start", "ends_on": "period_end", "computed_from": "basis"}
"""Under names that no model of the rows has as a field: an annotation must not repeat one."""
SUMS = ("overdue", "not_due", *(bucket.key for bucket in AGEING_BUCKETS))
SORTS = (*SUMS, "label", "oldest")


def open_that_fit(project: Project, wanted: AgeingFilter, *, on: date, as_of: bool) -> QuerySet[Any]:
    """The open charges that fit, each once; rows of arrears.queries.open_rows."""
    rows = open_rows(project, on=on, as_of=as_of)
    if wanted.buildings:
        rows = rows.filter(account__unit__building__in=wanted.buildings)
    if wanted.fees:
        rows = rows.filter(fee_id__in=wanted.fees)
    if wanted.ages:
        rows = rows.filter(reduce(or_, (_due(key, on) for key in wanted.ages)))
    if wanted.unit is not None:
        rows = rows.filter(account__unit=wanted.unit)
    if wanted.owner == UNKNOWN_OWNER:
        rows = rows.filter(account__ownership__members=None)
    elif wanted.owner is not None:
        rows = rows.filter(account__ownership__members__owner=wanted.owner)
    return rows


def aged_lines(
    rows: QuerySet[Any], by: GroupBy, *, on: date, as_of: bool, sort: str = "label"
) -> QuerySet[Any, dict[str, Any]]:
    """``rows`` summed by group: key, label, ``overdue``, ``not_due``, ``oldest``, ``accounts`` and each bucket, CNY.

    ``sort`` is one of SORTS, downwards with a leading minus. Each co-owner answers for the whole.
    """
    named = {name: Ref(path) for name, path in LABELS[by].items()}
    if by is GroupBy.CHARGE:
        named |= {name: Ref(path if as_of else f"charge__{path}") for name, path in OF_CHARGE.items()}
    lines: QuerySet[Any, dict[str, Any]] = (
        rows.order_by().values(key=Ref(PATHS[by.value]), **named).annotate(**age_sums(on))
    )
    column = sort.removeprefix("-")
    column = "place" if column == "label" or column not in SORTS else column
    return lines.order_by(f"-{column}" if sort.startswith("-") else column, "place", "key")


def _due(age: str, on: date) -> Q:
    return Q(due_on__gte=on) if age == NOT_DUE else BUCKET_BY_KEY[age].due_between(on)


def aged_totals(rows: QuerySet[Any], *, on: date) -> dict[str, Any]:
    """What all of ``rows`` add up to, each charge once; one query."""
    return rows.order_by().aggregate(**age_sums(on))
