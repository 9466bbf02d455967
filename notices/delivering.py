"""What becomes of letters that were sent: one function for each thing that can happen, all under the accounts' locks.

A demand becomes ``delivered`` by itself as soon as its evidence is whole, in whatever order the pieces come; in that
transaction the ledger's limitation clock restarts for the letter's charges. A slip never does. Nothing here takes the
word of a carrier, a neighbour or the front desk for delivery.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.limitation import record_proof, reverse_proof
from arrears.models import LimitationProof
from arrears.posting import lock_accounts
from company.audit import record
from company.models import Project, StoredFile, User
from notices.models import Delivery, DeliveryTransition
from notices.returned_mail import mark_addresses, unmark_addresses

Channel, State, Event = Delivery.Channel, Delivery.State, DeliveryTransition.Event

ALLOWED: dict[Delivery.State, frozenset[Delivery.State]] = {
    State.DISPATCHED: frozenset(
        {State.IN_TRANSIT, State.SIGNED, State.RETURNED, State.LOST, State.POSTED, State.WITHDRAWN}
    ),
    State.IN_TRANSIT: frozenset({State.SIGNED, State.RETURNED, State.LOST}),
    State.SIGNED: frozenset({State.DELIVERED, State.SIGNED, State.DISPATCHED, State.IN_TRANSIT, State.RETURNED}),
    State.DELIVERED: frozenset({State.DISPATCHED, State.IN_TRANSIT}),
    State.RETURNED: frozenset({State.IN_TRANSIT, State.DISPATCHED}),
    State.LOST: frozenset({State.IN_TRANSIT, State.DISPATCHED, State.SIGNED, State.RETURNED}),
    State.POSTED: frozenset({State.DISPATCHED}),
    State.WITHDRAWN: frozenset(),
}


class DeliveryRefusedError(ValueError):
    """This cannot be recorded; the text says why, for the person who tried."""


class Proof(models.TextChoices):
    """What a file proves; the value is the field that holds it."""

    POSTING = "posting_proof", gettext_lazy("proof of posting")
    DELIVERY = "delivery_proof", gettext_lazy("proof of receipt")
    RETURN = "return_proof", gettext_lazy("proof of return")
    PHOTO = "photo", gettext_lazy("photo of the slip on the door")


@dataclass(frozen=True)
class Receipt:
    """Who signed for a letter, and on which day."""

    on: date
    receiver: Delivery.Receiver | None = None
    name: str = ""


@dataclass
class Outcome:
    """What was recorded, and what was not with the reason."""

    done: list[Delivery] = field(default_factory=list)
    refused: list[tuple[Delivery, str]] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return sum(delivery.state == State.DELIVERED for delivery in self.done)


def missing_evidence(delivery: Delivery) -> list[str]:
    """What a demand still lacks to count as delivered; empty once nothing does. A slip always lacks being a demand."""
    if delivery.channel == Channel.DOOR:
        return [_("a slip on the door is support only, it delivers no demand")]
    by_ems = delivery.channel == Channel.EMS
    checks = [
        (by_ems and not delivery.contents, _("contents line")),
        (by_ems and not delivery.tracking_number, _("tracking number")),
        (delivery.channel in Delivery.NUMBERED and not delivery.posting_proof_id, _("proof of posting")),
        (not delivery.received_on, _("day of receipt")),
        (not delivery.receiver, _("who received it")),
        (bool(delivery.receiver) and not delivery.counts, _("received by somebody who does not stand for the owner")),
        (not delivery.delivery_proof_id, _("proof of receipt")),
        (not delivery.notice.charge_ids, _("charges that the letter demands")),
    ]
    return [word for lacks, word in checks if lacks]


@transaction.atomic
def receive(project: Project, ids: Collection[int], receipt: Receipt, *, by: User, now: datetime) -> Outcome:
    """Somebody signed for these letters; those with whole evidence are delivered and restart the limitation clock.

    The same again changes nothing; another day or receiver for a delivered letter is refused until that is undone.
    """

    def sign(delivery: Delivery) -> None:
        same = (delivery.received_on, delivery.receiver) == (receipt.on, receipt.receiver or "")
        if delivery.state == State.DELIVERED:
            if not same:
                raise DeliveryRefusedError(
                    _("Delivered on %(day)s already; take that back first.") % {"day": delivery.received_on}
                )
            return
        if same and delivery.state == State.SIGNED and delivery.receiver_name == receipt.name:
            return
        _check_day(delivery, receipt.on, now=now)
        before = delivery.state
        delivery.received_on, delivery.receiver = receipt.on, receipt.receiver or ""
        delivery.receiver_name = receipt.name
        _move(
            delivery, State.SIGNED, day=receipt.on, by=by, now=now, note=delivery.get_receiver_display(), before=before
        )
        settle(delivery, by=by, now=now)

    return _each(project, ids, sign)


@transaction.atomic
def under_way(project: Project, ids: Collection[int], *, on: date, by: User, now: datetime) -> Outcome:
    """The carrier has these letters. What was recorded of a receipt or return is taken back by undo functions only."""

    def ride(delivery: Delivery) -> None:
        if delivery.state == State.IN_TRANSIT:
            return
        if delivery.channel not in Delivery.NUMBERED:
            raise DeliveryRefusedError(_("Only what goes by EMS or post is in transit."))
        if delivery.state not in (State.DISPATCHED, State.LOST):
            raise DeliveryRefusedError(_cannot(delivery, State.IN_TRANSIT))
        _check_day(delivery, on, now=now)
        _move(delivery, State.IN_TRANSIT, day=on, by=by, now=now)

    return _each(project, ids, ride)


@transaction.atomic
def lose(project: Project, ids: Collection[int], *, on: date, by: User, now: datetime, note: str = "") -> Outcome:
    """The carrier has lost these letters; they can be sent again."""

    def gone(delivery: Delivery) -> None:
        if delivery.state == State.LOST:
            return
        _check_day(delivery, on, now=now)
        _move(delivery, State.LOST, day=on, by=by, now=now, note=note)

    return _each(project, ids, gone)


@transaction.atomic
def come_back(
    project: Project,
    ids: Collection[int],
    *,
    on: date,
    reason: Delivery.ReturnReason,
    by: User,
    now: datetime,
    file: StoredFile | None = None,
) -> Outcome:
    """These letters were returned. The address is marked, but for a refusal; a refusal restarts no clock either.

    Whether a refused letter counts as delivered is disputed, so the earlier limitation date stands.
    """

    def back(delivery: Delivery) -> None:
        if delivery.state == State.RETURNED:
            return
        _check_day(delivery, on, now=now)
        delivery.returned_on, delivery.return_reason = on, reason
        delivery.return_proof = file or delivery.return_proof
        delivery.delivery_proof = None  # it proves nothing any more; the file stays in the history
        delivery.received_on, delivery.receiver, delivery.receiver_name = None, "", ""
        _move(delivery, State.RETURNED, day=on, by=by, now=now, note=delivery.get_return_reason_display())
        mark_addresses(delivery, by=by, now=now)

    return _each(project, ids, back)


@transaction.atomic
def attach(
    project: Project, ids: Collection[int], proof: Proof, file: StoredFile, *, by: User, now: datetime
) -> Outcome:
    """Keep a file as the proof of these sendings; one posting list can prove many. Completes what waited for it."""

    def hold(delivery: Delivery) -> None:
        if getattr(delivery, f"{proof}_id") == file.pk:
            return
        _check_fits(delivery, proof)
        setattr(delivery, proof, file)
        delivery.save(update_fields=[proof])
        write_note(delivery, Event.PROOF_ADDED, by=by, now=now, note=f"{file.sha256[:12]} {file.name}")
        if proof is Proof.PHOTO and delivery.state == State.DISPATCHED:
            _move(delivery, State.POSTED, day=delivery.dispatched_on, by=by, now=now)
        settle(delivery, by=by, now=now)

    return _each(project, ids, hold)


@transaction.atomic
def change_contents(project: Project, pk: int, contents: str, *, by: User, now: datetime) -> Outcome:
    """Correct the contents line; dispatching.check_contents has looked at it."""

    def rewrite(delivery: Delivery) -> None:
        if delivery.channel != Channel.EMS or delivery.state == State.DELIVERED:
            raise DeliveryRefusedError(_("The contents line belongs to an EMS item and stands once it is delivered."))
        if delivery.contents == contents:
            return
        delivery.contents = contents
        delivery.save(update_fields=["contents"])
        write_note(delivery, Event.CONTENTS_CHANGED, by=by, now=now, note=contents)
        settle(delivery, by=by, now=now)

    return _each(project, [pk], rewrite)


@transaction.atomic
def undo_receipt(project: Project, pk: int, *, reason: str, by: User, now: datetime) -> Outcome:
    """It was not received after all: the proof is reversed in the ledger, the letter is under way again."""

    def undo(delivery: Delivery) -> None:
        if delivery.state not in (State.SIGNED, State.DELIVERED):
            raise DeliveryRefusedError(_("No receipt is recorded that could be taken back."))
        proof, delivery.limitation_proof = delivery.limitation_proof, None
        delivery.received_on, delivery.receiver, delivery.receiver_name = None, "", ""
        delivery.delivery_proof = None  # the file stays in the history
        _move(delivery, _before_receipt(delivery), day=timezone.localdate(now), by=by, now=now, note=reason)
        if proof is not None and proof.reversed_by_id is None:
            reverse_proof(proof.pk, by=by, now=now, note=reason)

    return _each(project, [pk], undo)


@transaction.atomic
def undo_return(project: Project, pk: int, *, reason: str, by: User, now: datetime) -> Outcome:
    """It did not come back after all; the marks on the addresses go too. Refused once the letter was sent again."""

    def undo(delivery: Delivery) -> None:
        if delivery.state not in Delivery.BACK:
            raise DeliveryRefusedError(_("This letter is not recorded as returned or lost."))
        others = delivery.notice.deliveries.exclude(state__in=[*Delivery.BACK, State.WITHDRAWN])
        if others.exists():
            raise DeliveryRefusedError(_("The letter was sent again meanwhile; take that sending back first."))
        unmark_addresses(delivery, by=by)
        delivery.returned_on, delivery.return_reason = None, ""
        _move(delivery, _before_receipt(delivery), day=timezone.localdate(now), by=by, now=now, note=reason)

    return _each(project, [pk], undo)


def settle(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Deliver a letter that is signed for once its evidence is whole. The caller holds the account's lock."""
    if delivery.state != State.SIGNED or missing_evidence(delivery):
        return
    if delivery.received_on is None or delivery.delivery_proof is None:
        return
    delivery.limitation_proof = record_proof(
        account_id=delivery.notice.account_id,
        kind=LimitationProof.Kind.NOTICE,
        reached_on=delivery.received_on,
        charges=delivery.notice.charge_ids,
        file=delivery.delivery_proof,
        by=by,
        now=now,
        note=delivery.notice.number,
    )
    _move(delivery, State.DELIVERED, day=delivery.received_on, by=by, now=now)
    record(
        action="notices.delivered", by=by, project=delivery.project, obj=delivery.notice, channel=delivery.channel,
        on=delivery.received_on.isoformat(), file=delivery.delivery_proof.sha256,
    )  # fmt: skip


def write_note(delivery: Delivery, event: DeliveryTransition.Event, *, by: User, now: datetime, note: str = "") -> None:
    """A row of history beside the states."""
    DeliveryTransition.objects.create(
        delivery=delivery, event=event, from_state=delivery.state, to_state=delivery.state,
        day=timezone.localdate(now), at=now, by=by, note=note[:200],
    )  # fmt: skip


def locked(project: Project, ids: Collection[int]) -> list[Delivery]:
    """Sendings under lock, after their accounts."""
    mine = Delivery.objects.filter(project=project, pk__in=ids)
    lock_accounts(mine.values_list("notice__account_id", flat=True))
    rows = mine.select_related("project", "limitation_proof", "notice__account__unit__building")
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _each(project: Project, ids: Collection[int], act: Callable[[Delivery], None]) -> Outcome:
    """Do ``act`` to each; one that is refused leaves nothing behind and does not stop the others."""
    outcome = Outcome()
    for delivery in locked(project, ids):
        try:
            with transaction.atomic():
                act(delivery)
        except DeliveryRefusedError as error:
            outcome.refused.append((delivery, str(error)))
        except IntegrityError as error:
            if "one_sending_at_a_time" not in str(error):
                raise
            outcome.refused.append((delivery, _("The letter was sent again meanwhile; take that sending back first.")))
        else:
            outcome.done.append(delivery)
    return outcome


def _move(
    delivery: Delivery, to: Delivery.State, *, day: date, by: User, now: datetime, note: str = "", before: str = ""
) -> None:
    source = before or delivery.state
    of_a_slip = to in (State.DISPATCHED, State.POSTED, State.WITHDRAWN)
    fits = of_a_slip if delivery.channel == Channel.DOOR else to != State.POSTED
    if not fits or to not in ALLOWED[State(source)]:
        raise DeliveryRefusedError(_cannot(delivery, to))
    delivery.state, delivery.state_on = to, day
    delivery.save()
    DeliveryTransition.objects.create(
        delivery=delivery, from_state=source, to_state=to, day=day, at=now, by=by, note=note[:200]
    )


def _cannot(delivery: Delivery, to: Delivery.State) -> str:
    return _("It is “%(state)s” and cannot become “%(to)s”.") % {
        "state": delivery.get_state_display(), "to": to.label
    }  # fmt: skip


def _check_day(delivery: Delivery, day: date, *, now: datetime) -> None:
    if day > timezone.localdate(now):
        raise DeliveryRefusedError(_("The day lies in the future."))
    if day < delivery.dispatched_on:
        raise DeliveryRefusedError(
            _("The day lies before the letter was handed in (%(day)s).") % {"day": delivery.dispatched_on}
        )


def _check_fits(delivery: Delivery, proof: Proof) -> None:
    if delivery.state == State.WITHDRAWN:
        raise DeliveryRefusedError(_("This sending was taken back."))
    if (proof is Proof.PHOTO) != (delivery.channel == Channel.DOOR):
        raise DeliveryRefusedError(_("A photo of the door belongs to a slip, and a slip has no other proof."))
    if proof is Proof.POSTING and delivery.channel not in Delivery.NUMBERED:
        raise DeliveryRefusedError(_("What is handed over has no proof of posting."))
    if delivery.state == State.DELIVERED and proof is not Proof.RETURN:
        raise DeliveryRefusedError(_("The letter is delivered; its evidence stays. Take the delivery back first."))


def _before_receipt(delivery: Delivery) -> Delivery.State:
    return State.IN_TRANSIT if delivery.channel in Delivery.NUMBERED else State.DISPATCHED
