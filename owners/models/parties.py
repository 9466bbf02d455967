from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped
from owners.personal_data import EncryptedTextField, mask_phone


class SignsOfName(models.Func):
    """The characters of an owner's name, and the project as one more: an index over it finds any part of a name.

    The expression of the index and of the search must be the same, so it takes no arguments.
    """

    template = "array_append(regexp_split_to_array(owners_owner.name::text, ''), '#' || owners_owner.project_id::text)"
    output_field: models.Field[Any, Any] = ArrayField(models.TextField())

    @staticmethod
    def wanted(project_id: int, part: str) -> list[str]:
        """What a row must hold to have ``part`` in its name; the order of the characters is still to be checked."""
        return [*sorted(set(part)), f"#{project_id}"]


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
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged_rows",
        help_text=_("The row that stands for this person since the two were merged."),
    )  # fmt: skip

    objects = ProjectScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "pinyin_initials"], name="owner_initials_prefix",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
            models.Index(fields=["project", "name"], name="owner_name"),
            GinIndex(SignsOfName(), name="owner_name_signs"),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="owner_has_name"),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | ~models.Q(merged_into=models.F("id")),
                name="owner_not_merged_into_itself",
            ),
        ]

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

    @property
    def phone_masked(self) -> str:
        return mask_phone(self.phone)


class PersonMerge(models.Model):
    """That two rows of owners are one person, said by whom and why; ``moved`` is what taking it back needs."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    kept = models.ForeignKey(Owner, models.PROTECT, related_name="merges")
    merged = models.ForeignKey(Owner, models.PROTECT, related_name="+")
    moved = models.JSONField(default=dict, help_text=_("Ids of the rows that changed hands."))
    at = models.DateTimeField(_("merged at"))
    by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    undone_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merged"], condition=models.Q(undone_at__isnull=True), name="merged_once_at_a_time"
            ),
            models.CheckConstraint(condition=~models.Q(kept=models.F("merged")), name="merge_of_two_rows"),
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True, undone_by__isnull=True)
                | models.Q(undone_at__isnull=False, undone_by__isnull=False),
                name="merge_undone_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merged} → {self.kept}"
