from calendar import monthrange
from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from company.references import kept_while_named
from company.scoping import ProjectScoped


class FeeType(models.Model):
    class Nature(models.TextChoices):
        PROPERTY = "property", _("property fee")
        WATER = "water", _("water")
        ELECTRICITY = "electricity", _("electricity")
        PARKING = "parking", _("parking")
        OTHER = "other", _("other")

    class Billing(models.TextChoices):
        ADVANCE = "advance", _("in advance")
        ARREARS = "arrears", _("in arrears")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="fee_types")
    name = models.CharField(_("name"), max_length=60)
    nature = models.CharField(_("nature"), max_length=12, choices=Nature)
    is_on_behalf = models.BooleanField(_("collected on behalf of a supplier"), default=False)
    billing = models.CharField(_("billed"), max_length=8, choices=Billing, default=Billing.ARREARS)
    billing_months = models.PositiveSmallIntegerField(_("months a bill covers"), default=1)
    due_day = models.PositiveSmallIntegerField(
        _("due day"), null=True, blank=True, help_text=_("Empty: the last day of the service period.")
    )
    position = models.PositiveSmallIntegerField(default=0)

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "position", "pk"]
        triggers = kept_while_named(("arrears.Charge", "fee_type"))
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="fee_name_unique"),
            models.CheckConstraint(condition=models.Q(billing_months__in=[1, 3, 6, 12]), name="fee_billing_months"),
            models.CheckConstraint(
                condition=models.Q(due_day__isnull=True) | models.Q(due_day__range=(1, 31)), name="fee_due_day"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def due_on(self, period_start: date, period_end: date) -> date:
        """When a bill for this period falls due where nothing is printed.

        On the due day of the period's first month (in advance) or of the month after it (in arrears); without a due
        day on the last day of the period.
        """
        if self.due_day is None:
            return period_end
        month = period_start if self.billing == self.Billing.ADVANCE else period_end.replace(day=28) + timedelta(days=4)
        return month.replace(day=min(self.due_day, monthrange(month.year, month.month)[1]))


class FeeSynonym(models.Model):
    """Another word under which sheets print a fee (管理费 = 物业服务费). Stored normalised."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    fee_type = models.ForeignKey(FeeType, models.CASCADE, related_name="synonyms")
    word = models.CharField(max_length=60)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "word"], name="fee_word_unique")]

    def __str__(self) -> str:
        return self.word
