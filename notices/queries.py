"""Reads that join: how far batches are, who was left out of them, what the desk shows."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from company.models import Project
from notices.kinds import KINDS
from notices.leaving_out import LeftOut, Reason
from notices.models import Batch, Delivery, Notice, NoticeKind, NumberSequence, SlipPaper

State = Notice.State
SLIPS_ON_A_SHEET: dict[str, int] = {SlipPaper.A6: 4, SlipPaper.A5: 2}
UNITS_NAMED = 4
ROWS_ON_DESK = 6


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
    def sent(self) -> int:
        return self.counts[State.DISPATCHED]

    @property
    def unsent(self) -> int:
        """Made and not sent."""
        return self.counts[State.ISSUED]

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
    group: str
    entries: list[LeftOut]

    @property
    def title(self) -> str:
        """What was held, or the reason."""
        return self.group or str(self.reason.label)

    @property
    def detail(self) -> str:
        details = {entry.detail for entry in self.entries}
        return details.pop() if len(details) == 1 else ""

    @property
    def named(self) -> list[LeftOut]:
        return self.entries[:UNITS_NAMED]

    @property
    def unnamed(self) -> int:
        return max(len(self.entries) - UNITS_NAMED, 0)


def left_out_groups(batch: Batch) -> list[LeftOutGroup]:
    """Who was left out of a batch, by reason; holds by what was held."""
    groups: dict[tuple[int, str], list[LeftOut]] = defaultdict(list)
    order = list(Reason)
    for entry in map(LeftOut.from_data, batch.left_out):
        groups[order.index(entry.reason), entry.group].append(entry)
    return [LeftOutGroup(order[index], group, entries) for (index, group), entries in sorted(groups.items())]


def overtaken_in(batch: Batch) -> list[Notice]:
    """Letters of a batch that are void because the ledger changed before they were sent."""
    return list(
        batch.notices.filter(void_reason=Notice.VoidReason.LEDGER_CHANGED)
        .select_related("account__unit")
        .defer("data", "charge_ids")
        .order_by("position")
    )


MENDABLE = frozenset(Reason) - {Reason.PAID, Reason.ALREADY_OUT}


def choosable_again(batch: Batch) -> str:
    """Ids of the accounts left out for what can end or be mended, joined by commas for the page that chooses them."""
    entries = map(LeftOut.from_data, batch.left_out)
    return ",".join(str(entry.account_id) for entry in entries if entry.reason in MENDABLE)


@dataclass(frozen=True)
class Desk:
    """The numbers of a project's notice desk."""

    waiting: int
    failed: int
    made: int
    void_by_ledger: int
    overtaken: int


def desk_of(project: Project) -> Desk:
    """What waits for somebody, one query. Letters that were corrected wait no more."""
    ledger_changed = Q(state=State.VOID, void_reason=Notice.VoidReason.LEDGER_CHANGED)
    counts = Notice.objects.filter(project=project).aggregate(
        waiting=Count("pk", filter=Q(state__in=Notice.UNFINISHED)),
        failed=Count("pk", filter=Q(state=State.FAILED)),
        made=Count("pk", filter=Q(state=State.ISSUED)),
        void_by_ledger=Count("pk", filter=ledger_changed),
        overtaken=Count("pk", filter=Q(state=State.DISPATCHED, superseded=False, overtaken_at__isnull=False)),
    )
    return Desk(**counts)


@dataclass(frozen=True)
class Unproved:
    """What the desk must see to of letters that are out; ``rows``: the oldest of those without proof or come back."""

    without_number: int
    without_proof: int
    returned: int
    rows: list[Delivery]


def unproved(project: Project) -> Unproved:
    """Sendings without number, without proof, and come back and not sent again; four queries."""
    sendings = Delivery.objects.filter(project=project, notice__superseded=False)
    later = Delivery.objects.standing().filter(notice=OuterRef("notice"), pk__gt=OuterRef("pk"))
    back = sendings.filter(~Exists(later), state=Delivery.State.RETURNED)
    lacking = sendings.without_proof()
    rows = (lacking | back).select_related("notice__account__unit").order_by("dispatched_on", "pk")
    return Unproved(sendings.without_number().count(), lacking.count(), back.count(), list(rows[:ROWS_ON_DESK]))


@dataclass(frozen=True)
class NumbersUsed:
    """How far the document numbers of a kind have come in a year, and whether each of them stands on a letter."""

    kind: NoticeKind
    last_number: str
    letters: int
    last: int
    void: int

    @property
    def without_gap(self) -> bool:
        return self.letters == self.last


def numbers_used(project: Project, *, now: datetime) -> list[NumbersUsed]:
    """By kind of letter the last number of this year and how many are void; three queries."""
    year = timezone.localdate(now).year
    of_year = Notice.objects.filter(project=project, year=year)
    sequences = NumberSequence.objects.filter(project=project, year=year, kind__in=NoticeKind.values, last__gt=0)
    last = dict(sequences.values_list("kind", "last"))
    rows = of_year.values("kind").annotate(letters=Count("pk"), void=Count("pk", filter=Q(state=State.VOID))).order_by()
    counts = {row["kind"]: row for row in rows}
    newest = Notice.objects.filter(kind=OuterRef("kind"), project=project, year=year).order_by("-sequence")
    numbers = dict(sequences.annotate(number=Subquery(newest.values("number")[:1])).values_list("kind", "number"))
    return [
        NumbersUsed(kind, numbers[kind], counts[kind]["letters"], last[kind], counts[kind]["void"])
        for kind in NoticeKind
        if kind in last and kind in counts
    ]


def pages_of(batch: Batch, states: Collection[str] = (State.ISSUED, State.DISPATCHED)) -> int:
    """Pages of the print file of a batch: copies count, and several slips stand on a page."""
    pages: int = batch.notices.filter(state__in=states).aggregate(pages=Sum("pages"))["pages"] or 0
    together = SLIPS_ON_A_SHEET.get(batch.template.paper, 1)
    return -(-pages * KINDS[NoticeKind(batch.kind)].copies // together)
