"""The notice desk: what is being made, what waits for somebody."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.models import Batch, LawFirm, NoticeTemplate
from notices.queries import desk_of, numbers_used, progress_of

BATCHES_SHOWN = 6


@project_view(Right.ISSUE_NOTICES)
def home(request: ProjectRequest) -> HttpResponse:
    """文书工作台."""
    now = timezone.localtime()
    batches = list(
        Batch.objects.visible_to(request.user)
        .filter(project=request.project)
        .select_related("confirmed_by")[:BATCHES_SHOWN]
    )
    progress = progress_of(batches)
    firms = LawFirm.objects.visible_to(request.user).filter(project=request.project)
    templates = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project)
    context = {
        "today": now.date(),
        "desk": desk_of(request.project),
        "rows": [(batch, progress[batch.pk]) for batch in batches],
        "firms": [(firm, firm.is_mandated(on=now.date())) for firm in firms],
        "in_force": templates.filter(state=NoticeTemplate.State.APPROVED).select_related("approved_by"),
        "drafts": templates.filter(state=NoticeTemplate.State.DRAFT).count(),
        "numbers": numbers_used(request.project, now=now),
    }
    return TemplateResponse(request, "notices/home.html", context)
