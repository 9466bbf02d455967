from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped
from notices.models.freezing import Fixed, Kept


class ImagePurpose(models.TextChoices):
    LETTERHEAD = "letterhead", _("letterhead")
    SEAL = "seal", _("seal")
    SIGNATURE = "signature", _("signature")
    PAYMENT = "payment", _("code for paying")


class PrintImage(models.Model):
    """What a project's documents show beside their text; used once somebody else has approved it.

    A code for paying is a picture or the address that we make the code of. Rows stay: letters name the picture that
    they were confirmed with.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for approval")
        APPROVED = "approved", _("in use")
        RETIRED = "retired", _("not used any more")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="print_images")
    purpose = models.CharField(_("purpose"), max_length=10, choices=ImagePurpose)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PROPOSED)
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    link = models.CharField(_("address to pay at"), max_length=300, blank=True)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "purpose", "-pk"]
        triggers = [
            Kept(name="kept"),
            Fixed(name="picture", fields=("project", "purpose", "file", "link", "uploaded_at", "uploaded_by")),
            Fixed(name="retired_image", fields=("state",), after="OLD.state = 'retired'"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "purpose"], condition=Q(state="approved"), name="one_image_in_use"
            ),
            models.UniqueConstraint(
                fields=["project", "purpose"], condition=Q(state="proposed"), name="one_image_proposed"
            ),
            models.CheckConstraint(
                condition=Q(file__isnull=False, link="") | (Q(file__isnull=True, purpose="payment") & ~Q(link="")),
                name="image_is_a_file_or_an_address",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(approved_at__isnull=False, approved_by__isnull=False),
                name="image_in_use_says_who_approved",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("uploaded_by")),
                name="image_not_self_approved",
            ),
            models.CheckConstraint(
                condition=Q(state="retired", retired_at__isnull=False)
                | (~Q(state="retired") & Q(retired_at__isnull=True)),
                name="retired_image_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.get_purpose_display()
