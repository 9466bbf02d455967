"""Lists of waybills: upload, look, enter."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.delivery_forms import WaybillListForm
from notices.models import TrackingList
from notices.tracking_lists import (
    ListMovedError,
    ListRefusedError,
    Preview,
    cancel_list,
    post_list,
    preview_list,
    upload_list,
)
from notices.tracking_matching import Line, Verdict

LISTS_SHOWN = 20
PAGE_SIZE = 50


@project_view(Right.ISSUE_NOTICES)
def tracking_lists(request: ProjectRequest) -> HttpResponse:
    """Takes a list; shows the earlier ones."""
    form = WaybillListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            tracking = upload_list(request.project, form.cleaned_data["file"], by=request.user, now=timezone.now())
        except ListRefusedError as error:
            form.add_error("file", str(error))
        else:
            return redirect("notices:tracking_list", request.project.code, tracking.pk)
    lists = TrackingList.objects.visible_to(request.user).filter(project=request.project)
    context = {"form": form, "lists": lists.select_related("uploaded_by")[:LISTS_SHOWN]}
    return TemplateResponse(request, "notices/tracking_lists.html", context)


@project_view(Right.ISSUE_NOTICES)
def tracking_list(request: ProjectRequest, pk: int) -> HttpResponse:
    """What a list would enter, before anything is written; then enters it."""
    tracking, now = _list(request, pk), timezone.now()
    if request.method == "POST":
        return _post(request, tracking)
    preview, fault = None, ""
    if tracking.state == TrackingList.State.UPLOADED:
        try:
            preview = preview_list(tracking, today=timezone.localdate(now))
        except ListRefusedError as error:
            fault = str(error)
    show = request.GET.get("show", "bad" if preview and preview.bad else "new")
    context = {
        "tracking": tracking,
        "preview": preview,
        "fault": fault,
        "show": show,
        "page": Paginator(_shown(preview, show), PAGE_SIZE).get_page(request.GET.get("page")) if preview else None,
    }
    return TemplateResponse(request, "notices/tracking_list.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def tracking_list_cancel(request: ProjectRequest, pk: int) -> HttpResponse:
    """Gives a list up."""
    cancel_list(_list(request, pk))
    messages.info(request, _("Given up; nothing was entered."))
    return redirect("notices:tracking_lists", request.project.code)


def _post(request: ProjectRequest, tracking: TrackingList) -> HttpResponseRedirect:
    try:
        entered = post_list(
            tracking, seal=request.POST.get("seal", ""), good_rows_only="good_rows_only" in request.POST,
            by=request.user, now=timezone.now(),
        )  # fmt: skip
    except ListMovedError:
        messages.warning(request, _("Something has changed since you looked; nothing was entered. Look again."))
        return redirect("notices:tracking_list", request.project.code, tracking.pk)
    except ListRefusedError as error:
        messages.error(request, str(error))
        return redirect("notices:tracking_list", request.project.code, tracking.pk)
    text = ngettext("%(number)s number entered.", "%(number)s numbers entered.", entered.numbers)
    messages.success(request, text % {"number": entered.numbers})
    if entered.states:
        text = ngettext("%(number)s state entered.", "%(number)s states entered.", entered.states)
        messages.success(request, text % {"number": entered.states})
    for delivery, reason in entered.refused:
        messages.error(request, f"{delivery.notice.number}：{reason}")
    return redirect("notices:ems", request.project.code)


def _shown(preview: Preview, show: str) -> list[Line]:
    if show == "remarks":
        return preview.remarked
    wanted = {"bad": Verdict.BAD, "known": Verdict.KNOWN}.get(show, Verdict.NEW)
    return [line for line in preview.lines if line.verdict is wanted]


def _list(request: ProjectRequest, pk: int) -> TrackingList:
    lists = TrackingList.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    found = lists.select_related("project", "file", "uploaded_by", "posted_by").first()
    if found is None:
        raise Http404
    return found
