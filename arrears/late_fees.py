"""Late fees by the contract: what each day adds, and how the sum comes about (A5, semantics 10).

The arithmetic works on plain values. A day after the due date and the days of grace adds the principal open at its
start times the rate; the sum is capped and rounded once, half up. Nothing is compounded.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count, Q, Sum

from arrears.models import Account, Allocation, Charge, LateFee, LateFeeBalance, LateFeePolicy, Waiver
from company.models import Project
from owners.models import ServiceContract

CENT, ZERO, HUNDRED = Decimal("0.01"), Decimal("0.00"), Decimal(100)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """``daily_rate`` is a share (0.0005), ``cap_percent`` of the charge's original amount."""

    daily_rate: Decimal
    grace_days: int = 0
    cap_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The principal open at the start of ``first_on`` and later differs by ``amount`` CNY, less where negative."""

    first_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Segment:
    """Days of the same open principal, ``first_on`` and ``last_on`` included; ``amount`` in CNY, not rounded."""

    first_on: date
    last_on: date
    principal: Decimal
    amount: Decimal

    @property
    def days(self) -> int:
        return (self.last_on - self.first_on).days + 1


@dataclass(frozen=True, slots=True)
class Accrual:
    """How a late fee comes about. ``raw`` is the sum over the days, ``amount`` what is owed of it in CNY."""

    segments: list[Segment] = field(default_factory=list)
    raw: Decimal = ZERO
    cap: Decimal | None = None
    amount: Decimal = ZERO

    @property
    def is_capped(self) -> bool:
        return self.cap is not None and self.raw > self.cap


@dataclass(frozen=True, slots=True)
class LateFeeLine:
    """A charge that bears a late fee: its arithmetic, what of it was assessed, and what is estimated beyond, CNY."""

    charge: Charge
    policy: LateFeePolicy
    word: str
    accrual: Accrual
    assessed: Decimal = ZERO
    assessments: int = 0  # rows that there ever were, reversed ones included

    @property
    def estimate(self) -> Decimal:
        """What an assessment would add now."""
        return max(self.accrual.amount - self.assessed, ZERO)

    @property
    def excess(self) -> Decimal:
        """What was assessed beyond the arithmetic, because money came to light that had been paid earlier."""
        return max(self.assessed - self.accrual.amount, ZERO)


def accrue(amount: Decimal, due_on: date, changes: Iterable[Change], terms: Terms, *, as_of: date) -> Accrual:
    """The late fee in CNY of a charge of ``amount`` at the end of ``as_of``, day by day."""
    first = due_on + timedelta(days=terms.grace_days) + DAY
    cap = None if terms.cap_percent is None else amount * terms.cap_percent / HUNDRED
    by_day: defaultdict[date, Decimal] = defaultdict(Decimal)
    for change in changes:
        by_day[max(change.first_on, first)] += change.amount
    segments: list[Segment] = []
    principal, since = amount, first
    for day in [*sorted(day for day in by_day if day <= as_of), as_of + DAY]:
        if day > since and principal > 0:
            days = (day - since).days
            segments.append(Segment(since, day - DAY, principal, principal * terms.daily_rate * days))
        since = max(day, since)
        principal += by_day.get(day, ZERO)
    raw = sum((segment.amount for segment in segments), ZERO)
    owed = raw if cap is None else min(raw, cap)
    return Accrual(_joined(segments), raw, cap, owed.quantize(CENT, ROUND_HALF_UP))


def late_fee_lines(accounts: Collection[int], project: Project, *, on: date) -> list[LateFeeLine]:
    """What late fees the charges of ``accounts`` bear at the end of ``on``, oldest due first. Five queries at most.

    Only charges that a policy covers and that fell due under a contract with a late-fee clause; those that bear
    nothing are left out. A charge that is reversed bears none: what replaces it does.
    """
    book = PolicyBook(project)
    if not book:
        return []
    charges = (
        Charge.objects.filter(account_id__in=accounts, kind=Charge.Kind.CHARGE, due_on__lt=on)
        .filter(fee_type_id__in=book.fee_types)
        .exclude(reversed_by__effective_on__lte=on)
        .select_related("fee_type")
        .order_by("due_on", "pk")
    )
    covered = [(charge, *found) for charge in charges if (found := book.covering(charge))]
    changes = changes_of([charge.pk for charge, _policy, _word in covered])
    assessed = _assessed([charge.pk for charge, _policy, _word in covered])
    lines = []
    for charge, policy, word in covered:
        accrual = accrue(charge.amount, charge.due_on, changes[charge.pk], terms_of(policy), as_of=on)
        amount, count = assessed.get(charge.pk, (ZERO, 0))
        if accrual.amount or amount:
            lines.append(LateFeeLine(charge, policy, word, accrual, amount, count))
    return lines


def changes_of(charge_ids: Collection[int]) -> defaultdict[int, list[Change]]:
    """What changed the open principal of charges, by charge id.

    A payment counts from the day after it was received, money without a day from the beginning; a waiver, and any
    reversal, from its own day.
    """
    changes: defaultdict[int, list[Change]] = defaultdict(list)
    rows = Allocation.objects.filter(charge_id__in=charge_ids, kind=Allocation.Kind.ALLOCATION).values_list(
        "charge_id", "amount", "effective_on", "payment__received_on", "reversed_by__effective_on"
    )
    for charge_id, amount, effective_on, received_on, released_on in rows:
        first = effective_on + DAY if received_on else date.min
        if released_on is None or released_on > first:
            changes[charge_id].append(Change(first, -amount))
            if released_on:
                changes[charge_id].append(Change(released_on, amount))
    waivers = Waiver.objects.filter(charge_id__in=charge_ids).exclude(kind=Waiver.Kind.REVERSAL)
    for charge_id, amount, since, until in waivers.values_list(
        "charge_id", "amount", "effective_on", "reversed_by__effective_on"
    ):
        changes[charge_id] += [Change(since, -amount), *([Change(until, amount)] if until else [])]
    return changes


def terms_of(policy: LateFeePolicy) -> Terms:
    return Terms(policy.daily_rate, policy.grace_days, policy.cap_percent)


class PolicyBook:
    """The policies of a project and the clauses of its contracts; false where no charge can bear a late fee."""

    def __init__(self, project: Project) -> None:
        clauses = ServiceContract.objects.filter(project=project).order_by("-starts_on", "-pk")
        self._contracts = [(c.starts_on, c.late_fee_word if c.late_fee_clause.strip() else None) for c in clauses]
        self._policies: defaultdict[int, list[LateFeePolicy]] = defaultdict(list)
        if any(word is not None for _start, word in self._contracts):
            for policy in LateFeePolicy.objects.filter(project=project).order_by("-valid_from", "-pk"):
                self._policies[policy.fee_type_id].append(policy)

    def __bool__(self) -> bool:
        return bool(self._policies)

    @property
    def fee_types(self) -> set[int]:
        return set(self._policies)

    def covering(self, charge: Charge) -> tuple[LateFeePolicy, str] | None:
        """The policy and the contract's word for what ``charge`` bears; None where it bears none.

        Both are those of its due date. A contract goes on after its end until another begins (Civil Code 948).
        """
        word = late_fee_word_on(self._contracts, charge.due_on)
        if word is None:
            return None
        policies = self._policies.get(charge.fee_type_id, ())
        policy = next((p for p in policies if p.valid_from <= charge.due_on), None)
        return (policy, word) if policy and policy.daily_rate else None


def late_fee_word(project: Project, *, on: date) -> str | None:
    """What the contract in force on a day calls the late fee; None where it has no late-fee clause."""
    contracts = ServiceContract.objects.filter(project=project).order_by("-starts_on", "-pk")
    return late_fee_word_on(
        [(c.starts_on, c.late_fee_word if c.late_fee_clause.strip() else None) for c in contracts], on
    )


def late_fee_word_on(contracts: Iterable[tuple[date, str | None]], day: date) -> str | None:
    """Of contracts by the day they start, newest first, the word of the one in force; None where it has no clause."""
    word = next((word for start, word in contracts if start <= day), None)
    return None if word is None else word or "违约金"


def _assessed(charge_ids: Collection[int]) -> dict[int, tuple[Decimal, int]]:
    """By charge id what of its assessments still counts, and how many there ever were."""
    rows = LateFee.objects.filter(charge_id__in=charge_ids, kind=LateFee.Kind.LATE_FEE).order_by()
    sums = rows.values("charge_id").annotate(live=Sum("amount", filter=Q(reversed_by=None)), rows=Count("pk"))
    return {row["charge_id"]: (row["live"] or ZERO, row["rows"]) for row in sums}


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours of the same principal as one."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last and last.principal == segment.principal and last.last_on + DAY == segment.first_on:
            joined[-1] = Segment(last.first_on, segment.last_on, last.principal, last.amount + segment.amount)
        else:
            joined.append(segment)
    return joined


def estimate_of(account: Account, *, on: date) -> list[LateFeeLine]:
    """The late-fee lines of one account."""
    return late_fee_lines([account.pk], account.project, on=on)


@dataclass(frozen=True, slots=True)
class LateFeeSummary:
    """Late fees of an account in CNY: ``accrued`` in all, ``owed`` assessed and open, ``estimate`` not assessed yet."""

    word: str
    accrued: Decimal
    owed: Decimal
    estimate: Decimal

    @property
    def total(self) -> Decimal:
        """What would be owed if everything were assessed."""
        return self.owed + self.estimate


def late_fee_summary(account: Account, *, on: date) -> LateFeeSummary | None:
    """None where nothing is borne and nothing was assessed: then no page speaks of late fees (O6)."""
    lines = estimate_of(account, on=on)
    balances = list(LateFeeBalance.objects.filter(account=account, is_live=True).select_related("late_fee"))
    if not lines and not balances:
        return None
    return LateFeeSummary(
        word=lines[0].word if lines else balances[0].late_fee.word,
        accrued=sum((line.accrual.amount for line in lines), ZERO),
        owed=sum((balance.amount - balance.settled for balance in balances), ZERO),
        estimate=sum((line.estimate for line in lines), ZERO),
    )
