"""The search box: a page of its own, and what it answers while somebody types."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from collection.search import LIMIT, LIMIT_WHILE_TYPING, find
from company.access import ProjectRequest, project_view
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.search import is_whole_number

LONGEST_TEXT = 60


@never_cache
@project_view(Right.SEE_LEDGER)
def search_page(request: ProjectRequest) -> HttpResponse:
    """Units that fit what is typed; who sees only the cases of a team finds only those.

    What is typed comes by POST, so that no phone number stands in an address, a log or the browser's history. Without
    a whole number in it a sent form leads on to an address that can be kept.
    """
    text = (request.POST if request.method == "POST" else request.GET).get("q", "")
    text = text.replace("\0", "")[:LONGEST_TEXT].strip()
    if request.htmx and request.method == "POST":
        return _typed(request, text)
    url = reverse("collection:search", kwargs={"project_code": request.project.code})
    if request.method == "POST" and not is_whole_number(text):
        return redirect(f"{url}?{urlencode({'q': text})}")
    if request.method == "GET" and is_whole_number(text):
        messages.error(request, _("Type a whole number into the box: it must not stand in an address."))
        return redirect(url)
    return TemplateResponse(request, "collection/search.html", _context(request, text, LIMIT))


def _typed(request: ProjectRequest, text: str) -> HttpResponse:
    on_page = request.htmx.target == "hits"
    context = _context(request, text, LIMIT if on_page else LIMIT_WHILE_TYPING)
    template = "collection/parts/search_hits.html" if on_page else "collection/parts/search_typed.html"
    return TemplateResponse(request, template, context)


def _context(request: ProjectRequest, text: str, limit: int) -> dict[str, object]:
    whole_ledger = bool(request.roles & WHOLE_LEDGER_ROLES)
    found = find(request.project, text, viewer=request.user, whole_ledger=whole_ledger, limit=limit)
    return {"text": text, "found": found, "whole_ledger": whole_ledger}
