"""Late fees become rows of the ledger: what has grown since the last assessment is posted, and nothing else."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from celery import current_app
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from arrears.cancelling import cancel_late_fee
from arrears.credit import apply_credit
from arrears.late_fees import ZERO, LateFeeLine, late_fee_lines
from arrears.models import Charge, FeeType, LateFee, LateFeeBalance, LateFeeRun
from arrears.posting import AlreadyReversedError, FutureDayError, lock_account, lock_accounts, raise_versions
from company.audit import record
from company.models import Project, User

CHUNK = 500
LEASE = timedelta(minutes=5)
"""After this a worker that has not finished a run is taken for dead."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a run posted: rows and their sum in CNY. ``excess`` was assessed earlier beyond what the arithmetic says."""

    charges: int = 0
    amount: Decimal = ZERO
    excess: Decimal = ZERO

    def __add__(self, other: "Assessment") -> "Assessment":
        return Assessment(self.charges + other.charges, self.amount + other.amount, self.excess + other.excess)


@dataclass(frozen=True, slots=True)
class FeePreview:
    """What an assessment would post of one fee: charges, accounts and CNY."""

    fee: FeeType
    charges: int
    accounts: int
    amount: Decimal


def preview_run(project: Project, *, as_of: date) -> list[FeePreview]:
    """What assessing the whole project at the end of ``as_of`` would post, by fee. Changes nothing."""
    grown: dict[FeeType, list[LateFeeLine]] = {}
    for line in late_fee_lines(_accounts(project, as_of), project, on=as_of):
        if line.estimate and not line.charge.reversed_by_id:
            grown.setdefault(line.charge.fee_type, []).append(line)
    return [
        FeePreview(
            fee, len(lines), len({line.charge.account_id for line in lines}), sum((ln.estimate for ln in lines), ZERO)
        )
        for fee, lines in sorted(grown.items(), key=lambda item: (item[0].position, item[0].pk))
    ]


@transaction.atomic
def ask_for_run(project: Project, *, as_of: date, by: User, now: datetime) -> LateFeeRun:
    """Have a worker assess the whole project; the run that is under way where there is one.

    Raises FutureDayError for a day after today.
    """
    _refuse_future(as_of, now)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    under_way = LateFeeRun.objects.filter(project=project).exclude(state=LateFeeRun.State.DONE).first()
    if under_way:
        return under_way
    run = LateFeeRun.objects.create(
        project=project, as_of=as_of, asked_by=by, asked_at=now, accounts=len(_accounts(project, as_of))
    )
    record(action="ledger.late_fee_run_asked", by=by, project=project, obj=run, as_of=as_of.isoformat())
    wake_run(run.pk)
    return run


def wake_run(run_id: int) -> None:
    """After the commit ask a worker to take up a run. Losing the message is harmless: the sweep finds the row."""
    transaction.on_commit(lambda: current_app.send_task("arrears.assess_project", [run_id], retry=False), robust=True)


def work_run(run_id: int, *, now: datetime) -> None:
    """Assess the accounts that are left, some at a time, each time with the progress in the same commit.

    A worker that takes over goes on behind the last account. Who was taken for dead writes nothing more.
    """
    if not LateFeeRun.objects.filter(_run_to_take(now), pk=run_id).update(
        state=LateFeeRun.State.RUNNING, claimed_at=now
    ):
        return
    run = LateFeeRun.objects.select_related("project", "asked_by").get(pk=run_id)
    left = [pk for pk in _accounts(run.project, run.as_of) if pk > run.last_account]
    mine = LateFeeRun.objects.filter(pk=run_id, state=LateFeeRun.State.RUNNING, claimed_at=now)
    for start in range(0, len(left), CHUNK):
        chunk = left[start : start + CHUNK]
        with transaction.atomic():
            if not mine.select_for_update(no_key=True).exists():
                return
            done = assess_accounts(run.project, chunk, as_of=run.as_of, now=now, by=run.asked_by)
            mine.update(
                accounts_done=F("accounts_done") + len(chunk),
                last_account=chunk[-1],
                charges=F("charges") + done.charges,
                amount=F("amount") + done.amount,
                excess=F("excess") + done.excess,
            )
    mine.update(state=LateFeeRun.State.DONE, done_at=now)


def runs_left(*, now: datetime) -> list[int]:
    """Runs that wait, or whose worker is taken for dead."""
    return list(LateFeeRun.objects.filter(_run_to_take(now)).order_by("pk").values_list("pk", flat=True))


def _run_to_take(now: datetime) -> Q:
    left_behind = Q(state=LateFeeRun.State.RUNNING, claimed_at__lt=now - LEASE)
    return Q(state=LateFeeRun.State.WAITING) | left_behind


def _accounts(project: Project, as_of: date) -> list[int]:
    """Accounts with a live charge past its due day and of a fee that has a policy, in the order of their ids."""
    due = Charge.objects.filter(project=project, kind=Charge.Kind.CHARGE, reversed_by=None, due_on__lt=as_of)
    found = due.filter(fee_type__late_fee_policies__isnull=False).order_by().values_list("account_id", flat=True)
    return sorted(found.distinct())


def assess_late_fees(project: Project, *, as_of: date, now: datetime, by: User | None) -> Assessment:
    """Assess the late fees of every account of ``project`` at the end of ``as_of``; a chunk of accounts a transaction.

    A second run posts only what grew, and so does one after a kill. Raises FutureDayError for a day after today.
    """
    _refuse_future(as_of, now)
    total, wanted = Assessment(), _accounts(project, as_of)
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
    apply_credit(touched, now=now, by=by)
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
    apply_credit([account.pk], now=now, by=by)
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
