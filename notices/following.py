"""What a posting does to letters: a change to a listed charge voids one that has not left the house, and flags one
that has.

A void letter keeps its number. Callers hold the locks of the accounts; accounts come before notices, notices before
their batch.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import ngettext

from arrears.models import Account
from arrears.posting import lock_accounts
from company.notifying import notify
from notices.facts import changed_charges, changed_late_fees
from notices.models import Batch, Notice
from notices.models.notices import NoticeQuerySet
from notices.states import move
from notices.waking import wake

AT_ONCE = 200
SEEN_NOW = Subquery(Account.objects.filter(pk=OuterRef("account_id")).values("version"))


def follow_ledger(*, now: datetime) -> int:
    """Void undispatched letters whose listed charges changed since their data were taken; returns how many.

    Sent letters whose charges changed are flagged, and no longer when the ledger is again as they say.
    """
    voided = _work_off(Notice.objects.behind_the_ledger, _void, now=now)
    _work_off(Notice.objects.sent_behind_the_ledger, flag_overtaken, now=now)
    return voided


def _work_off(behind: Callable[[], NoticeQuerySet], act: Callable[..., Collection[int]], *, now: datetime) -> int:
    """Go through the letters that are behind, some at a time under the locks of their accounts."""
    done, last = 0, 0
    while rows := list(behind().filter(pk__gt=last).order_by("pk").values_list("pk", "account_id")[:AT_ONCE]):
        last = rows[-1][0]
        with transaction.atomic():
            lock_accounts({account_id for _, account_id in rows})
            done += len(act(list(behind().filter(pk__in=[pk for pk, _ in rows])), now=now))
    return done


def _void(notices: Collection[Notice], *, now: datetime) -> set[int]:
    changed = void_changed(notices, now=now)
    reopen_batches({notice.batch_id for notice in notices if notice.pk in changed})
    return changed


def void_changed(notices: Collection[Notice], *, now: datetime) -> set[int]:
    """Void those of ``notices`` that list a changed charge or late fee, tell who confirmed them, and note the
    seen version on the others.

    Returns the ids of the void ones. The caller holds the locks of their accounts.
    """
    changed = overtaken(notices)
    move(
        Notice.objects.filter(pk__in=changed),
        Notice.State.VOID,
        now=now,
        void_reason=Notice.VoidReason.LEDGER_CHANGED,
    )
    unchanged = [notice.pk for notice in notices if notice.pk not in changed]
    Notice.objects.filter(pk__in=unchanged).update(seen_version=SEEN_NOW, overtaken_at=None)
    _tell([notice for notice in notices if notice.pk in changed])
    return changed


def flag_overtaken(notices: Collection[Notice], *, now: datetime) -> set[int]:
    """Note on sent letters since when a charge that they list is settled otherwise; returns the ids of those.

    The caller holds the locks of their accounts.
    """
    changed = overtaken(notices)
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
    rows.filter(pk__in=changed).update(seen_version=SEEN_NOW, overtaken_at=Coalesce("overtaken_at", now))
    rows.exclude(pk__in=changed).update(seen_version=SEEN_NOW, overtaken_at=None)
    return changed


def overtaken(notices: Collection[Notice]) -> set[int]:
    """Ids of those that list a charge or late fee which is settled otherwise or reversed by now. Two queries."""
    gone = changed_charges([row for notice in notices for row in notice.data["charges"]])
    late = changed_late_fees([row for notice in notices for row in notice.data.get("late_fees", ())])
    return {
        notice.pk
        for notice in notices
        if gone.intersection(notice.charge_ids) or any(row["id"] in late for row in notice.data.get("late_fees", ()))
    }


def _tell(void: Collection[Notice]) -> None:
    """One line under the bell of who confirmed the batch: nobody is to look for a letter that is not there."""
    of_batch: dict[int, list[int]] = defaultdict(list)
    for notice in void:
        of_batch[notice.batch_id].append(notice.pk)
    for batch in Batch.objects.filter(pk__in=of_batch).select_related("project", "confirmed_by"):
        ids = of_batch[batch.pk]
        text = ngettext(
            "%(batch)s: the ledger changed, %(letters)s letter is void before dispatch.",
            "%(batch)s: the ledger changed, %(letters)s letters are void before dispatch.",
            len(ids),
        )
        notify(
            user=batch.confirmed_by,
            project=batch.project,
            key=f"notices.batch.{batch.pk}.void.{min(ids)}",
            title=text % {"batch": batch, "letters": len(ids)},
            url=reverse("notices:batch_detail", args=[batch.project.code, batch.pk]) + "?state=void",
        )


def reopen_batches(batch_ids: Iterable[int]) -> None:
    """The files of these batches are to be put together again, because a letter of theirs is void or made anew."""
    for batch_id in sorted(batch_ids):
        Batch.objects.filter(pk=batch_id, state=Batch.State.READY).update(
            state=Batch.State.RENDERING,
            finished_at=None,
            bundling_at=None,
            merged_file=None,
            zip_file=None,
            labels_file=None,
        )
        wake(batch_id)
