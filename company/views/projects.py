"""Projects with their settings and phases, and posts: the work of the system administrator."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from company.access import StaffRequest, company_view
from company.audit import record
from company.form_saving import save_or_complain
from company.forms import PhaseFormSet, PostForm, ProjectForm
from company.models import Post, Project
from company.models.projects import ProjectQuerySet
from company.rights import Right, has_right, projects_with_right

PAGE_SIZE = 50
GUIDE = "arrears:first_day"
"""What comes after a new project; the page lies in an app above this one."""


@company_view(Right.MANAGE_SETTINGS)
def projects(request: StaffRequest) -> HttpResponse:
    """The projects whose settings the person keeps, inactive ones included."""
    query = request.GET.get("q", "").strip()
    rows = _kept_by(request)
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(code__icontains=query))
    live = Q(accesses__revoked_at=None, accesses__user__is_active=True)
    rows = rows.annotate(staff=Count("accesses__user", filter=live, distinct=True)).order_by("code")
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query,
        "may_create": has_right(request.user, Right.MANAGE_SETTINGS, None),
    }
    return TemplateResponse(request, "company/projects.html", context)


@company_view(Right.MANAGE_SETTINGS)
def project_new(request: StaffRequest) -> HttpResponse:
    """Starts a project."""
    if not has_right(request.user, Right.MANAGE_SETTINGS, None):
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = save_or_complain(lambda: _create(form, request), form)
        if project:
            messages.success(request, _("%(project)s is created.") % {"project": project.name})
            return redirect(GUIDE, project_code=project.code)
    return TemplateResponse(request, "company/project.html", {"form": form})


@company_view(Right.MANAGE_SETTINGS)
def project(request: StaffRequest, pk: int) -> HttpResponse:
    """The settings and phases of one project."""
    kept = _kept_by(request).filter(pk=pk).first()
    if kept is None:
        raise Http404
    form = ProjectForm(request.POST or None, instance=kept)
    phases = PhaseFormSet(request.POST or None, instance=kept, prefix="phases")
    saved = None
    if request.method == "POST" and form.is_valid() & phases.is_valid():
        saved = save_or_complain(lambda: _save(form, phases, request), form, phases)
    if saved:
        messages.success(request, _("Saved."))
        return redirect("company:project", pk=pk)
    return TemplateResponse(request, "company/project.html", {"form": form, "phases": phases, "kept": kept})


@company_view(Right.MANAGE_SETTINGS)
def posts(request: StaffRequest) -> HttpResponse:
    """The list of posts, and a form for one more."""
    form = PostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        post = save_or_complain(form.save, form)
        if post:
            record(action="post.created", by=request.user, obj=post, name=post.name)
            messages.success(request, _("Saved."))
            return redirect("company:posts")
    holders = Count("holders", filter=Q(holders__is_active=True))
    rows = Post.objects.annotate(staff=holders).order_by("position", "name")
    return TemplateResponse(request, "company/posts.html", {"form": form, "posts": rows})


@company_view(Right.MANAGE_SETTINGS)
def post(request: StaffRequest, pk: int) -> HttpResponse:
    """Renames or moves a post."""
    kept = Post.objects.filter(pk=pk).first()
    if kept is None:
        raise Http404
    form = PostForm(request.POST or None, instance=kept)
    if request.method == "POST" and form.is_valid() and save_or_complain(form.save, form):
        record(action="post.edited", by=request.user, obj=kept, name=kept.name)
        messages.success(request, _("Saved."))
        return redirect("company:posts")
    return TemplateResponse(request, "company/post.html", {"form": form, "kept": kept})


def _create(form: ProjectForm, request: StaffRequest) -> Project:
    project: Project = form.save()
    record(action="project.created", by=request.user, project=project, obj=project)
    return project


def _save(form: ProjectForm, phases: Any, request: StaffRequest) -> Project:
    kept: Project = form.save()
    phases.save()
    changed = [*form.changed_data, *(["phases"] if phases.has_changed() else [])]
    record(action="project.edited", by=request.user, project=kept, obj=kept, fields=changed)
    return kept


def _kept_by(request: StaffRequest) -> ProjectQuerySet:
    if has_right(request.user, Right.MANAGE_SETTINGS, None):
        return Project.objects.all()
    return projects_with_right(request.user, Right.MANAGE_SETTINGS)
