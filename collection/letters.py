"""Letters for chosen cases: which cases are meant, what holds them back, and the batch that notices makes of them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from collection.campaigns import current_campaign
from collection.limits import Limit, holds_of
from collection.models import ArrearsReason, Campaign, Case, Stage, Team
from collection.models.cases import CaseQuerySet
from collection.same_person import together
from company.models import Project, User
from notices.issuing import BatchPreview, check_batch, confirm_batch
from notices.models import Batch, NoticeKind


@dataclass(frozen=True, slots=True)
class Choice:
    """Which open cases get a letter: those named, else those that fit every condition."""

    case_ids: Collection[int] = ()
    team: Team | None = None
    reason: ArrearsReason | None = None
    stage: Stage | None = None
    min_amount: Decimal | None = None  # CNY overdue
    min_days: int | None = None  # of the oldest charge

    def cases(self, visible: CaseQuerySet, *, today: date) -> CaseQuerySet:
        chosen = visible.open()
        if self.case_ids:
            return chosen.filter(pk__in=self.case_ids).in_round_order()
        exact = {"team": self.team, "reason": self.reason, "stage": self.stage}
        chosen = chosen.filter(**{name: value for name, value in exact.items() if value})
        if self.min_amount is not None:
            chosen = chosen.filter(overdue__gte=self.min_amount)
        if self.min_days is not None:
            chosen = chosen.filter(oldest_due_on__lte=today - timedelta(days=self.min_days))
        return chosen.in_round_order()


@dataclass(frozen=True, slots=True)
class LetterOrder:
    """What is to be sent to whom, as the caller confirms it."""

    project: Project
    kind: NoticeKind
    occasion: str
    deadline_on: date | None = None
    cases: list[Case] = field(default_factory=list)

    @property
    def account_ids(self) -> list[int]:
        return [case.account_id for case in self.cases]


def preview_letters(order: LetterOrder, *, now: datetime) -> BatchPreview:
    """Who would get a letter now, who would not and why. Changes nothing."""
    return check_batch(
        order.project, order.account_ids, order.kind, order.occasion, now,
        deadline_on=order.deadline_on, held=held_accounts(order.cases, now=now),
    )  # fmt: skip


def issue_letters(order: LetterOrder, *, by: User, now: datetime) -> Batch:
    """Confirm the batch. What holds a case back is read again now, and notices reads the ledger under lock.

    Raises notices.issuing.BatchRefusedError and NothingToSendError.
    """
    return confirm_batch(
        order.project, order.account_ids, order.kind, order.occasion, now, by=by,
        deadline_on=order.deadline_on, held=held_accounts(order.cases, now=now),
    )  # fmt: skip


def held_accounts(cases: Collection[Case], *, now: datetime) -> dict[int, str]:
    """By account id why the work on its case keeps a letter back: a promise, a request, a claim that it is paid."""
    account_of = {case.pk: case.account_id for case in cases}
    found = {}
    for case_id, refusals in holds_of(cases, now=now).items():
        texts = [f"{refusal.text} ({refusal.till})" for refusal in refusals if refusal.limit != Limit.PAID]
        if texts:
            found[account_of[case_id]] = "; ".join(texts)
    return found


def one_envelope(order: LetterOrder) -> list[list[Case]]:
    """Cases of the order that belong to one person: their letters can go in one envelope. Each group once."""
    groups: dict[frozenset[int], list[Case]] = {}
    others = together(order.cases)
    for case in order.cases:
        if case.pk in others:
            group = [case, *others[case.pk]]
            groups.setdefault(frozenset(one.pk for one in group), group)
    return list(groups.values())


def usual_occasion(project: Project, *, today: date) -> str:
    """The running campaign's name, else the month: a second letter of the kind on the same occasion is refused."""
    campaign = current_campaign(project)
    if campaign and campaign.state == Campaign.State.RUNNING:
        return campaign.name
    return f"{today:%Y-%m}"
