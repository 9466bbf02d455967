from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Q

from company.scoping import ProjectScoped


class TeamArea(models.Model):
    """A building whose units, paid or not, a team answers for from a day on (责任区, rates.md).

    ``member``: who of the team answers for it, where one person does.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    building = models.ForeignKey("owners.Building", models.PROTECT, related_name="+")
    team = models.ForeignKey("collection.Team", models.PROTECT, related_name="areas")
    member = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            ExclusionConstraint(
                name="a_building_is_of_one_area",
                expressions=[
                    (models.Func(F("building"), F("building"), models.Value("[]"), function="int8range"), "&&"),
                    (models.Func(F("starts_on"), F("ends_on"), function="daterange"), "&&"),
                ],
            ),
            models.CheckConstraint(condition=Q(ends_on=None) | Q(ends_on__gt=F("starts_on")), name="area_lasts_a_day"),
        ]
