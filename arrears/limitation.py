"""Until when each charge can be sued for: three years, on the safe side (A11, semantics 8 and 12; Civil Code 188, 195).

Where the law is disputed the earlier date counts: each charge runs by itself, a bill over several billing periods from
the first of them, an act in court from its day. Texts that show a date say that it is no legal advice.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from arrears.models import Allocation, Charge, LimitationProof, Payment, ProvedCharge
from arrears.posting import AlreadyReversedError, FutureDayError, lock_account
from company.audit import record
from company.models import Project, StoredFile, User

YEARS = 3
WARNING_DAYS = (180, 90, 30)
Kind = LimitationProof.Kind
PAYING = [Payment.Kind.RECEIVED, Payment.Kind.IMPORTED]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that restarts the period on ``day``; ``revives`` where it does so after expiry too."""

    day: date
    revives: bool = False


@dataclass(frozen=True, slots=True)
class Limitation:
    """The last day on which a charge can be sued for; None: unknown, act now. ``restarted_on`` by the last act."""

    expires_on: date | None
    restarted_on: date | None = None
    days_left: int | None = None

    @property
    def is_unknown(self) -> bool:
        return self.expires_on is None

    @property
    def warning(self) -> int | None:
        """The narrowest of 180, 90 and 30 days within which it ends; 0 once it has; None while there is time."""
        if self.days_left is None or self.days_left < 0:
            return 0
        return min((days for days in WARNING_DAYS if self.days_left <= days), default=None)

    @property
    def colour(self) -> str:
        return "" if self.warning is None else "amber" if self.warning > WARNING_DAYS[-1] else "red"


def run(start: date | None, acts: Iterable[Act], *, on: date) -> Limitation:
    """The period that began on ``start``, restarted by ``acts`` of days until ``on``; unknown without a start."""
    if start is None:
        return Limitation(None)
    expires, restarted = years_after(start), None
    for act in sorted(acts, key=lambda act: (act.day, act.revives)):
        if start < act.day <= on and (act.day <= expires or act.revives):
            expires, restarted = max(expires, years_after(act.day)), act.day
    return Limitation(expires, restarted, (expires - on).days)


def earliest(limitations: Iterable[Limitation]) -> Limitation | None:
    """The one that ends first; an unknown one comes before all. None of none."""
    return min(limitations, key=lambda limitation: limitation.expires_on or date.min, default=None)


def limitations(charges: Collection[Charge], *, on: date) -> dict[int, Limitation]:
    """By charge id, as the proofs and part payments of now restart it; two queries for all.

    ``charges`` come with their fee types.
    """
    acts = _acts([charge.pk for charge in charges])
    return {charge.pk: run(start_of(charge), acts[charge.pk], on=on) for charge in charges}


def expiring(project: Project, *, on: date, within: int = WARNING_DAYS[0]) -> list[tuple[Charge, Limitation]]:
    """Open charges of ``project`` that end within so many days, have ended, or are unknown; the soonest first."""
    last_start = _latest_start(on, within)
    charges = list(
        Charge.objects.filter(project=project, balance__is_live=True, balance__settled__lt=F("balance__amount"))
        .filter(
            Q(due_on__lte=last_start)
            | Q(period_start__lte=last_start + timedelta(days=31))
            | Q(basis__start_unknown=True)
        )
        .select_related("fee_type", "balance", "account__unit__building", "account__ownership")
    )
    found = limitations(charges, on=on)
    urgent = [(charge, found[charge.pk]) for charge in charges if _is_within(found[charge.pk], within)]
    return sorted(urgent, key=lambda pair: (pair[1].expires_on or date.min, pair[0].pk))


@transaction.atomic
def record_proof(
    *,
    account_id: int,
    kind: LimitationProof.Kind,
    reached_on: date,
    charges: Sequence[int],
    file: StoredFile,
    by: User | None,
    now: datetime,
    note: str = "",
) -> LimitationProof:
    """Store an act and the charges (by id) that it lists. ``reached_on`` is the day it reached the owner.

    Raises FutureDayError, ValueError without a charge, IntegrityError for a charge of another account.
    """
    account = lock_account(account_id)
    if reached_on > timezone.localdate(now):
        raise FutureDayError(reached_on)
    if not charges:
        raise ValueError("a proof lists the charges that it is about")
    proof = LimitationProof.objects.create(
        project_id=account.project_id, account=account, kind=kind, reached_on=reached_on, file=file, note=note,
        recorded_at=now, recorded_by=by,
    )  # fmt: skip
    ProvedCharge.objects.bulk_create(
        ProvedCharge(project_id=account.project_id, proof=proof, charge_id=charge_id) for charge_id in charges
    )
    record(action="limitation.proof_recorded", by=by, project=account.project, obj=proof, kind=kind)
    return proof


@transaction.atomic
def reverse_proof(proof_id: int, *, by: User | None, now: datetime, note: str) -> LimitationProof:
    """Cancel a proof by a row of its own: the period runs as if it had never been. Raises AlreadyReversedError."""
    account = lock_account(LimitationProof.objects.values_list("account_id", flat=True).get(pk=proof_id))
    proof = LimitationProof.objects.get(pk=proof_id)
    if proof.reversed_by_id or proof.kind == Kind.REVERSAL:
        raise AlreadyReversedError(proof)
    reversal = LimitationProof.objects.create(
        project_id=proof.project_id, account_id=proof.account_id, kind=Kind.REVERSAL, reached_on=proof.reached_on,
        file_id=proof.file_id, note=note, recorded_at=now, recorded_by=by,
    )  # fmt: skip
    LimitationProof.objects.filter(pk=proof.pk).update(reversed_by=reversal)
    record(action="limitation.proof_reversed", by=by, project=account.project, obj=proof, reason=note)
    return reversal


def years_after(day: date, years: int = YEARS) -> date:
    """The same day so many years later; the 29 of February ends on the 28."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def start_of(charge: Charge) -> date | None:
    """The day after which the period runs: the due date, of the first billing period where the charge covers several.

    None where the list that brought the charge does not say since when it is owed.
    """
    if charge.starts_unknown:
        return None
    first_end = _months_after(charge.period_start, charge.fee_type.billing_months) - timedelta(days=1)
    if first_end >= charge.period_end:
        return charge.due_on
    return min(charge.due_on, charge.fee_type.due_on(charge.period_start, first_end))


def _acts(charge_ids: Collection[int]) -> defaultdict[int, list[Act]]:
    """What restarts charges, by charge id: proofs that list them, and dated part payments that still count.

    Credit that was applied later is no act of the owner's, nor is what a list shows as settled outside.
    """
    acts: defaultdict[int, list[Act]] = defaultdict(list)
    proofs = ProvedCharge.objects.filter(charge_id__in=charge_ids, proof__reversed_by=None).exclude(
        proof__kind=Kind.REVERSAL
    )
    for charge_id, kind, day in proofs.values_list("charge_id", "proof__kind", "proof__reached_on"):
        acts[charge_id].append(Act(day, revives=kind == Kind.ACKNOWLEDGEMENT))
    paid = Allocation.objects.filter(
        charge_id__in=charge_ids,
        kind=Allocation.Kind.ALLOCATION,
        reversed_by=None,
        payment__kind__in=PAYING,
        payment__received_on=F("effective_on"),
    )
    for charge_id, day in paid.values_list("charge_id", "effective_on"):
        acts[charge_id].append(Act(day))
    return acts


def _latest_start(on: date, within: int) -> date:
    """No period that begins later can end within the warning."""
    day = on + timedelta(days=within)
    return day.replace(year=day.year - YEARS, day=min(day.day, 28)) + timedelta(days=4)


def _is_within(limitation: Limitation, within: int) -> bool:
    return limitation.days_left is None or limitation.days_left <= within


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
