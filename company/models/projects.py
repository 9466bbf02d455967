from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from company.models.people import User

CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$"
POSTCODE = r"^\d{6}$"
NOT_NEGATIVE = MinValueValidator(0)
EARLIEST_CONTACT = dt.time(8)
LATEST_CONTACT = dt.time(22)


class ProjectQuerySet(models.QuerySet["Project"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Active projects in which `user` holds a live role, all of them for a company-wide role."""
        from company.models.people import ProjectAccess

        if not user.is_active:
            return self.none()
        live = ProjectAccess.objects.live().filter(user_id=user.pk or 0)
        own = Exists(live.filter(project=OuterRef("pk")))
        company_wide = Exists(live.filter(project=None))
        return self.active().filter(own | company_wide)


class Project(models.Model):
    """One managed estate: the boundary of all access."""

    code = models.CharField(
        _("code"),
        max_length=20,
        unique=True,
        validators=[RegexValidator(CODE_PATTERN, _("Use letters, digits, - and _ only."))],
        help_text=_("Short and stable: it stands in every address, for example FHC1."),
    )
    name = models.CharField(_("name"), max_length=100)
    short_name = models.CharField(
        _("short name"), max_length=30, blank=True, help_text=_("Printed in document numbers.")
    )
    company_name = models.CharField(_("property company"), max_length=100, blank=True)
    service_address = models.CharField(_("service desk address"), max_length=200, blank=True)
    service_phone = models.CharField(_("service desk phone"), max_length=40, blank=True)
    service_hours = models.CharField(_("service desk hours"), max_length=100, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=50, blank=True)
    payment_methods = models.TextField(_("ways to pay"), blank=True, help_text=_("Printed on letters and notices."))
    verification_hours = models.PositiveSmallIntegerField(
        _("verification is valid for (hours)"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
    )
    contact_from = models.TimeField(_("contact from"), default=dt.time(9))
    contact_until = models.TimeField(_("contact until"), default=dt.time(20))
    postal_address = models.CharField(
        _("postal address"),
        max_length=200,
        blank=True,
        help_text=_("With province and city, without the room: on envelopes the room stands after it."),
    )
    postcode = models.CharField(
        _("postcode"), max_length=6, blank=True, validators=[RegexValidator(POSTCODE, _("Six digits."))]
    )
    ems_price = models.DecimalField(
        _("price of an EMS letter"), max_digits=8, decimal_places=2, null=True, blank=True, validators=[NOT_NEGATIVE]
    )
    post_price = models.DecimalField(
        _("price of a registered letter"),
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[NOT_NEGATIVE],
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="project_code_fits_an_address",
                condition=Q(code__regex=CODE_PATTERN),
                violation_error_message=_("Use letters, digits, - and _ only."),
            ),
            models.CheckConstraint(name="project_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="project_verification_hours_in_range",
                condition=Q(verification_hours__range=(1, 720)),
            ),
            models.CheckConstraint(
                name="project_postcode_has_six_digits", condition=Q(postcode="") | Q(postcode__regex=POSTCODE)
            ),
            models.CheckConstraint(
                name="project_postage_not_negative",
                condition=(Q(ems_price__isnull=True) | Q(ems_price__gte=0))
                & (Q(post_price__isnull=True) | Q(post_price__gte=0)),
            ),
            models.CheckConstraint(
                name="project_contact_hours_lawful",
                condition=Q(
                    contact_from__gte=EARLIEST_CONTACT,
                    contact_until__lte=LATEST_CONTACT,
                    contact_from__lt=F("contact_until"),
                ),
                violation_error_message=_("Contact hours lie between 8:00 and 22:00, and start before they end."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PhaseQuerySet(ProjectScoped["Phase"]):
    pass


class Phase(models.Model):
    """A part of a project to which scope, teams and rights can be limited."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="phases")
    name = models.CharField(_("name"), max_length=50)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = PhaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("phase")
        verbose_name_plural = _("phases")
        ordering = ["project", "position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="phase_unique_in_project"),
            models.CheckConstraint(name="phase_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
