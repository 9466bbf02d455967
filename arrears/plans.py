"""Instalment plans: agreed by two people, then judged by what was paid (A6).

A plan is kept while the money dated from its approval to each due day covers what was to be paid by then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Instalment, InstalmentPlan, Payment
from arrears.posting import CENT, PostingError, lock_account
from arrears.relief import NotEntitledError, OwnProposalError
from company.audit import record
from company.models import User
from company.notifying import notify
from company.rights import Right

State = InstalmentPlan.State
ZERO = Decimal("0.00")
ALLOWED: dict[InstalmentPlan.State, frozenset[InstalmentPlan.State]] = {
    State.PROPOSED: frozenset({State.RUNNING, State.REFUSED, State.WITHDRAWN}),
    State.RUNNING: frozenset({State.KEPT, State.PARTLY, State.BROKEN}),
    State.KEPT: frozenset({State.RUNNING, State.PARTLY, State.BROKEN}),  # a payment was reversed
    State.PARTLY: frozenset({State.RUNNING, State.KEPT, State.BROKEN}),  # payments came in late, or were reversed
    State.BROKEN: frozenset({State.RUNNING, State.KEPT, State.PARTLY}),
}
PAYING = [Payment.Kind.RECEIVED, Payment.Kind.IMPORTED, Payment.Kind.SETTLED_OUTSIDE]
REJUDGED_DAYS = 30


class PlanMoveError(PostingError):
    """The plan is past this step; somebody decided it meanwhile."""

    def __init__(self, plan: InstalmentPlan) -> None:
        super().__init__(plan.state)
        self.plan = plan


class PlanExistsError(PostingError):
    """The account has a plan that waits or runs."""


@dataclass(frozen=True, slots=True)
class Due:
    """An instalment, what of it is covered by money dated by ``on`` at the latest, and whether its day has passed."""

    due_on: date
    amount: Decimal
    covered: Decimal
    is_past: bool

    @property
    def is_missed(self) -> bool:
        return self.is_past and self.covered < self.amount


@transaction.atomic
def propose_plan(
    *,
    account_id: int,
    instalments: Sequence[tuple[date, Decimal]],
    reason: str,
    by: User,
    now: datetime,
    submission: Any = None,
) -> InstalmentPlan:
    """Write down a plan, which binds nobody yet; CNY by day. With an earlier ``submission`` that call's plan.

    Raises PlanExistsError, and ValueError for days in the past or twice, no instalment, or no proper amount.
    """
    account = lock_account(account_id)
    if submission and (earlier := InstalmentPlan.objects.filter(submission=submission).first()):
        return earlier
    days, today = [day for day, _amount in instalments], timezone.localdate(now)
    if not days or len(set(days)) < len(days) or min(days) < today:
        raise ValueError("an instalment is on a day of its own, today at the earliest")
    if any(amount <= 0 or amount != amount.quantize(CENT) for _day, amount in instalments):
        raise ValueError("an instalment is an amount above zero, in cents")
    try:
        with transaction.atomic():
            plan = InstalmentPlan.objects.create(
                project_id=account.project_id, account=account, reason=reason, proposed_at=now, proposed_by=by,
                submission=submission,
            )  # fmt: skip
    except IntegrityError as error:
        if "plan_one_at_a_time" not in str(error):
            raise
        raise PlanExistsError(account) from error
    Instalment.objects.bulk_create(
        Instalment(project_id=account.project_id, plan=plan, due_on=day, amount=amount) for day, amount in instalments
    )
    _record("plan.proposed", plan, by, reason)
    return plan


@transaction.atomic
def decide_plan(
    plan_id: int, *, approve: bool, by: User, rights: frozenset[Right], now: datetime, note: str = ""
) -> InstalmentPlan:
    """Let a plan run, or turn it down. Raises PlanMoveError, OwnProposalError, NotEntitledError."""
    plan = _moved(plan_id, State.RUNNING if approve else State.REFUSED)
    if plan.proposed_by_id == by.pk:
        raise OwnProposalError(plan)
    if Right.APPROVE_RELIEF not in rights:
        raise NotEntitledError(plan)
    plan.decided_by, plan.decided_at, plan.decision_note = by, now, note
    plan.save()
    _record("plan.approved" if approve else "plan.refused", plan, by, note)
    return plan


@transaction.atomic
def withdraw_plan(plan_id: int, *, by: User) -> InstalmentPlan:
    """Take one's own proposal back. Raises PlanMoveError, and NotEntitledError for somebody else's."""
    plan = _moved(plan_id, State.WITHDRAWN)
    if plan.proposed_by_id != by.pk:
        raise NotEntitledError(plan)
    plan.save()
    _record("plan.withdrawn", plan, by)
    return plan


def progress(instalments: Iterable[Instalment], payments: Mapping[date, Decimal], *, on: date) -> list[Due]:
    """How far each instalment is covered by ``payments`` (CNY by day) that came by its day, or by ``on`` before it."""
    dues, before = [], ZERO
    for instalment in sorted(instalments, key=lambda i: i.due_on):
        paid = sum((amount for day, amount in payments.items() if day <= min(instalment.due_on, on)), ZERO)
        covered = min(max(paid - before, ZERO), instalment.amount)
        dues.append(Due(instalment.due_on, instalment.amount, covered, instalment.due_on < on))
        before += instalment.amount
    return dues


def verdict(dues: Sequence[Due], paid: Decimal) -> InstalmentPlan.State:
    """Kept once everything is in and nothing was missed; partly kept or broken where an instalment was missed."""
    if any(due.is_missed for due in dues):
        return State.PARTLY if paid else State.BROKEN
    return State.KEPT if paid >= sum((due.amount for due in dues), ZERO) else State.RUNNING


@transaction.atomic
def judge_plans(*, today: date, now: datetime) -> dict[InstalmentPlan.State, int]:
    """Judge running plans, and those judged in the last 30 days again, since payments come in late.

    Tells proposer and approver of a plan newly missed. Safe to run twice and at the same time: a plan under somebody's
    lock waits for a later run.
    """
    since = today - timedelta(days=REJUDGED_DAYS)
    wanted = InstalmentPlan.objects.filter(state=State.RUNNING) | InstalmentPlan.objects.filter(
        state__in=State.JUDGED, judged_on__gte=since
    )
    plans = list(
        wanted.select_for_update(skip_locked=True, of=("self",))
        .select_related("account__unit", "project", "proposed_by", "decided_by")
        .prefetch_related("instalments")
        .order_by("pk")
    )
    paid_by_plan, counted = _payments(plans, today), dict[InstalmentPlan.State, int]()
    for plan in plans:
        payments = paid_by_plan[plan.pk]
        paid = sum(payments.values(), ZERO)
        state = verdict(progress(plan.instalments.all(), payments, on=today), paid)
        if (state, paid) == (plan.state, plan.paid):
            continue
        if state != plan.state:
            _move_verdict(plan, state, today)
            counted[state] = counted.get(state, 0) + 1
        plan.paid = paid
        plan.save(update_fields=["state", "paid", "judged_on"])
    return counted


def plan_payments(plans: Sequence[InstalmentPlan], *, on: date) -> dict[int, dict[date, Decimal]]:
    """By plan id the CNY paid on its account by day since it was approved. One query."""
    return _payments(plans, on)


def coming_instalments(*, today: date, until: date) -> list[tuple[InstalmentPlan, Due]]:
    """Instalments of running plans that are due from ``today`` to ``until`` and not covered yet, with their plans."""
    plans = list(
        InstalmentPlan.objects.filter(state=State.RUNNING, instalments__due_on__range=(today, until))
        .select_related("account__unit", "project", "proposed_by")
        .prefetch_related("instalments")
        .distinct()
        .order_by("pk")
    )
    paid = _payments(plans, today)
    return [
        (plan, due)
        for plan in plans
        for due in progress(plan.instalments.all(), paid[plan.pk], on=today)
        if today <= due.due_on <= until and due.covered < due.amount
    ]


def kept_until(account_ids: Collection[int], *, on: date, at: datetime) -> dict[int, Due]:
    """By account id the next instalment of a plan that ran at ``at`` with nothing missed by ``on``. Three queries."""
    ran = InstalmentPlan.objects.filter(account__in=account_ids, decided_at__lte=at)
    plans = list(
        ran.filter(Q(state=State.RUNNING) | Q(state__in=State.JUDGED, judged_on__gt=on)).prefetch_related("instalments")
    )
    paid, found = _payments(plans, on), dict[int, Due]()
    for plan in plans:
        dues = progress(plan.instalments.all(), paid[plan.pk], on=on)
        ahead = [due for due in dues if not due.is_past]
        if ahead and not any(due.is_missed for due in dues):
            found[plan.account_id] = next((due for due in ahead if due.covered < due.amount), ahead[-1])
    return found


def _payments(plans: Sequence[InstalmentPlan], today: date) -> dict[int, dict[date, Decimal]]:
    rows = Payment.objects.filter(
        account_id__in=[plan.account_id for plan in plans], kind__in=PAYING, reversed_by=None, received_on__lte=today
    ).values_list("account_id", "received_on", "amount")
    found: dict[int, dict[date, Decimal]] = {}
    for plan in plans:
        by_day = found.setdefault(plan.pk, {})
        since = timezone.localdate(plan.decided_at) if plan.decided_at else date.max
        for account_id, day, amount in rows:
            if account_id == plan.account_id and day and day >= since:
                by_day[day] = by_day.get(day, ZERO) + amount
    return found


def _move_verdict(plan: InstalmentPlan, state: InstalmentPlan.State, today: date) -> None:
    if state not in ALLOWED[State(plan.state)]:
        raise PlanMoveError(plan)
    plan.state, plan.judged_on = state, None if state == State.RUNNING else today
    _record(f"plan.{state}", plan, None)
    if state not in (State.PARTLY, State.BROKEN):
        return
    title = _("%(unit)s: an instalment was missed") % {"unit": plan.account.unit.code}
    for person in {plan.proposed_by, plan.decided_by}:
        if person and person.is_active:
            notify(user=person, project=plan.project, key=f"plan-missed:{plan.pk}", title=title, url=_url(plan))


def _url(plan: InstalmentPlan) -> str:
    return reverse("collection:relief", kwargs={"project_code": plan.project.code})


def _moved(plan_id: int, to: InstalmentPlan.State) -> InstalmentPlan:
    """The plan, under lock and read again, in its new state; the caller checks and saves it."""
    lock_account(InstalmentPlan.objects.values_list("account_id", flat=True).get(pk=plan_id))
    plans = InstalmentPlan.objects.select_for_update(of=("self",)).select_related("account__unit", "project")
    plan = plans.get(pk=plan_id)
    if to not in ALLOWED.get(State(plan.state), frozenset()):
        raise PlanMoveError(plan)
    plan.state = to
    return plan


def _record(action: str, plan: InstalmentPlan, by: User | None, reason: str = "") -> None:
    record(action=action, by=by, project=plan.project, obj=plan, unit=plan.account.unit.code, reason=reason)
