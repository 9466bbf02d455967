"""The arrears ledger by unit: one line an account, filtered, sorted and added up in the database."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from arrears.models import FeeType
from arrears.queries import BUCKET_BY_KEY, MONEY, ZERO, bucket_sums, open_rows
from company.models import Project
from owners.models import OwnershipMember, UnitAlias
from owners.unit_codes import normalise

SORTS = {
    "unit": "unit_sort_key",
    "owner": "party",
    "property": "property_fee",
    "utilities": "utilities",
    "others": "others",
    "overdue": "overdue",
    "not_due": "not_due",
    "oldest": "oldest",
    "charges": "charges",
}
UTILITIES = [FeeType.Nature.WATER, FeeType.Nature.ELECTRICITY]


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What of a ledger is listed. Buildings and fees by id, ages by bucket key; empty means all."""

    buildings: tuple[int, ...] = ()
    fees: tuple[int, ...] = ()
    ages: tuple[str, ...] = ()
    least: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """Sums in CNY over all lines that fit, on whichever page they stand."""

    accounts: int
    property_fee: Decimal
    utilities: Decimal
    others: Decimal
    overdue: Decimal
    not_due: Decimal


def ledger_lines(
    project: Project,
    wanted: LedgerFilter,
    *,
    on: date,
    as_of: bool = False,
    sort: str = "unit",
    with_ages: bool = False,
) -> QuerySet[Any, dict[str, Any]]:
    """Accounts with overdue charges that fit ``wanted``, as dictionaries; amounts are of those charges only.

    ``sort`` is a key of SORTS, downwards with a leading minus. ``with_ages`` adds a column for each bucket.
    """
    rows = _filtered(open_rows(project, on=on, as_of=as_of), project, wanted, on)
    lines: QuerySet[Any, dict[str, Any]] = (
        rows.order_by()
        .values("account_id")
        .annotate(
            unit_id=F("account__unit_id"),
            unit_code=F("account__unit__code"),
            unit_sort_key=F("account__unit__sort_key"),
            party=F("account__ownership__party_name"),
            property_fee=_sum(on, fee_nature=FeeType.Nature.PROPERTY),
            utilities=_sum(on, fee_nature__in=UTILITIES),
            others=_sum(on, fee_nature__in=[FeeType.Nature.PARKING, FeeType.Nature.OTHER]),
            overdue=_sum(on),
            not_due=Coalesce(Sum("open_amount", filter=Q(due_on__gte=on)), ZERO, output_field=MONEY),
            oldest=Min("due_on", filter=Q(due_on__lt=on)),
            charges=Count("pk", filter=Q(due_on__lt=on)),
            **(bucket_sums(on) if with_ages else {}),
        )
        .filter(overdue__gt=0)
    )
    if wanted.least is not None:
        lines = lines.filter(overdue__gte=wanted.least)
    column = SORTS.get(sort.removeprefix("-"), "unit_sort_key")
    return lines.order_by(f"-{column}" if sort.startswith("-") else column, "unit_sort_key", "account_id")


def ledger_totals(lines: QuerySet[Any, dict[str, Any]]) -> LedgerTotals:
    """What the lines add up to, in one query."""
    names = ("property_fee", "utilities", "others", "overdue", "not_due")
    sums = lines.order_by().aggregate(
        accounts=Count("account_id"),
        **{f"sum_{name}": Coalesce(Sum(name), ZERO, output_field=MONEY) for name in names},
    )
    return LedgerTotals(sums["accounts"], *(sums[f"sum_{name}"] for name in names))


def _sum(on: date, **condition: Any) -> Coalesce:
    return Coalesce(Sum("open_amount", filter=Q(due_on__lt=on, **condition)), ZERO, output_field=MONEY)


def _filtered(rows: QuerySet[Any], project: Project, wanted: LedgerFilter, on: date) -> QuerySet[Any]:
    if wanted.buildings:
        rows = rows.filter(account__unit__building__in=wanted.buildings)
    if wanted.fees:
        rows = rows.filter(fee_id__in=wanted.fees)
    if wanted.ages:
        rows = rows.filter(reduce(or_, (BUCKET_BY_KEY[key].due_between(on) for key in wanted.ages)))
    if wanted.text:
        rows = rows.filter(_fits(project, wanted.text))
    return rows


def _fits(project: Project, text: str) -> Q:
    """By unit code, alias, name of an owner, or pinyin initials."""
    fits = Q(account__ownership__party_name__contains=text)
    if code := normalise(text):
        aliases = UnitAlias.objects.filter(project=project, alias__startswith=code)
        fits |= Q(account__unit__code__contains=code) | Q(account__unit__in=aliases.values("unit"))
    if text.isascii() and text.isalpha():
        named = OwnershipMember.objects.filter(owner__project=project, owner__pinyin_initials__startswith=text.lower())
        fits |= Q(account__ownership__in=named.values("ownership"))
    return fits
