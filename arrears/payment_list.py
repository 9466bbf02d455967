"""The list of payments: what narrows and sorts it, and what the payments that stand add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, QuerySet, Sum

from arrears.models import Payment
from owners.unit_codes import normalise

SORTED_BY = {
    "unit": "account__unit__sort_key",
    "day": "received_on",
    "amount": "amount",
    "posted": "posted_at",
}


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Days both included; an empty part narrows nothing. ``unit``: the beginning of its code."""

    since: date | None = None
    until: date | None = None
    kinds: Sequence[str] = ()
    methods: Sequence[str] = ()
    unit: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.since or self.until or self.kinds or self.methods or self.unit)


class KindSum(NamedTuple):
    """Payments of a kind that stand, counted and added up in CNY."""

    kind: Payment.Kind
    number: int
    amount: Decimal


def narrowed(payments: QuerySet[Payment], wanted: PaymentFilter, *, sort: str = "") -> QuerySet[Payment]:
    """``payments`` as wanted, the newest first unless ``sort`` names a column of SORTED_BY, with - downwards."""
    if wanted.since:
        payments = payments.filter(received_on__gte=wanted.since)
    if wanted.until:
        payments = payments.filter(received_on__lte=wanted.until)
    if wanted.kinds:
        payments = payments.filter(kind__in=wanted.kinds)
    if wanted.methods:
        payments = payments.filter(method__in=wanted.methods)
    if wanted.unit:
        payments = payments.filter(account__unit__code__startswith=normalise(wanted.unit))
    column = SORTED_BY.get(sort.removeprefix("-"))
    if column is None:
        return payments.order_by("-posted_at", "-pk")
    return payments.order_by(f"-{column}" if sort.startswith("-") else column, "-pk")


def sums(payments: QuerySet[Payment]) -> list[KindSum]:
    """By kind what stands: neither reversed rows nor their reversals count. One query."""
    stands = payments.filter(reversed_by=None).exclude(kind=Payment.Kind.REVERSAL).order_by()
    found = {
        row["kind"]: KindSum(Payment.Kind(row["kind"]), row["number"], row["total"])
        for row in stands.values("kind").annotate(number=Count("pk"), total=Sum("amount"))
    }
    return [found[kind] for kind in Payment.Kind.values if kind in found]
