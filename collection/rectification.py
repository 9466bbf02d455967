"""Defects about which owners dispute: what has to be mended by whom until when, and the owner's sign-off (C6).

While the agreed date of an item is ahead nobody visits for the fee. That repair and fee are two things is said of
private parts only.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from collection import stages
from collection.models import Case, RectificationItem, RectificationMove
from collection.repair_dates import LIVE
from company.audit import record
from company.models import StoredFile, User

FURTHEST = timedelta(days=366)  # an agreed day holds visits back: a year that is mistyped would hold them for good
State = RectificationItem.State
Kind = RectificationMove.Kind

ALLOWED: Mapping[Kind, Collection[State]] = {
    Kind.CORRECTED: LIVE,
    Kind.AGREED: (State.OPEN,),
    Kind.DONE: (State.OPEN,),
    Kind.REOPENED: (State.DONE,),
    Kind.SIGNED_OFF: (State.DONE,),
    Kind.DROPPED: LIVE,
}
"""By move the states from which it leads."""


class RepairMoveError(Exception):
    """The item is no longer in a state that allows this; nothing was written."""


class RepairReusedError(Exception):
    """The same form came again with other content; what came first stands."""


class RepairDayError(ValueError):
    """A day that cannot be: an agreed date in the past, a repair in the future, a sign-off before the repair."""


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong, where, and who has to mend it until when as far as that is known."""

    part: RectificationItem.Part
    text: str
    reported_on: date
    warranty_until: date | None = None
    liable: RectificationItem.Liable = RectificationItem.Liable.UNCLEAR
    agreed_on: date | None = None


@transaction.atomic
def add_item(case: Case, defect: Defect, *, by: User, now: datetime, submission: UUID) -> RectificationItem:
    """Write a defect down, with its agreed date where there is one; sent again it is the same.

    Raises RepairReusedError and RepairDayError.
    """
    locked = _lock_case(case.pk)
    today = timezone.localdate(now)
    if earlier := RectificationItem.objects.filter(submission=submission).first():
        if (earlier.case_id, earlier.defect) != (locked.pk, defect.text.strip()):
            raise RepairReusedError(submission)
        return earlier
    if defect.reported_on > today or (defect.agreed_on and not today <= defect.agreed_on <= today + FURTHEST):
        raise RepairDayError
    item = RectificationItem.objects.create(
        project_id=locked.project_id, case=locked, part=defect.part, defect=defect.text.strip(),
        reported_on=defect.reported_on, warranty_until=defect.warranty_until, liable=defect.liable,
        agreed_on=defect.agreed_on, agreed_at=now if defect.agreed_on else None, created_at=now, created_by=by,
        submission=submission,
    )  # fmt: skip
    _note(item, Kind.RECORDED, by=by, now=now)
    if defect.agreed_on:
        _note(item, Kind.AGREED, by=by, now=now, day=defect.agreed_on)
    stages.refresh([locked], now=now)
    return item


@transaction.atomic
def agree_on(item_id: int, day: date, *, by: User, now: datetime, note: str = "") -> RectificationItem:
    """Agree with the owner on the day of the repair or of the next look, in place of an earlier one.

    Raises RepairMoveError and RepairDayError.
    """
    item = _lock(item_id, Kind.AGREED)
    today = timezone.localdate(now)
    if not today <= day <= today + FURTHEST:
        raise RepairDayError
    item.agreed_on, item.agreed_at = day, now
    return _move(item, Kind.AGREED, by=by, now=now, day=day, note=note)


@transaction.atomic
def mark_done(item_id: int, day: date, *, by: User, now: datetime, note: str = "") -> RectificationItem:
    """It is mended; until the owner signs, the agreed date holds. Raises RepairMoveError and RepairDayError."""
    item = _lock(item_id, Kind.DONE)
    if not item.reported_on <= day <= timezone.localdate(now):
        raise RepairDayError
    item.state, item.done_on = State.DONE, day
    return _move(item, Kind.DONE, by=by, now=now, day=day, note=note)


@transaction.atomic
def reopen(item_id: int, *, by: User, now: datetime, note: str) -> RectificationItem:
    """It was not mended after all. Raises RepairMoveError."""
    item = _lock(item_id, Kind.REOPENED)
    item.state, item.done_on = State.OPEN, None
    return _move(item, Kind.REOPENED, by=by, now=now, note=note)


@transaction.atomic
def sign_off(
    item_id: int, day: date, *, proof: StoredFile, by: User, now: datetime, note: str = ""
) -> RectificationItem:  # fmt: skip
    """The owner has signed that it is mended. Raises RepairMoveError and RepairDayError."""
    item = _lock(item_id, Kind.SIGNED_OFF)
    if item.done_on is None or not item.done_on <= day <= timezone.localdate(now):
        raise RepairDayError
    item.state, item.signed_off_on, item.sign_off = State.SIGNED_OFF, day, proof
    return _move(item, Kind.SIGNED_OFF, by=by, now=now, day=day, note=note)


@transaction.atomic
def drop(item_id: int, *, by: User, now: datetime, note: str) -> RectificationItem:
    """It is no defect, or the owner does not ask for it any more. Raises RepairMoveError."""
    item = _lock(item_id, Kind.DROPPED)
    item.state, item.done_on = State.DROPPED, None
    return _move(item, Kind.DROPPED, by=by, now=now, note=note)


@transaction.atomic
def correct(
    item_id: int,
    *,
    part: RectificationItem.Part,
    liable: RectificationItem.Liable,
    warranty_until: date | None,
    by: User,
    now: datetime,
    note: str = "",
) -> RectificationItem:
    """What was found out since about the place, the warranty and who has to mend it. Raises RepairMoveError."""
    item = _lock(item_id, Kind.CORRECTED)
    item.part, item.liable, item.warranty_until = part, liable, warranty_until
    said = f"{item.get_part_display()}, {item.get_liable_display()}"
    return _move(item, Kind.CORRECTED, by=by, now=now, day=warranty_until, note=f"{said}. {note}".strip())


def _move(
    item: RectificationItem, kind: Kind, *, by: User, now: datetime, day: date | None = None, note: str = ""
) -> RectificationItem:  # fmt: skip
    item.save()
    _note(item, kind, by=by, now=now, day=day, note=note)
    stages.refresh([item.case], now=now)
    return item


def _note(
    item: RectificationItem, kind: Kind, *, by: User, now: datetime, day: date | None = None, note: str = ""
) -> None:  # fmt: skip
    RectificationMove.objects.create(item=item, kind=kind, day=day, note=note.strip()[:400], at=now, by=by)
    record(action=f"repair.{kind}", by=by, project=item.case.project, obj=item.case, item=item.pk)


def _lock(item_id: int, kind: Kind) -> RectificationItem:
    """The item under the lock of its case, from a state that allows the move."""
    _lock_case(RectificationItem.objects.values_list("case_id", flat=True).get(pk=item_id))
    locked = RectificationItem.objects.select_for_update(of=("self",)).select_related("case__project")
    item: RectificationItem | None = locked.filter(pk=item_id, state__in=ALLOWED[kind]).first()
    if item is None:
        raise RepairMoveError
    return item


def _lock_case(case_id: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case_id)
