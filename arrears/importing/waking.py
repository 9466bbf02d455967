"""Waking the workers. Losing a message is harmless: the sweep of each minute finds what is left to do."""

from celery import current_app
from django.db import transaction

from arrears.importing.states import State

TASKS: dict[State, str] = {
    State.UPLOADED: "arrears.read_import",
    State.CONFIRMED: "arrears.check_import",
    State.APPROVED: "arrears.post_import",
    State.UNDO_ASKED: "arrears.undo_import",
}
"""By the state in which an import waits, the task that takes it up."""


def wake(import_id: int, waiting: State) -> None:
    """After the commit ask a worker to take up an import that waits in state ``waiting``."""

    def ask() -> None:
        current_app.send_task(TASKS[waiting], [import_id], retry=False)

    transaction.on_commit(ask, robust=True)
