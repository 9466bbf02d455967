"""Batches: the list, one of them while it is made and afterwards, and what can be done with it."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from company.sheets import download, workbook
from notices.batches import BatchMovedError, cancel_rest, resume_batch, retry_failed, stop_batch
from notices.leaving_out import Reason
from notices.models import Batch, Notice
from notices.queries import left_out_groups, pages_of, progress_of

PAGE_SIZE = 50
LETTERS_ON_PAGE = 20


@project_view(Right.ISSUE_NOTICES)
def batches(request: ProjectRequest) -> HttpResponse:
    """All batches of the project, newest first."""
    rows = Batch.objects.visible_to(request.user).filter(project=request.project)
    page = Paginator(rows.select_related("confirmed_by", "template"), PAGE_SIZE).get_page(request.GET.get("page"))
    progress = progress_of(page.object_list)
    context = {"page": page, "rows": [(batch, progress[batch.pk]) for batch in page.object_list]}
    return TemplateResponse(request, "notices/batches.html", context)


@project_view(Right.ISSUE_NOTICES)
def batch_detail(request: ProjectRequest, pk: int) -> HttpResponse:
    """One batch: how far it is, its letters, who was left out, what can be downloaded."""
    batch = _batch(request, pk)
    progress = progress_of([batch])[batch.pk]
    letters = batch.notices.select_related("account__unit", "file").defer("charge_ids").order_by("position")
    state = request.GET.get("state", "")
    if state in Notice.State.values:
        letters = letters.filter(state=state)
    elapsed = (batch.finished_at or timezone.now()) - batch.confirmed_at
    context = {
        "batch": batch,
        "progress": progress,
        "elapsed": elapsed,
        "remaining": progress.remaining(elapsed),
        "page": Paginator(letters, LETTERS_ON_PAGE).get_page(request.GET.get("page")),
        "states": [state for state in Notice.State if progress.counts[state]],
        "chosen_state": state,
        "left_out": left_out_groups(batch),
        "chosen": progress.total + len(batch.left_out),
        "pages": pages_of(batch),
        "principal": sum(batch.notices.in_force().values_list("principal", flat=True)),
    }
    return TemplateResponse(request, "notices/batch.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_stop(request: ProjectRequest, pk: int) -> HttpResponse:
    """Take no further letters of this batch."""
    batch = _batch(request, pk)
    try:
        stop_batch(batch, by=request.user)
        messages.warning(request, _("Stopped. Letters that are under way are still finished."))
    except BatchMovedError:
        messages.info(request, _("The batch was not being made any more."))
    return _back(request, batch)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_resume(request: ProjectRequest, pk: int) -> HttpResponse:
    """Go on with a stopped batch."""
    batch = _batch(request, pk)
    try:
        resume_batch(batch, by=request.user)
        messages.success(request, _("The letters are being made again."))
    except BatchMovedError:
        messages.info(request, _("The batch was not stopped any more."))
    return _back(request, batch)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_cancel(request: ProjectRequest, pk: int) -> HttpResponse:
    """Void the letters of a stopped batch that are not made yet."""
    batch = _batch(request, pk)
    try:
        number = cancel_rest(batch, by=request.user, now=timezone.now())
        text = ngettext(
            "%(number)s letter is void; its number is kept.",
            "%(number)s letters are void; their numbers are kept.",
            number,
        )
        messages.warning(request, text % {"number": number})
    except BatchMovedError:
        messages.info(request, _("The batch was not stopped any more."))
    return _back(request, batch)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_retry(request: ProjectRequest, pk: int) -> HttpResponse:
    """Try the failed letters again."""
    batch = _batch(request, pk)
    number = retry_failed(batch, by=request.user, now=timezone.now())
    if number:
        text = ngettext("%(number)s letter is tried again.", "%(number)s letters are tried again.", number)
        messages.success(request, text % {"number": number})
    else:
        messages.info(request, _("No letter of this batch has failed."))
    return _back(request, batch)


@project_view(Right.EXPORT_NOTICES)
def batch_list(request: ProjectRequest, pk: int) -> HttpResponse:
    """The letters of a batch and who was left out, as a workbook; recorded."""
    batch = _batch(request, pk)
    heads = [_("No."), _("Room"), _("Owners"), _("Principal"), _("Document number"), _("State"), _("Remark"), "SHA-256"]
    notices = batch.notices.select_related("account__unit").order_by("position")
    rows = [
        [n.position, n.account.unit.code, n.data["fields"]["业主"], n.principal, n.number,
         n.get_state_display(), str(remark(n)), n.file_sha256]
        for n in notices
    ]  # fmt: skip
    for entry in batch.left_out:
        rows.append([None, entry["unit"], "", None, "", _("left out"), _left_out_remark(entry), ""])
    record(action="notices.exported", by=request.user, project=request.project, obj=batch, count=len(rows))
    return download(workbook(str(batch), heads, rows), f"{batch}.xlsx")


def remark(notice: Notice) -> str:
    """Why a letter failed or is void."""
    if notice.state == Notice.State.VOID:
        return notice.get_void_reason_display()
    if notice.state == Notice.State.FAILED:
        return f"{notice.get_failure_display()} {notice.failure_detail}".strip()
    return ""


def _left_out_remark(entry: dict[str, str]) -> str:
    return f"{Reason(entry['reason']).label} {entry['detail']}".strip()


def _batch(request: ProjectRequest, pk: int) -> Batch:
    batches = Batch.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    related = batches.select_related("project", "template__approved_by", "law_firm", "merged_file", "zip_file")
    batch = related.first()
    if batch is None:
        raise Http404
    return batch


def _back(request: ProjectRequest, batch: Batch) -> HttpResponse:
    return redirect("notices:batch_detail", request.project.code, batch.pk)
