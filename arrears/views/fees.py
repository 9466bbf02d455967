"""费项与规则: the fee catalogue of a project."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.catalogue import ensure_catalogue
from arrears.fee_forms import FeeForm
from arrears.fees import CONFIRMED, FeeInUseError, FeeWordTakenError, is_catalogue_confirmed, remove_fee, save_fee
from arrears.models import FeeType
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right


@project_view(Right.MANAGE_TERMS)
def fees(request: ProjectRequest) -> HttpResponse:
    """The fees with their billing rules and synonyms; a project without any gets the usual ones."""
    ensure_catalogue(request.project)
    rows = _fees(request).prefetch_related("synonyms").annotate(charged=Count("charges"))
    context = {"rows": rows, "is_confirmed": is_catalogue_confirmed(request.project)}
    return TemplateResponse(request, "arrears/fees.html", context)


@require_POST
@project_view(Right.MANAGE_TERMS)
def fees_confirm(request: ProjectRequest) -> HttpResponse:
    """Records that the fees are right as they stand."""
    record(action=CONFIRMED, by=request.user, project=request.project)
    messages.success(request, _("Saved."))
    return redirect("arrears:first_day", project_code=request.project.code)


@project_view(Right.MANAGE_TERMS)
def fee_new(request: ProjectRequest) -> HttpResponse:
    """Adds a fee."""
    ensure_catalogue(request.project)
    return _fee_page(request, FeeType(project=request.project))


@project_view(Right.MANAGE_TERMS)
def fee_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Changes a fee; charges that stand keep their due days."""
    return _fee_page(request, get_object_or_404(_fees(request), pk=pk))


@require_POST
@project_view(Right.MANAGE_TERMS)
def fee_remove(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes away a fee that nothing was charged under."""
    fee = get_object_or_404(_fees(request), pk=pk)
    try:
        remove_fee(fee, by=request.user)
    except FeeInUseError:
        messages.error(
            request, _("There are charges or late-fee rates of %(fee)s: it stays in the catalogue.") % {"fee": fee.name}
        )
    else:
        messages.success(request, _("%(name)s is removed.") % {"name": fee.name})
    return redirect("arrears:fees", project_code=request.project.code)


def _fee_page(request: ProjectRequest, fee: FeeType) -> HttpResponse:
    form = FeeForm(request.POST or None, instance=fee)
    if request.method == "POST" and form.is_valid():
        try:
            save_fee(form.save(commit=False), form.cleaned_data["words"], changed=form.changed_data, by=request.user)
        except FeeWordTakenError as error:
            taken = {"word": error.word, "fee": error.fee.name}
            form.add_error(None, _("“%(word)s” already stands for the fee %(fee)s.") % taken)
        else:
            messages.success(request, _("Saved."))
            return redirect("arrears:fees", project_code=request.project.code)
    return TemplateResponse(request, "arrears/fee.html", {"form": form, "fee": fee})


def _fees(request: ProjectRequest) -> Any:
    return FeeType.objects.visible_to(request.user).filter(project=request.project).select_related("project")
