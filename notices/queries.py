"""Reads that join: how far batches are, who was left out of them, what the desk shows."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from company.models import Project
from notices.leaving_out import Reason
from notices.models import Batch, Notice, NumberSequence

State = Notice.State
UNITS_NAMED = 4


@dataclass(frozen=True)
class Progress:
    """How many letters of a batch are in which state."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def made(self) -> int:
        return self.counts[State.ISSUED] + self.counts[State.DISPATCHED]

    @property
    def failed(self) -> int:
        return self.counts[State.FAILED]

    @property
    def void(self) -> int:
        return self.counts[State.VOID]

    @property
    def waiting(self) -> int:
        return self.counts[State.QUEUED] + self.counts[State.RENDERING]

    @property
    def percent(self) -> float:
        """Of all letters, those with which the worker is through."""
        return 100 * (self.total - self.waiting) / self.total if self.total else 100.0

    def remaining(self, elapsed: timedelta) -> timedelta | None:
        """The time to go at the pace until now; None as long as no pace can be told."""
        done = self.total - self.waiting
        return elapsed / done * self.waiting if done and self.waiting else None


def progress_of(batches: Iterable[Batch]) -> dict[int, Progress]:
    """By batch id, one query."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    rows = Notice.objects.filter(batch__in=[batch.pk for batch in batches]).values_list("batch_id", "state")
    for batch_id, state, number in rows.annotate(number=Count("pk")).order_by():
        counts[batch_id][state] = number
    return {batch.pk: Progress(counts[batch.pk]) for batch in batches}


@dataclass(frozen=True)
class LeftOutGroup:
    """Accounts left out of a batch for the same reason; ``detail`` where all have the same."""

    reason: Reason
    units: list[str]
    detail: str

    @property
    def named(self) -> list[str]:
        return self.units[:UNITS_NAMED]

    @property
    def unnamed(self) -> int:
        return max(len(self.units) - UNITS_NAMED, 0)


def left_out_groups(batch: Batch) -> list[LeftOutGroup]:
    """Who was left out of a batch, by reason; holds by what was held."""
    groups: dict[tuple[Reason, str], list[dict[str, str]]] = defaultdict(list)
    for entry in batch.left_out:
        reason = Reason(entry["reason"])
        groups[reason, entry["detail"] if reason is Reason.HELD else ""].append(entry)
    order = list(Reason)
    found = []
    for (reason, _), entries in sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
        details = {entry["detail"] for entry in entries}
        found.append(
            LeftOutGroup(reason, [entry["unit"] for entry in entries], details.pop() if len(details) == 1 else "")
        )
    return found


@dataclass(frozen=True)
class Desk:
    """The numbers of a project's notice desk."""

    waiting: int
    failed: int
    made: int
    overtaken: int
    principal: Decimal


def desk_of(project: Project) -> Desk:
    """What waits for somebody, one query."""
    rows = Notice.objects.filter(project=project).values("state", "void_reason")
    rows = rows.annotate(number=Count("pk"), principal=Coalesce(Sum("principal"), Decimal(0))).order_by()
    counts: Counter[str] = Counter()
    principal = Decimal(0)
    for row in rows:
        counts[row["void_reason"] if row["state"] == State.VOID else row["state"]] += row["number"]
        principal += row["principal"] if row["state"] == State.ISSUED else 0
    return Desk(
        waiting=counts[State.QUEUED] + counts[State.RENDERING],
        failed=counts[State.FAILED],
        made=counts[State.ISSUED],
        overtaken=counts[Notice.VoidReason.LEDGER_CHANGED],
        principal=principal,
    )


@dataclass(frozen=True)
class NumbersUsed:
    """How far the document numbers of a kind have come in a year."""

    sequence: NumberSequence
    last_number: str
    void: int


def numbers_used(project: Project, *, now: datetime) -> list[NumbersUsed]:
    """By kind the last number of this year and how many are void."""
    sequences = NumberSequence.objects.filter(project=project, year=now.year, last__gt=0).order_by("kind")
    found = []
    for sequence in sequences:
        notices = Notice.objects.filter(project=project, kind=sequence.kind, year=sequence.year)
        last = notices.filter(sequence=sequence.last).values_list("number", flat=True).first() or ""
        found.append(NumbersUsed(sequence, last, notices.filter(state=State.VOID).count()))
    return found


def pages_of(batch: Batch, states: Collection[str] = (State.ISSUED, State.DISPATCHED)) -> int:
    """Printed pages of a batch."""
    return batch.notices.filter(state__in=states).aggregate(pages=Sum("pages"))["pages"] or 0
