"""How a notice left the house and whether it reached the owner: one row for each sending, with its evidence."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import FirmTrigger, freeze
from notices.models.batches import Channel as NoticeChannel
from notices.models.freezing import Fixed, Kept
from owners.models import Address

SPEAKS_OF_DEBT = r"欠|￥|¥|[0-9][0-9,]*\.[0-9]{2}|[0-9]\s*元"
PLAIN_NUMBER = r"^[A-Z0-9]{8,20}$"
MANDATED = """
    SELECT FROM notices_signedscan AS scan
    JOIN notices_notice AS letter ON letter.id = scan.notice_id
    JOIN notices_batch AS batch ON batch.id = letter.batch_id
    JOIN notices_lawfirm AS firm ON firm.id = batch.law_firm_id AND firm.id = scan.law_firm_id
    WHERE scan.notice_id = {notice} AND scan.withdrawn_at IS NULL AND firm.mandate_id IS NOT NULL
    AND (firm.mandated_until IS NULL OR firm.mandated_until >= {day})
"""


class FitsTheLetter(FirmTrigger):
    """A slip goes on the door and nowhere else; a lawyer's letter leaves only signed by a firm with a mandate."""

    name = "fits_the_letter"
    when = pgtrigger.Before
    operation = pgtrigger.Insert
    level = pgtrigger.Row

    def get_func(self, model: type[models.Model]) -> str:
        return f"""
            PERFORM FROM notices_notice AS letter
            WHERE letter.id = NEW.notice_id AND letter.project_id = NEW.project_id
            AND (letter.kind = 'door_slip') = (NEW.channel = 'door');
            IF NOT FOUND THEN
                RAISE EXCEPTION 'this channel is not for this kind of letter' USING ERRCODE = 'check_violation';
            END IF;
            PERFORM FROM notices_notice AS letter WHERE letter.id = NEW.notice_id AND letter.kind = 'lawyer_letter';
            IF FOUND AND NOT EXISTS ({MANDATED.format(notice="NEW.notice_id", day="NEW.dispatched_on")}) THEN
                RAISE EXCEPTION 'a lawyer letter needs the scan signed by a firm with a mandate'
                USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """


class DeliveryQuerySet(LedgerScoped["Delivery"]):
    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.exclude(state=Delivery.State.WITHDRAWN)

    def failed(self) -> Self:
        """Those after which a letter can be sent again: returned, lost, or taken in by somebody who does not count."""
        taken_in = Q(state=Delivery.State.SIGNED, receiver__in=Delivery.NOT_COUNTING)
        return self.filter(Q(state__in=Delivery.BACK) | taken_in)

    def by_ems(self) -> Self:
        return self.standing().filter(channel=Delivery.Channel.EMS)

    def without_number(self) -> Self:
        """EMS items whose waybill is not entered."""
        return self.by_ems().filter(tracking_number="").exclude(state__in=Delivery.BACK)

    def without_proof(self) -> Self:
        """Demands that somebody signed for whose evidence is not complete, and slips without a photo."""
        signed = Q(state=Delivery.State.SIGNED) & ~Q(receiver__in=Delivery.NOT_COUNTING)
        slip = Q(channel=Delivery.Channel.DOOR, state=Delivery.State.DISPATCHED)
        return self.filter(signed | slip)


class Delivery(models.Model):
    """One sending of a notice. It is ``delivered`` only with its whole evidence, and then holds the limitation proof.

    ``signed``: somebody signed for it, which alone proves nothing to a court.
    """

    Channel = NoticeChannel

    class State(models.TextChoices):
        DISPATCHED = "dispatched", _("handed in")
        IN_TRANSIT = "in_transit", _("in transit")
        SIGNED = "signed", _("signed for")
        DELIVERED = "delivered", _("delivered with proof")
        RETURNED = "returned", _("returned")
        LOST = "lost", _("lost")
        POSTED = "posted", _("posted on the door")
        WITHDRAWN = "withdrawn", _("taken back")

    class Receiver(models.TextChoices):
        SELF = "self", _("the owner")
        FAMILY = "family", _("adult family member of the household")
        MAIL_ROOM = "mail_room", _("mail room of the owner's organisation")
        FRONT_DESK = "front_desk", _("front desk of the property service")
        LOCKER = "locker", _("parcel locker or station")
        OTHER = "other", _("somebody else")

    class ReturnReason(models.TextChoices):
        UNKNOWN = "unknown", _("no such person")
        REFUSED = "refused", _("refused")
        MOVED = "moved", _("moved, new address unknown")
        UNCLAIMED = "unclaimed", _("not collected in time")
        BAD_ADDRESS = "bad_address", _("address incomplete")
        OTHER = "other", _("another reason")

    UNDER_WAY = (State.DISPATCHED, State.IN_TRANSIT)
    BACK = (State.RETURNED, State.LOST)
    COUNTING = (Receiver.SELF, Receiver.FAMILY, Receiver.MAIL_ROOM)
    NOT_COUNTING = (Receiver.FRONT_DESK, Receiver.LOCKER, Receiver.OTHER)
    NUMBERED = (NoticeChannel.EMS, NoticeChannel.POST)
    BAD_ADDRESS_REASONS = (
        ReturnReason.UNKNOWN, ReturnReason.MOVED, ReturnReason.UNCLAIMED, ReturnReason.BAD_ADDRESS, ReturnReason.OTHER
    )  # fmt: skip

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    notice = models.ForeignKey("notices.Notice", models.PROTECT, related_name="deliveries")
    channel = models.CharField(_("channel"), max_length=8, choices=NoticeChannel)
    address_kind = models.CharField(_("sent to"), max_length=8, choices=Address.Kind, default=Address.Kind.ON_SITE)
    dispatched_on = models.DateField(_("handed in on"))
    dispatched_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    tracking_number = models.CharField(_("tracking number"), max_length=20, blank=True)
    numbered_at = models.DateTimeField(null=True, blank=True)
    numbered_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    contents = models.CharField(_("contents line"), max_length=80, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DISPATCHED)
    state_on = models.DateField(_("state since"))
    received_on = models.DateField(_("received on"), null=True, blank=True)
    receiver = models.CharField(_("received by"), max_length=10, choices=Receiver, blank=True)
    receiver_name = models.CharField(_("name of who received it"), max_length=60, blank=True)
    returned_on = models.DateField(_("returned on"), null=True, blank=True)
    return_reason = models.CharField(_("why it came back"), max_length=12, choices=ReturnReason, blank=True)
    posting_proof = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    delivery_proof = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    return_proof = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    photo = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    limitation_proof = models.OneToOneField(
        "arrears.LimitationProof", models.PROTECT, null=True, blank=True, related_name="delivery"
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        triggers = [
            Kept(name="kept"),
            FitsTheLetter(),
            Fixed(
                name="sending",
                fields=("project", "notice", "channel", "dispatched_on", "dispatched_by", "recorded_at"),
            ),
            Fixed(
                name="evidence",
                fields=(
                    "contents", "tracking_number", "posting_proof", "delivery_proof", "received_on", "receiver",
                    "receiver_name", "limitation_proof",
                ),
                after="OLD.state = 'delivered' AND NEW.state = 'delivered'",
            ),
            Fixed(name="withdrawal", fields=("state", "tracking_number"), after="OLD.state = 'withdrawn'"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["notice"],
                condition=~Q(state__in=["returned", "lost", "withdrawn"])
                & ~Q(state="signed", receiver__in=["front_desk", "locker", "other"]),
                name="one_sending_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["project", "tracking_number"],
                condition=~Q(tracking_number="") & ~Q(state="withdrawn"),
                name="tracking_number_unique",
            ),
            models.CheckConstraint(
                condition=Q(tracking_number="")
                | Q(channel__in=["ems", "post"], tracking_number__regex=PLAIN_NUMBER, numbered_at__isnull=False),
                name="tracking_number_of_post",
            ),
            models.CheckConstraint(condition=~Q(contents__regex=SPEAKS_OF_DEBT), name="contents_tell_no_debt"),
            models.CheckConstraint(
                condition=~Q(state="delivered", channel="ems")
                | (~Q(contents="") & ~Q(tracking_number="") & Q(posting_proof__isnull=False)),
                name="ems_delivered_with_waybill",
            ),
            models.CheckConstraint(
                condition=~Q(state="delivered", channel="post") | Q(posting_proof__isnull=False),
                name="post_delivered_with_posting",
            ),
            models.CheckConstraint(
                condition=~Q(state="delivered")
                | Q(
                    delivery_proof__isnull=False,
                    received_on__isnull=False,
                    receiver__in=["self", "family", "mail_room"],
                ),
                name="delivered_with_proof",
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", limitation_proof__isnull=False)
                | (~Q(state="delivered") & Q(limitation_proof__isnull=True)),
                name="delivered_restarts_the_clock",
            ),
            models.CheckConstraint(
                condition=Q(channel="door", state__in=["dispatched", "posted", "withdrawn"])
                | (~Q(channel="door") & ~Q(state="posted")),
                name="slip_is_no_delivery",
            ),
            models.CheckConstraint(condition=~Q(state="posted") | Q(photo__isnull=False), name="posted_with_photo"),
            models.CheckConstraint(
                condition=~Q(state="signed") | Q(received_on__isnull=False), name="signed_says_which_day"
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | (Q(returned_on__isnull=False) & ~Q(return_reason="")),
                name="returned_says_why",
            ),
            models.CheckConstraint(
                condition=(Q(received_on__isnull=True) | Q(received_on__gte=F("dispatched_on")))
                & (Q(returned_on__isnull=True) | Q(returned_on__gte=F("dispatched_on"))),
                name="arrives_after_it_left",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "channel", "state"], name="delivery_of_channel"),
            models.Index(fields=["project", "dispatched_on"], name="delivery_of_day"),
            models.Index(fields=["numbered_by", "numbered_at"], name="delivery_numbered"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.get_channel_display()}"

    @property
    def counts(self) -> bool:
        """Whether who received it stands for the owner."""
        return self.receiver in self.COUNTING

    @property
    def has_failed(self) -> bool:
        """Whether the letter can be sent again."""
        return self.state in self.BACK or (self.state == self.State.SIGNED and self.receiver in self.NOT_COUNTING)

    @property
    def may_be_taken_back(self) -> bool:
        """Whether nothing speaks for its having been sent: no number, no proof, no news."""
        proofs = (self.posting_proof_id, self.delivery_proof_id, self.return_proof_id)
        return self.state == self.State.DISPATCHED and not self.tracking_number and not any(proofs)

    @property
    def lacks_number(self) -> bool:
        return self.channel == self.Channel.EMS and not self.tracking_number and self.state not in self.BACK

    @property
    def spaced_number(self) -> str:
        """``1099001234216`` as ``1099 0012 3421 6``."""
        number = self.tracking_number
        return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


class DeliveryTransition(models.Model):
    """History of a sending: its states, and what was entered or taken away. ``note``: a number, a file, a reason."""

    class Event(models.TextChoices):
        MOVED = "moved", _("state changed")
        NUMBERED = "numbered", _("number entered")
        NUMBER_REMOVED = "number_removed", _("number taken away")
        PROOF_ADDED = "proof_added", _("proof added")
        CONTENTS_CHANGED = "contents_changed", _("contents line changed")

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="transitions")
    event = models.CharField(max_length=16, choices=Event, default=Event.MOVED)
    from_state = models.CharField(max_length=10, choices=Delivery.State, blank=True)
    to_state = models.CharField(max_length=10, choices=Delivery.State)
    day = models.DateField(help_text=_("The day on which it happened, which may lie before it was recorded."))
    at = models.DateTimeField()
    by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
