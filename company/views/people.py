"""Staff: the list, one person, their roles and password."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company import people as staff
from company.access import StaffRequest, company_view
from company.audit import record
from company.form_saving import save_or_complain
from company.forms import PeopleFilterForm, PersonForm, RoleForm
from company.models import ProjectAccess, Role, User
from company.models.people import UserQuerySet
from company.rights import Right, projects_with_right
from company.sheets import download, workbook

PAGE_SIZE = 50
SORTS = {
    "name": ["name_key", "pk"],
    "post": ["post__position", "post__name", "name_key"],
    "mobile": ["mobile", "pk"],
    "last_login": ["last_login", "pk"],
}


@company_view(Right.MANAGE_PEOPLE)
def people(request: StaffRequest) -> HttpResponse:
    """The staff of the projects in which the person manages people."""
    form, rows = _filtered(request)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return TemplateResponse(request, "company/people.html", {"filter": form, "page": page})


@company_view(Right.MANAGE_PEOPLE)
def people_export(request: StaffRequest) -> HttpResponse:
    """The filtered list as a workbook; recorded."""
    _form, rows = _filtered(request)
    heads = [pgettext("person", "Name"), _("Mobile number"), _("User name"), _("Post"), _("Roles"), _("State")]
    content = workbook(_("Staff"), heads, ([*_cells(person)] for person in rows))
    record(action="people.exported", by=request.user, count=len(rows))
    return download(content, _("Staff") + ".xlsx")


@never_cache
@company_view(Right.MANAGE_PEOPLE)
def person_new(request: StaffRequest) -> HttpResponse:
    """Creates a person with a first role and shows the one-time password."""
    reach = staff.reach_of(request.user)
    form = PersonForm(request.POST or None)
    role_form = RoleForm(request.POST or None, reach=reach)
    if request.method == "POST" and form.is_valid() & role_form.is_valid():
        given, grants = form.cleaned_data, [role_form.cleaned_data["grant"]]
        made = save_or_complain(lambda: staff.create_person(**given, grants=grants, by=request.user), form)
        if made:
            return _show_password(request, *made)
    return TemplateResponse(request, "company/person_new.html", {"form": form, "role_form": role_form})


@company_view(Right.MANAGE_PEOPLE)
def person(request: StaffRequest, pk: int) -> HttpResponse:
    """One person: who they are and what they may do. Only who manages them can change it."""
    colleague = _colleague(request, pk)
    manageable = staff.may_manage(request.user, colleague)
    form = PersonForm(request.POST or None, instance=colleague)
    if request.method == "POST":
        if not manageable:
            raise PermissionDenied
        if form.is_valid():
            changed = save_or_complain(form.save, form)
            if changed:
                record(action="people.edited", by=request.user, obj=changed, fields=form.changed_data)
                messages.success(request, _("Saved."))
                return redirect("company:person", pk=pk)
    return _person_page(request, pk, form=form)


@require_POST
@company_view(Right.MANAGE_PEOPLE)
def person_role_add(request: StaffRequest, pk: int) -> HttpResponse:
    """Grants a role."""
    colleague = _colleague(request, pk)
    role_form = RoleForm(request.POST, reach=staff.reach_of(request.user))
    if not role_form.is_valid():
        return _person_page(request, pk, role_form=role_form)
    granted = staff.grant_role(person=colleague, grant=role_form.cleaned_data["grant"], by=request.user)
    if granted:
        messages.success(request, _("The role is granted."))
    else:
        messages.info(request, _("%(name)s holds this role already.") % {"name": colleague.name})
    return redirect("company:person", pk=pk)


@require_POST
@company_view(Right.MANAGE_PEOPLE)
def person_role_revoke(request: StaffRequest, pk: int, access: int) -> HttpResponse:
    """Revokes a role; it ends with the next request of the person."""
    colleague = _colleague(request, pk)
    row = ProjectAccess.objects.visible_to(request.user).filter(user=colleague, pk=access).first()
    if row is None:
        raise Http404
    grant = staff.Grant(row.project_id, Role(row.role))
    staff.revoke_role(person=colleague, grant=grant, by=request.user, now=timezone.now())
    messages.success(request, _("The role is revoked."))
    return redirect("company:person", pk=pk)


@require_POST
@company_view(Right.MANAGE_PEOPLE)
def person_deactivate(request: StaffRequest, pk: int) -> HttpResponse:
    """Ends a person's access at once."""
    colleague = _colleague(request, pk)
    staff.deactivate(person=colleague, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s is deactivated and signed out everywhere.") % {"name": colleague.name})
    return redirect("company:person", pk=pk)


@never_cache
@require_POST
@company_view(Right.MANAGE_PEOPLE)
def person_reactivate(request: StaffRequest, pk: int) -> HttpResponse:
    """Lets a person in again and shows the one-time password."""
    colleague = _colleague(request, pk)
    return _show_password(request, colleague, staff.reactivate(person=colleague, by=request.user))


@never_cache
@require_POST
@company_view(Right.MANAGE_PEOPLE)
def person_password(request: StaffRequest, pk: int) -> HttpResponse:
    """Gives a new one-time password and shows it once."""
    colleague = _colleague(request, pk)
    return _show_password(request, colleague, staff.reset_password(person=colleague, by=request.user))


def _filtered(request: StaffRequest) -> tuple[PeopleFilterForm, UserQuerySet]:
    projects = projects_with_right(request.user, Right.MANAGE_PEOPLE)
    form = PeopleFilterForm(request.GET, projects=projects)
    form.is_valid()
    wanted = form.cleaned_data
    rows = _with_roles(request)
    if text := wanted.get("q", ""):
        rows = rows.filter(Q(name__icontains=text) | Q(mobile__startswith=text) | Q(username__icontains=text))
    held = ProjectAccess.objects.live().filter(user=OuterRef("pk"))
    if project := wanted.get("project"):
        held = held.filter(Q(project=project) | Q(project=None))
    if role := wanted.get("role"):
        held = held.filter(role=role)
    if project or role:
        rows = rows.filter(Exists(held))
    state = wanted.get("state") or "active"
    if state != "all":
        rows = rows.filter(is_active=state == "active")
    return form, rows.order_by(*_order(request.GET.get("sort", "name")))


def _with_roles(request: StaffRequest) -> UserQuerySet:
    seen = ProjectAccess.objects.live().visible_to(request.user).select_related("project")
    roles = Prefetch("accesses", queryset=seen)  # `accesses.all()` is then what the viewer may see of them
    people: UserQuerySet = User.objects.visible_to(request.user)
    return people.select_related("post").prefetch_related(roles)


def _order(sort: str) -> list[str]:
    fields = SORTS.get(sort.removeprefix("-"), SORTS["name"])
    return [f"-{field}" for field in fields] if sort.startswith("-") else fields


def _cells(person: User) -> list[str]:
    roles = "；".join(
        f"{access.project or _('All projects')}：{access.get_role_display()}" for access in person.accesses.all()
    )
    state = _("Active") if person.is_active else _("Deactivated")
    return [person.name, person.mobile or "", person.username, str(person.post or ""), roles, state]


def _colleague(request: StaffRequest, pk: int) -> User:
    colleague = _with_roles(request).filter(pk=pk).first()
    if colleague is None:
        raise Http404
    return colleague


def _person_page(
    request: StaffRequest, pk: int, *, form: PersonForm | None = None, role_form: RoleForm | None = None
) -> HttpResponse:
    colleague = _colleague(request, pk)
    reach = staff.reach_of(request.user)
    roles = [
        (access, reach.covers(staff.Grant(access.project_id, Role(access.role)))) for access in colleague.accesses.all()
    ]
    context = {
        "colleague": colleague,
        "roles": roles,
        "manageable": staff.may_manage(request.user, colleague, reach=reach),
        "oneself": colleague.pk == request.user.pk,
        "form": form or PersonForm(instance=colleague),
        "role_form": role_form or RoleForm(reach=reach),
    }
    return TemplateResponse(request, "company/person.html", context)


def _show_password(request: StaffRequest, person: User, password: str) -> HttpResponse:
    return TemplateResponse(request, "company/person_password.html", {"colleague": person, "password": password})
