from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from company.freezing import freeze
from company.models.projects import Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from company.models.people import User


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Events of projects that `user` sees; company-wide ones for who holds such a role."""
        from company.models.people import ProjectAccess

        seen = Q(project__in=Project.objects.visible_to(user))
        if ProjectAccess.objects.live().filter(user_id=user.pk or 0, project=None).exists():
            seen |= Q(project=None)
        return self.filter(seen)


class AuditEvent(models.Model):
    """Who did what to which object, and when. Written once, never changed: the table is frozen."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="audit_events")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(_("object type"), max_length=60, blank=True)
    object_id = models.CharField(_("object"), max_length=60, blank=True)
    detail = models.JSONField(_("detail"), default=dict)
    at = models.DateTimeField(_("at"), db_default=Now())

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-pk"]
        triggers = freeze()
        constraints = [
            models.CheckConstraint(name="audit_event_names_an_action", condition=~Q(action="")),
        ]
        indexes = [
            models.Index(fields=["project", "-at"], name="audit_event_newest"),
            models.Index(fields=["object_type", "object_id"], name="audit_event_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}".strip()
