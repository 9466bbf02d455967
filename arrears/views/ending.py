"""Limitation dates of a project: what ends soon, by account, and its export."""

from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.ageing_forms import EndingFilterForm
from arrears.expiry import ending
from arrears.exporting_lists import ending_workbook
from arrears.views.ledger import XLSX
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from owners.personal_data import mask_party

PAGE_SIZE = 50


@project_view(Right.POST_MONEY, Right.APPROVE_RELIEF, Right.ISSUE_NOTICES)
def limitation(request: ProjectRequest) -> HttpResponse:
    """Accounts with charges that can soon no longer be sued for, with sums by how near the end is."""
    form = EndingFilterForm(request.GET, project=request.project)
    found = ending(request.project, form.wanted(), on=timezone.localdate(), sort=request.GET.get("sort", "until"))
    page = Paginator(found.lines, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [(line, mask_party(line.account.ownership.party_name)) for line in page]
    context = {"filter": form, "ending": found, "page": page, "rows": rows}
    return TemplateResponse(request, "arrears/limitation.html", context)


@require_POST
@project_view(Right.EXPORT_LEDGER)
def limitation_export(request: ProjectRequest) -> HttpResponseBase:
    """The filtered list as a workbook with a row for each charge, recorded; names are masked."""
    today = timezone.localdate()
    form = EndingFilterForm(request.GET, project=request.project)
    found = ending(request.project, form.wanted(), on=today, sort=request.GET.get("sort", "until"))
    title = f"{request.project.name} {_('Limitation dates')}"
    file = ending_workbook(found.lines, title=title, on=today)
    record(
        action="ledger.limitation_exported", by=request.user, project=request.project, filter=request.GET.urlencode(),
        accounts=len(found.lines),
    )  # fmt: skip
    return FileResponse(file, as_attachment=True, filename=f"{title} {today}.xlsx", content_type=XLSX)
