from django.db import models
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class ServiceContract(models.Model):
    """The contract that letters cite. Without a late-fee clause no late fee is shown anywhere."""

    class Dispute(models.TextChoices):
        COURT = "court", _("court")
        ARBITRATION = "arbitration", _("arbitration")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="contracts")
    name = models.CharField(_("name"), max_length=200)
    signed_on = models.DateField(_("signed on"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    prices = models.TextField(_("prices"), blank=True, help_text=_("As the contract has them, a line for each usage."))
    due_terms = models.CharField(
        _("when fees fall due"), max_length=400, blank=True, help_text=_("As the contract has it; letters can cite it.")
    )
    late_fee_word = models.CharField(_("word for the late fee"), max_length=20, blank=True)
    late_fee_clause = models.TextField(_("late-fee clause"), blank=True)
    dispute = models.CharField(_("disputes go to"), max_length=12, choices=Dispute, default=Dispute.COURT)
    forum = models.CharField(
        _("court or arbitration commission"), max_length=120, blank=True, help_text=_("Its name, if agreed.")
    )
    has_service_address_clause = models.BooleanField(_("address-for-service clause"), default=False)
    scan = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=models.F("starts_on")),
                name="contract_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(late_fee_clause="") | ~models.Q(late_fee_word=""),
                name="contract_names_its_late_fee",
            ),
        ]

    def __str__(self) -> str:
        return self.name
