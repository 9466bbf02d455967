from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped


class TrackingList(models.Model):
    """An uploaded list of waybills. What it would enter is worked out anew for each look at it, until it is posted."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("to be checked")
        POSTED = "posted", _("entered")
        CANCELLED = "cancelled", _("given up")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    file = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    file_name = models.CharField(_("file"), max_length=255)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UPLOADED)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    posted_at = models.DateTimeField(null=True, blank=True)
    posted_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    numbers = models.PositiveIntegerField(_("numbers entered"), default=0)
    states = models.PositiveIntegerField(_("states entered"), default=0)

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="posted", posted_at__isnull=False, posted_by__isnull=False)
                | (~Q(state="posted") & Q(posted_at__isnull=True, posted_by__isnull=True)),
                name="posted_list_says_who_and_when",
            )
        ]

    def __str__(self) -> str:
        return self.file_name
