from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.freezing import freeze
from company.scoping import ProjectScoped

MOST_TOLERANCE, MOST_CLOSING_DAYS = 100, 60


class Attribution(models.TextChoices):
    """Which year a charge belongs to: that in which its service period begins, or that of its due date."""

    SERVICE_PERIOD = "service_period", _("by service period")
    DUE_DATE = "due_date", _("by due date")


class Reductions(models.TextChoices):
    """Waivers and vacancy reductions; ``IGNORED`` is the strictest."""

    DEDUCTED = "deducted", _("taken off what is due")
    AS_COLLECTED = "as_collected", _("counted as collected")
    IGNORED = "ignored", _("not taken into account")


class Parking(models.TextChoices):
    APART = "apart", _("a class of its own")
    WITH_RESIDENTIAL = "with_residential", _("with the residential property fee")
    OFF = "off", _("in no class")


class RecoveryBase(models.TextChoices):
    """Since when money on earlier years counts as recovered."""

    YEAR_START = "year_start", _("1 January")
    CAMPAIGN_START = "campaign_start", _("start of the campaign")


class QuotaBy(models.TextChoices):
    """What a team answers for: its cases, with the target converted, or the buildings of its area, paid or not."""

    CASES = "cases", _("their cases, with the target converted")
    AREAS = "areas", _("the buildings of their area, at the plain rate")


class RateConvention(models.Model):
    """How a project counts its rates (rates.md), one row a change; the highest number is in force."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    attribution = models.CharField(
        _("a charge belongs to a year"), max_length=16, choices=Attribution, default=Attribution.SERVICE_PERIOD
    )
    whole_year = models.BooleanField(
        _("due is the whole year's"), default=False, help_text=_("Off: only what has fallen due by the day.")
    )
    reductions = models.CharField(
        _("waivers and vacancy reductions"), max_length=16, choices=Reductions, default=Reductions.DEDUCTED
    )
    shows_prepaid = models.BooleanField(_("show what is paid ahead beside the rate"), default=False)
    includes_developer = models.BooleanField(
        _("the developer counts like an owner"), default=False, help_text=_("Off: it stands in a line of its own.")
    )
    parking = models.CharField(_("parking fees"), max_length=16, choices=Parking, default=Parking.APART)
    tolerance = models.DecimalField(
        _("settled if not more is owed than (CNY)"), max_digits=6, decimal_places=2, default=Decimal(0),
        help_text=_("For the unit rate only."),
    )  # fmt: skip
    recovery_base = models.CharField(
        _("earlier years count as recovered from"), max_length=16, choices=RecoveryBase, default=RecoveryBase.YEAR_START
    )
    counts_late_prior = models.BooleanField(_("earlier years' charges posted later are added"), default=True)
    closing_days = models.PositiveSmallIntegerField(
        _("days for posting after a closing"), default=5,
        help_text=_("Money received by the closing day counts if it is posted within so many days."),
    )  # fmt: skip
    quota_by = models.CharField(_("teams are judged by"), max_length=8, choices=QuotaBy, default=QuotaBy.CASES)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-number"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="rate_convention_numbered"),
            models.CheckConstraint(
                condition=Q(tolerance__gte=0, tolerance__lte=MOST_TOLERANCE), name="rate_convention_tolerance_small"
            ),
            models.CheckConstraint(
                condition=Q(closing_days__lte=MOST_CLOSING_DAYS), name="rate_convention_closing_days_few"
            ),
            models.CheckConstraint(
                condition=Q(
                    attribution__in=Attribution.values,
                    reductions__in=Reductions.values,
                    parking__in=Parking.values,
                    recovery_base__in=RecoveryBase.values,
                    quota_by__in=QuotaBy.values,
                ),
                name="rate_convention_choices_known",
            ),
        ]
