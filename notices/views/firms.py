"""Law firms and their mandates."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from company.access import ProjectRequest, project_view
from company.form_saving import save_or_complain
from company.rights import Right
from notices.firms import save_firm
from notices.forms import LawFirmForm
from notices.models import LawFirm
from notices.views.files import hand_out


@project_view(Right.ISSUE_NOTICES)
def firms(request: ProjectRequest) -> HttpResponse:
    """The firms of the project and whether their mandates hold."""
    today = timezone.localdate()
    rows = LawFirm.objects.visible_to(request.user).filter(project=request.project).select_related("mandate")
    context = {"rows": [(firm, firm.is_mandated(on=today)) for firm in rows]}
    return TemplateResponse(request, "notices/firms.html", context)


@project_view(Right.ISSUE_NOTICES)
def firm_new(request: ProjectRequest) -> HttpResponse:
    """Enter a firm."""
    return _form_page(request, LawFirm(project=request.project))


@project_view(Right.ISSUE_NOTICES)
def firm_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Change a firm or upload its mandate. Letters that are out keep what they say."""
    return _form_page(request, _firm(request, pk))


@project_view(Right.ISSUE_NOTICES)
def firm_mandate(request: ProjectRequest, pk: int) -> FileResponse:
    """The mandate as it was uploaded."""
    firm = _firm(request, pk)
    if firm.mandate is None:
        raise Http404
    return hand_out(request, firm.mandate, None, inline=False)


def _form_page(request: ProjectRequest, firm: LawFirm) -> HttpResponse:
    form = LawFirmForm(request.POST or None, request.FILES or None, instance=firm)
    if request.method == "POST" and form.is_valid():
        given = form.save(commit=False), form.cleaned_data["mandate_upload"]
        if save_or_complain(lambda: save_firm(*given, by=request.user), form):
            messages.success(request, _("Saved."))
            return redirect("notices:firms", request.project.code)
    return TemplateResponse(request, "notices/firm.html", {"form": form, "firm": firm})


def _firm(request: ProjectRequest, pk: int) -> LawFirm:
    firms = LawFirm.objects.visible_to(request.user).filter(project=request.project)
    firm = firms.select_related("project", "mandate").filter(pk=pk).first()
    if firm is None:
        raise Http404
    return firm
