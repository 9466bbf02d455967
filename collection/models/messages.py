from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from collection.models.cases import CaseScoped
from company.freezing import freeze
from company.scoping import ProjectScoped


class MessageText(models.Model):
    """One version of what a message to an owner says. Approved by another than who wrote it; the latest approved of a
    kind is in force."""

    class Kind(models.TextChoices):
        FIRST = "first", _("first reminder")
        SECOND = "second", _("second reminder")
        PROMISE = "promise", _("reminder of a promise")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    number = models.PositiveIntegerField(_("version"))
    text = models.CharField(_("text"), max_length=500)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped["MessageText"].as_manager()

    class Meta:
        ordering = ["kind", "-number"]
        triggers = freeze(once=("approved_at", "approved_by"))
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "number"], name="message_text_version_once"),
            models.CheckConstraint(condition=~Q(text=""), name="message_text_says_something"),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by__isnull=True)
                | Q(approved_at__isnull=False, approved_by__isnull=False),
                name="message_approval_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("written_by")),
                name="message_text_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} v{self.number}"


class ContactFileQuerySet(CaseScoped["ContactFile"]):
    case_path = "contact__case"


class ContactFile(models.Model):
    """A picture that shows a contact: the screenshot of a message."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    contact = models.ForeignKey("collection.ContactAttempt", models.PROTECT, related_name="files")
    file = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")

    objects = ContactFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [models.UniqueConstraint(fields=["contact", "file"], name="file_once_per_contact")]
