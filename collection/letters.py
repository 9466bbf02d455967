"""Letters for chosen cases: which cases are meant, what holds them back, and the batch that notices makes of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.posting import lock_accounts
from collection import stages
from collection.campaigns import current_campaign
from collection.limits import Limit, holds_of
from collection.models import ArrearsReason, Campaign, Case, Measure, Stage, Team
from collection.models.cases import CaseQuerySet
from company.models import Project, User
from notices.batch_preview import BatchPreview, Terms
from notices.batches import cancel_batch, cancel_rest
from notices.issuing import check_batch, confirm_batch
from notices.leaving_out import Held, Holder, LeftOut, Reason
from notices.models import Batch, Notice, NoticeKind
from owners.models import Building

MEASURE_OF = {
    NoticeKind.LAWYER_LETTER: Measure.LAWYER_LETTER,
    NoticeKind.EMS_NOTICE: Measure.EMS_NOTICE,
    NoticeKind.FEE_NOTICE: Measure.REMIND,
    NoticeKind.DOOR_SLIP: Measure.SLIP,
}
"""By kind of letter the measure whose steps ask for it."""


class StepDue(models.TextChoices):
    """That the playbook's next step asks for the kind of letter, and by when it is to be done."""

    NEXT = "next", _("asks for this letter")
    DUE = "due", _("asks for this letter, due today or overdue")
    LATE = "late", _("asks for this letter, overdue")


def waits_for(kind: NoticeKind) -> Q:
    """Cases whose next step asks for a kind of letter, but for those whose letter is made and only has to go out."""
    in_the_house = Notice.objects.undispatched().filter(account=OuterRef("account"), kind=kind)
    return Q(~Exists(in_the_house), next_measure=MEASURE_OF[kind])


@dataclass(frozen=True, slots=True)
class Choice:
    """Which open cases get a letter: those named, else those that fit every condition."""

    case_ids: Collection[int] = ()
    account_ids: Collection[int] = ()
    kind: NoticeKind = NoticeKind.LAWYER_LETTER
    step: StepDue | None = None
    team: Team | None = None
    member: User | None = None
    building: Building | None = None
    reason: ArrearsReason | None = None
    stage: Stage | None = None
    min_amount: Decimal | None = None  # CNY overdue
    min_days: int | None = None  # of the oldest charge

    def cases(self, visible: CaseQuerySet, *, today: date) -> CaseQuerySet:
        chosen = visible.open()
        if self.case_ids:
            return chosen.filter(pk__in=self.case_ids).in_round_order()
        if self.account_ids:
            return chosen.filter(account__in=self.account_ids).in_round_order()
        exact = {
            "team": self.team, "responsible": self.member, "account__unit__building": self.building,
            "reason": self.reason, "stage": self.stage,
        }  # fmt: skip
        chosen = chosen.filter(**{name: value for name, value in exact.items() if value})
        if self.min_amount is not None:
            chosen = chosen.filter(overdue__gte=self.min_amount)
        if self.min_days is not None:
            chosen = chosen.filter(oldest_due_on__lte=today - timedelta(days=self.min_days))
        if self.step:
            chosen = chosen.filter(waits_for(self.kind))
        if self.step in {StepDue.DUE, StepDue.LATE}:
            latest = today if self.step == StepDue.DUE else today - timedelta(days=1)
            chosen = chosen.filter(next_step_on__lte=latest)
        return chosen.in_round_order()


@dataclass(frozen=True, slots=True)
class LetterOrder:
    """What is to be sent to whom, as the caller confirms it."""

    project: Project
    kind: NoticeKind
    occasion: str
    deadline_on: date | None = None
    cases: list[Case] = field(default_factory=list)
    terms: Terms = field(default_factory=Terms)

    @property
    def account_ids(self) -> list[int]:
        return [case.account_id for case in self.cases]


def preview_letters(order: LetterOrder, *, now: datetime) -> BatchPreview:
    """Who would get a letter now, who would not and why. Changes nothing."""
    return check_batch(
        order.project, order.account_ids, order.kind, order.occasion, now,
        deadline_on=order.deadline_on, held=holder(order.project, now=now, kind=order.kind), terms=order.terms,
    )  # fmt: skip


@transaction.atomic
def issue_letters(order: LetterOrder, *, by: User, now: datetime) -> Batch:
    """Confirm the batch; the letter is then no longer the next step of its cases. The ledger and what holds a case
    back are read again under the locks of both.

    Raises notices.issuing.BatchRefusedError and NothingToSendError.
    """
    batch = confirm_batch(
        order.project, order.account_ids, order.kind, order.occasion, now, by=by,
        deadline_on=order.deadline_on, held=holder(order.project, now=now, lock=True, kind=order.kind),
        terms=order.terms,
    )  # fmt: skip
    _refresh_steps(batch, now=now)
    return batch


@transaction.atomic
def cancel_letters(batch: Batch, *, by: User, reason: str, now: datetime) -> int:
    """Cancel a whole batch; its letters are again the next step of their cases. Returns how many letters are void.

    Raises notices.batches.BatchSentError and BatchMovedError.
    """
    void = cancel_batch(batch, by=by, reason=reason, now=now)
    _refresh_steps(batch, now=now)
    return void


@transaction.atomic
def give_up_rest(batch: Batch, *, by: User, now: datetime) -> int:
    """Void what a stopped batch has not made yet; returns how many. Raises notices.batches.BatchMovedError."""
    lock_accounts(batch.notices.values_list("account_id", flat=True))
    void = cancel_rest(batch, by=by, now=now)
    _refresh_steps(batch, now=now)
    return void


def _refresh_steps(batch: Batch, *, now: datetime) -> None:
    """Stage and next step of the cases behind a batch, whose accounts are locked."""
    cases = Case.objects.filter(account__in=batch.notices.values("account")).open().order_by("pk")
    stages.refresh(list(cases.select_related("project", "account").select_for_update(of=("self",))), now=now)


def holder(project: Project, *, now: datetime, lock: bool = False, kind: NoticeKind | None = None) -> Holder:
    """What holds back the letters of accounts, read at the moment it is asked for; of a ``kind`` also what the
    playbook asks for before it.

    With ``lock`` the cases stay locked to the end of the transaction: who writes down a promise, a request or that it
    is paid takes this lock too, so that it is either seen here or comes after the letter.
    """

    def held(account_ids: Collection[int]) -> Mapping[int, Held]:
        cases = Case.objects.filter(project=project, account__in=account_ids).open().order_by("pk")
        rows = cases.select_related("project", "account")
        return held_accounts(list(rows.select_for_update(of=("self",)) if lock else rows), now=now, kind=kind)

    return held


def held_accounts(
    cases: Collection[Case], *, now: datetime, kind: NoticeKind | None = None
) -> dict[int, Held]:  # fmt: skip
    """By account id why the work on its case keeps a letter back: a promise, a request, a claim that it is paid, or
    something that must have happened before a letter of this ``kind``.
    """
    account_of = {case.pk: case.account_id for case in cases}
    found = {}
    for case_id, refusals in holds_of(cases, now=now).items():
        holds = [refusal for refusal in refusals if refusal.limit != Limit.PAID]
        if holds:
            texts = [f"{hold.text} ({hold.till})" for hold in holds]
            found[account_of[case_id]] = Held(str(holds[0].limit.label), "; ".join(texts))
    lacking = stages.lacking_for(cases, MEASURE_OF[kind], now=now) if kind in MEASURE_OF else {}
    for case_id, (step, precondition) in lacking.items():
        text = _t("“%(step)s” only after: %(precondition)s")
        told = text % {"step": step.title, "precondition": precondition.label}
        earlier = found.get(account_of[case_id])
        group = earlier.group if earlier else _t("the playbook asks for something first")
        found[account_of[case_id]] = Held(group, f"{earlier.text}; {told}" if earlier else told)
    return found


@dataclass(frozen=True, slots=True)
class Changes:
    """How a confirmed batch differs from the list that was checked: who fell out, whose amount is another, who came
    in too late to be checked."""

    fell_out: list[LeftOut]
    other_amount: list[str]
    unchecked: list[str]

    def __bool__(self) -> bool:
        return bool(self.fell_out or self.other_amount or self.unchecked)


def changes_since(batch: Batch, checked: Mapping[int, Decimal]) -> Changes:
    """``checked``: by account id the principal (CNY) that the checked list showed."""
    out = [LeftOut.from_data(entry) for entry in batch.left_out]
    rows = batch.notices.values_list("account_id", "account__unit__code", "principal").order_by("position")
    return Changes(
        fell_out=[entry for entry in out if entry.account_id in checked],
        other_amount=[code for account_id, code, principal in rows if checked.get(account_id, principal) != principal],
        unchecked=[entry.unit_code for entry in out if entry.reason is Reason.NOT_CHECKED],
    )


def one_envelope(preview: BatchPreview) -> list[list[str]]:
    """Rooms whose letters share an envelope, because they belong to one person. Each group once."""
    groups: dict[int, list[str]] = {}
    for entry in preview.included:
        groups.setdefault(entry.envelope, []).append(entry.facts.unit_code)
    return [group for group in groups.values() if len(group) > 1]


def usual_occasion(project: Project, *, today: date) -> str:
    """The running campaign's name, else the month: a second letter of the kind on the same occasion is refused."""
    campaign = current_campaign(project)
    if campaign and campaign.state == Campaign.State.RUNNING:
        return campaign.name
    return f"{today:%Y-%m}"
