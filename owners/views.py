"""Revealing what is masked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.revealing import (
    NUMBERS,
    ON_CASES_ONLY,
    PURPOSE_ROLES,
    SECRETS,
    MayReveal,
    Purpose,
    RevealRefusedError,
    masked,
    reveal,
    usual_purpose,
)

PURPOSE_LENGTH = 200


@never_cache
@require_POST
@project_view(Right.REVEAL_PERSONAL)
def reveal_page(request: ProjectRequest, kind: str, pk: int) -> HttpResponse:
    """Reveals one piece of personal data to project-wide roles; a number never to make contact, which has limits."""
    why = asked_purpose(request) or usual_purpose(request.roles)
    if kind in NUMBERS and why in ON_CASES_ONLY:
        raise PermissionDenied
    return answer_reveal(request, kind, pk, why=why)


def asked_purpose(request: ProjectRequest) -> Purpose | None:
    """What the form says that a number is for; None where it says nothing that we know."""
    why = request.POST.get("why", "")
    return Purpose(why) if why in Purpose.values else None


def answer_reveal(
    request: ProjectRequest,
    kind: str,
    pk: int,
    *,
    may_reveal: MayReveal | None = None,
    why: Purpose | None = None,
    against: Callable[[Model], Sequence[str]] = lambda _row: (),
) -> HttpResponse:
    """What a view that reveals answers: for htmx the clear text in place of the mask, else a page that shows it.

    ``may_reveal`` is asked of the row for field staff and department heads. Refusals are 403, foreign rows 404;
    reasons ``against`` revealing it now are told in its place.
    """
    if kind not in SECRETS:
        raise Http404
    rows: Any = SECRETS[kind].model._default_manager.all()
    row = get_object_or_404(rows.visible_to(request.user).filter(project=request.project), pk=pk)
    if reasons := against(row):
        return _withheld(request, kind, row, reasons)
    purpose = request.POST.get("purpose", "")[:PURPOSE_LENGTH]
    try:
        with transaction.atomic():
            text = reveal(
                kind, row, by=request.user, project=request.project, may_reveal=may_reveal, why=why, purpose=purpose
            )
    except RevealRefusedError as error:
        raise PermissionDenied from error
    template = "owners/clear.html" if request.htmx else "owners/revealed.html"
    return TemplateResponse(request, template, {"kind": kind, "clear": text, "row": row, "back": _back(request)})


def _withheld(request: ProjectRequest, kind: str, row: Model, reasons: Sequence[str]) -> HttpResponse:
    """Why not now. htmx leaves the page as it is when the answer is an error, so it gets the words with a 200."""
    template, status = ("owners/withheld.html", 200) if request.htmx else ("owners/withheld_page.html", 403)
    others = [one for one in Purpose if one not in ON_CASES_ONLY and request.roles & PURPOSE_ROLES[one]]
    context = {
        "masked": masked(kind, row), "reasons": reasons, "others": others, "back": _back(request),
        "url": request.get_full_path(), "purpose": request.POST.get("purpose", "")[:PURPOSE_LENGTH],
    }  # fmt: skip
    return TemplateResponse(request, template, context, status=status)


def _back(request: ProjectRequest) -> str:
    """The page from which it was asked, if it is one of ours."""
    referer = request.headers.get("referer", "")
    ours = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if ours else ""
