from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class ShiftQuerySet(ProjectScoped["RosterShift"]):
    project_path = "campaign__project"


class RosterShift(models.Model):
    """One person on duty for some hours of a day of a campaign."""

    campaign = models.ForeignKey("collection.Campaign", models.CASCADE, related_name="shifts")
    user = models.ForeignKey("company.User", models.PROTECT, related_name="roster_shifts")
    day = models.DateField(_("day"))
    duty_from = models.TimeField(_("on duty from"))
    duty_until = models.TimeField(_("on duty until"))
    set_at = models.DateTimeField()
    set_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ShiftQuerySet.as_manager()

    class Meta:
        ordering = ["day", "duty_from", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(duty_until__gt=F("duty_from")), name="shift_ends_after_it_begins"),
            models.UniqueConstraint(fields=["campaign", "user", "day", "duty_from"], name="shift_once"),
        ]
        indexes = [models.Index(fields=["user", "day"], name="shift_of_person")]

    def __str__(self) -> str:
        return f"{self.day} {self.duty_from:%H:%M}–{self.duty_until:%H:%M} {self.user}"
