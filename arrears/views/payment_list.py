"""Payments of a project: narrowed, sorted, added up and exported."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.exporting_lists import payments_workbook
from arrears.forms import PaymentFilterForm
from arrears.models import Payment
from arrears.payment_list import narrowed, sums
from arrears.views.ledger import XLSX
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from owners.personal_data import mask_party

PAGE_SIZE = 50
MOST_EXPORTED = 50_000


@project_view(Right.POST_MONEY)
def payments(request: ProjectRequest) -> HttpResponse:
    """Payments, newest first; what stands of them is added up where something narrows the list."""
    form = PaymentFilterForm(request.GET)
    wanted, found = form.wanted(), _found(request, form)
    related = found.select_related("account__unit", "account__ownership", "posted_by", "reversed_by", "balance")
    page = Paginator(related, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "filter": form,
        "narrows": wanted.narrows,
        "sums": sums(found) if wanted.narrows else [],
        "page": page,
        "rows": [(payment, mask_party(payment.account.ownership.party_name)) for payment in page],
    }
    return TemplateResponse(request, "arrears/payments.html", context)


@require_POST
@project_view(Right.EXPORT_LEDGER)
def payments_export(request: ProjectRequest) -> HttpResponseBase:
    """The narrowed list as a workbook, recorded; names are masked. Too many rows for one workbook are refused."""
    found = _found(request, PaymentFilterForm(request.GET))
    count = found.count()
    if count > MOST_EXPORTED:
        text = _("%(count)s payments are too many for one workbook: narrow the list to %(most)s at most.")
        messages.error(request, text % {"count": f"{count:,}", "most": f"{MOST_EXPORTED:,}"})
        return redirect("arrears:payments", project_code=request.project.code)
    title = f"{request.project.name} {_('Payments')}"
    rows = found.select_related("account__unit", "account__ownership", "posted_by")
    file = payments_workbook(rows.iterator(), sums(found), title=title)
    record(
        action="ledger.payments_exported", by=request.user, project=request.project, filter=request.GET.urlencode(),
        payments=count,
    )  # fmt: skip
    name = f"{title} {timezone.localdate()}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


def _found(request: ProjectRequest, form: PaymentFilterForm) -> QuerySet[Payment]:
    payments: Any = Payment.objects.visible_to(request.user).filter(project=request.project)
    return narrowed(payments, form.wanted(), sort=request.GET.get("sort", ""))
