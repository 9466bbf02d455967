"""The page of one owner, and the forms that change what is known of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.contact_forms import CONTACT_FORMS, ContactForm, OwnerForm
from owners.contact_points import change_address, end_emergency_contact, end_phone, make_primary, mark_returned
from owners.emails import end_email
from owners.models import Address, Owner, Phone
from owners.owner_page import read_owner
from owners.personal_data import mask_name

NEW: dict[str, str | Promise] = {
    "phone": gettext_lazy("Add a phone"),
    "email": gettext_lazy("Add an e-mail"),
    "address": gettext_lazy("Add an address"),
    "emergency": gettext_lazy("Add an emergency contact"),
}
CHANGE: dict[str, str | Promise] = {
    "phone": gettext_lazy("Change the phone"),
    "email": gettext_lazy("Change the e-mail"),
    "address": gettext_lazy("Change the address"),
    "emergency": gettext_lazy("Change the emergency contact"),
}


@project_view(Right.SEE_LEDGER)
def owner(request: ProjectRequest, pk: int) -> HttpResponse:
    """Who an owner is, what they own, how they are reached; masked. A merged row leads to the row that was kept."""
    shown = owner_of(request, pk)
    if shown.merged_into_id:
        return redirect("owners:owner", project_code=request.project.code, pk=shown.merged_into_id)
    may_keep = Right.KEEP_OWNERS in request.rights
    context = {
        "page": read_owner(shown),
        "owner": shown,
        "may_keep": may_keep,
        "may_mark": may_keep or Right.ISSUE_NOTICES in request.rights,
        "today": timezone.localdate(),
    }
    return TemplateResponse(request, "owners/owner.html", context)


@never_cache
@project_view(Right.KEEP_OWNERS)
def owner_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Corrects name, kind and ID number."""
    shown = owner_of(request, pk)
    form = OwnerForm(request.POST or None, owner=shown)
    if request.method == "POST" and form.is_valid():
        form.save(shown, by=request.user)
        messages.success(request, _("Saved."))
        return _back(request, shown)
    return _form_page(request, shown, form, _("Change name or ID number"))


@never_cache
@project_view(Right.KEEP_OWNERS)
def contact_new(request: ProjectRequest, pk: int, kind: str) -> HttpResponse:
    """Adds a phone, e-mail, address or emergency contact."""
    _model, form_class = _kind(kind)
    shown = owner_of(request, pk)
    form = form_class(request.POST or None, today=timezone.localdate())
    return _save_or_show(request, shown, form, NEW[kind])


@never_cache
@project_view(Right.KEEP_OWNERS)
def contact_edit(request: ProjectRequest, kind: str, pk: int) -> HttpResponse:
    """Changes one of them: another number or address ends the old row and begins a new one."""
    _model, form_class = _kind(kind)
    row = _contact(request, kind, pk)
    form = form_class(request.POST or None, row=row, today=timezone.localdate())
    return _save_or_show(request, row.owner, form, CHANGE[kind], row=row, kind=kind)


@require_POST
@project_view(Right.KEEP_OWNERS)
def contact_end(request: ProjectRequest, kind: str, pk: int) -> HttpResponse:
    """Ends a contact point; it stays visible as history."""
    row: Any = _contact(request, kind, pk)
    now = timezone.now()
    match kind:
        case "phone":
            end_phone(row, by=request.user, now=now)
        case "email":
            end_email(row, by=request.user, now=now)
        case "address":
            change_address(row.owner, Address.Kind(row.kind), "", by=request.user, now=now)
        case "emergency":
            end_emergency_contact(row, by=request.user, now=now)
    messages.success(request, _("Ended. It stays in the history."))
    return _back(request, row.owner)


@require_POST
@project_view(Right.KEEP_OWNERS)
def phone_primary(request: ProjectRequest, pk: int) -> HttpResponse:
    """Makes a number the one to dial first."""
    phone: Phone = _contact(request, "phone", pk)
    make_primary(phone, by=request.user)
    messages.success(request, _("This number is dialled first now."))
    return _back(request, phone.owner)


@require_POST
@project_view(Right.KEEP_OWNERS, Right.ISSUE_NOTICES)
def address_returned(request: ProjectRequest, pk: int) -> HttpResponse:
    """Marks an address from which mail came back today, or takes the mark away."""
    address: Address = _contact(request, "address", pk)
    returned_on = None if address.returned_on else timezone.localdate()
    mark_returned(address, returned_on=returned_on, by=request.user)
    messages.success(request, _("Marked: mail came back.") if returned_on else _("The mark is taken away."))
    return _back(request, address.owner)


def owner_of(request: ProjectRequest, pk: int) -> Owner:
    """An owner of the page's project; 404 for who sees no more than the cases of a team."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise Http404
    rows = Owner.objects.visible_to(request.user).filter(project=request.project)
    found: Owner = get_object_or_404(rows.select_related("project"), pk=pk)
    return found


def _kind(kind: str) -> tuple[Any, type[ContactForm]]:
    if kind not in CONTACT_FORMS:
        raise Http404
    return CONTACT_FORMS[kind]


def _contact(request: ProjectRequest, kind: str, pk: int) -> Any:
    """A live contact row of the project; what has ended is history and cannot be changed."""
    model, _form = _kind(kind)
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise PermissionDenied
    rows = model.objects.visible_to(request.user).filter(project=request.project, ended_at=None)
    return get_object_or_404(rows.select_related("owner__project", "project"), pk=pk)


def _save_or_show(
    request: ProjectRequest, shown: Owner, form: ContactForm, title: str | Promise, *, row: Any = None, kind: str = ""
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        form.save(shown, by=request.user, now=timezone.now())
        messages.success(request, _("Saved."))
        return _back(request, shown)
    return _form_page(request, shown, form, title, row=row, kind=kind)


def _form_page(
    request: ProjectRequest, shown: Owner, form: Any, title: str | Promise, *, row: Any = None, kind: str = ""
) -> HttpResponse:
    context = {"owner": shown, "name": mask_name(shown.name), "form": form, "title": title, "row": row, "kind": kind}
    return TemplateResponse(request, "owners/contact_form.html", context)


def _back(request: ProjectRequest, shown: Owner) -> HttpResponseRedirect:
    return redirect("owners:owner", project_code=request.project.code, pk=shown.pk)
