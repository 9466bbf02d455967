"""Batches: the list, one of them while it is made and afterwards, and what can be done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Sum
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
from notices.batches import (
    BatchMovedError,
    resume_batch,
    retry_failed,
    stop_batch,
)
from notices.kinds import KINDS
from notices.leaving_out import LeftOut
from notices.models import Batch, Notice, NoticeKind
from notices.queries import choosable_again, left_out_groups, overtaken_in, pages_of, progress_of
from owners.export_consent import people_of
from owners.export_gate import stopped

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
    letters = batch.notices.select_related("account__unit", "file", "recipient").defer("charge_ids")
    letters = letters.prefetch_related("corrections").order_by("position")
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
        "again": choosable_again(batch),
        "chosen": progress.total + len(batch.left_out),
        "pages": pages_of(batch),
        "principal": batch.notices.in_force().aggregate(sum=Sum("principal"))["sum"] or 0,
        "overtaken": overtaken_in(batch),
        "rules": KINDS[NoticeKind(batch.kind)],
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
@transaction.atomic
def batch_list(request: ProjectRequest, pk: int) -> HttpResponse:
    """The letters of a batch and who was left out, or these alone, as a workbook; recorded, of many people by two."""
    batch = _batch(request, pk)
    people = 0 if "left_out" in request.GET else people_of(batch.notices.values("account__ownership"))
    if answer := stopped(request, kind="notices-batch", title=str(batch), people=people):
        return answer
    heads = [
        _("No."), _("Room"), _("Owners"), _("Principal"), _("Document number"), _("Address"), _("Envelope"), _("State"),
        _("Remark"), "SHA-256",
    ]  # fmt: skip
    rows = [] if "left_out" in request.GET else _letter_rows(batch)
    for entry in map(LeftOut.from_data, batch.left_out):
        why = f"{entry.group or entry.reason.label} {entry.detail}".strip()
        rows.append([None, entry.unit_code, "", None, "", "", None, _("left out"), why, ""])
    record(action="notices.exported", by=request.user, project=request.project, obj=batch, count=len(rows))
    return download(workbook(str(batch), heads, rows), f"{batch}.xlsx")


def _letter_rows(batch: Batch) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for notice in batch.notices.select_related("account__unit", "recipient").order_by("position"):
        recipient = getattr(notice, "recipient", None)
        rows.append(
            [
                notice.position, notice.account.unit.code, notice.data["fields"].get("业主", ""), notice.principal,
                notice.number, recipient.get_address_kind_display() if recipient else "",
                recipient.envelope if recipient else None, notice.get_state_display(), str(remark(notice)),
                notice.file_sha256,
            ]
        )  # fmt: skip
    return rows


def remark(notice: Notice) -> str:
    """Why a letter failed or is void."""
    if notice.state == Notice.State.VOID:
        return notice.get_void_reason_display()
    if notice.state == Notice.State.FAILED:
        return f"{notice.get_failure_display()} {notice.failure_detail}".strip()
    return ""


def _batch(request: ProjectRequest, pk: int) -> Batch:
    batches = Batch.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    related = batches.select_related(
        "project", "template__approved_by", "law_firm", "merged_file", "zip_file", "cancelled_by"
    )
    batch = related.first()
    if batch is None:
        raise Http404
    return batch


def _back(request: ProjectRequest, batch: Batch) -> HttpResponse:
    return redirect("notices:batch_detail", request.project.code, batch.pk)
