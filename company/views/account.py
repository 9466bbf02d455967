"""A person's own password, their start page, and the switch between projects."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from company.access import ProjectRequest, StaffRequest, company_view, project_view
from company.audit import record
from company.forms import NewPasswordForm
from company.frame import current_project
from company.navigation import home_url
from company.rights import Right, has_right, projects_of, roles_in

FIRST_STEPS = "arrears:start"
"""Where an empty system begins; the page lies in an app above this one."""


@company_view()
def home(request: StaffRequest) -> HttpResponse:
    """Sends everybody to where their work starts."""
    project = current_project(request, request.user)
    if project is None and has_right(request.user, Right.MANAGE_SETTINGS, None):
        return redirect(FIRST_STEPS)
    url = home_url(roles_in(request.user, project), project)
    if url is None:
        return TemplateResponse(request, "company/no_project.html")
    return redirect(url)


@project_view()
def enter(request: ProjectRequest) -> HttpResponse:
    """Switches to a project: the person's start page there."""
    return redirect(home_url(request.roles, request.project) or "company:home")


@company_view()
def switch(request: StaffRequest) -> HttpResponse:
    """All projects of the person, for those who have more than the switch can show."""
    query = request.GET.get("q", "").strip()
    projects = projects_of(request.user)
    if query:
        projects = projects.filter(name__icontains=query) | projects.filter(code__icontains=query)
    return TemplateResponse(request, "company/switch.html", {"projects": projects[:300], "query": query})


@never_cache
@login_not_required
def session(request: HttpRequest) -> JsonResponse:
    """Whether the session still lives and whose it is, with a fresh token for the forms of a page opened before it was
    renewed."""
    told = {"signed_in": request.user.is_authenticated, "person": request.user.pk, "token": get_token(request)}
    return JsonResponse(told)


@sensitive_post_parameters()
@company_view()
def password(request: StaffRequest) -> HttpResponse:
    """Changes one's own password; ends the sessions on other devices."""
    form = NewPasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save(commit=False)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        record(action="account.password_changed", by=user, obj=user)
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password is changed."))
        return redirect("company:home")
    return TemplateResponse(request, "company/password.html", {"form": form})
