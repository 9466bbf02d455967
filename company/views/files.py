"""Handing out stored files."""

from __future__ import annotations

from urllib.parse import quote

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404

from company.access import ProjectRequest, project_view
from company.audit import record
from company.files import DOWNLOAD_RIGHTS, may_download
from company.models import StoredFile

SHOWN_IN_THE_BROWSER = {"application/pdf", "image/jpeg", "image/png", "image/webp"}


@project_view(*dict.fromkeys(DOWNLOAD_RIGHTS.values()))
def file(request: ProjectRequest, pk: int) -> FileResponse:
    """Hands out a stored file to who holds the right of its purpose; recorded."""
    stored = StoredFile.objects.visible_to(request.user).filter(project=request.project, pk=pk).first()
    if stored is None:
        raise Http404
    if not may_download(request.rights, stored):
        raise PermissionDenied
    record(action="file.downloaded", by=request.user, project=request.project, obj=stored, purpose=stored.purpose)
    response = FileResponse(stored.file.open("rb"), content_type=stored.content_type)
    kind = "inline" if "inline" in request.GET and stored.content_type in SHOWN_IN_THE_BROWSER else "attachment"
    response["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(stored.name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
