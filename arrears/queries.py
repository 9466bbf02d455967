"""What is owed: per charge, account, owner, building and project, and how long it has been.

Today's figures come from ChargeBalance, those of an earlier day from the rows themselves. Every function here costs
one query however many units there are.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db.models import (
    Case,
    CharField,
    Count,
    DecimalField,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arrears.models import Allocation, Charge, ChargeBalance, Waiver
from company.models import Project

ZERO = Decimal("0.00")
MONEY = DecimalField(max_digits=16, decimal_places=2)
Grouping = Literal["charge", "account", "unit", "owner", "building", "project"]

# Where an open charge's group is found from ChargeBalance; from Charge it is the same but for the charge itself.
GROUP_PATHS: dict[Grouping, str] = {
    "charge": "pk",
    "account": "account_id",
    "unit": "account__unit_id",
    "owner": "account__ownership__owners",
    "building": "account__unit__building_id",
    "project": "project_id",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Charges overdue for ``first`` to ``last`` days; years have 365 days."""

    key: str
    first: int
    last: int | None
    label: str | Promise

    def due_between(self, on: date) -> Q:
        """The condition on ``due_on`` under which a charge is in this bucket on a day."""
        due = Q(due_on__lte=on - timedelta(days=self.first))
        return due if self.last is None else due & Q(due_on__gte=on - timedelta(days=self.last))


AGEING_BUCKETS = (
    Bucket("d30", 1, 30, _("0–30 days")),
    Bucket("d90", 31, 90, _("31–90 days")),
    Bucket("d180", 91, 180, _("91–180 days")),
    Bucket("d365", 181, 365, _("181–365 days")),
    Bucket("y2", 366, 730, _("1–2 years")),
    Bucket("y3", 731, 1095, _("2–3 years")),
    Bucket("older", 1096, None, _("over 3 years")),
)
BUCKET_BY_KEY = {bucket.key: bucket for bucket in AGEING_BUCKETS}
NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Aged:
    """Open amounts in CNY: ``overdue`` is the sum of ``buckets`` (by key), ``not_due`` comes on top."""

    overdue: Decimal = ZERO
    not_due: Decimal = ZERO
    oldest_due_on: date | None = None
    accounts: int = 0
    buckets: dict[str, Decimal] = field(default_factory=dict)


def overdue_days(due_on: date, on: date) -> int:
    """Days past the due day; 0 or less is not overdue."""
    return (on - due_on).days


def bucket_of(days: int) -> Bucket | None:
    """The bucket of a charge that many days overdue; None where it is not."""
    return next((b for b in AGEING_BUCKETS if b.first <= days and (b.last is None or days <= b.last)), None)


def open_now(project: Project) -> QuerySet[Any]:
    """Charges with something unsettled, as it stands: ``open_amount``, ``due_on``, ``fee_id``, ``fee_nature``."""
    return ChargeBalance.objects.filter(project=project, is_live=True, settled__lt=F("amount")).annotate(
        open_amount=F("amount") - F("settled"),
        fee_id=F("charge__fee_type_id"),
        fee_nature=F("charge__fee_type__nature"),
    )


def open_on(project: Project, day: date) -> QuerySet[Any]:
    """Charges due by ``day`` and unsettled at its end, from the rows; annotated like open_now.

    Reversals, payments, waivers and releases count from the day from which they are effective.
    """
    settled = (
        Allocation.objects.filter(charge=OuterRef("pk"), kind=Allocation.Kind.ALLOCATION, effective_on__lte=day)
        .exclude(reversed_by__effective_on__lte=day)
        .order_by()
        .values("charge")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    waived = (
        Waiver.objects.filter(charge=OuterRef("pk"), effective_on__lte=day)
        .exclude(kind=Waiver.Kind.REVERSAL)
        .exclude(reversed_by__effective_on__lte=day)
        .order_by()
        .values("charge")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    return (
        Charge.objects.filter(project=project, kind=Charge.Kind.CHARGE, effective_on__lte=day)
        .exclude(reversed_by__effective_on__lte=day)
        .annotate(
            open_amount=F("amount")
            - Coalesce(Subquery(settled), Value(ZERO), output_field=MONEY)
            - Coalesce(Subquery(waived), Value(ZERO), output_field=MONEY),
            fee_id=F("fee_type_id"),
            fee_nature=F("fee_type__nature"),
        )
        .filter(open_amount__gt=0)
    )


def settled_since(accounts: Collection[int], *, since: datetime, due_before: date) -> dict[int, Decimal]:
    """By account what of its principal due before a day was paid or waived by postings since a moment, CNY.

    What was taken back since does not count; two queries.
    """
    meant = {"account__in": accounts, "posted_at__gte": since, "charge__due_on__lt": due_before, "reversed_by": None}
    paid = Allocation.objects.filter(**meant, kind=Allocation.Kind.ALLOCATION)
    waived = Waiver.objects.filter(**meant).exclude(kind=Waiver.Kind.REVERSAL)
    found: dict[int, Decimal] = {}
    for rows in (paid, waived):
        for account_id, amount in rows.order_by().values_list("account").annotate(total=Sum("amount")):
            found[account_id] = found.get(account_id, ZERO) + amount
    return found


def open_rows(project: Project, *, on: date, as_of: bool = False) -> QuerySet[Any]:
    """Open charges as they stand, or as they stood at the end of ``on``."""
    return open_on(project, on) if as_of else open_now(project)


def aged_by(
    project: Project, group: Grouping, *, on: date, as_of: bool = False, accounts: Iterable[int] | None = None
) -> dict[int, Aged]:
    """Open amounts by age for each charge, account, unit, owner, building, or the project, by its id.

    Each of several co-owners answers for the whole, so that sums over owners can exceed those over units.
    """
    rows = open_rows(project, on=on, as_of=as_of)
    if accounts is not None:
        rows = rows.filter(account_id__in=list(accounts))
    found = rows.order_by().values(key=F(GROUP_PATHS[group])).annotate(**age_sums(on))
    return {
        row["key"]: Aged(
            overdue=row["overdue"],
            not_due=row["not_due"],
            oldest_due_on=row["oldest"],
            accounts=row["accounts"],
            buckets={bucket.key: row[bucket.key] for bucket in AGEING_BUCKETS},
        )
        for row in found
        if row["key"] is not None
    }


def age_sums(on: date) -> dict[str, Any]:
    """What is overdue, not due, in each bucket, the oldest due day and the accounts: for rows of open_rows."""
    return {
        "overdue": Coalesce(Sum("open_amount", filter=Q(due_on__lt=on)), ZERO, output_field=MONEY),
        "not_due": Coalesce(Sum("open_amount", filter=Q(due_on__gte=on)), ZERO, output_field=MONEY),
        "oldest": Min("due_on", filter=Q(due_on__lt=on)),
        "accounts": Count("account_id", distinct=True, filter=Q(due_on__lt=on)),
        **bucket_sums(on),
    }


def bucket_sums(on: date) -> dict[str, Coalesce]:
    """By bucket key what is open in it on a day, for annotating rows of open_rows."""
    return {
        bucket.key: Coalesce(Sum("open_amount", filter=bucket.due_between(on)), ZERO, output_field=MONEY)
        for bucket in AGEING_BUCKETS
    }


@dataclass(frozen=True, slots=True)
class AgeingLine:
    bucket: Bucket
    amount: Decimal
    accounts: int


def ageing(project: Project, *, on: date, as_of: bool = False) -> list[AgeingLine]:
    """Overdue principal of a project and the accounts concerned, one line a bucket, youngest first."""
    name = Case(
        *(When(bucket.due_between(on), then=Value(bucket.key)) for bucket in AGEING_BUCKETS),
        default=Value(NOT_DUE),
        output_field=CharField(),
    )
    found = {
        key: (amount, accounts)
        for key, amount, accounts in open_rows(project, on=on, as_of=as_of)
        .order_by()
        .annotate(bucket=name)
        .values_list("bucket")
        .annotate(Sum("open_amount"), Count("account_id", distinct=True))
    }
    return [AgeingLine(bucket, *found.get(bucket.key, (ZERO, 0))) for bucket in AGEING_BUCKETS]
