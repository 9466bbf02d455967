from django.db import models
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class DailyFigure(models.Model):
    """What a day changed in a project's money of one service year and one sort of unit and fee, in CNY.

    Sums up to a day are the figures as of its end. Derived from the ledger (collection.daily_figures); thrown away and
    made again whenever that has moved.
    """

    project = models.ForeignKey("company.Project", models.CASCADE, related_name="+", db_index=False)
    year = models.SmallIntegerField(_("service year"))
    day = models.DateField()
    usage = models.CharField(max_length=12)
    nature = models.CharField(max_length=12)
    is_developer = models.BooleanField()
    due = models.DecimalField(max_digits=16, decimal_places=2)
    settled = models.DecimalField(max_digits=16, decimal_places=2)
    reduced = models.DecimalField(max_digits=16, decimal_places=2)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "year", "day", "usage", "nature", "is_developer"],
                include=["due", "settled", "reduced"],
                name="daily_figure_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.day}"


class FiguresState(models.Model):
    """How far a project's daily figures have followed the ledger."""

    project = models.OneToOneField("company.Project", models.CASCADE, primary_key=True, related_name="+")
    seen_versions = models.BigIntegerField(help_text=_("Sum of the versions of its accounts when they were made."))
    convention = models.ForeignKey("collection.RateConvention", models.PROTECT, null=True, related_name="+")
    computed_at = models.DateTimeField()

    objects = ProjectScoped.as_manager()

    def __str__(self) -> str:
        return f"{self.project_id} {self.computed_at}"
