"""The register: every letter of the project."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from company.sheets import download, workbook
from notices.forms import RegisterFilterForm
from notices.models import Notice
from notices.views.batches import remark

PAGE_SIZE = 50
SORTS = {
    "number": ["year", "sequence"],
    "unit": ["account__unit__sort_key", "pk"],
    "principal": ["principal", "pk"],
    "issued": ["issued_at", "pk"],
}
DEFAULT_SORT = "-number"


@project_view(Right.ISSUE_NOTICES)
def register(request: ProjectRequest) -> HttpResponse:
    """函件登记: filtered, sorted, by page."""
    form, rows = _filtered(request)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    total = rows.in_force().order_by().aggregate(total=Sum("principal"))["total"]
    return TemplateResponse(request, "notices/register.html", {"filter": form, "page": page, "total": total})


@project_view(Right.EXPORT_NOTICES)
def register_export(request: ProjectRequest) -> HttpResponse:
    """The filtered register as a workbook; recorded."""
    _form, rows = _filtered(request)
    heads = [
        _("Document number"), _("Kind"), _("Room"), _("Owners"), _("Principal"), _("Occasion"), _("Dated"),
        _("Deadline"), _("State"), _("Remark"), "SHA-256",
    ]  # fmt: skip
    cells = [
        [n.number, n.get_kind_display(), n.account.unit.code, n.data["fields"]["业主"], n.principal, n.occasion,
         n.batch.issue_on, n.batch.deadline_on, n.get_state_display(), remark(n), n.file_sha256]
        for n in rows
    ]  # fmt: skip
    record(action="notices.exported", by=request.user, project=request.project, count=len(cells))
    name = f"{_('Register of letters')} {timezone.localdate().isoformat()}.xlsx"
    return download(workbook(_("Register of letters"), heads, cells), name)


def _filtered(request: ProjectRequest) -> tuple[RegisterFilterForm, Any]:
    form = RegisterFilterForm(request.GET)
    rows: QuerySet[Notice] = Notice.objects.visible_to(request.user).filter(project=request.project)
    chosen = form.cleaned_data if form.is_valid() else {}
    for name in ("state", "kind", "void_reason"):
        if chosen.get(name):
            rows = rows.filter(**{name: chosen[name]})
    if chosen.get("overtaken"):
        rows = rows.filter(overtaken_at__isnull=False)
    if text := chosen.get("q", "").strip():
        rows = rows.filter(Q(number__icontains=text) | Q(account__unit__code__istartswith=text))
    sort = request.GET.get("sort", DEFAULT_SORT)
    keys = SORTS.get(sort.removeprefix("-"), SORTS["number"])
    order = [f"-{key}" for key in keys] if sort.startswith("-") else keys
    return form, rows.select_related("account__unit", "batch", "file").prefetch_related("corrections").order_by(*order)
