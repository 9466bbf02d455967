"""How hard a case is: a score from 0 to 10 whose parts are shown wherever it is used."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from django.db.models import Count, Max

from collection.models import ArrearsReason, ContactAttempt, PromiseToPay

Steps = Sequence[tuple[int, str]]

# From which value on how many points; the first that fits counts.
AMOUNT_POINTS: Steps = ((10_000, "2"), (6_000, "1.5"), (3_000, "1"), (1_000, "0.5"))  # CNY
AGEING_POINTS: Steps = ((1_096, "3"), (731, "2.5"), (366, "2"), (181, "1.5"), (91, "1"), (31, "0.5"))  # days overdue
NOT_REACHED_POINTS: Steps = ((4, "2"), (3, "1.5"), (2, "1"), (1, "0.5"))  # attempts in a row
BROKEN_PROMISE_POINTS: Steps = ((2, "1"), (1, "0.5"))
REASON_POINTS = {
    ArrearsReason.UNKNOWN: "0.5",
    ArrearsReason.OTHER: "1",
    ArrearsReason.BURGLED: "1.5",
    ArrearsReason.UNREACHABLE: "1.5",
    ArrearsReason.RECTIFICATION: "2",
    ArrearsReason.MALICIOUS: "2",
}
NOT_REACHED = (ContactAttempt.Outcome.NO_ANSWER, ContactAttempt.Outcome.VACANT)


class Scored(Protocol):
    """A case, or what was read of it."""

    @property
    def pk(self) -> int: ...
    @property
    def overdue(self) -> Decimal: ...
    @property
    def oldest_due_on(self) -> date | None: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class CaseFacts:
    overdue: Decimal  # CNY
    overdue_days: int
    reason: ArrearsReason
    not_reached: int = 0
    """Attempts in a row at which nobody was met, since somebody last was."""
    broken_promises: int = 0


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Points by part: amount 0–2, ageing 0–3, reason 0–2, not reached 0–2, broken promises 0–1."""

    amount: Decimal
    ageing: Decimal
    reason: Decimal
    not_reached: Decimal
    broken_promises: Decimal

    @property
    def total(self) -> Decimal:
        return self.amount + self.ageing + self.reason + self.not_reached + self.broken_promises


def difficulty(facts: CaseFacts) -> Difficulty:
    return Difficulty(
        amount=_points(facts.overdue, AMOUNT_POINTS),
        ageing=_points(facts.overdue_days, AGEING_POINTS),
        reason=Decimal(REASON_POINTS[facts.reason]),
        not_reached=_points(facts.not_reached, NOT_REACHED_POINTS),
        broken_promises=_points(facts.broken_promises, BROKEN_PROMISE_POINTS),
    )


def difficulties(cases: Collection[Scored], *, on: date) -> dict[int, Difficulty]:
    """The score of each case by its id, with three queries however many there are."""
    ids = [case.pk for case in cases]
    not_reached, broken = _not_reached(ids), _broken_promises(ids)
    return {
        case.pk: difficulty(
            CaseFacts(
                overdue=case.overdue,
                overdue_days=(on - case.oldest_due_on).days if case.oldest_due_on else 0,
                reason=ArrearsReason(case.reason),
                not_reached=not_reached[case.pk],
                broken_promises=broken.get(case.pk, 0),
            )
        )
        for case in cases
    }


def _not_reached(case_ids: list[int]) -> Counter[int]:
    contacts = ContactAttempt.objects.filter(case__in=case_ids)
    reached = contacts.exclude(outcome__in=NOT_REACHED).values_list("case").annotate(Max("happened_at"))
    last_reached = dict(reached)
    failed = contacts.filter(outcome__in=NOT_REACHED).values_list("case", "happened_at")
    return Counter(case for case, at in failed if case not in last_reached or at > last_reached[case])


def _broken_promises(case_ids: list[int]) -> dict[int, int]:
    broken = PromiseToPay.objects.filter(case__in=case_ids, state=PromiseToPay.State.BROKEN)
    return dict(broken.values_list("case").annotate(Count("pk")))


def _points(value: Decimal | int, steps: Steps) -> Decimal:
    return Decimal(next((points for start, points in steps if value >= start), "0"))
