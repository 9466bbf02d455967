"""What the frame around each page shows: project, navigation, bell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import reverse

from company.access import CURRENT_PROJECT
from company.models import Notification, Project, Role
from company.navigation import Link, home_url, links
from company.rights import RIGHTS, Right, projects_of, roles_in

if TYPE_CHECKING:
    from company.models import User

SWITCH_LIMIT = 12
TAB_LIMIT = 4


class Frame:
    """Reads from the database only what a page shows of it."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self._request = request
        self._user = user

    @cached_property
    def project(self) -> Project | None:
        """The project of this page, else the one visited last, else the first of the person's."""
        here = getattr(self._request, "project", None)
        return here or current_project(self._request, self._user)

    @cached_property
    def roles(self) -> frozenset[Role]:
        if getattr(self._request, "project", None) is not None:
            return self._request.roles  # type: ignore[attr-defined, no-any-return]
        return roles_in(self._user, self.project)

    @cached_property
    def role_names(self) -> str:
        return "、".join(str(role.label) for role in Role if role in self.roles)

    @cached_property
    def projects(self) -> Sequence[Project]:
        """The person's projects, one more than the switch shows when there are too many for it."""
        return list(projects_of(self._user)[: SWITCH_LIMIT + 1])

    @property
    def switchable(self) -> Sequence[Project]:
        return self.projects[:SWITCH_LIMIT]

    @property
    def has_more_projects(self) -> bool:
        return len(self.projects) > SWITCH_LIMIT

    @cached_property
    def links(self) -> list[Link]:
        return links(self.roles, self.project, self._request.path)

    @property
    def tabs(self) -> list[Link]:
        """What the bottom bar of the phone shows beside 更多."""
        return self.links[:TAB_LIMIT]

    @property
    def home(self) -> str:
        return home_url(self.roles, self.project) or reverse("company:home")

    @property
    def may_search(self) -> bool:
        """Whether the search box would admit the person; a system administrator sees neither ledger nor cases."""
        return self.project is not None and bool(self.roles & RIGHTS[Right.SEE_LEDGER])

    @cached_property
    def unread(self) -> int:
        return Notification.objects.visible_to(self._user).unread().count()


def current_project(request: HttpRequest, user: User) -> Project | None:
    """The project visited last in this session, as long as it is the person's; else their first."""
    projects = projects_of(user)
    code = request.session.get(CURRENT_PROJECT)
    return (projects.filter(code=code).first() if code else None) or projects.first()


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` for signed-in staff."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"frame": Frame(request, user)}
