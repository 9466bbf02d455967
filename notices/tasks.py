"""Work of the notices app. What is to be done stands in the rows; each task may run twice or be killed at any line."""

import time

from celery import shared_task
from django.utils import timezone

from notices import bundling, following, making, print_parts
from notices.models import Batch
from notices.waking import RENDER_BATCH, wake

TURN_SECONDS = 20  # then others waiting in the queue have their turn


@shared_task(name=RENDER_BATCH)
def render_batch(batch_id: int) -> None:
    """Make letters of a batch, chunk by chunk, and its files when the last one is made."""
    started = time.monotonic()
    while time.monotonic() - started < TURN_SECONDS:
        claim = making.claim_chunk(batch_id, now=timezone.now())
        if claim is None:
            bundling.bundle(batch_id, clock=timezone.now)
            return
        issued = making.settle_claim(claim, making.print_claim(claim), now=timezone.now())
        print_parts.prepare_parts(claim.batch, issued)
    wake(batch_id)


@shared_task(name="notices.follow_ledger")
def follow_ledger() -> None:
    """Void letters that a posting has overtaken."""
    following.follow_ledger(now=timezone.now())


@shared_task(name="notices.sweep")
def sweep() -> None:
    """Find what was left behind: claims of dead workers, batches unfinished, postings not followed yet."""
    making.release_stale_claims(now=timezone.now())
    following.follow_ledger(now=timezone.now())
    print_parts.forget_those_of_finished(now=timezone.now())
    for batch_id in Batch.objects.filter(state=Batch.State.RENDERING).values_list("pk", flat=True):
        wake(batch_id)
