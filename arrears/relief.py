"""Relief: proposed by one person, decided by another, and then rows of the ledger (A6, A12).

Late fees are waived by a department head up to the project's limit and by the project manager above it; everything
else by the project manager alone. Each function locks the account first, then the proposal.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from arrears.allocation import ZERO, free_since, move_late_fees, move_settled
from arrears.assessing import assess_accounts
from arrears.cancelling import cancel_waiver
from arrears.credit import apply_credit
from arrears.models import Account, ChargeBalance, LateFeeBalance, Relief, ReliefLimit, ReliefLine, Waiver
from arrears.posting import CENT, PostingError, lock_account, raise_versions
from company.audit import record
from company.models import Project, User
from company.rights import Right

Kind, State = Relief.Kind, Relief.State
ALLOWED: dict[Relief.State, frozenset[Relief.State]] = {
    State.PROPOSED: frozenset({State.APPROVED, State.REFUSED, State.WITHDRAWN}),
    State.APPROVED: frozenset({State.REVOKED}),
}
WAIVER_KINDS: dict[Relief.Kind, Waiver.Kind] = {
    Kind.LATE_FEE: Waiver.Kind.WAIVER,
    Kind.PRINCIPAL: Waiver.Kind.WAIVER,
    Kind.VACANCY: Waiver.Kind.VACANCY,
    Kind.WRITE_OFF: Waiver.Kind.WRITE_OFF,
}
LIMIT_DAYS = 365


class ReliefMoveError(PostingError):
    """The proposal is past this step; somebody decided it meanwhile."""

    def __init__(self, relief: Relief) -> None:
        super().__init__(relief.state)
        self.relief = relief


class OwnProposalError(PostingError):
    """Nobody decides on what they proposed themselves."""


class NotEntitledError(PostingError):
    """The person's role may not decide on this kind of relief."""


class BeyondLimitError(PostingError):
    """The person's role approves up to ``limit`` CNY by account and year, of which ``used`` are spent."""

    def __init__(self, limit: Decimal, used: Decimal) -> None:
        super().__init__(limit, used)
        self.limit, self.used = limit, used


class MoreThanOpenError(PostingError):
    """More is to be waived than is open: ``open_amount`` CNY."""

    def __init__(self, open_amount: Decimal) -> None:
        super().__init__(open_amount)
        self.open_amount = open_amount


@transaction.atomic
def propose_relief(
    *,
    account_id: int,
    kind: Relief.Kind,
    reason: str,
    effective_on: date,
    by: User,
    now: datetime,
    amount: Decimal | None = None,
    lines: Mapping[int, Decimal] | None = None,
    **details: Any,
) -> Relief:
    """Write down a proposal, which changes nothing yet. CNY: ``amount`` of late fees, or ``lines`` by charge id.

    ``details``: vacant_from, vacant_until, proof, submission; with the submission of an earlier call that call's row
    is returned. Raises MoreThanOpenError, and ValueError for a day after today, fractions of a cent, or no amount.
    """
    account = lock_account(account_id)
    if earlier := _sent_before(details.get("submission")):
        return earlier
    if effective_on > timezone.localdate(now):
        raise ValueError(f"{effective_on} lies ahead")
    parts = dict(lines or {}) if kind != Kind.LATE_FEE else {}
    total = sum(parts.values(), ZERO) if kind != Kind.LATE_FEE else amount
    if not total or any(part != part.quantize(CENT) or part <= 0 for part in [total, *parts.values()]):
        raise ValueError(f"{total} is no amount")
    _refuse_more_than_open(account_id, parts)
    relief = Relief.objects.create(
        project_id=account.project_id,
        account=account,
        kind=kind,
        amount=total,
        effective_on=effective_on,
        reason=reason,
        proposed_at=now,
        proposed_by=by,
        **details,
    )
    ReliefLine.objects.bulk_create(
        ReliefLine(project_id=account.project_id, relief=relief, charge_id=charge_id, amount=part)
        for charge_id, part in parts.items()
    )
    _record("relief.proposed", relief, by, reason)
    return relief


@transaction.atomic
def approve_relief(
    relief_id: int, *, by: User, rights: frozenset[Right], now: datetime, today: date, note: str = ""
) -> Relief:
    """Post what was proposed as waivers. A waiver of late fees assesses them first.

    Raises ReliefMoveError, OwnProposalError, NotEntitledError, BeyondLimitError, MoreThanOpenError.
    """
    relief = _moved(relief_id, State.APPROVED, by=by, now=now, note=note)
    _refuse_decider(relief, by, rights)
    if relief.kind == Kind.LATE_FEE:
        _refuse_beyond_limit(relief, rights, today)
        assess_accounts(relief.project, [relief.account_id], as_of=today, now=now, by=by)
        _waive_late_fees(relief, now=now, by=by, today=today)
    else:
        _waive_principal(relief, now=now, by=by)
    relief.save()
    raise_versions([relief.account_id], now=now)
    _record("relief.approved", relief, by, note)
    return relief


@transaction.atomic
def refuse_relief(relief_id: int, *, by: User, rights: frozenset[Right], now: datetime, note: str) -> Relief:
    """Turn a proposal down. Raises ReliefMoveError, OwnProposalError, NotEntitledError."""
    relief = _moved(relief_id, State.REFUSED, by=by, now=now, note=note)
    _refuse_decider(relief, by, rights)
    relief.save()
    _record("relief.refused", relief, by, note)
    return relief


@transaction.atomic
def withdraw_relief(relief_id: int, *, by: User, now: datetime) -> Relief:
    """Take one's own proposal back. Raises ReliefMoveError, and NotEntitledError for somebody else's."""
    relief = _moved(relief_id, State.WITHDRAWN, by=None, now=now)
    if relief.proposed_by_id != by.pk:
        raise NotEntitledError(relief)
    relief.save()
    _record("relief.withdrawn", relief, by)
    return relief


@transaction.atomic
def revoke_relief(
    relief_id: int, *, by: User, rights: frozenset[Right], now: datetime, today: date, note: str
) -> Relief:
    """Take approved relief back: what it waived is owed again from ``today``, and credit settles it.

    Raises ReliefMoveError and NotEntitledError. Who decided stays as it was; the audit trail names who took it back.
    """
    relief = _moved(relief_id, State.REVOKED, by=None, now=now)
    if Right.APPROVE_RELIEF not in rights:
        raise NotEntitledError(relief)
    for waiver in relief.waivers.exclude(kind=Waiver.Kind.REVERSAL).filter(reversed_by=None):
        cancel_waiver(waiver, effective_on=today, now=now, by=by)
    relief.save()
    apply_credit([relief.account_id], now=now, by=by)
    raise_versions([relief.account_id], now=now)
    _record("relief.revoked", relief, by, note)
    return relief


def may_decide(relief: Relief, user: User, rights: frozenset[Right]) -> bool:
    """Whether `user` may decide on a proposal, limits apart."""
    needed = Right.APPROVE_LATE_FEE_WAIVER if relief.kind == Kind.LATE_FEE else Right.APPROVE_RELIEF
    return relief.state == State.PROPOSED and relief.proposed_by_id != user.pk and needed in rights


def limit_of(project: Project) -> Decimal:
    """CNY of late fees that a department head may waive by account and year."""
    limit = ReliefLimit.objects.filter(project=project).first()
    return limit.late_fee if limit else ZERO


def limit_used(account: Account, *, today: date) -> Decimal:
    """CNY of late fees waived on the account in the last 365 days, whoever approved them."""
    rows = Waiver.objects.filter(account=account, late_fee__isnull=False, kind=Waiver.Kind.WAIVER, reversed_by=None)
    since = today - timedelta(days=LIMIT_DAYS)
    return rows.filter(effective_on__gt=since).aggregate(total=Sum("amount"))["total"] or ZERO


@transaction.atomic
def set_limit(project: Project, amount: Decimal, *, by: User, now: datetime) -> ReliefLimit:
    """Change up to how much late fee, in CNY by account and year, department heads waive."""
    limit, _made = ReliefLimit.objects.update_or_create(
        project=project, defaults={"late_fee": amount, "changed_at": now, "changed_by": by}
    )
    record(action="relief.limit_set", by=by, project=project, amount=str(amount))
    return limit


def _moved(relief_id: int, to: Relief.State, *, by: User | None, now: datetime, note: str = "") -> Relief:
    """The proposal, under lock and read again, in its new state; the caller checks and saves it."""
    lock_account(Relief.objects.values_list("account_id", flat=True).get(pk=relief_id))
    relief = Relief.objects.select_for_update(of=("self",)).select_related("account__unit", "project").get(pk=relief_id)
    if to not in ALLOWED.get(State(relief.state), frozenset()):
        raise ReliefMoveError(relief)
    relief.state = to
    if by is not None:
        relief.decided_by, relief.decided_at, relief.decision_note = by, now, note
    return relief


def _refuse_decider(relief: Relief, by: User, rights: frozenset[Right]) -> None:
    if relief.proposed_by_id == by.pk:
        raise OwnProposalError(relief)
    needed = Right.APPROVE_LATE_FEE_WAIVER if relief.kind == Kind.LATE_FEE else Right.APPROVE_RELIEF
    if needed not in rights:
        raise NotEntitledError(relief)


def _refuse_beyond_limit(relief: Relief, rights: frozenset[Right], today: date) -> None:
    if Right.APPROVE_RELIEF in rights:
        return
    limit, used = limit_of(relief.project), limit_used(relief.account, today=today)
    if used + relief.amount > limit:
        raise BeyondLimitError(limit, used)


def _refuse_more_than_open(account_id: int, parts: Mapping[int, Decimal]) -> None:
    balances = ChargeBalance.objects.filter(account_id=account_id, charge_id__in=parts, is_live=True)
    left = {balance.charge_id: balance.amount - balance.settled for balance in balances}
    for charge_id, part in parts.items():
        if part > left.get(charge_id, ZERO):
            raise MoreThanOpenError(left.get(charge_id, ZERO))


def _waive_principal(relief: Relief, *, now: datetime, by: User) -> None:
    parts = dict(relief.lines.values_list("charge_id", "amount"))
    _refuse_more_than_open(relief.account_id, parts)
    free = free_since(relief.account_id).charges
    dates = dict(relief.lines.values_list("charge_id", "charge__effective_on"))
    rows = [
        _waiver(
            relief, part, max(relief.effective_on, dates[charge_id], free.get(charge_id, relief.effective_on)), now, by,
            charge_id=charge_id,
        )
        for charge_id, part in parts.items()
    ]  # fmt: skip
    Waiver.objects.bulk_create(rows)
    move_settled(parts)


def _waive_late_fees(relief: Relief, *, now: datetime, by: User, today: date) -> None:
    balances = open_late_fees(relief.account_id)
    available = sum((balance.amount - balance.settled for balance in balances), ZERO)
    if relief.amount > available:
        raise MoreThanOpenError(available)
    free, left = free_since(relief.account_id).late_fees, relief.amount
    rows, parts = list[Waiver](), dict[int, Decimal]()
    for balance in balances:
        part = min(left, balance.amount - balance.settled)
        if part <= 0:
            break
        left, parts[balance.pk] = left - part, part
        since = max(today, balance.late_fee.effective_on, free.get(balance.pk, today))
        rows.append(_waiver(relief, part, since, now, by, late_fee_id=balance.pk))
    Waiver.objects.bulk_create(rows)
    move_late_fees(parts)


def open_late_fees(account_id: int) -> Sequence[LateFeeBalance]:
    """Assessed late fees with something unsettled, oldest first."""
    rows = LateFeeBalance.objects.filter(account_id=account_id, is_live=True, settled__lt=F("amount")).select_related(
        "late_fee"
    )
    return list(rows.order_by("late_fee__effective_on", "late_fee_id"))


def _waiver(relief: Relief, amount: Decimal, since: date, now: datetime, by: User, **target: Any) -> Waiver:
    return Waiver(
        project_id=relief.project_id,
        account_id=relief.account_id,
        relief=relief,
        kind=WAIVER_KINDS[Kind(relief.kind)],
        amount=amount,
        effective_on=since,
        posted_at=now,
        posted_by=by,
        **target,
    )


def _sent_before(submission: Any) -> Relief | None:
    return Relief.objects.filter(submission=submission).first() if submission else None


def _record(action: str, relief: Relief, by: User, reason: str = "") -> None:
    detail = {"amount": str(relief.amount), "kind": relief.kind, "unit": relief.account.unit.code, "reason": reason}
    record(action=action, by=by, project=relief.project, obj=relief, **detail)
