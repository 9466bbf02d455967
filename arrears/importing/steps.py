"""The steps of an import: read, check, post. Each can be killed at any line and done again.

A view drives them like this; each call changes the state in one transaction and wakes a worker after the commit:

    start_import(project, file, kind=…, by=…)     UPLOADED   a worker reads it     → COLUMNS, or REFUSED
    confirm_columns(workbook, {sheet: {column: field}}, create_units=…, by=…, now=…)
                                                  CONFIRMED  a worker checks it    → CHECKED, or REFUSED
    approve(workbook, good_rows_only=…, by=…)     APPROVED   a worker posts it     → POSTED, or CONFIRMED once more
                                                                                     when the ledger moved meanwhile
    back_to_columns(workbook)                     CHECKED → COLUMNS
    ask_for_undo(workbook, by=…)                  POSTED → UNDO_ASKED, a worker undoes it → UNDONE, or POSTED
                                                                           with the refusal that says what depends on it
    cancel(workbook, by=…)                        any state before POSTING → CANCELLED

They raise MoveError (states.py) when somebody else has moved the import on, and Refusal (reading.py) when the file or
the choice will not do; arrears.importing.messages.refusal_text(code, params) is the sentence, also of a REFUSED import
(``refusal``, ``refusal_params``). In state COLUMNS ``Layout.from_json(workbook.layout)`` is what to confirm: sheets and
columns are counted from 0 in ``chosen``, a column that is left out of it keeps its guess, "" imports nothing. In state
CHECKED the counts and sums stand on the row, the rest in ``findings`` (staging.py), the mistakes in ``issues``
(messages.issue_text). While a worker is at it, progress.rows_done(pk) tells how many rows it has gone through.

The work order is the row of the Import itself. What a step finds is written in one transaction at its end, and only
while the claim still holds: when it does not, or the import was cancelled meanwhile, the step raises MoveError.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from arrears.catalogue import ensure_catalogue
from arrears.importing.checking_lists import TAKES_CREDIT, newest_list, refuse_day
from arrears.importing.covering import POSTS_REMAINDER
from arrears.importing.laying_out import lay_out, remember, require_fields
from arrears.importing.layout import Layout
from arrears.importing.outcome import LedgerMovedError
from arrears.importing.posting import clear_stage, post_staged
from arrears.importing.progress import telling
from arrears.importing.reading import Refusal, opened
from arrears.importing.register import load_register
from arrears.importing.staging import stage
from arrears.importing.states import State, claim, hold, move
from arrears.importing.undoing import DependedOnError, undo_import
from arrears.importing.waking import wake
from arrears.models import Import
from company.audit import record
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User

CONSENTS = (POSTS_REMAINDER, TAKES_CREDIT)
"""Keys in Import.options that a person sets when agreeing to the posting."""
CONTENT_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".csv": "text/csv",
}


def start_import(project: Project, file: File, *, kind: Import.Kind, by: User, create_units: bool = False) -> Import:
    """Keep an uploaded workbook and have it read. Raises Refusal for one that is empty or larger than an upload may be.

    Whatever else is wrong with it the worker finds out, in a process with limits. A project without any fee gets the
    usual ones first.
    """
    if not file.size:
        raise Refusal("empty")
    if file.size > settings.IMPORT_MAX_MB << 20:
        raise Refusal("too_big", limit=settings.IMPORT_MAX_MB)
    name = Path(file.name or "").name
    stored = store_file(
        project=project,
        content=file,
        name=name,
        content_type=CONTENT_TYPES.get(Path(name).suffix.lower(), "application/octet-stream"),
        purpose=FilePurpose.IMPORT_UPLOAD,
        by=by,
    )
    with transaction.atomic():
        ensure_catalogue(project)
        workbook = Import.objects.create(
            project=project,
            kind=kind,
            file=stored,
            file_name=name[:255],
            file_sha256=stored.sha256,
            create_units=create_units,
            created_by=by,
        )
        wake(workbook.pk, State.UPLOADED)
    return workbook


def read_import(import_id: int, *, today: date, now: datetime) -> None:
    """Find the sheets, headers and columns of an uploaded workbook, for a person to confirm. Refuses a bad file."""
    workbook = claim(import_id, State.UPLOADED, now=now)
    if workbook is None:
        return
    try:
        with transaction.atomic(), local_path(workbook.file) as path, opened(path) as sheets:
            hold(import_id)
            told = telling(import_id, sheets)
            layout = lay_out(told, register=load_register(workbook.project, workbook.kind), today=today)
    except Refusal as refusal:
        _refuse(workbook, refusal, claimed_at=now)
        return
    move(import_id, State.COLUMNS, claim=now, layout=layout.as_json(), rows=layout.rows)


def check_import(import_id: int, *, today: date, now: datetime) -> None:
    """Check and stage every row of a workbook whose columns are confirmed."""
    workbook = claim(import_id, State.CONFIRMED, now=now)
    if workbook is None:
        return
    layouts = {sheet.name: sheet for sheet in Layout.from_json(workbook.layout).used}
    try:
        with transaction.atomic(), local_path(workbook.file) as path, opened(path) as sheets:
            hold(import_id)
            told = telling(import_id, sheets)
            laid = ((sheet, layouts[sheet.name]) for sheet in told if sheet.name in layouts)
            stage(workbook, path, laid, register=load_register(workbook.project, workbook.kind), today=today)
            move(import_id, State.CHECKED, claim=now, **_found(workbook))
    except Refusal as refusal:
        _refuse(workbook, refusal, claimed_at=now)


def post_import(import_id: int, *, now: datetime) -> None:
    """Post what was staged. When the ledger moved meanwhile, the workbook is checked once more instead."""
    workbook = claim(import_id, State.APPROVED, now=now)
    if workbook is None:
        return
    try:
        with transaction.atomic():
            hold(import_id)
            move(import_id, State.POSTED, claim=now, posted_at=now)
            post(workbook, now=now, by=workbook.posted_by)
    except LedgerMovedError:
        with transaction.atomic():
            move(import_id, State.CONFIRMED, claim=now)
            wake(import_id, State.CONFIRMED)


def post(workbook: Import, *, now: datetime, by: User | None) -> int:
    """Post what is staged for ``workbook`` and record who did it; returns how many rows brought something new."""
    workbook.posted_rows = post_staged(workbook, now=now, by=by)
    Import.objects.filter(pk=workbook.pk).update(posted_rows=workbook.posted_rows)
    record(
        action="arrears.import_posted",
        by=by,
        project=workbook.project,
        obj=workbook,
        file=workbook.file_name,
        rows=workbook.posted_rows,
        left_out=workbook.bad_rows,
    )
    return workbook.posted_rows


def confirm_columns(
    workbook: Import,
    chosen: Mapping[int, Mapping[int, str]],
    *,
    create_units: bool,
    by: User,
    now: datetime,
    left_out: Collection[int] = (),
    as_of: date | None = None,
    options: Mapping[str, Any] | None = None,
) -> Import:
    """Take a person's choice of fields (by sheet and column), remember it for the project, and have the rows checked.

    ``left_out``: sheets that are not imported. ``as_of`` which day the file speaks, where it does not say so: of an
    arrears list, or until which charges print what was received. ``options`` of arrears.importing.checking_lists.
    Raises MoveError when the import is past that step, Refusal when the choice lacks something.
    """
    layout = Layout.from_json(workbook.layout)
    today, workbook.as_of = timezone.localdate(now), as_of
    if workbook.kind == Import.Kind.ARREARS_LIST:
        workbook.as_of = as_of or (date.fromisoformat(layout.as_of) if layout.as_of else None)
        refuse_day(workbook, today=today, newest=newest_list(workbook))
    elif as_of and as_of > today:
        raise Refusal("as_of_to_come", day=as_of.isoformat())
    for place, sheet in enumerate(layout.sheets):
        sheet.is_used = place not in left_out
        sheet.assign(chosen.get(place, {}))
        if sheet.is_used:
            require_fields(sheet, workbook.kind)
    with transaction.atomic():
        decided: dict[str, Any] = {
            "as_of": workbook.as_of,
            "options": dict(options or {}),
            "create_units": create_units,
        }
        moved = move(workbook.pk, State.CONFIRMED, layout=layout.as_json(), rows=layout.rows, **decided)
        for sheet in layout.used:
            remember(workbook.project, workbook.kind, sheet, by=by, now=now)
        wake(moved.pk, State.CONFIRMED)
    return moved


@transaction.atomic
def approve(workbook: Import, *, good_rows_only: bool, by: User, consents: Collection[str] = ()) -> Import:
    """Have the checked rows posted; of a workbook with errors only when ``good_rows_only`` says so.

    ``consents`` among CONSENTS: what is otherwise held back. Raises Refusal when nobody agreed to leave the errors out,
    MoveError when the import is past that step.
    """
    options = {name: value for name, value in workbook.options.items() if name not in CONSENTS}
    options |= {name: True for name in CONSENTS if name in consents}
    moved = move(workbook.pk, State.APPROVED, good_rows_only=good_rows_only, posted_by=by, options=options)
    if moved.bad_rows and not good_rows_only:
        raise Refusal("has_errors", rows=moved.bad_rows)
    wake(moved.pk, State.APPROVED)
    return moved


@transaction.atomic
def cancel(workbook: Import, *, by: User) -> Import:
    """Give an import up; nothing of it was posted. Raises MoveError once it is being posted."""
    moved = move(workbook.pk, State.CANCELLED)
    clear_stage(moved)
    record(action="arrears.import_cancelled", by=by, project=moved.project, obj=moved, file=moved.file_name)
    return moved


@transaction.atomic
def ask_for_undo(workbook: Import, *, by: User) -> Import:
    """Have a posted import taken back as a whole. Raises MoveError when it is not posted, or somebody asked before."""
    moved = move(workbook.pk, State.UNDO_ASKED, undone_by=by, refusal="", refusal_params={})
    wake(moved.pk, State.UNDO_ASKED)
    return moved


def undo(import_id: int, *, now: datetime) -> None:
    """Reverse what an import posted, all or nothing; while later rows depend on it, it stays posted and says which."""
    workbook = claim(import_id, State.UNDO_ASKED, now=now)
    if workbook is None:
        return
    try:
        undo_import(workbook, by=workbook.undone_by, now=now, claim=now)
    except DependedOnError as depended_on:
        move(
            import_id, State.POSTED, claim=now, undone_by=None, refusal="depended_on",
            refusal_params={"rows": depended_on.text},
        )  # fmt: skip


@transaction.atomic
def back_to_columns(workbook: Import) -> Import:
    """Choose the columns again. Raises MoveError when the import is being posted or was."""
    moved = move(workbook.pk, State.COLUMNS)
    clear_stage(moved)
    return moved


def _found(workbook: Import) -> dict[str, Any]:
    names = (
        *("rows", "good_rows", "bad_rows", "skipped_total_rows", "known_rows"),
        *("due", "paid", "outstanding", "printed_late_fee", "findings", "as_of"),
    )
    return {name: getattr(workbook, name) for name in names} | {"marked_file": None}


def _refuse(workbook: Import, refusal: Refusal, *, claimed_at: datetime) -> None:
    move(workbook.pk, State.REFUSED, claim=claimed_at, refusal=refusal.code, refusal_params=refusal.params)


@contextmanager
def local_path(stored: StoredFile | None) -> Iterator[Path]:
    """The uploaded file as a path on this machine, wherever the storage keeps it. Raises Refusal when it is gone."""
    if stored is None or not stored.file.storage.exists(stored.file.name or ""):
        raise Refusal("file_gone")
    try:
        yield Path(stored.file.path)
    except NotImplementedError:
        with NamedTemporaryFile() as copy, stored.file.open("rb") as content:
            for block in content.chunks():
                copy.write(block)
            copy.flush()
            yield Path(copy.name)
