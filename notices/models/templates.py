from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped
from notices.models.freezing import Fixed


class NoticeKind(models.TextChoices):
    LAWYER_LETTER = "lawyer_letter", _("lawyer letter")
    EMS_NOTICE = "ems_notice", _("EMS notice")
    FEE_NOTICE = "fee_notice", _("fee notice")
    DOOR_SLIP = "door_slip", _("door slip")


class PublicKind(models.TextChoices):
    """Documents to all: they name no unit and no owner."""

    ANNOUNCEMENT = "announcement", _("public announcement")
    FEE_SHEET = "fee_sheet", _("sheet on what the fee pays for")


class SlipPaper(models.TextChoices):
    """How door slips come out of the printer."""

    A6 = "a6", _("A6, four on a sheet of A4")
    A5 = "a5", _("A5, two on a sheet of A4")
    FOLDED = "folded", _("A4, folded, with the fees inside")


class NoticeTemplate(models.Model):
    """One version of the text of a kind of notice. An approved version never changes; the next edit is a new one."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        RETIRED = "retired", _("retired")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="notice_templates")
    kind = models.CharField(_("kind"), max_length=16, choices=[*NoticeKind.choices, *PublicKind.choices])
    version = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    body = models.TextField(_("text"))
    paper = models.CharField(
        _("paper"),
        max_length=8,
        choices=SlipPaper,
        blank=True,
        help_text=_("Of door slips, A6 unless chosen; all else is A4."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "kind", "-version"]
        triggers = [
            Fixed(
                name="approved_text",
                fields=("body", "paper", "kind", "version", "project"),
                after="OLD.state <> 'draft'",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "version"], name="template_version_unique"),
            models.UniqueConstraint(
                fields=["project", "kind"], condition=Q(state="approved"), name="one_approved_template"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(approved_at__isnull=False, approved_by__isnull=False),
                name="template_approval_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | Q(created_by__isnull=True) | ~Q(approved_by=F("created_by")),
                name="template_not_self_approved",
            ),
            models.CheckConstraint(
                condition=Q(paper="") | Q(kind="door_slip", paper__in=["a6", "a5", "folded"]),
                name="template_paper_of_slips_only",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.version}"
