from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.freezing import freeze
from company.scoping import ProjectScoped
from notices.models.templates import PublicKind


class PublicNotice(models.Model):
    """A numbered announcement or sheet of a project, for all to read. Frozen: its file is added once."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="public_notices")
    kind = models.CharField(_("kind"), max_length=16, choices=PublicKind)
    template = models.ForeignKey("notices.NoticeTemplate", models.PROTECT, related_name="public_notices")
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("document number"), max_length=80)
    issue_on = models.DateField(_("dated"))
    deadline_on = models.DateField(_("deadline"), null=True, blank=True)
    data = models.JSONField(help_text=_("Everything that the document says, as text."))
    content_sha256 = models.CharField(max_length=64, help_text=_("Of the template's text and the data."))
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    file_sha256 = models.CharField(max_length=64, null=True, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-issued_at", "-pk"]
        triggers = freeze(once=("file", "file_sha256", "pages"))
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "year", "sequence"], name="public_number_unique"),
            models.CheckConstraint(
                condition=Q(kind="announcement", deadline_on__gt=models.F("issue_on"))
                | Q(kind="fee_sheet", deadline_on__isnull=True),
                name="announcement_has_a_deadline",
            ),
        ]
        indexes = [models.Index(fields=["project", "-issued_at"], name="public_newest")]

    def __str__(self) -> str:
        return self.number
