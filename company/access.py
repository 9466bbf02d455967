"""The two gates of every view: `project_view` for pages of a project, `company_view` for others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from company.models import Project, Role
from company.rights import RIGHTS, Right, all_roles, projects_of, rights_of, roles_in

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from company.models import User

CURRENT_PROJECT = "current_project"

View = Callable[..., HttpResponseBase]


class StaffRequest(HttpRequest):
    """What a view behind one of the gates receives."""

    user: User
    htmx: HtmxDetails
    roles: frozenset[Role]
    rights: frozenset[Right]


class ProjectRequest(StaffRequest):
    """What a view behind `project_view` receives."""

    project: Project


def project_view(*rights: Right) -> Callable[[View], View]:
    """Opens a page under /p/<project_code>/ to who holds one of `rights` there.

    Sets `request.project`, `request.roles` and `request.rights`, and takes `project_code` out of
    the arguments. A project that is not one's own is 404, a missing right 403.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def gate(request: Any, project_code: str, **kwargs: Any) -> HttpResponseBase:
            project = projects_of(request.user).filter(code=project_code).first()
            if project is None:
                raise Http404
            request.project = project
            _admit(request, roles_in(request.user, project), rights)
            if request.session.get(CURRENT_PROJECT) != project.code:
                request.session[CURRENT_PROJECT] = project.code
            return view(request, **kwargs)

        return _marked(gate, rights, of_project=True)

    return decorate


def company_view(*rights: Right) -> Callable[[View], View]:
    """Opens a page without a project to who holds one of `rights` in any project.

    Without `rights` every signed-in person is admitted. Sets `request.roles` and
    `request.rights`; which projects the right reaches, the view asks of
    `company.rights.projects_with_right`. A missing right is 403.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def gate(request: Any, **kwargs: Any) -> HttpResponseBase:
            _admit(request, all_roles(request.user), rights)
            return view(request, **kwargs)

        return _marked(gate, rights, of_project=False)

    return decorate


def _admit(request: Any, roles: frozenset[Role], rights: tuple[Right, ...]) -> None:
    request.roles = roles
    request.rights = rights_of(roles)
    if rights and not request.rights.intersection(rights):
        raise PermissionDenied


def _marked(gate: View, rights: tuple[Right, ...], *, of_project: bool) -> View:
    """Notes on the view itself whom it admits, so that a test can compare every URL with it."""
    gate.admitted_roles = (  # type: ignore[attr-defined]
        frozenset().union(*(RIGHTS[right] for right in rights)) if rights else frozenset(Role)
    )
    gate.of_project = of_project  # type: ignore[attr-defined]
    return gate
