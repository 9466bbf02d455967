"""What a person may see of a model that belongs to a project.

Every query of a view starts here: `Model.objects.visible_to(request.user)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from company.models import User

Row = TypeVar("Row", bound=models.Model)


class ProjectScoped(models.QuerySet[Row]):
    """QuerySet of a model that belongs to a project.

    A model that reaches its project over another one sets `project_path`,
    for example `project_path = "account__project"`.
    """

    project_path = "project"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Rows of the active projects in which `user` holds a live role; none for strangers."""
        # The models import this module, so the project is looked up when it is needed.
        from company.models import Project

        projects = Project.objects.visible_to(user)
        lookup: dict[str, Any] = {f"{self.project_path}__in": projects}
        return self.filter(**lookup)
