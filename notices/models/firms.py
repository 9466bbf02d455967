from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class LawFirmQuerySet(ProjectScoped["LawFirm"]):
    def mandated(self, *, on: date) -> Self:
        """Firms whose mandate is on file and valid on that day."""
        return self.filter(Q(mandated_until__isnull=True) | Q(mandated_until__gte=on), mandate__isnull=False)


class LawFirm(models.Model):
    """The firm whose letters a project sends. A letter needs its mandate on file (Lawyers Act 13 and 25)."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="law_firms")
    name = models.CharField(_("law firm"), max_length=120)
    lawyer = models.CharField(_("lawyer"), max_length=60)
    lawyer_phone = models.CharField(_("phone of the lawyer"), max_length=40)
    mandate = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    mandated_until = models.DateField(_("mandate until"), null=True, blank=True)

    objects = LawFirmQuerySet.as_manager()

    class Meta:
        ordering = ["project", "name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="law_firm_name_unique")]

    def __str__(self) -> str:
        return self.name

    def is_mandated(self, *, on: date) -> bool:
        return self.mandate_id is not None and (self.mandated_until is None or self.mandated_until >= on)
