from django.db import models
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class Building(models.Model):
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="buildings")
    phase = models.ForeignKey("company.Phase", models.PROTECT, null=True, blank=True, related_name="buildings")
    name = models.CharField(_("building"), max_length=40)
    sort_key = models.CharField(max_length=80, editable=False)

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "sort_key"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="building_name_unique")]

    def __str__(self) -> str:
        return self.name


class Unit(models.Model):
    """A flat, shop or parking space. ``code`` is canonical (``1-2-1001``) and made by owners.unit_codes."""

    class Usage(models.TextChoices):
        RESIDENTIAL = "residential", _("residential")
        COMMERCIAL = "commercial", _("commercial")
        PARKING = "parking", _("parking")
        OTHER = "other", _("other")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="units")
    building = models.ForeignKey(Building, models.PROTECT, related_name="units")
    entrance = models.CharField(_("entrance"), max_length=20, blank=True)
    floor = models.SmallIntegerField(_("floor"), null=True, blank=True)
    room = models.CharField(_("room"), max_length=40)
    code = models.CharField(_("unit code"), max_length=80)
    usage = models.CharField(_("usage"), max_length=12, choices=Usage, default=Usage.RESIDENTIAL)
    area = models.DecimalField(_("area (㎡)"), max_digits=9, decimal_places=2, null=True, blank=True)
    is_vacant = models.BooleanField(_("vacant"), default=False)
    sort_key = models.CharField(max_length=120, editable=False)

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["project", "sort_key"]
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="unit_code_unique"),
            models.CheckConstraint(
                condition=models.Q(area__isnull=True) | models.Q(area__gt=0), name="unit_area_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "sort_key"], name="unit_walking_order"),
            models.Index(
                fields=["project", "code"], name="unit_code_prefix", opclasses=["int8_ops", "varchar_pattern_ops"]
            ),
            models.Index(fields=["project", "room"], name="unit_room"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """``8栋2单元1203室`` as letters and pages write it."""
        entrance = f"{self.entrance}单元" if self.entrance else ""
        room = f"{self.room}室" if self.room[-1:].isdigit() and self.usage == self.Usage.RESIDENTIAL else self.room
        return f"{self.building.name}{entrance}{room}"


class UnitAlias(models.Model):
    """Another way in which sheets write a unit: an old code, the charging system's number. Stored normalised."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=120)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "alias"], name="unit_alias_unique")]
        indexes = [
            models.Index(
                fields=["project", "alias"], name="unit_alias_prefix", opclasses=["int8_ops", "varchar_pattern_ops"]
            )
        ]

    def __str__(self) -> str:
        return self.alias
