"""Where a project lies for the post, and what a letter costs: kept by who keeps its terms."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from company.access import ProjectRequest, project_view
from company.audit import record
from company.forms import PostageForm
from company.rights import Right


@project_view(Right.MANAGE_TERMS)
def postage(request: ProjectRequest) -> HttpResponse:
    """The postal address, the postcode and the prices. Letters that are confirmed keep the address they have."""
    form = PostageForm(request.POST or None, instance=request.project)
    if request.method == "POST" and form.is_valid():
        project = form.save()
        if form.changed_data:
            record(action="project.edited", by=request.user, project=project, obj=project, fields=form.changed_data)
        messages.success(request, _("Saved."))
        return redirect("company:postage", project_code=project.code)
    return TemplateResponse(request, "company/postage.html", {"form": form})
