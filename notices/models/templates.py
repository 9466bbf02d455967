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


class NoticeTemplate(models.Model):
    """One version of the text of a kind of notice. An approved version never changes; the next edit is a new one."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        RETIRED = "retired", _("retired")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="notice_templates")
    kind = models.CharField(_("kind"), max_length=16, choices=NoticeKind)
    version = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "kind", "-version"]
        triggers = [
            Fixed(name="approved_text", fields=("body", "kind", "version", "project"), after="OLD.state <> 'draft'")
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
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.version}"
