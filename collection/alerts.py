"""What of the open cases needs somebody: the dashboard counts it, the list of cases shows it.

Each condition is a function over a queryset of cases, so that a number and the list that it opens never differ.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum

from collection.models import Case, ContactAttempt, OwnerRequest, PromiseToPay
from collection.models.cases import CaseQuerySet
from collection.rate_conventions import ZERO

LATELY = timedelta(days=7)
NOT_KEPT = (PromiseToPay.State.BROKEN, PromiseToPay.State.PARTLY)
LATEST_PROMISES = (
    PromiseToPay.objects.filter(case=OuterRef("pk"))
    .exclude(state=PromiseToPay.State.REPLACED)
    .order_by("-pay_by", "-pk")
)
LATEST_PROMISE_STATE = Subquery(LATEST_PROMISES.values("state")[:1])
UNANSWERED = Exists(OwnerRequest.objects.filter(case=OuterRef("pk"), answered_at__isnull=True))
CONTACTED = Exists(ContactAttempt.objects.filter(case=OuterRef("pk")))


@dataclass(frozen=True, slots=True)
class Alerts:
    """Numbers of open cases; ``broken_amount`` is what those with a broken promise owe now, CNY, as their list says."""

    late_steps: int
    latest_step_on: date | None  # the day on which the oldest of them was due
    broken_promises: int
    broken_amount: Decimal
    unanswered: int
    untouched: int
    untouched_unassigned: int


def with_broken_promise(cases: CaseQuerySet) -> QuerySet[Case]:
    """Cases whose latest promise was not kept, or in part only."""
    return cases.alias(promise=LATEST_PROMISE_STATE).filter(promise__in=NOT_KEPT)


def with_open_request(cases: CaseQuerySet) -> QuerySet[Case]:
    """Cases whose owner waits for an answer."""
    return cases.filter(UNANSWERED)


def untouched(cases: CaseQuerySet) -> QuerySet[Case]:
    """Cases that nobody has contacted yet."""
    return cases.filter(~CONTACTED)


def with_late_step(cases: CaseQuerySet, *, today: date) -> QuerySet[Case]:
    """Cases whose next step should have been done before today."""
    return cases.filter(next_step_on__lt=today)


def closed_lately(cases: CaseQuerySet, *, today: date) -> QuerySet[Case]:
    """Cases that were settled in the last seven days, today included."""
    return cases.filter(closed_on__gt=today - LATELY)


def count_alerts(cases: CaseQuerySet, *, today: date) -> Alerts:
    """All numbers in one query over the open ones of ``cases``."""
    is_broken, is_late = Q(promise__in=NOT_KEPT), Q(next_step_on__lt=today)
    counted = _annotated(cases.open().order_by()).aggregate(
        late_steps=Count("pk", filter=is_late),
        latest_step_on=Min("next_step_on", filter=is_late),
        broken_promises=Count("pk", filter=is_broken),
        broken_amount=Sum("overdue", filter=is_broken),
        unanswered=Count("pk", filter=Q(asks=True)),
        untouched=Count("pk", filter=Q(contacted=False)),
        untouched_unassigned=Count("pk", filter=Q(contacted=False, team__isnull=True)),
    )
    return Alerts(**{**counted, "broken_amount": counted["broken_amount"] or ZERO})


def _annotated(cases: CaseQuerySet) -> QuerySet[Case]:
    return cases.annotate(
        promise=LATEST_PROMISE_STATE,
        asks=UNANSWERED,
        contacted=CONTACTED,
    )
