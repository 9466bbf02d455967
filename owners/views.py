"""Revealing what is masked."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.revealing import SECRETS, MayReveal, RevealRefusedError, reveal

PURPOSE_LENGTH = 200


@never_cache
@require_POST
@project_view(Right.REVEAL_PERSONAL)
def reveal_page(request: ProjectRequest, kind: str, pk: int) -> HttpResponse:
    """Reveals one piece of personal data to project-wide roles."""
    return answer_reveal(request, kind, pk)


def answer_reveal(request: ProjectRequest, kind: str, pk: int, *, may_reveal: MayReveal | None = None) -> HttpResponse:
    """What a view that reveals answers: for htmx the clear text in place of the mask, else a page that shows it.

    ``may_reveal`` is asked of the row for field staff and department heads. Refusals are 403, foreign rows 404.
    """
    if kind not in SECRETS:
        raise Http404
    rows: Any = SECRETS[kind].model._default_manager.all()
    row = get_object_or_404(rows.visible_to(request.user).filter(project=request.project), pk=pk)
    purpose = request.POST.get("purpose", "")[:PURPOSE_LENGTH]
    try:
        with transaction.atomic():
            text = reveal(kind, row, by=request.user, project=request.project, may_reveal=may_reveal, purpose=purpose)
    except RevealRefusedError as error:
        raise PermissionDenied from error
    template = "owners/clear.html" if request.htmx else "owners/revealed.html"
    return TemplateResponse(request, template, {"kind": kind, "clear": text, "row": row, "back": _back(request)})


def _back(request: ProjectRequest) -> str:
    """The page from which it was asked, if it is one of ours."""
    referer = request.headers.get("referer", "")
    ours = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if ours else ""
