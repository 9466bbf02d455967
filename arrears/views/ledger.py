"""The arrears ledger by unit, and its export."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.exporting import ledger_workbook
from arrears.forms import PAGE_SIZES, LedgerFilterForm
from arrears.ledger import ledger_lines, ledger_totals
from arrears.models import Account
from arrears.queries import bucket_of
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.export_consent import people_of
from owners.export_gate import stopped
from owners.personal_data import mask_party

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILTERS = ("building", "fee", "age")
SUMMED = ("property_fee", "utilities", "others", "overdue", "not_due")


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    label: str
    url: str


class CountedPaginator(Paginator):
    """A paginator that is told its count: the totals of the page know it already."""

    def __init__(self, rows: Any, per_page: int, *, count: int) -> None:
        super().__init__(rows, per_page)
        self._count = count

    @cached_property
    def count(self) -> int:
        return self._count


@project_view(Right.SEE_LEDGER)
def ledger(request: ProjectRequest) -> HttpResponse:
    """Accounts with overdue charges; field staff and department heads find theirs on the pages of their cases."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        return TemplateResponse(request, "arrears/ledger_of_cases.html")
    today = timezone.localdate()
    form = LedgerFilterForm(request.GET, project=request.project, today=today)
    wanted, on = form.wanted(), form.day or today
    lines = ledger_lines(request.project, wanted, on=on, as_of=on < today, sort=request.GET.get("sort", "unit"))
    totals = ledger_totals(lines)
    page = CountedPaginator(lines, form.page_size, count=totals.accounts).get_page(request.GET.get("page"))
    rows, chips = [_shown(line, on) for line in page], _chips(request, form)
    return TemplateResponse(
        request,
        "arrears/ledger.html",
        {
            "filter": form,
            "chips": chips,
            "page": page,
            "rows": rows,
            "totals": totals,
            "page_sums": {name: sum(row[name] for row in rows) for name in SUMMED},
            "on": on,
            "is_past": on < today,
            "sizes": PAGE_SIZES,
            "has_accounts": bool(rows) or Account.objects.filter(project=request.project).exists(),
        },
    )


@require_POST
@project_view(Right.EXPORT_LEDGER)
@transaction.atomic
def ledger_export(request: ProjectRequest) -> HttpResponseBase:
    """The filtered ledger as a workbook, recorded; names are masked unless asked for, those of many by two people."""
    today = timezone.localdate()
    form = LedgerFilterForm(request.GET, project=request.project, today=today)
    on, with_names = form.day or today, request.POST.get("names") == "full"
    lines = ledger_lines(
        request.project,
        form.wanted(),
        on=on,
        as_of=on < today,
        sort=request.GET.get("sort", "unit"),
        with_ages=True,
    )
    title = f"{request.project.name} {_('Arrears ledger')}"
    named = Account.objects.filter(pk__in=lines.order_by().values("account_id"))
    people = people_of(named.values("ownership")) if with_names else 0
    if answer := stopped(request, kind="arrears-ledger", title=_("Arrears ledger"), people=people):
        return answer
    file, count = ledger_workbook(lines.iterator(), title=title, on=on, with_names=with_names)
    record(
        action="ledger.exported",
        by=request.user,
        project=request.project,
        filter=request.GET.urlencode(),
        names="full" if with_names else "masked",
        accounts=count,
    )
    name = f"{title} {on.isoformat()}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


def _shown(line: dict[str, Any], on: date) -> dict[str, Any]:
    """A line with its age in words and the owner masked."""
    days = (on - line["oldest"]).days
    return {**line, "party": mask_party(line["party"]), "days": days, "bucket": bucket_of(days)}


def _chips(request: HttpRequest, form: LedgerFilterForm) -> list[Chip]:
    """What is filtered now, each with the address that takes it away."""
    chips = [
        Chip(str(label), _without(request, name, str(value)))
        for name in FILTERS
        for value, label in form.fields[name].choices  # type: ignore[attr-defined]
        if str(value) in form.cleaned_data.get(name, ())
    ]
    if least := form.cleaned_data.get("least"):
        chips.append(Chip(_("Owed ≥ %(amount)s") % {"amount": f"{least:,.2f}"}, _without(request, "least")))
    if text := form.cleaned_data.get("q"):
        chips.append(Chip(f"“{text}”", _without(request, "q")))
    return chips


def _without(request: HttpRequest, name: str, value: str | None = None) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    left = [kept for kept in query.getlist(name) if value is not None and kept != value]
    query.setlist(name, left)
    return f"?{query.urlencode()}"
