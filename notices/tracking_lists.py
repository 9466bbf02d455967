"""Lists of waybills from upload to the register: looked at first, entered whole or in its good rows, once."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.importing.messages import refusal_text
from arrears.importing.reading import Refusal
from arrears.importing.steps import CONTENT_TYPES, local_path
from arrears.posting import lock_accounts
from company.audit import record
from company.files import store_file
from company.models import FilePurpose, Project, User
from notices.delivering import Receipt, come_back, receive, settle, under_way
from notices.models import Delivery, DeliveryTransition, TrackingList
from notices.tracking_matching import Line, Verdict, load_waiting, match
from notices.tracking_sheet import NO_NUMBERS, WaybillList, read_waybills

State = Delivery.State


class ListRefusedError(ValueError):
    """The list cannot be used or entered; the text says why and what to do."""


class ListMovedError(Exception):
    """What the list would do is no longer what was shown; look again."""


@dataclass(frozen=True)
class Preview:
    """What a list would do now."""

    lines: list[Line]
    skipped: int
    sheets_without_numbers: list[str]

    @property
    def new(self) -> list[Line]:
        return [line for line in self.lines if line.verdict is Verdict.NEW]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.verdict is Verdict.BAD]

    @property
    def known(self) -> int:
        return sum(line.verdict is Verdict.KNOWN for line in self.lines)

    @property
    def numbers(self) -> int:
        return sum(bool(line.delivery) and not line.delivery.tracking_number for line in self.new if line.delivery)

    @property
    def states(self) -> int:
        return sum(line.news is not None for line in self.new)

    @property
    def remarked(self) -> list[Line]:
        return [line for line in self.lines if line.remarks]

    @property
    def seal(self) -> str:
        """Changes whenever the list would do something else."""
        done = [(line.row.sheet, line.row.row, line.verdict, line.delivery and line.delivery.pk, str(line.news))
                for line in self.lines]  # fmt: skip
        return hashlib.sha256(repr(done).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Entered:
    """How many numbers and states a list has brought, and how many letters are delivered thereby."""

    numbers: int
    states: int
    delivered: int
    refused: list[tuple[Delivery, str]]


def upload_list(project: Project, upload: File, *, by: User, now: datetime) -> TrackingList:
    """Keep an uploaded list once it can be read. Raises ListRefusedError."""
    name = Path(upload.name or "").name
    if not upload.size:
        raise ListRefusedError(_("The file is empty."))
    if upload.size > settings.IMPORT_MAX_MB << 20:
        raise ListRefusedError(_("The file is larger than %(limit)s MB.") % {"limit": settings.IMPORT_MAX_MB})
    stored = store_file(
        project=project, content=upload, name=name, purpose=FilePurpose.TRACKING_LIST, by=by,
        content_type=CONTENT_TYPES.get(Path(name).suffix.lower(), "application/octet-stream"),
    )  # fmt: skip
    tracking = TrackingList(project=project, file=stored, file_name=name[:255], uploaded_at=now, uploaded_by=by)
    _read(tracking, today=timezone.localdate(now))
    tracking.save()
    return tracking


def preview_list(tracking: TrackingList, *, today: date) -> Preview:
    """What the list would do now. Changes nothing. Raises ListRefusedError."""
    return _preview(tracking, _read(tracking, today=today), today=today)


def post_list(tracking: TrackingList, *, seal: str, good_rows_only: bool, by: User, now: datetime) -> Entered:
    """Enter the numbers and states of a list in one transaction, once.

    Raises ListMovedError when it would no longer do what was shown, ListRefusedError where rows are bad and the good
    ones are not to be entered alone.
    """
    today = timezone.localdate(now)
    found = _read(tracking, today=today)
    try:
        with transaction.atomic():
            return _post(tracking, found, seal=seal, good_rows_only=good_rows_only, by=by, now=now)
    except IntegrityError as error:
        raise ListMovedError from error


def cancel_list(tracking: TrackingList) -> None:
    """Give a list up that was not entered."""
    waiting = TrackingList.objects.filter(pk=tracking.pk, state=TrackingList.State.UPLOADED)
    waiting.update(state=TrackingList.State.CANCELLED)


def _read(tracking: TrackingList, *, today: date) -> WaybillList:
    try:
        with local_path(tracking.file) as path:
            return read_waybills(path, today=today)
    except Refusal as refusal:
        if refusal.code == NO_NUMBERS:
            raise ListRefusedError(
                _("No column of tracking numbers was found. Name it %(names)s in the row above the numbers.")
                % {"names": "运单号 / 邮件号"}
            ) from refusal
        raise ListRefusedError(refusal_text(refusal.code, refusal.params)) from refusal


def _preview(tracking: TrackingList, found: WaybillList, *, today: date) -> Preview:
    lines = match(found.rows, load_waiting(tracking.project), today=today)
    return Preview(lines, found.skipped, found.sheets_without_numbers)


def _post(
    tracking: TrackingList, found: WaybillList, *, seal: str, good_rows_only: bool, by: User, now: datetime
) -> Entered:
    today = timezone.localdate(now)
    current = TrackingList.objects.select_for_update().get(pk=tracking.pk)
    if current.state != TrackingList.State.UPLOADED:
        raise ListMovedError
    lock_accounts(
        line.delivery.notice.account_id for line in _preview(tracking, found, today=today).new if line.delivery
    )
    preview = _preview(tracking, found, today=today)
    if preview.seal != seal:
        raise ListMovedError
    if preview.bad and not good_rows_only:
        raise ListRefusedError(
            _("%(bad)s rows cannot be used. Correct them, or enter the good rows alone.") % {"bad": len(preview.bad)}
        )
    numbers = _enter_numbers(preview.new, by=by, now=now)
    refused, states, delivered = _enter_states(tracking.project, preview.new, by=by, now=now)
    current.state, current.posted_at, current.posted_by = TrackingList.State.POSTED, now, by
    current.numbers, current.states = len(numbers), states
    current.save()
    record(
        action="notices.tracking_list_posted", by=by, project=tracking.project, obj=current, numbers=len(numbers),
        states=states, bad=len(preview.bad), file=tracking.file.sha256,
    )  # fmt: skip
    return Entered(len(numbers), states, delivered, refused)


def _enter_numbers(lines: Collection[Line], *, by: User, now: datetime) -> list[Delivery]:
    numbered = []
    for line in lines:
        if line.delivery is not None and not line.delivery.tracking_number:
            delivery = line.delivery
            delivery.tracking_number, delivery.numbered_at, delivery.numbered_by = line.row.number, now, by
            numbered.append(delivery)
    Delivery.objects.bulk_update(numbered, ["tracking_number", "numbered_at", "numbered_by"], batch_size=500)
    DeliveryTransition.objects.bulk_create(
        (
            DeliveryTransition(
                delivery=delivery, event=DeliveryTransition.Event.NUMBERED, from_state=delivery.state,
                to_state=delivery.state, day=timezone.localdate(now), at=now, by=by, note=delivery.tracking_number,
            )
            for delivery in numbered
        ),
        batch_size=500,
    )  # fmt: skip
    for delivery in numbered:
        if delivery.state == State.SIGNED:
            settle(delivery, by=by, now=now)
    return numbered


def _enter_states(
    project: Project, lines: Collection[Line], *, by: User, now: datetime
) -> tuple[list[tuple[Delivery, str]], int, int]:
    refused: list[tuple[Delivery, str]] = []
    entered = delivered = 0
    for line in lines:
        news = line.news
        if news is None or news.on is None or line.delivery is None:
            continue
        ids = [line.delivery.pk]
        if news.state is State.SIGNED:
            outcome = receive(project, ids, Receipt(news.on, news.receiver), by=by, now=now)
        elif news.state is State.RETURNED and news.reason:
            outcome = come_back(project, ids, on=news.on, reason=news.reason, by=by, now=now)
        else:
            outcome = under_way(project, ids, on=news.on, by=by, now=now)
        refused += outcome.refused
        entered += len(outcome.done)
        delivered += outcome.delivered
    return refused, entered, delivered
