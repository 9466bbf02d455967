"""Who sees ledger rows. Field staff and department heads see those of their cases, on the pages of their cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

from company.rights import WHOLE_LEDGER_ROLES, projects_with_roles
from company.scoping import ProjectScoped

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from company.models import User

Row = TypeVar("Row", bound=models.Model)


class LedgerScoped(ProjectScoped[Row]):
    """QuerySet of a ledger model."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Rows of projects whose whole ledger `user` may see; none for who holds field roles only."""
        return self.filter(project__in=projects_with_roles(user, WHOLE_LEDGER_ROLES))
