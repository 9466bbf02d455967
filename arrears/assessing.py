"""Late fees become rows of the ledger: what has grown since the last assessment is posted, and nothing else."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from arrears.allocation import apply_credit
from arrears.cancelling import cancel_late_fee
from arrears.late_fees import ZERO, LateFeeLine, late_fee_lines
from arrears.models import Charge, LateFee, LateFeeBalance
from arrears.posting import AlreadyReversedError, FutureDayError, lock_account, lock_accounts, raise_versions
from company.audit import record
from company.models import Project, User

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a run posted: rows and their sum in CNY. ``excess`` was assessed earlier beyond what the arithmetic says."""

    charges: int = 0
    amount: Decimal = ZERO
    excess: Decimal = ZERO

    def __add__(self, other: "Assessment") -> "Assessment":
        return Assessment(self.charges + other.charges, self.amount + other.amount, self.excess + other.excess)


def assess_late_fees(project: Project, *, as_of: date, now: datetime, by: User | None) -> Assessment:
    """Assess the late fees of every account of ``project`` at the end of ``as_of``; a chunk of accounts a transaction.

    A second run posts only what grew, and so does one after a kill. Raises FutureDayError for a day after today.
    """
    _refuse_future(as_of, now)
    due = Charge.objects.filter(project=project, kind=Charge.Kind.CHARGE, reversed_by=None, due_on__lt=as_of)
    accounts = due.filter(fee_type__late_fee_policies__isnull=False).order_by().values_list("account_id", flat=True)
    total = Assessment()
    wanted = sorted(accounts.distinct())
    for start in range(0, len(wanted), CHUNK):
        total += assess_accounts(project, wanted[start : start + CHUNK], as_of=as_of, now=now, by=by)
    return total


@transaction.atomic
def assess_accounts(
    project: Project, account_ids: Collection[int], *, as_of: date, now: datetime, by: User | None
) -> Assessment:
    """Assess the late fees of some accounts of ``project``; credit settles them at once. Locks the accounts.

    Raises FutureDayError for a day after today.
    """
    _refuse_future(as_of, now)
    lock_accounts(account_ids)
    lines = late_fee_lines(account_ids, project, on=as_of)
    grown = [line for line in lines if line.estimate and not line.charge.reversed_by_id]
    posted = _post(grown, as_of=as_of, now=now, by=by)
    touched = sorted({late_fee.account_id for late_fee in posted})
    for account_id in touched:
        apply_credit(account_id, now=now, by=by)
    if touched:
        raise_versions(touched, now=now)
    amount = sum((late_fee.amount for late_fee in posted), ZERO)
    if posted:
        record(
            action="ledger.late_fees_assessed", by=by, project=project, as_of=as_of.isoformat(), rows=len(posted),
            amount=str(amount),
        )  # fmt: skip
    return Assessment(len(posted), amount, sum((line.excess for line in lines if _is_later(line, as_of)), ZERO))


@transaction.atomic
def reverse_late_fee(late_fee_id: int, *, today: date, now: datetime, by: User | None, note: str = "") -> LateFee:
    """Cancel an assessed late fee with a row of its own; money that had settled it becomes credit or settles others.

    Raises AlreadyReversedError. Returns the new row.
    """
    account = lock_account(LateFee.objects.values_list("account_id", flat=True).get(pk=late_fee_id))
    late_fee = LateFee.objects.get(pk=late_fee_id)
    if late_fee.reversed_by_id or late_fee.kind == LateFee.Kind.REVERSAL:
        raise AlreadyReversedError(late_fee)
    reversal = cancel_late_fee(late_fee, effective_on=today, now=now, by=by)
    apply_credit(account.pk, now=now, by=by)
    raise_versions([account.pk], now=now)
    record(
        action="ledger.late_fee_reversed", by=by, project=account.project, obj=late_fee, amount=str(late_fee.amount),
        unit=account.unit.code, reason=note,
    )  # fmt: skip
    return reversal


def _post(lines: Sequence[LateFeeLine], *, as_of: date, now: datetime, by: User | None) -> list[LateFee]:
    rows = LateFee.objects.bulk_create(
        LateFee(
            project_id=line.charge.project_id,
            account_id=line.charge.account_id,
            charge=line.charge,
            policy=line.policy,
            number=line.assessments + 1,
            word=line.word,
            accrued_from=line.accrual.segments[0].first_on,
            accrued_until=as_of,
            effective_on=as_of,
            amount=line.estimate,
            posted_at=now,
            posted_by=by,
        )
        for line in lines
    )
    LateFeeBalance.objects.bulk_create(
        LateFeeBalance(late_fee=row, project_id=row.project_id, account_id=row.account_id, amount=row.amount)
        for row in rows
    )
    return rows


def _is_later(line: LateFeeLine, as_of: date) -> bool:
    """Whether nothing was assessed of the charge for a later day than ``as_of``: only then is more a mistake."""
    later = line.charge.late_fees.filter(kind=LateFee.Kind.LATE_FEE, reversed_by=None, accrued_until__gt=as_of)
    return bool(line.excess) and not later.exists()


def _refuse_future(day: date, now: datetime) -> None:
    if day > timezone.localdate(now):
        raise FutureDayError(day)
