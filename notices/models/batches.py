from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from notices.models.templates import NoticeKind


class Channel(models.TextChoices):
    """How a notice is to reach its owner. Kind and channel are two things: a demand may go by each but the door."""

    EMS = "ems", _("EMS")
    BY_HAND = "by_hand", _("by hand with signature")
    POST = "post", _("post")
    DOOR = "door", _("slip on the door")

    @property
    def needs_address(self) -> bool:
        return self in {Channel.EMS, Channel.POST}


class Batch(models.Model):
    """Notices confirmed together. Their data and numbers are fixed at confirmation, the worker makes the files."""

    class State(models.TextChoices):
        RENDERING = "rendering", _("being made")
        READY = "ready", _("made")
        STOPPED = "stopped", _("stopped")
        CANCELLED = "cancelled", _("cancelled")

    class Order(models.TextChoices):
        ROUND = "round", _("in round order")
        ADDRESS = "address", _("by address")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="notice_batches")
    kind = models.CharField(_("kind"), max_length=16, choices=NoticeKind)
    sequence = models.PositiveIntegerField(_("number"))
    template = models.ForeignKey("notices.NoticeTemplate", models.PROTECT, related_name="batches")
    law_firm = models.ForeignKey("notices.LawFirm", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RENDERING)
    occasion = models.CharField(_("occasion"), max_length=80)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.BY_HAND)
    in_order = models.CharField(_("order"), max_length=8, choices=Order, default=Order.ROUND)
    data_until = models.DateField(_("data until"))
    issue_on = models.DateField(_("dated"))
    deadline_on = models.DateField(_("deadline"))
    left_out = models.JSONField(default=list, help_text=_("Accounts that were chosen and left out, with the reason."))
    merged_file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    zip_file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    labels_file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    bundling_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when a worker puts the files together.")
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    cancel_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "sequence"], name="batch_sequence_unique"),
            models.CheckConstraint(condition=Q(deadline_on__gt=models.F("issue_on")), name="deadline_after_issue"),
            models.CheckConstraint(
                condition=Q(state="ready", finished_at__isnull=False)
                | (~Q(state="ready") & Q(finished_at__isnull=True)),
                name="ready_batch_says_when",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="cancelled", cancelled_at__isnull=False, cancelled_by__isnull=False)
                    & ~Q(cancel_reason="")
                    & Q(merged_file__isnull=True, zip_file__isnull=True)
                )
                | (~Q(state="cancelled") & Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")),
                name="cancelled_batch_says_who_and_why",
            ),
        ]
        indexes = [models.Index(fields=["state"], condition=Q(state="rendering"), name="batch_unfinished")]

    def __str__(self) -> str:
        return gettext("%(kind)s, batch %(number)s") % {"kind": self.get_kind_display(), "number": self.sequence}
