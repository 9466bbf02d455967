"""Handing out letters, after the check of rights that each view makes."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

from django.http import FileResponse, Http404, HttpResponse
from django.utils import timezone

from company.access import ProjectRequest, project_view
from company.audit import record
from company.models import StoredFile
from company.rights import Right
from notices.models import Batch, Notice, PublicNotice
from notices.signing import final_file

Answer = TypeVar("Answer", HttpResponse, FileResponse)

HANDED_OUT = (Notice.State.ISSUED, Notice.State.DISPATCHED)


@project_view(Right.ISSUE_NOTICES)
def notice_file(request: ProjectRequest, pk: int) -> FileResponse:
    """The PDF of one letter: a firm's as signed, or the issued one with ?issued. A void letter is not handed out."""
    notices = Notice.objects.visible_to(request.user).filter(project=request.project, state__in=HANDED_OUT)
    notice = notices.select_related("file", "batch__law_firm").filter(pk=pk).first()
    if notice is None or notice.file is None:
        raise Http404
    scan = notice.scans.filter(withdrawn_at=None).select_related("file").first()
    final = final_file(notice, scan, on=timezone.localdate())
    return hand_out(request, notice.file if "issued" in request.GET or final is None else final, notice, inline=True)


@project_view(Right.ISSUE_NOTICES)
def batch_file(request: ProjectRequest, pk: int, which: str) -> FileResponse:
    """The merged print file, the labels or the archive of a batch, once all its letters are made."""
    batches = Batch.objects.visible_to(request.user).filter(project=request.project)
    batch = batches.select_related("merged_file", "zip_file", "labels_file").filter(pk=pk).first()
    stored = (
        {"merged": batch.merged_file, "zip": batch.zip_file, "labels": batch.labels_file}.get(which) if batch else None
    )
    if stored is None:
        raise Http404
    return hand_out(request, stored, batch, inline=which != "zip")


def hand_out(
    request: ProjectRequest, stored: StoredFile, what: Batch | Notice | PublicNotice | None, *, inline: bool
) -> FileResponse:
    """Stream a file and record who took it."""
    record(action="notices.downloaded", by=request.user, project=request.project, obj=what, file=stored.sha256)
    response = FileResponse(stored.file.open("rb"), content_type=stored.content_type)
    return named(response, stored.name, inline=inline and "download" not in request.GET)


def named(response: Answer, name: str, *, inline: bool) -> Answer:
    """The answer with the name under which a browser saves it."""
    response["Content-Disposition"] = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
