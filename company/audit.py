"""The audit trail: one row for every act that matters, which the application cannot alter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from company.models import AuditEvent

if TYPE_CHECKING:
    from company.models import Project, User


def record(
    *,
    action: str,
    by: User | None,
    project: Project | None = None,
    obj: models.Model | None = None,
    **detail: object,
) -> AuditEvent:
    """Writes that `by` did `action` ("people.role_granted") to `obj`, in the caller's transaction.

    `detail` must be fit for JSON and hold no phone, ID number or password. `by` is None for what
    the system did by itself.
    """
    return AuditEvent.objects.create(
        action=action,
        user=by,
        project=project,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        detail=detail,
    )
