from __future__ import annotations

from enum import nonmember
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pypinyin import Style, lazy_pinyin

from company.models.projects import Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MOBILE_PATTERN = r"^1[3-9][0-9]{9}$"


def pinyin_key(name: str) -> str:
    """What a Chinese name is sorted by: its syllables with tones, then the name itself."""
    return " ".join([*lazy_pinyin(name, style=Style.TONE3), name])[:200]


class Role(models.TextChoices):
    """What somebody is in a project; the rights of each stand in `company.rights`."""

    COMPANY_LEADER = "company_leader", _("Company leader")
    PROJECT_MANAGER = "project_manager", _("Project manager")
    FINANCE = "finance", _("Finance")
    NOTICE_ADMIN = "notice_admin", _("Notice administrator")
    DEPARTMENT_HEAD = "department_head", _("Department head")
    OFFICER = "officer", _("Officer")
    HOUSEKEEPER = "housekeeper", _("Housekeeper")
    ASSISTANT = "assistant", _("Property assistant")
    SYSTEM_ADMIN = "system_admin", _("System administrator")

    FIELD_STAFF = nonmember(frozenset({"officer", "housekeeper", "assistant"}))
    COMPANY_WIDE = nonmember(frozenset({"company_leader", "system_admin"}))


class Post(models.Model):
    """A job title. It carries no rights; those come with a role in a project."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ["position", "name"]
        constraints = [models.CheckConstraint(name="post_has_a_name", condition=~Q(name=""))]

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """People who hold or held a role in a project that `user` sees; all for a company-wide role."""
        if not user.is_active:
            return self.none()
        if ProjectAccess.objects.live().filter(user_id=user.pk or 0, project=None).exists():
            return self
        projects = Project.objects.visible_to(user)
        return self.filter(pk__in=ProjectAccess.objects.filter(project__in=projects).values("user"))


class StaffManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's manager of users with our own queries."""


class User(AbstractUser):
    """A member of staff. Nobody is deleted: who has left is deactivated."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(pgettext_lazy("person", "name"), max_length=50)
    name_key = models.CharField(max_length=200, blank=True, editable=False)
    mobile = models.CharField(
        _("mobile number"),
        max_length=11,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(MOBILE_PATTERN, _("A mobile number has 11 digits."))],
    )
    post = models.ForeignKey(
        Post,
        verbose_name=_("post"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="holders",
    )
    must_change_password = models.BooleanField(_("must change the password"), default=False)

    objects: ClassVar = StaffManager()

    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")
        ordering = ["name_key", "pk"]
        indexes = [models.Index(fields=["name_key", "id"], name="user_by_name")]
        constraints = [
            models.CheckConstraint(name="user_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="user_mobile_is_a_mobile_number",
                condition=Q(mobile=None) | Q(mobile__regex=MOBILE_PATTERN),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the key by which names are sorted: pinyin, since the database knows no Chinese order."""
        self.name_key = pinyin_key(self.name)
        if (fields := kwargs.get("update_fields")) is not None and "name" in fields:
            kwargs["update_fields"] = {*fields, "name_key"}
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class ProjectAccessQuerySet(models.QuerySet["ProjectAccess"]):
    def live(self) -> Self:
        """Roles that hold now: granted, and not revoked."""
        return self.filter(revoked_at=None)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Roles in projects that `user` sees; company-wide ones for who holds such a role."""
        if not user.is_active:
            return self.none()
        seen = Q(project__in=Project.objects.visible_to(user))
        if ProjectAccess.objects.live().filter(user_id=user.pk or 0, project=None).exists():
            seen |= Q(project=None)
        return self.filter(seen)


class ProjectAccess(models.Model):
    """One role of one person in one project, or in all projects when `project` is empty."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="accesses")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="accesses")
    role = models.CharField(_("role"), max_length=20, choices=Role)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(_("granted at"), db_default=Now())
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    objects = ProjectAccessQuerySet.as_manager()

    class Meta:
        verbose_name = _("role in a project")
        verbose_name_plural = _("roles in projects")
        ordering = ["user", "project", "role"]
        constraints = [
            models.CheckConstraint(
                name="access_without_project_is_company_wide",
                condition=Q(project__isnull=False) | Q(role__in=sorted(Role.COMPANY_WIDE)),
                violation_error_message=_("Only company leaders and system administrators work for all projects."),
            ),
            models.CheckConstraint(name="access_role_is_known", condition=Q(role__in=[role.value for role in Role])),
            models.CheckConstraint(
                name="access_revoked_after_granted",
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("granted_at")),
            ),
            models.CheckConstraint(
                name="access_revoked_by_has_an_instant",
                condition=Q(revoked_by=None) | Q(revoked_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="access_unique_while_live",
                fields=["user", "project", "role"],
                condition=Q(revoked_at=None),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"
