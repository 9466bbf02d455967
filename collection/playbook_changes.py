"""What one version of a playbook has otherwise than another, step by step, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from collection.models import ArrearsReason, Playbook, PlaybookStep
from collection.playbooks import ladders_shown

Ladders = Sequence[tuple[ArrearsReason | None, list[PlaybookStep]]]
DASH = "—"
FIELDS = (
    "title", "measure", "stage", "doer", "is_on", "wait_days", "due_days", "min_amount", "min_days", "precondition",
    "talking_points",
)  # fmt: skip


class Change(StrEnum):
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One entry of a step, as people read it."""

    label: str | Promise
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that is new, gone, changed, or stands in another place. ``fields`` only where it is changed."""

    change: Change
    title: str
    fields: list[FieldChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LadderChange:
    reason: ArrearsReason | None
    steps: list[StepChange]


def changes_between(before: Playbook | None, after: Playbook) -> list[LadderChange]:
    """By ladder what ``after`` has otherwise; None stands for what a project starts with. Two queries at most.

    A case's own plan is compared with the ladder of the case's reason.
    """
    old, new = ladders_shown(before), ladders_shown(after)
    if after.case and not (before and before.case_id):
        mine = next((steps for reason, steps in old if reason == after.case.reason), [])
        old = [(None, mine)]
    by_reason = dict(old)
    found = [LadderChange(reason, step_changes(by_reason.get(reason, []), steps)) for reason, steps in new]
    return [ladder for ladder in found if ladder.steps]


def step_changes(before: Sequence[PlaybookStep], after: Sequence[PlaybookStep]) -> list[StepChange]:
    """In the order of ``after``; what is gone comes last."""
    old = {step.key: step for step in before}
    kept = {step.key for step in after} & old.keys()
    moved = _moved([step.key for step in before if step.key in kept], [step.key for step in after if step.key in kept])
    return [*_of_new(after, old, moved), *(StepChange(Change.GONE, s.title) for s in before if s.key not in kept)]


def _of_new(
    after: Sequence[PlaybookStep], old: Mapping[str, PlaybookStep], moved: set[str]
) -> Iterator[StepChange]:  # fmt: skip
    for step in after:
        former = old.get(step.key)
        if former is None:
            yield StepChange(Change.NEW, step.title)
        elif fields := list(_fields(former, step)):
            yield StepChange(Change.CHANGED, step.title, fields)
        elif step.key in moved:
            yield StepChange(Change.MOVED, step.title)


def _moved(before: list[str], after: list[str]) -> set[str]:
    """Those that do not stand in the same order any more: as few as explain the new one."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    still = {key for block in matcher.get_matching_blocks() for key in after[block.b : block.b + block.size]}
    return set(after) - still


def _fields(before: PlaybookStep, after: PlaybookStep) -> Iterator[FieldChange]:
    for name in FIELDS:
        if getattr(before, name) != getattr(after, name):
            label = str(PlaybookStep._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            yield FieldChange(label, _shown(before, name), _shown(after, name))


def _shown(step: PlaybookStep, name: str) -> str:
    value = getattr(step, name)
    if name == "is_on":
        return _("in use") if value else _("not in use")
    if value is None or value == "":
        return DASH
    if name == "min_amount":
        return f"{value:,.2f}"
    display = getattr(step, f"get_{name}_display", None)
    return str(display()) if display else str(value)
