"""Correcting a letter: what was issued never changes, a new letter from the present ledger names it and takes its
place.

A letter that has not left the house becomes void; one that was sent stays, and shows by which it was corrected.
"""

from datetime import date, datetime

from django.db import transaction

from arrears.posting import lock_account
from company.audit import record
from company.models import User
from notices.batch_preview import BatchPreview, Terms
from notices.following import reopen_batches
from notices.issuing import check_batch, confirm_batch
from notices.leaving_out import Holder
from notices.models import Batch, Channel, Notice, NoticeKind
from notices.recipients import AddressKind
from notices.states import move

CORRECTABLE = (Notice.State.ISSUED, Notice.State.DISPATCHED)


class NotCorrectableError(Exception):
    """Only a letter that is made or sent, and that no other has taken the place of, can be corrected."""


def check_correction(
    notice: Notice, *, now: datetime, deadline_on: date | None = None, held: Holder | None = None
) -> BatchPreview:
    """What a correction would demand now, or why there can be none. Changes nothing."""
    return check_batch(
        notice.project, [notice.account_id], NoticeKind(notice.kind), notice.occasion, now,
        law_firm=notice.batch.law_firm, deadline_on=deadline_on, held=held, terms=_terms(notice),
    )  # fmt: skip


@transaction.atomic
def correct_letter(
    notice_id: int,
    *,
    by: User,
    reason: str,
    now: datetime,
    deadline_on: date | None = None,
    held: Holder | None = None,
) -> Batch:
    """Make a new letter in the place of this one, in a batch of its own.

    Raises NotCorrectableError, ValueError without a reason, and what confirm_batch raises; then nothing has changed.
    """
    if not reason.strip():
        raise ValueError("a letter is corrected for a reason")
    account_id = Notice.objects.values_list("account_id", flat=True).get(pk=notice_id)
    lock_account(account_id)
    notice = _locked(notice_id)
    if not is_correctable(notice):
        raise NotCorrectableError(notice)
    _give_way(notice, by=by, reason=reason, now=now)
    batch = confirm_batch(
        notice.project, [account_id], NoticeKind(notice.kind), notice.occasion, now, by=by,
        law_firm=notice.batch.law_firm, deadline_on=deadline_on, held=held, terms=_terms(notice),
    )  # fmt: skip
    new = batch.notices.get()
    record(action="notices.letter_corrected", by=by, project=notice.project, obj=notice, new=new.number, reason=reason)
    return batch


def _locked(notice_id: int) -> Notice:
    rows = Notice.objects.select_related("project", "batch__law_firm", "corrects")
    return rows.select_for_update(of=("self",)).get(pk=notice_id)


def is_correctable(notice: Notice) -> bool:
    """Whether a correction may take the place of this letter."""
    says_something = notice.kind != NoticeKind.DOOR_SLIP
    return notice.state in CORRECTABLE and not notice.superseded and says_something


def _give_way(notice: Notice, *, by: User, reason: str, now: datetime) -> None:
    this = Notice.objects.filter(pk=notice.pk)
    if notice.state == Notice.State.DISPATCHED:
        this.update(superseded=True)
        return
    move(this, Notice.State.VOID, now=now, by=by, reason=reason, void_reason=Notice.VoidReason.CORRECTED)
    if (replaced := _replaced(notice)) != notice:  # not again the one that holds: the next correction takes its place
        Notice.objects.filter(pk=replaced.pk).update(superseded=True)
    reopen_batches([notice.batch_id])


def _replaced(notice: Notice) -> Notice:
    """The letter that the new one names: of a correction that never left the house the one that the owners hold."""
    before = notice.corrects
    in_the_house = notice.state != Notice.State.DISPATCHED
    return before if before and in_the_house and before.state == Notice.State.DISPATCHED else notice


def _terms(notice: Notice) -> Terms:
    recipient = getattr(notice, "recipient", None)
    kind = recipient.address_kind if recipient else ""
    return Terms(
        channel=Channel(notice.batch.channel),
        first=AddressKind(kind) if kind else AddressKind.ON_SITE,
        corrects=_replaced(notice),
    )
