"""The project's contracts and buildings."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.contract_forms import BuildingsForm, ContractForm
from owners.contracts import contract_on, save_contract
from owners.models import Building, ServiceContract
from owners.registering import register_buildings, remove_building


@project_view(Right.MANAGE_TERMS)
def contracts(request: ProjectRequest) -> HttpResponse:
    """The service contracts of the project, the one in force marked."""
    rows = ServiceContract.objects.visible_to(request.user).filter(project=request.project).select_related("scan")
    in_force = contract_on(request.project, timezone.localdate())
    return TemplateResponse(request, "owners/contracts.html", {"rows": rows, "in_force": in_force})


@project_view(Right.MANAGE_TERMS)
def contract_new(request: ProjectRequest) -> HttpResponse:
    """Enter a contract."""
    return _contract_page(request, ServiceContract(project=request.project))


@project_view(Right.MANAGE_TERMS)
def contract_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Change a contract or upload its scan. Letters that are out keep what they say."""
    rows = ServiceContract.objects.visible_to(request.user).filter(project=request.project)
    return _contract_page(request, get_object_or_404(rows.select_related("project", "scan"), pk=pk))


@project_view(Right.MANAGE_TERMS)
def buildings(request: ProjectRequest) -> HttpResponse:
    """The buildings of the project with their number of units, and a form for more."""
    form = BuildingsForm(request.POST or None, project=request.project)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = register_buildings(request.project, given["names"], phase=given.get("phase"), by=request.user)
        skipped = len(given["names"]) - made
        text = ngettext("%(count)d building is added.", "%(count)d buildings are added.", made) % {"count": made}
        if skipped:
            text += " " + ngettext("%(count)d was there already.", "%(count)d were there already.", skipped) % {
                "count": skipped
            }
        messages.success(request, text)
        return redirect("owners:buildings", project_code=request.project.code)
    rows = Building.objects.visible_to(request.user).filter(project=request.project).select_related("phase")
    context = {"form": form, "rows": rows.annotate(unit_count=Count("units")).order_by("sort_key", "pk")}
    return TemplateResponse(request, "owners/buildings.html", context)


@require_POST
@project_view(Right.MANAGE_TERMS)
def building_remove(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes away a building without units."""
    rows = Building.objects.visible_to(request.user).filter(project=request.project).select_related("project")
    building = rows.filter(pk=pk).first()
    if building is None:
        raise Http404
    name = building.name
    if remove_building(building, by=request.user):
        messages.success(request, _("%(name)s is removed.") % {"name": name})
    else:
        messages.error(request, _("%(name)s has units and stays.") % {"name": name})
    return redirect("owners:buildings", project_code=request.project.code)


def _contract_page(request: ProjectRequest, contract: ServiceContract) -> HttpResponse:
    form = ContractForm(request.POST or None, request.FILES or None, instance=contract)
    if request.method == "POST" and form.is_valid():
        scan = form.cleaned_data["scan_upload"]
        save_contract(form.save(commit=False), scan, changed=form.changed_data, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("owners:contracts", project_code=request.project.code)
    return TemplateResponse(request, "owners/contract.html", {"form": form, "contract": contract})
