"""Waking the workers. Losing a message is harmless: a sweep each minute finds what is left to do."""

from celery import current_app
from django.db import transaction

RENDER_BATCH = "notices.render_batch"
MOST_WORKERS = 8


def wake(batch_id: int, *, workers: int = 1) -> None:
    """After the commit ask for ``workers`` workers on a batch; each takes chunks until none is left."""

    def ask() -> None:
        for _ in range(min(workers, MOST_WORKERS)):
            current_app.send_task(RENDER_BATCH, [batch_id])

    transaction.on_commit(ask, robust=True)  # Django logs the name of what failed: a partial has none
