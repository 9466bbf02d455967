from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import FirmTrigger, freeze
from company.scoping import ProjectScoped
from notices.models.freezing import Fixed, Kept
from notices.models.templates import NoticeKind


class NumberSequence(models.Model):
    """The last document number of a project, kind and year. Its row is locked while numbers are taken."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=NoticeKind)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    objects = ProjectScoped.as_manager()

    class Meta:
        triggers = [Kept(name="kept")]
        constraints = [models.UniqueConstraint(fields=["project", "kind", "year"], name="number_sequence_unique")]


class NoticeQuerySet(LedgerScoped["Notice"]):
    def unfinished(self) -> Self:
        return self.filter(state__in=Notice.UNFINISHED)

    def in_force(self) -> Self:
        return self.exclude(state=Notice.State.VOID)

    def standing(self) -> Self:
        """Those that are the letter of their account, kind and occasion: neither void nor replaced by a correction."""
        return self.in_force().filter(superseded=False)

    def undispatched(self) -> Self:
        """Those that a posting can still void."""
        return self.exclude(state__in=[Notice.State.VOID, Notice.State.DISPATCHED])

    def behind_the_ledger(self) -> Self:
        """Undispatched notices on whose account something was posted since their data were taken.

        One that the ledger had overtaken when it was out is behind too, should its dispatch be taken back.
        """
        moved = Q(account__version__gt=F("seen_version")) | Q(overtaken_at__isnull=False)
        return self.undispatched().filter(moved)

    def sent_behind_the_ledger(self) -> Self:
        """Dispatched notices on whose account something was posted since they were last looked at."""
        return self.filter(state=Notice.State.DISPATCHED, account__version__gt=F("seen_version"))


class SentOnRecord(FirmTrigger):
    """A letter is ``dispatched`` only with a row that says how it left the house."""

    name = "sent_on_record"
    when = pgtrigger.Before
    operation = pgtrigger.UpdateOf("state")
    level = pgtrigger.Row

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF NEW.state = 'dispatched' AND OLD.state <> 'dispatched' AND NOT EXISTS (
                SELECT FROM notices_delivery WHERE notice_id = NEW.id AND state <> 'withdrawn'
            ) THEN
                RAISE EXCEPTION 'a letter leaves the house with a delivery only' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """


class Notice(models.Model):
    """One letter to one account. ``data`` is frozen when the batch is confirmed, the file when it is made."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RENDERING = "rendering", _("being made")
        ISSUED = "issued", _("made")
        DISPATCHED = "dispatched", _("sent")
        FAILED = "failed", _("failed")
        VOID = "void", _("void")

    class Failure(models.TextChoices):
        MISSING_GLYPH = "missing_glyph", _("the font has no such character")
        TOO_LONG = "too_long", _("took longer than allowed to make")
        CRASHED = "crashed", _("could not be made")
        INTERRUPTED = "interrupted", _("interrupted too often")

    class VoidReason(models.TextChoices):
        LEDGER_CHANGED = "ledger_changed", _("a listed charge changed before dispatch")
        CANCELLED = "cancelled", _("cancelled before it was made")
        BATCH_CANCELLED = "batch_cancelled", _("the batch was cancelled")
        CORRECTED = "corrected", _("replaced by a correction")

    UNFINISHED = (State.QUEUED, State.RENDERING)

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="notices")
    batch = models.ForeignKey("notices.Batch", models.PROTECT, related_name="notices")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="notices")
    kind = models.CharField(_("kind"), max_length=16, choices=NoticeKind)
    occasion = models.CharField(_("occasion"), max_length=80)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("document number"), max_length=80)
    position = models.PositiveIntegerField(help_text=_("Place in round order within the batch."))
    data = models.JSONField(help_text=_("Everything that the document says, as text."))
    principal = models.DecimalField(_("principal"), max_digits=14, decimal_places=2)
    charge_ids = models.JSONField(help_text=_("The charges that the document lists."))
    content_sha256 = models.CharField(max_length=64, help_text=_("Of the template's text and the data."))
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    file_sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(_("reason of the failure"), max_length=16, choices=Failure, blank=True)
    failure_detail = models.CharField(max_length=200, blank=True)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections",
        help_text=_("The letter that this one names and takes the place of."),
    )  # fmt: skip
    superseded = models.BooleanField(default=False, help_text=_("It was sent, and a correction has taken its place."))
    overtaken_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when charges that a sent letter lists are settled otherwise.")
    )
    seen_version = models.BigIntegerField(help_text=_("Version of the account that the data were taken at."))
    void_reason = models.CharField(_("reason for voiding"), max_length=16, choices=VoidReason, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["batch", "position"]
        triggers = [
            Kept(name="kept"),
            SentOnRecord(),
            Fixed(
                name="content",
                fields=(
                    "project", "batch", "account", "kind", "occasion", "year", "sequence", "number", "position",
                    "data", "principal", "charge_ids", "content_sha256", "corrects",
                ),
            ),
            Fixed(name="file", fields=("file", "file_sha256", "pages", "issued_at"), after="OLD.file_sha256 <> ''"),
            Fixed(name="void_state", fields=("state", "void_reason"), after="OLD.state = 'void'"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "occasion"],
                condition=~Q(state="void") & Q(superseded=False),
                name="one_letter_per_occasion",
            ),
            models.UniqueConstraint(fields=["corrects"], condition=~Q(state="void"), name="corrected_once"),
            models.UniqueConstraint(fields=["project", "kind", "year", "sequence"], name="document_number_unique"),
            models.CheckConstraint(condition=Q(principal__gt=0), name="notice_principal_positive"),
            models.CheckConstraint(
                condition=~Q(state__in=["issued", "dispatched"])
                | (Q(file__isnull=False, issued_at__isnull=False) & ~Q(file_sha256="")),
                name="issued_notice_has_its_file",
            ),
            models.CheckConstraint(condition=~Q(state="void") | ~Q(void_reason=""), name="void_notice_says_why"),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(failure=""), name="failed_notice_says_why"),
            models.CheckConstraint(
                condition=Q(state="rendering", claimed_at__isnull=False)
                | (~Q(state="rendering") & Q(claimed_at__isnull=True)),
                name="notice_claimed_while_rendering",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "state", "position"], name="notice_of_batch"),
            models.Index(fields=["account", "kind"], name="notice_of_account"),
            models.Index(fields=["claimed_at"], condition=Q(state="rendering"), name="notice_claimed"),
            models.Index(
                fields=["account"], condition=~Q(state__in=["void", "dispatched"]), name="notice_undispatched"
            ),
            models.Index(fields=["account"], condition=Q(state="dispatched"), name="notice_sent"),
        ]

    def __str__(self) -> str:
        return self.number


class NoticeTransition(models.Model):
    """History of a notice's states."""

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=10, choices=Notice.State, blank=True)
    to_state = models.CharField(max_length=10, choices=Notice.State)
    at = models.DateTimeField()
    by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
