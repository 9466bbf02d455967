"""Letters that the playbooks ask for: by kind and reason, whose cases they are, and how late the latest is."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Min, Q, Sum

from collection.letters import MEASURE_OF, StepDue, waits_for
from collection.models import ArrearsReason
from collection.models.cases import CaseQuerySet
from notices.models import NoticeKind

KIND_FOR = {measure.value: kind for kind, measure in MEASURE_OF.items()}


@dataclass(frozen=True, slots=True)
class DueLetters:
    """Cases of one reason that wait for one kind of letter. ``teams`` by id, None for cases of nobody."""

    kind: NoticeKind
    reason: ArrearsReason
    number: int
    amount: Decimal  # CNY
    due_on: date
    late: int
    days_late: int
    teams: dict[int | None, str] = field(default_factory=dict)

    @property
    def only_team(self) -> int | None:
        """The team whose cases all of them are."""
        return next(iter(self.teams)) if len(self.teams) == 1 else None


@dataclass(frozen=True, slots=True)
class DueCounts:
    """How many cases wait for a letter: in all, today at the latest, since yesterday or longer."""

    all: int
    due: int
    late: int
    by_kind: dict[NoticeKind, int]


def due_counts(cases: CaseQuerySet, *, today: date) -> DueCounts:
    """One query over the open ones among ``cases``."""
    waiting = _waiting(cases)
    rows = waiting.values("next_measure").annotate(
        number=Count("pk"), due=Count("pk", filter=Q(next_step_on__lte=today)),
        late=Count("pk", filter=Q(next_step_on__lt=today)),
    )  # fmt: skip
    by_kind: dict[NoticeKind, int] = defaultdict(int)
    found = list(rows)
    for row in found:
        by_kind[KIND_FOR[row["next_measure"]]] += row["number"]
    sums = {name: sum(row[name] for row in found) for name in ("number", "due", "late")}
    return DueCounts(
        sums["number"], sums["due"], sums["late"], {kind: by_kind[kind] for kind in NoticeKind if by_kind[kind]}
    )


def due_letters(cases: CaseQuerySet, *, today: date, when: StepDue = StepDue.NEXT) -> list[DueLetters]:
    """The groups with the earliest due day first; one query over the open ones among ``cases``."""
    waiting = _waiting(cases)
    if when in {StepDue.DUE, StepDue.LATE}:
        waiting = waiting.filter(next_step_on__lte=today if when == StepDue.DUE else today - timedelta(days=1))
    rows = waiting.values("next_measure", "reason", "team_id", "team__name").annotate(
        number=Count("pk"), amount=Sum("overdue"), due_on=Min("next_step_on"),
        late=Count("pk", filter=Q(next_step_on__lt=today)),
    )  # fmt: skip
    groups: dict[tuple[NoticeKind, ArrearsReason], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[KIND_FOR[row["next_measure"]], ArrearsReason(row["reason"])].append(dict(row))
    found = [_joined(kind, reason, parts, today) for (kind, reason), parts in groups.items()]
    return sorted(found, key=lambda group: (group.due_on, group.kind, group.reason))


def _waiting(cases: CaseQuerySet) -> CaseQuerySet:
    return cases.open().filter(reduce(or_, (waits_for(kind) for kind in MEASURE_OF))).order_by()


def _joined(kind: NoticeKind, reason: ArrearsReason, parts: Collection[dict[str, Any]], today: date) -> DueLetters:
    due_on = min(part["due_on"] for part in parts)
    return DueLetters(
        kind=kind,
        reason=reason,
        number=sum(part["number"] for part in parts),
        amount=sum((part["amount"] for part in parts), Decimal()),
        due_on=due_on,
        late=sum(part["late"] for part in parts),
        days_late=max((today - due_on).days, 0),
        teams={
            part["team_id"]: part["team__name"] or "" for part in sorted(parts, key=lambda part: part["team_id"] or 0)
        },
    )
