from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped
from owners.personal_data import EncryptedTextField


class Owner(models.Model):
    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        ORGANISATION = "organisation", _("organisation")
        DEVELOPER = "developer", _("developer")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="owners")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PERSON)
    name = models.CharField(_("name"), max_length=120)
    pinyin_initials = models.CharField(max_length=120, blank=True, editable=False)
    id_number = EncryptedTextField(_("ID number"), blank=True, default="")
    id_number_hash = models.CharField(max_length=64, blank=True, editable=False, db_index=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "pinyin_initials"], name="owner_initials"),
            models.Index(fields=["project", "name"], name="owner_name"),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="owner_has_name")]

    def __str__(self) -> str:
        return self.name


class Ownership(models.Model):
    """Who owned a unit in which period, as one party: a person, an organisation, or all co-owners together.

    A party without members stands for an owner who is not known yet. Periods of one unit never overlap.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    unit = models.ForeignKey("owners.Unit", models.PROTECT, related_name="ownerships")
    owners = models.ManyToManyField(Owner, through="OwnershipMember", related_name="ownerships")
    period = DateRangeField(_("period of ownership"), help_text=_("Unbounded where a side is not known."))
    party_name = models.CharField(_("owners"), max_length=400, blank=True, help_text=_("Co-owners joined by 、"))

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="ownership_no_overlap",
                expressions=[
                    (
                        models.Func(models.F("unit"), models.F("unit"), models.Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=models.Q(period__isempty=False), name="ownership_period_not_empty"),
        ]

    def __str__(self) -> str:
        return self.party_name


class OwnershipMember(models.Model):
    ownership = models.ForeignKey(Ownership, models.CASCADE, related_name="members")
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="memberships")
    position = models.PositiveSmallIntegerField(default=0)
    share = models.CharField(_("share"), max_length=20, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["ownership", "owner"], name="ownership_member_unique")]


class Occupant(models.Model):
    """A tenant or relative living in the unit. The owner stays liable whoever has agreed to pay."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    unit = models.ForeignKey("owners.Unit", models.CASCADE, related_name="occupants")
    name = models.CharField(_("name"), max_length=120)
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    phone_last4 = models.CharField(max_length=4, blank=True)
    pays_by_agreement = models.BooleanField(_("pays by agreement"), default=False)
    agreement = models.CharField(_("agreement"), max_length=400, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    def __str__(self) -> str:
        return self.name
