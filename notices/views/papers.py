"""Receipts and statements: the register, those of an account, the receipt of a payment, and their files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.models import Payment
from arrears.movements import account_movements
from arrears.verification import payments_known_until
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from notices.models import Paper
from notices.paper_data import statement_data
from notices.paper_forms import PaperFilterForm, StatementForm
from notices.paper_layout import print_paper
from notices.papers import (
    NoCompanyError,
    PaperRefusedError,
    UnprintableError,
    file_of,
    issue_receipt,
    issue_statement,
    receipt_numbers,
)
from notices.press import PressError
from notices.views.files import named
from owners.personal_data import mask_party

PAGE_SIZE = 50
SORTS = {
    "number": ["year", "sequence", "pk"],
    "unit": ["account__unit__sort_key", "pk"],
    "amount": ["amount", "pk"],
    "issued": ["issued_at", "pk"],
}
DEFAULT_SORT = "-issued"


@project_view(Right.SEE_LEDGER)
def papers(request: ProjectRequest) -> HttpResponse:
    """对账单与收据: every number that was given, filtered and sorted."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise Http404
    form = PaperFilterForm(request.GET)
    page = Paginator(_sorted(request, _filtered(request, form)), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [(paper, mask_party(paper.account.ownership.party_name)) for paper in page]
    return TemplateResponse(
        request, "notices/papers.html", {"filter": form, "page": page, "rows": rows, "any": _papers(request).exists()}
    )


@project_view(Right.SEE_LEDGER)
def account_papers(request: ProjectRequest, pk: int) -> HttpResponse:
    """The statement of an account on the screen, and what was issued to its owners."""
    account, today = account_of(request, pk), timezone.localdate()
    form = StatementForm(request.GET or None, today=today)
    since, until = form.days
    movements = account_movements(account, since=since, until=until)
    form.initial = {"since": movements.since, "until": movements.until}
    issued = _papers(request).filter(account=account)
    receipts = {paper.payment_id: paper for paper in issued if paper.payment_id}
    return TemplateResponse(
        request,
        "notices/account_papers.html",
        {
            "account": account,
            "party": mask_party(account.ownership.party_name),
            "form": form,
            "movements": movements,
            "statements": [paper for paper in issued if not paper.payment_id],
            "payments": [
                (payment, receipts.get(payment.pk))
                for payment in account.payments.select_related("reversed_by").order_by("-received_on", "-pk")
                if payment.kind == Payment.Kind.RECEIVED
            ],
        },
    )


@require_POST
@project_view(Right.EXPORT_LEDGER)
def statement_issue(request: ProjectRequest, pk: int) -> HttpResponse:
    """Issues a statement for the owner; the same one again is the one issued before."""
    account, now = account_of(request, pk), timezone.now()
    form = StatementForm(request.POST, today=timezone.localdate(now))
    back = redirect("notices:account_papers", project_code=request.project.code, pk=account.pk)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return back
    since, until = form.days
    try:
        paper = issue_statement(account.pk, since=since, until=until, by=request.user, now=now)
    except PaperRefusedError as error:
        messages.error(request, why(error))
    else:
        messages.success(request, _("Statement %(number)s is ready to be printed.") % {"number": paper.number})
    return back


@require_POST
@project_view(Right.SEE_LEDGER)
def statement_copy(request: ProjectRequest, pk: int) -> HttpResponse:
    """A statement for reading in the office: no number, names masked. Recorded."""
    account, now = account_of(request, pk), timezone.now()
    form = StatementForm(request.POST, today=timezone.localdate(now))
    since, until = form.days
    data = statement_data(
        account_movements(account, since=since, until=until),
        numbers=receipt_numbers(account),
        known_until=payments_known_until(request.project),
        today=timezone.localdate(now),
    )
    data["fields"]["业主"] = mask_party(data["fields"]["业主"])
    record(action="papers.copy_printed", by=request.user, project=request.project, obj=account)
    try:
        pdf = print_paper("statement", data, "").pdf
    except PressError:
        messages.error(request, _("The file could not be made. Try again; if it fails again, tell the administrator."))
        return redirect("notices:account_papers", project_code=request.project.code, pk=account.pk)
    return named(HttpResponse(pdf, content_type="application/pdf"), f"{account.unit.code}.pdf", inline=True)


@project_view(Right.SEE_LEDGER)
def receipt(request: ProjectRequest, pk: int) -> HttpResponse:
    """The receipt of a payment: shown where there is one, issued by POST. A payment never gets a second one."""
    rows: Any = Payment.objects.visible_to(request.user).filter(project=request.project, kind=Payment.Kind.RECEIVED)
    payment = get_object_or_404(
        rows.select_related("account__unit__building", "account__ownership", "reversed_by", "taken_by", "posted_by"),
        pk=pk,
    )
    if request.method == "POST":
        if Right.POST_MONEY not in request.rights:
            raise PermissionDenied
        return _issue(request, payment)
    paper = _papers(request).filter(payment=payment).first()
    context = {
        "payment": payment,
        "account": payment.account,
        "party": mask_party(payment.account.ownership.party_name),
        "paper": paper,
    }
    return TemplateResponse(request, "notices/receipt.html", context)


@project_view(Right.EXPORT_LEDGER)
def paper_file(request: ProjectRequest, pk: int) -> FileResponse | HttpResponse:
    """The PDF of a receipt or statement, which names the owner; recorded. A void receipt is not handed out."""
    paper = _papers(request).filter(pk=pk).first()
    if paper is None or paper.is_void:
        raise Http404
    try:
        stored = file_of(paper)
    except PressError:
        messages.error(request, _("The file could not be made. Try again; if it fails again, tell the administrator."))
        return redirect("notices:account_papers", project_code=request.project.code, pk=paper.account_id)
    record(action="papers.downloaded", by=request.user, project=request.project, obj=paper, file=stored.sha256)
    response = FileResponse(stored.file.open("rb"), content_type=stored.content_type)
    return named(response, stored.name, inline="download" not in request.GET)


def why(error: PaperRefusedError) -> str:
    """What a refusal says to the person, and what to do."""
    match error:
        case NoCompanyError():
            return _("The project does not say which company it belongs to. Enter it in the project's settings first.")
        case UnprintableError():
            return _("The fonts cannot print these characters: %(signs)s. Correct the name first.") % {
                "signs": error.args[0]
            }
        case _:
            return _("Only money that was received and not reversed gets a receipt.")


def _issue(request: ProjectRequest, payment: Payment) -> HttpResponse:
    try:
        paper = issue_receipt(payment.pk, by=request.user, now=timezone.now())
    except PaperRefusedError as error:
        messages.error(request, why(error))
    else:
        messages.success(request, _("Receipt %(number)s is ready to be printed.") % {"number": paper.number})
    return redirect("notices:receipt", project_code=request.project.code, pk=payment.pk)


def _papers(request: ProjectRequest) -> Any:
    rows: Any = Paper.objects.visible_to(request.user).filter(project=request.project)
    return rows.select_related("account__unit", "account__ownership", "payment__reversed_by", "issued_by", "file")


def _filtered(request: ProjectRequest, form: PaperFilterForm) -> Any:
    rows = _papers(request)
    chosen = form.cleaned_data if form.is_valid() else {}
    if text := chosen.get("q", "").strip():
        rows = rows.filter(Q(number__icontains=text) | Q(account__unit__code__istartswith=text))
    if chosen.get("kind"):
        rows = rows.filter(kind=chosen["kind"])
    if chosen.get("state"):
        void = Q(payment__reversed_by__isnull=False)
        rows = rows.filter(void if chosen["state"] == "void" else ~void)
    if chosen.get("on"):
        rows = rows.filter(issued_at__date=chosen["on"])
    return rows


def _sorted(request: ProjectRequest, rows: Any) -> Any:
    sort = request.GET.get("sort", DEFAULT_SORT)
    keys = SORTS.get(sort.removeprefix("-"), SORTS["issued"])
    return rows.order_by(*(f"-{key}" for key in keys) if sort.startswith("-") else keys)
