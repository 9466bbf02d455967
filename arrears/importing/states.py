"""States of an import and the moves between them. Work is claimed by a guarded update: two workers never share it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from arrears.models import Import

State = Import.State

ALLOWED: dict[State, frozenset[State]] = {
    State.UPLOADED: frozenset({State.READING, State.CANCELLED}),
    State.READING: frozenset({State.COLUMNS, State.REFUSED, State.CANCELLED}),
    State.COLUMNS: frozenset({State.CONFIRMED, State.CANCELLED}),
    State.CONFIRMED: frozenset({State.CHECKING, State.CANCELLED}),
    State.CHECKING: frozenset({State.CHECKED, State.REFUSED, State.CANCELLED}),
    State.CHECKED: frozenset({State.APPROVED, State.CONFIRMED, State.COLUMNS, State.CANCELLED}),
    State.APPROVED: frozenset({State.POSTING, State.CANCELLED}),
    State.POSTING: frozenset({State.POSTED, State.CONFIRMED}),
    State.POSTED: frozenset({State.UNDO_ASKED, State.UNDONE}),
    State.UNDO_ASKED: frozenset({State.UNDOING}),
    State.UNDOING: frozenset({State.UNDONE, State.POSTED}),
    State.UNDONE: frozenset(),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset(),
}
WORK: dict[State, State] = {
    State.UPLOADED: State.READING,
    State.CONFIRMED: State.CHECKING,
    State.APPROVED: State.POSTING,
    State.UNDO_ASKED: State.UNDOING,
}
LEASE = timedelta(seconds=90)
"""After this a worker that has not finished and holds no lock is taken for dead; should it live, its result is refused.

A worker that is at it holds the import's advisory lock, which ends with its transaction and so with its process.
"""
LOCKS = 7_310_425
"""What sets the advisory locks of imports apart from others."""


class MoveError(Exception):
    """The import is in another state by now. ``state`` says in which."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@transaction.atomic
def move(import_id: int, to: State, *, claim: datetime | None = None, **changes: Any) -> Import:
    """Bring an import into state ``to`` and set ``changes`` on its row.

    ``claim``: the instant at which the caller claimed the work. Raises MoveError when the table of moves does not
    allow it, or somebody else has claimed the work since.
    """
    workbook = Import.objects.select_for_update(no_key=True).get(pk=import_id)
    if to not in ALLOWED[State(workbook.state)] or (claim is not None and workbook.claimed_at != claim):
        raise MoveError(workbook.state)
    for name, value in {"state": to, "claimed_at": None, **changes}.items():
        setattr(workbook, name, value)
    workbook.save()
    return workbook


def hold(import_id: int) -> None:
    """Until this transaction ends nobody takes the import over, however long the work lasts.

    Waits for those who are just looking whether it is free.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCKS, import_id])


def is_free(import_id: int) -> bool:
    """Whether no worker is at the import; then none begins until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCKS, import_id])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def claim(import_id: int, waiting: State, *, now: datetime) -> Import | None:
    """Take work that waits in state ``waiting``, or that a dead worker left; None when there is none to take."""
    working = WORK[waiting]
    if not is_free(import_id):
        return None
    left_behind = Q(state=working, claimed_at__lt=now - LEASE)
    work = Import.objects.filter(Q(state=waiting) | left_behind, pk=import_id)
    if not work.update(state=working, claimed_at=now):
        return None
    return Import.objects.select_related("project", "file").get(pk=import_id)


def work_left(*, now: datetime) -> list[tuple[int, State]]:
    """Imports that wait for a worker, or whose worker is taken for dead, with the state they wait in."""
    waiting_for = {working: waiting for waiting, working in WORK.items()}
    left_behind = Q(state__in=Import.WORKING_STATES, claimed_at__lt=now - LEASE)
    rows = Import.objects.filter(Q(state__in=Import.WAITING_STATES) | left_behind).order_by("pk")
    return [
        (import_id, waiting_for.get(State(state), State(state))) for import_id, state in rows.values_list("pk", "state")
    ]
