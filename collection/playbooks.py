"""Versions of a project's ladders, and the own plans of single cases: drafted, activated, replaced (C6, C7).

One version is in force per project, one plan per case. What was in force is kept. Cutting off water or electricity
stands in every ladder, switched off: Civil Code art. 944 forbids it as a means of collection, and nothing turns it on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from collection import stages
from collection.default_playbook import LADDERS
from collection.ladders import read_ladders
from collection.models import ArrearsReason, Case, Doer, Measure, Playbook, PlaybookStep, Precondition, Stage
from collection.steps import Step
from company.audit import record
from company.models import Project, User

State = Playbook.State
AUTOMATIC = frozenset({Measure.CHECK_CLAIM, Measure.CONFIRM_CASH})
"""Come before any ladder by themselves, and so stand in none."""
MOST_STEPS = 20
MOST_DAYS = 366
KEY_LENGTH = 24


class PlaybookError(Exception):
    """Nothing was written."""


class UtilitiesCutError(PlaybookError):
    """Somebody tried to turn on cutting off water or electricity."""


class LadderError(PlaybookError):
    """A ladder that some case could not be walked up; ``reason`` names it (empty in a case's own plan)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StaleDraftError(PlaybookError):
    """The draft was changed, activated or dropped by somebody else meanwhile."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as somebody writes it down. ``key`` is empty for a new one; ``talking_points`` a line each."""

    stage: Stage
    measure: Measure
    title: str
    doer: Doer
    key: str = ""
    is_on: bool = True
    wait_days: int = 0
    due_days: int = 3
    min_amount: Decimal | None = None  # CNY
    min_days: int | None = None
    precondition: Precondition | None = None
    talking_points: str = ""


def start_draft(project: Project, *, by: User, now: datetime) -> Playbook:
    """The project's draft: the one that is there, else a new one that begins as a copy of what is in force."""
    drafts = Playbook.objects.filter(project=project, case=None, state=State.DRAFT)
    if there := drafts.first():
        return there
    try:
        with transaction.atomic():
            draft = Playbook.objects.create(
                project=project, number=_next_number(Playbook.objects.filter(project=project, case=None)),
                created_at=now, created_by=by,
            )  # fmt: skip
            _copy_in_force(project, draft)
            record(action="playbook.drafted", by=by, project=project, obj=draft, number=draft.number)
    except IntegrityError:  # somebody else began one at the same moment
        return drafts.get()
    return draft


@transaction.atomic
def propose_plan(case: Case, *, by: User, now: datetime) -> Playbook:
    """A draft of the own plan of a case, beginning as a copy of the ladder it is on; the one that is there, if any."""
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    plans = Playbook.objects.filter(case=case)
    if there := plans.filter(state=State.DRAFT).first():
        return there
    draft = Playbook.objects.create(
        project_id=case.project_id, case=case, number=_next_number(plans), created_at=now, created_by=by
    )  # fmt: skip
    _write_steps(draft, "", _with_the_cut(list(map(_planned, read_ladders([case]).of(case).steps))))
    record(action="case_plan.drafted", by=by, project=case.project, obj=case, number=draft.number)
    return draft


@transaction.atomic
def save_ladder(
    playbook_id: int, reason: ArrearsReason | None, steps: Sequence[PlannedStep], *, revision: int, by: User
) -> Playbook:
    """Write one ladder of a draft (None: of a case's own plan) in the order of ``steps``; ``revision`` as last seen.

    Raises UtilitiesCutError, LadderError and StaleDraftError.
    """
    draft = _lock_draft(playbook_id, revision=revision)
    if (reason is None) != (draft.case_id is not None):
        raise LadderError(reason or "")
    if any(step.measure == Measure.CUT_UTILITIES and step.is_on for step in steps):
        raise UtilitiesCutError
    _require_walkable(reason or "", steps)
    PlaybookStep.objects.filter(playbook=draft, reason=reason or "").delete()
    _write_steps(draft, reason or "", _with_the_cut(steps))
    draft.revision += 1
    draft.save(update_fields=["revision"])
    record(
        action="playbook.ladder_saved", by=by, project=draft.project, obj=draft,
        reason=reason or "", steps=[step.title for step in steps if step.is_on],
    )  # fmt: skip
    return draft


@transaction.atomic
def activate(playbook_id: int, *, revision: int, by: User, now: datetime, note: str = "") -> Playbook:
    """Put a draft in force in place of what was. A project's cases are computed anew by the worker, a case at once.

    Raises StaleDraftError, and LadderError where a reason has no ladder that every case can be walked up.
    """
    draft = _lock_draft(playbook_id, revision=revision)
    _require_complete(draft)
    former = Playbook.objects.select_for_update(of=("self",)).filter(
        project=draft.project_id, case=draft.case_id, state=State.ACTIVE
    )  # fmt: skip
    former = former if draft.case_id else former.filter(case=None)
    for playbook in former:
        playbook.state, playbook.ended_at = State.ENDED, now
        playbook.save(update_fields=["state", "ended_at"])
    draft.state, draft.activated_at, draft.activated_by, draft.note = State.ACTIVE, now, by, note.strip()
    draft.save(update_fields=["state", "activated_at", "activated_by", "note"])
    record(
        action="playbook.activated", by=by, project=draft.project, obj=draft.case or draft,
        number=draft.number, note=draft.note,
    )  # fmt: skip
    if draft.case_id:
        _refresh_case(draft.case_id, now=now)
    else:
        transaction.on_commit(_wake, robust=True)
    return draft


@transaction.atomic
def drop_draft(playbook_id: int, *, by: User) -> None:
    """Throw a draft away. Raises StaleDraftError where it is none any more."""
    draft = _lock_draft(playbook_id, revision=None)
    record(
        action="playbook.dropped", by=by, project=draft.project, obj=draft.case or draft, number=draft.number
    )  # fmt: skip
    draft.delete()


@transaction.atomic
def end_plan(playbook_id: int, *, by: User, now: datetime) -> None:
    """Take a case back to its project's ladder. Raises StaleDraftError where its plan is not in force."""
    plan = Playbook.objects.select_for_update(of=("self",)).get(pk=playbook_id)
    if plan.state != State.ACTIVE or plan.case_id is None:
        raise StaleDraftError
    plan.state, plan.ended_at = State.ENDED, now
    plan.save(update_fields=["state", "ended_at"])
    record(action="case_plan.ended", by=by, project=plan.project, obj=plan.case, number=plan.number)
    _refresh_case(plan.case_id, now=now)


def apply_activated(*, now: datetime) -> int:
    """Compute the next steps of all cases whose project's version is new in force; returns how many were looked at.

    Safe to run twice and at once: it marks a version only when all its cases are done.
    """
    looked_at = 0
    waiting = Playbook.objects.filter(case=None, state=State.ACTIVE, applied_at=None)
    for playbook in waiting.order_by("pk"):
        looked_at += stages.refresh_project(playbook.project_id, now=now)
        waiting.filter(pk=playbook.pk).update(applied_at=now)
    return looked_at


def default_steps(reason: ArrearsReason) -> list[PlannedStep]:
    """The ladder that a project starts with, in the words of the product, with the utilities cut at its end, off."""
    with translation.override(settings.LANGUAGE_CODE):
        return _with_the_cut(list(map(_planned, LADDERS[reason])))


def _with_the_cut(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """Every ladder shows it, and shows it off."""
    if any(step.measure == Measure.CUT_UTILITIES for step in steps):
        return list(steps)
    with translation.override(settings.LANGUAGE_CODE):
        title = str(UTILITIES_CUT_TITLE)
    return [*steps, PlannedStep(Stage.LEGAL, Measure.CUT_UTILITIES, title, Doer.MANAGER, is_on=False)]


def ladders_shown(playbook: Playbook | None) -> list[tuple[ArrearsReason | None, list[PlaybookStep]]]:
    """By reason the steps of a version, those that are off last; None: those that a project starts with. One query.

    A case's own plan is one ladder, of no reason.
    """
    if playbook is None:
        return [(reason, _rows(None, reason, default_steps(reason))) for reason in ArrearsReason]
    steps = sorted(playbook.steps.all(), key=lambda step: (not step.is_on, step.position))
    if playbook.case_id:
        return [(None, steps)]
    return [(reason, [step for step in steps if step.reason == reason]) for reason in ArrearsReason]


UTILITIES_CUT_TITLE = _("Cut off water or electricity: forbidden")


def _copy_in_force(project: Project, draft: Playbook) -> None:
    former = Playbook.objects.filter(project=project, case=None, state=State.ACTIVE).first()
    if former is None:
        for reason in ArrearsReason:
            _write_steps(draft, reason, default_steps(reason))
        return
    steps = list(former.steps.all())
    for step in steps:
        step.pk, step.playbook = None, draft
    PlaybookStep.objects.bulk_create(steps)


def _planned(step: Step) -> PlannedStep:
    return PlannedStep(
        stage=step.stage, measure=step.measure, title=str(step.title), doer=step.doer, key=step.key,
        wait_days=step.wait_days, due_days=step.due_days, min_amount=step.min_amount, min_days=step.min_days,
        precondition=step.precondition, talking_points="\n".join(step.talking_points),
    )  # fmt: skip


def _write_steps(draft: Playbook, reason: str, steps: Sequence[PlannedStep]) -> None:
    PlaybookStep.objects.bulk_create(_rows(draft, reason, steps))


def _rows(draft: Playbook | None, reason: str, steps: Sequence[PlannedStep]) -> list[PlaybookStep]:
    taken = {step.key for step in steps if step.key}
    rows = []
    for position, step in enumerate(steps, start=1):
        key = step.key or _new_key(step.measure, taken)
        taken.add(key)
        rows.append(
            PlaybookStep(
                playbook=draft,
                reason=reason,
                position=position,
                key=key,
                is_on=step.is_on,
                stage=step.stage,
                measure=step.measure,
                title=step.title.strip(),
                doer=step.doer,
                wait_days=step.wait_days,
                due_days=step.due_days,
                min_amount=step.min_amount,
                min_days=step.min_days,
                precondition=step.precondition or "",
                talking_points=step.talking_points.strip(),
            )
        )
    return rows


def _new_key(measure: Measure, taken: set[str]) -> str:
    if measure not in taken:
        return str(measure)
    return next(key for number in range(2, 100) if (key := f"{measure}_{number}") not in taken)


def _require_walkable(reason: str, steps: Sequence[PlannedStep]) -> None:
    """Every case must have a first step: some step in use is for all, and none is of those that come by themselves."""
    on = [step for step in steps if step.is_on]
    is_for_all = any(step.min_amount is None and step.min_days is None for step in on)
    if not is_for_all or len(steps) > MOST_STEPS or any(step.measure in AUTOMATIC for step in steps):
        raise LadderError(reason)


def _require_complete(draft: Playbook) -> None:
    for reason in [""] if draft.case_id else ArrearsReason.values:
        steps = draft.steps.filter(reason=reason, is_on=True)
        if not steps.filter(min_amount=None, min_days=None).exists():
            raise LadderError(reason)


def _lock_draft(playbook_id: int, *, revision: int | None) -> Playbook:
    """The draft under lock. ``revision``: the one that the person saw, None where it does not matter."""
    locked = Playbook.objects.select_for_update(of=("self",)).select_related("project", "case")
    draft = locked.filter(pk=playbook_id, state=State.DRAFT).first()
    if draft is None or (revision is not None and draft.revision != revision):
        raise StaleDraftError
    return draft


def _refresh_case(case_id: int, *, now: datetime) -> None:
    stages.refresh(Case.objects.select_for_update(of=("self",), no_key=True).filter(pk=case_id), now=now)


def _next_number(playbooks: object) -> int:
    latest = playbooks.aggregate(latest=Max("number"))["latest"]  # type: ignore[attr-defined]
    return (latest or 0) + 1


def _wake() -> None:
    """Losing it is harmless: a sweep each minute finds versions that are not applied."""
    current_app.send_task("collection.apply_playbooks", retry=False)
