from django.db import models
from django.db.models import Q

from collection.models.campaigns import TargetClass
from company.freezing import freeze
from company.scoping import ProjectScoped


class RateSnapshot(models.Model):
    """A class's rates as of the end of ``day`` as they were known at ``taken_at``; what is posted later changes no row.

    Amounts in CNY; ``_part`` of ``_whole`` is the rate. The accounting view leaves nobody out.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    day = models.DateField()
    target_class = models.CharField(max_length=24, choices=TargetClass)
    convention = models.ForeignKey("collection.RateConvention", models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField()
    current_part = models.DecimalField(max_digits=16, decimal_places=2)
    current_whole = models.DecimalField(max_digits=16, decimal_places=2)
    accounting_part = models.DecimalField(max_digits=16, decimal_places=2)
    accounting_whole = models.DecimalField(max_digits=16, decimal_places=2)
    prior_part = models.DecimalField(max_digits=16, decimal_places=2)
    prior_whole = models.DecimalField(max_digits=16, decimal_places=2)
    units_part = models.PositiveIntegerField()
    units_whole = models.PositiveIntegerField()
    excluded_accounts = models.PositiveIntegerField()
    excluded_due = models.DecimalField(max_digits=16, decimal_places=2)

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["day", "pk"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "day", "target_class"], name="rate_snapshot_once"),
            models.CheckConstraint(
                condition=Q(target_class__in=TargetClass.values), name="rate_snapshot_of_a_known_class"
            ),
        ]
