"""Making the files of a batch, chunk by chunk: claim, print, issue.

A claim is a guarded update; files are written before they are recorded, under the hash of their content; issuing
happens in one transaction under the accounts' locks. A worker may die at any line: what it had claimed is found by
the sweep, what it had written is written again, and what it had issued is no longer in the queue.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from django.db import connection, transaction
from django.db.models import F

from arrears.posting import lock_accounts
from company.files import store_files
from company.models import FilePurpose, StoredFile
from notices.following import void_changed
from notices.images import pictures_of
from notices.kinds import KINDS
from notices.models import Batch, Notice, NoticeKind
from notices.press import PressError, PressTimeoutError, Printed
from notices.rendering import CHUNK, picture_names, print_letters, unprintable
from notices.states import move

STALE_AFTER = timedelta(seconds=90)  # twice what the press may take for a chunk
SMALL_CHUNK = 10
ATTEMPTS = 3  # in a chunk, in a small one, alone
ATTEMPTS_INTERRUPTED = 5

ADD_FILES = """
    UPDATE notices_notice AS notice
    SET file_id = made.file_id, file_sha256 = made.sha256, pages = made.pages, issued_at = %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::smallint[]) AS made (id, file_id, sha256, pages)
    WHERE notice.id = made.id
"""

State = Notice.State


@dataclass(frozen=True)
class Claim:
    """Letters that this worker has taken, and the instant by which the claim is known."""

    batch: Batch
    notices: list[Notice]
    claimed_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of the letters of a claim."""

    files: dict[int, tuple[StoredFile, int]] = field(default_factory=dict)
    failures: dict[int, tuple[Notice.Failure, str]] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)


@transaction.atomic
def claim_chunk(batch_id: int, *, now: datetime) -> Claim | None:
    """Take the next letters of a batch in round order, or None when there is nothing to take.

    Letters that failed or were interrupted within a chunk are taken in a small one the next time, then alone, so that
    a bad one cannot hold up the others.
    """
    batch = Batch.objects.select_related("template", "project", "confirmed_by").get(pk=batch_id)
    if batch.state != Batch.State.RENDERING:
        return None
    queued = batch.notices.filter(state=State.QUEUED).order_by("position").select_for_update(skip_locked=True)
    notices = (
        list(queued.filter(attempts=0)[:CHUNK])
        or list(queued.filter(attempts=1)[:SMALL_CHUNK])
        or list(queued.filter(attempts__gt=1)[:1])
    )
    if not notices:
        return None
    mine = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
    move(mine, State.RENDERING, now=now, claimed_at=now, attempts=F("attempts") + 1)
    return Claim(batch, list(mine.order_by("position")), now)


def print_claim(claim: Claim) -> Outcome:
    """Print the claimed letters and keep their files; changes no notice."""
    body, rules = claim.batch.template.body, KINDS[NoticeKind(claim.batch.kind)]
    outcome = Outcome()
    for notice in claim.notices:
        if missing := unprintable(body, notice.data):
            outcome.failures[notice.pk] = (Notice.Failure.MISSING_GLYPH, missing)
    printable = [notice for notice in claim.notices if notice.pk not in outcome.failures]
    if not printable:
        return outcome
    try:
        names = picture_names([notice.data for notice in printable])
        pictures = pictures_of(claim.batch.project, names)
        printed = print_letters([(body, notice.data) for notice in printable], rules, pictures=pictures)
    except PressError as error:
        _note_press_error(printable, error, outcome)
        return outcome
    kept = _keep(claim.batch, printable, printed)
    for notice, file, letter in zip(printable, kept, printed, strict=True):
        outcome.files[notice.pk] = (file, letter.pages)
    return outcome


def _note_press_error(notices: Collection[Notice], error: PressError, outcome: Outcome) -> None:
    too_long = isinstance(error, PressTimeoutError)
    failure = Notice.Failure.TOO_LONG if too_long else Notice.Failure.CRASHED
    for notice in notices:
        if len(notices) == 1 and notice.attempts >= ATTEMPTS:
            outcome.failures[notice.pk] = (failure, str(error)[:200])
        else:
            outcome.released.add(notice.pk)


def _keep(batch: Batch, notices: Sequence[Notice], printed: Sequence[Printed]) -> list[StoredFile]:
    names = [f"{notice.number}.pdf" for notice in notices]
    kept = store_files(
        project=batch.project,
        contents={name: letter.pdf for name, letter in zip(names, printed, strict=True)},
        content_type="application/pdf",
        purpose=FilePurpose.NOTICE,
        by=batch.confirmed_by,
    )
    return [kept[name] for name in names]


@transaction.atomic
def settle_claim(claim: Claim, outcome: Outcome, *, now: datetime) -> list[Notice]:
    """Issue what was printed, unless the ledger says otherwise by now; fail or release the rest.

    Letters that are no longer this claim's are left alone. Returns the issued ones in round order, with their files.
    """
    lock_accounts(notice.account_id for notice in claim.notices)
    mine = {notice.pk: notice for notice in _still_mine(claim)}
    behind = Notice.objects.behind_the_ledger().filter(pk__in=[pk for pk in outcome.files if pk in mine])
    void = void_changed(list(behind), now=now)
    issued = [mine[pk] for pk in outcome.files if pk in mine and pk not in void]
    for notice in issued:
        notice.file, notice.pages = outcome.files[notice.pk]
    _add_files(issued, now=now)
    move(_rows(issued), State.ISSUED, now=now, failure="", failure_detail="")
    for pk, (failure, detail) in outcome.failures.items():
        if pk in mine:
            move(_rows([mine[pk]]), State.FAILED, now=now, failure=failure, failure_detail=detail)
    move(_rows([mine[pk] for pk in outcome.released if pk in mine]), State.QUEUED, now=now)
    return issued


def _add_files(notices: Sequence[Notice], *, now: datetime) -> None:
    """Write the files of ``notices`` and their pages; Django's bulk_update took longer than all else here."""
    files = [cast("StoredFile", notice.file) for notice in notices]
    hashes, pages = [file.sha256 for file in files], [notice.pages for notice in notices]
    with connection.cursor() as cursor:
        ids = [notice.pk for notice in notices]
        cursor.execute(ADD_FILES, [now, ids, [file.pk for file in files], hashes, pages])


def _still_mine(claim: Claim) -> list[Notice]:
    rows = _rows(claim.notices).filter(state=State.RENDERING, claimed_at=claim.claimed_at)
    return list(rows.order_by("pk").select_for_update())


def _rows(notices: Collection[Notice]):  # type: ignore[no-untyped-def]
    return Notice.objects.filter(pk__in=[notice.pk for notice in notices])


def release_stale_claims(*, now: datetime) -> int:
    """Put letters back whose worker is gone; one that was interrupted too often fails. Returns how many."""
    stale = Notice.objects.filter(state=State.RENDERING, claimed_at__lt=now - STALE_AFTER)
    failed = move(
        stale.filter(attempts__gte=ATTEMPTS_INTERRUPTED),
        State.FAILED,
        now=now,
        failure=Notice.Failure.INTERRUPTED,
    )
    return len(failed) + len(move(stale, State.QUEUED, now=now))
