"""What a posting does to letters that have not left the house: a change to a listed charge voids them.

The letter keeps its number. Callers hold the locks of the accounts; accounts come before notices, notices before
their batch.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery

from arrears.models import Account
from arrears.posting import lock_accounts
from notices.facts import changed_charges, changed_late_fees
from notices.models import Batch, Notice
from notices.states import move
from notices.waking import wake

AT_ONCE = 200


def follow_ledger(*, now: datetime) -> int:
    """Void undispatched letters whose listed charges changed since their data were taken; returns how many."""
    voided, last = 0, 0
    while behind := list(
        Notice.objects.behind_the_ledger().filter(pk__gt=last).order_by("pk").values_list("pk", "account_id")[:AT_ONCE]
    ):
        last = behind[-1][0]
        voided += _follow([pk for pk, _ in behind], {account_id for _, account_id in behind}, now=now)
    return voided


@transaction.atomic
def _follow(notice_ids: Collection[int], account_ids: Iterable[int], *, now: datetime) -> int:
    lock_accounts(account_ids)
    notices = list(Notice.objects.behind_the_ledger().filter(pk__in=notice_ids))
    changed = void_changed(notices, now=now)
    reopen_batches({notice.batch_id for notice in notices if notice.pk in changed})
    return len(changed)


def void_changed(notices: Collection[Notice], *, now: datetime) -> set[int]:
    """Void those of ``notices`` that list a changed charge or late fee and note the seen version on the others.

    Returns the ids of the void ones. The caller holds the locks of their accounts.
    """
    gone = changed_charges([row for notice in notices for row in notice.data["charges"]])
    late = changed_late_fees([row for notice in notices for row in notice.data.get("late_fees", ())])
    changed = {
        notice.pk
        for notice in notices
        if gone.intersection(notice.charge_ids) or any(row["id"] in late for row in notice.data.get("late_fees", ()))
    }
    move(
        Notice.objects.filter(pk__in=changed),
        Notice.State.VOID,
        now=now,
        void_reason=Notice.VoidReason.LEDGER_CHANGED,
    )
    version = Account.objects.filter(pk=OuterRef("account_id")).values("version")
    unchanged = [notice.pk for notice in notices if notice.pk not in changed]
    Notice.objects.filter(pk__in=unchanged).update(seen_version=Subquery(version))
    return changed


def reopen_batches(batch_ids: Iterable[int]) -> None:
    """The files of these batches are to be put together again, because a letter of theirs is void or made anew."""
    for batch_id in sorted(batch_ids):
        Batch.objects.filter(pk=batch_id, state=Batch.State.READY).update(
            state=Batch.State.RENDERING, finished_at=None, bundling_at=None, merged_file=None, zip_file=None
        )
        wake(batch_id)
