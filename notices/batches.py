"""What people do with a batch: stop it, go on, give up the rest, try failed letters again, cancel the whole of it."""

from datetime import datetime

from django.db import transaction

from arrears.posting import lock_accounts
from company.audit import record
from company.models import User
from notices.following import reopen_batches
from notices.models import Batch, Notice
from notices.states import move
from notices.waking import wake


class BatchMovedError(Exception):
    """The batch is no longer in a state from which this can be done."""


class BatchSentError(Exception):
    """A letter of the batch has left the house."""


@transaction.atomic
def stop_batch(batch: Batch, *, by: User) -> None:
    """Take no further letters; those under way are still finished. Raises BatchMovedError."""
    _move(batch, Batch.State.RENDERING, Batch.State.STOPPED)
    record(action="notices.batch_stopped", by=by, project=batch.project, obj=batch)


@transaction.atomic
def resume_batch(batch: Batch, *, by: User) -> None:
    """Go on with a stopped batch. Raises BatchMovedError."""
    _move(batch, Batch.State.STOPPED, Batch.State.RENDERING)
    record(action="notices.batch_resumed", by=by, project=batch.project, obj=batch)
    wake(batch.pk)


@transaction.atomic
def cancel_rest(batch: Batch, *, by: User, now: datetime) -> int:
    """Void the letters of a stopped batch that are not made yet; they keep their numbers. Returns how many.

    The letters that are made can then be downloaded. Raises BatchMovedError.
    """
    waiting = batch.notices.filter(state__in=[Notice.State.QUEUED, Notice.State.FAILED])
    void = move(waiting, Notice.State.VOID, now=now, by=by, void_reason=Notice.VoidReason.CANCELLED)
    _move(batch, Batch.State.STOPPED, Batch.State.RENDERING)
    record(action="notices.batch_rest_cancelled", by=by, project=batch.project, obj=batch, letters=len(void))
    wake(batch.pk)
    return len(void)


@transaction.atomic
def retry_failed(batch: Batch, *, by: User, now: datetime) -> int:
    """Queue the failed letters of a batch again; returns how many."""
    failed = batch.notices.filter(state=Notice.State.FAILED)
    queued = move(failed, Notice.State.QUEUED, now=now, by=by, attempts=0, failure="", failure_detail="")
    if queued:
        record(action="notices.failed_retried", by=by, project=batch.project, obj=batch, letters=len(queued))
        reopen_batches([batch.pk])
    return len(queued)


@transaction.atomic
def cancel_batch(batch: Batch, *, by: User, reason: str, now: datetime) -> int:
    """Void all letters of a batch of which none was sent; they keep their numbers. Returns how many.

    Workers that are at it find their letters gone. Raises BatchSentError, BatchMovedError when it is cancelled
    already, ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("a batch is cancelled for a reason")
    lock_accounts(batch.notices.values_list("account_id", flat=True))
    letters = batch.notices.order_by("pk").select_for_update(of=("self",))
    if Notice.State.DISPATCHED in set(letters.values_list("state", flat=True)):
        raise BatchSentError(batch)
    void = move(
        batch.notices.all(), Notice.State.VOID, now=now, by=by, reason=reason,
        void_reason=Notice.VoidReason.BATCH_CANCELLED,
    )  # fmt: skip
    cancelled = Batch.objects.filter(pk=batch.pk).exclude(state=Batch.State.CANCELLED).update(
        state=Batch.State.CANCELLED, cancelled_at=now, cancelled_by=by, cancel_reason=reason, bundling_at=None,
        finished_at=None, merged_file=None, zip_file=None, labels_file=None,
    )  # fmt: skip
    if not cancelled:
        raise BatchMovedError(batch)
    record(action="notices.batch_cancelled", by=by, project=batch.project, obj=batch, letters=len(void), reason=reason)
    return len(void)


def _move(batch: Batch, source: Batch.State, target: Batch.State) -> None:
    moved = Batch.objects.filter(pk=batch.pk, state=source).update(state=target, bundling_at=None)
    if not moved:
        raise BatchMovedError(batch)
