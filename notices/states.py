"""The states of a notice, and the only function that changes them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from company.models import User
from notices.models import Notice, NoticeTransition

State = Notice.State

ALLOWED: dict[Notice.State, frozenset[Notice.State]] = {
    State.QUEUED: frozenset({State.RENDERING, State.VOID}),
    State.RENDERING: frozenset({State.ISSUED, State.QUEUED, State.FAILED, State.VOID}),
    State.FAILED: frozenset({State.QUEUED, State.VOID}),
    State.ISSUED: frozenset({State.DISPATCHED, State.VOID}),
    State.DISPATCHED: frozenset({State.ISSUED}),  # a dispatch recorded by mistake (notices.dispatching.take_back)
    State.VOID: frozenset(),
}


@transaction.atomic
def move(
    notices: QuerySet[Notice],
    to: Notice.State,
    *,
    now: datetime,
    by: User | None = None,
    reason: str = "",
    **changes: Any,
) -> list[Notice]:
    """Move those of ``notices`` that may go there, with a row of history each; returns them as they were before.

    Rows are locked; what another transaction has moved meanwhile stays as it is. Leaving RENDERING ends the claim.
    """
    sources = [state for state, targets in ALLOWED.items() if to in targets]
    found = list(notices.filter(state__in=sources).order_by("pk").select_for_update(of=("self",)))
    if to != State.RENDERING:
        changes.setdefault("claimed_at", None)
    Notice.objects.filter(pk__in=[notice.pk for notice in found]).update(state=to, **changes)
    if to == State.VOID:  # a letter whose correction is void is again the one that holds
        corrected = [notice.corrects_id for notice in found if notice.corrects_id]
        Notice.objects.filter(pk__in=corrected).update(superseded=False)
    NoticeTransition.objects.bulk_create(
        NoticeTransition(notice=notice, from_state=notice.state, to_state=to, at=now, by=by, reason=reason)
        for notice in found
    )
    return found
