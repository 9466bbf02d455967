"""A letter handed over at the door, or a slip put on it: dispatch and evidence in one act, from the phone."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from arrears.posting import lock_accounts
from company.models import StoredFile, User
from notices import delivering
from notices.delivering import Outcome, Proof, Receipt
from notices.dispatching import DispatchRefusedError, Order, dispatch, send_again
from notices.models import Channel, Delivery, Notice, NoticeKind

State = Delivery.State


class HandOverRefusedError(ValueError):
    """Nothing is recorded; the text says why, for the person at the door."""


@dataclass(frozen=True)
class HandOver:
    """Who signed for a letter on which day, and the photo of the signed receipt."""

    receipt: Receipt
    file: StoredFile


def hand_over(notice: Notice, act: HandOver, *, by: User, now: datetime) -> Delivery:
    """Record that a demand was handed over and signed for: delivered, the limitation clock restarts.

    Raises HandOverRefusedError: void, unsigned by the firm, under way by post, delivered already.
    """
    if notice.kind == NoticeKind.DOOR_SLIP:
        raise HandOverRefusedError(_("A slip is put on the door, not handed over."))
    with transaction.atomic():
        sending, refusal = _sending(notice, Channel.BY_HAND, on=act.receipt.on, by=by, now=now)
        if sending:
            _done(delivering.attach(notice.project, [sending.pk], Proof.DELIVERY, act.file, by=by, now=now))
            _done(delivering.receive(notice.project, [sending.pk], act.receipt, by=by, now=now))
    if sending is None:  # after the commit: a letter that the ledger has overtaken is void now
        raise HandOverRefusedError(refusal)
    return sending


def post_slip(notice: Notice, photo: StoredFile, *, on: date, by: User, now: datetime) -> Delivery:
    """Record that a slip was put on the flat's own door, with its photo. Raises HandOverRefusedError."""
    if notice.kind != NoticeKind.DOOR_SLIP:
        raise HandOverRefusedError(_("A demand is never put on the door."))
    with transaction.atomic():
        sending, refusal = _sending(notice, Channel.DOOR, on=on, by=by, now=now)
        if sending:
            _done(delivering.attach(notice.project, [sending.pk], Proof.PHOTO, photo, by=by, now=now))
    if sending is None:
        raise HandOverRefusedError(refusal)
    return sending


def _sending(notice: Notice, channel: Channel, *, on: date, by: User, now: datetime) -> tuple[Delivery | None, str]:
    """The sending that the evidence belongs to, made where there is none; else why there can be none."""
    lock_accounts([notice.account_id])
    current = Notice.objects.get(pk=notice.pk)
    order = Order(channel, on)
    if current.state == Notice.State.ISSUED:
        done = dispatch(notice.project, [notice.pk], order, by=by, now=now)
        return (done.sent[0], "") if done.sent else (None, str(done.kept_back[0][1].label))
    last = notice.deliveries.standing().order_by("-pk").first()
    if last is None:
        return None, _("This letter is not made yet, or void.")
    if last.channel == channel and last.state == State.DISPATCHED:
        return last, ""
    if last.has_failed:
        try:
            return send_again(last, order, by=by, now=now), ""
        except DispatchRefusedError as error:
            return None, str(error)
    return None, _("This letter is recorded already: %(channel)s, %(state)s.") % {
        "channel": last.get_channel_display(), "state": last.get_state_display()
    }  # fmt: skip


def _done(outcome: Outcome) -> None:
    if outcome.refused:
        raise HandOverRefusedError(outcome.refused[0][1])
