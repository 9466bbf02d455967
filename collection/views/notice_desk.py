"""文书工作台: what the playbooks ask to be written, what is being made, what waits for somebody."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from collection.campaigns import current_campaign
from collection.due_letters import due_counts, due_letters
from collection.letters import StepDue
from collection.milestones import letters_sent
from collection.models import Case
from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.models import Batch, LawFirm, NoticeTemplate
from notices.queries import desk_of, numbers_used, progress_of, unproved

BATCHES_SHOWN = 6


@project_view(Right.ISSUE_NOTICES)
def notice_desk(request: ProjectRequest) -> HttpResponse:
    """The desk; a fixed number of queries."""
    now = timezone.localtime()
    today = now.date()
    when = request.GET.get("when", "")
    cases = Case.objects.visible_to(request.user).filter(project=request.project)
    batches = list(
        Batch.objects.visible_to(request.user)
        .filter(project=request.project)
        .select_related("confirmed_by")[:BATCHES_SHOWN]
    )
    progress = progress_of(batches)
    firms = LawFirm.objects.visible_to(request.user).filter(project=request.project)
    templates = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project)
    campaign = current_campaign(request.project)
    context = {
        "today": today,
        "milestone": letters_sent(campaign, today=today) if campaign else None,
        "counts": due_counts(cases, today=today),
        "due": due_letters(cases, today=today, when=StepDue(when) if when in StepDue.values else StepDue.NEXT),
        "when": when if when in StepDue.values else StepDue.NEXT,
        "desk": desk_of(request.project),
        "unproved": unproved(request.project),
        "rows": [(batch, progress[batch.pk]) for batch in batches],
        "firms": [(firm, firm.is_mandated(on=today)) for firm in firms],
        "in_force": templates.filter(state=NoticeTemplate.State.APPROVED).select_related("approved_by"),
        "drafts": templates.filter(state=NoticeTemplate.State.DRAFT).count(),
        "numbers": numbers_used(request.project, now=now),
    }
    return TemplateResponse(request, "collection/notice_desk.html", context)
