"""Announcements and sheets for all: issue, list, download."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.forms import PublishForm
from notices.kinds import PUBLIC_KINDS
from notices.models import NoticeTemplate, PublicKind, PublicNotice
from notices.press import PressError
from notices.publishing import PublicRefusedError, public_file, publish
from notices.views.files import hand_out

PAGE_SIZE = 30


@project_view(Right.ISSUE_NOTICES)
def public_notices(request: ProjectRequest) -> HttpResponse:
    """What was issued, newest first, and what can be issued with the texts in force."""
    notices = PublicNotice.objects.visible_to(request.user).filter(project=request.project)
    texts = NoticeTemplate.objects.visible_to(request.user).filter(
        project=request.project, kind__in=PUBLIC_KINDS, state=NoticeTemplate.State.APPROVED
    )
    in_force = {text.kind: text for text in texts.select_related("approved_by")}
    today = timezone.localdate()
    context = {
        "page": Paginator(notices.select_related("template", "issued_by"), PAGE_SIZE).get_page(request.GET.get("page")),
        "kinds": [
            (kind, in_force.get(kind), PublishForm(rules=rules, today=today)) for kind, rules in PUBLIC_KINDS.items()
        ],
        "may_edit": Right.EDIT_TEMPLATES in request.rights,
    }
    return TemplateResponse(request, "notices/public.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def public_issue(request: ProjectRequest, kind: str) -> HttpResponse:
    """Issue one with the next number."""
    if kind not in PublicKind:
        raise Http404
    now, rules = timezone.now(), PUBLIC_KINDS[PublicKind(kind)]
    form = PublishForm(request.POST, rules=rules, today=timezone.localdate(now))
    if not form.is_valid():
        messages.error(request, _("Say until which day to pay, as a date."))
        return redirect("notices:public", request.project.code)
    deadline_on = form.cleaned_data.get("deadline_on")
    try:
        notice = publish(request.project, PublicKind(kind), deadline_on=deadline_on, by=request.user, now=now)
        messages.success(request, _("%(number)s is published.") % {"number": notice.number})
    except PublicRefusedError as error:
        messages.error(request, " ".join(error.faults))
    return redirect("notices:public", request.project.code)


@project_view(Right.ISSUE_NOTICES)
def public_pdf(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The PDF of one."""
    notices = PublicNotice.objects.visible_to(request.user).filter(project=request.project)
    notice = notices.select_related("project", "template", "file", "issued_by").filter(pk=pk).first()
    if notice is None:
        raise Http404
    try:
        return hand_out(request, public_file(notice), notice, inline=True)
    except PressError:
        messages.error(request, _("The page could not be made. Try again in a minute."))
        return redirect("notices:public", request.project.code)
