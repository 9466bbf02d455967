"""The register of units and owners, and its export."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from company.sheets import download, workbook
from owners.export_gate import stopped
from owners.models import Unit
from owners.personal_data import mask_party
from owners.register_forms import PAGE_SIZES, UnitFilterForm
from owners.register_sheet import HEADERS, people_in, register_rows
from owners.unit_register import unit_lines

CASES = "collection:cases"
FILTERS = ("building", "usage", "lacks")


@project_view(Right.SEE_LEDGER)
def units(request: ProjectRequest) -> HttpResponse:
    """Units with their present owners, masked. Who sees only the cases of a team finds theirs there."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        return _to_cases(request)
    form = UnitFilterForm(request.GET, project=request.project)
    sort = request.GET.get("sort", "unit")
    lines = unit_lines(request.project, form.wanted(), on=timezone.localdate(), sort=sort)
    page = Paginator(lines, form.page_size).get_page(request.GET.get("page"))
    rows = [(unit, mask_party(unit.party)) for unit in page]  # type: ignore[attr-defined]
    chips = _chips(request, form)
    return TemplateResponse(
        request,
        "owners/units.html",
        {
            "filter": form,
            "chips": chips,
            "page": page,
            "rows": rows,
            "sizes": PAGE_SIZES,
            "has_units": bool(rows) or Unit.objects.filter(project=request.project).exists(),
        },
    )


@require_POST
@project_view(Right.SEE_LEDGER)
@transaction.atomic
def units_export(request: ProjectRequest) -> HttpResponse:
    """The filtered register as a workbook that can be imported again, recorded; in clear by right and when asked for.

    One with the data of more people than the limit needs a second person's consent.
    """
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise PermissionDenied
    in_clear, on = request.POST.get("personal") == "clear", timezone.localdate()
    if in_clear and Right.EXPORT_LEDGER not in request.rights:
        raise PermissionDenied
    form = UnitFilterForm(request.GET, project=request.project)
    lines = unit_lines(request.project, form.wanted(), on=on, sort=request.GET.get("sort", "unit"))
    people = people_in(lines, on=on)
    title = _("Units and owners")
    if in_clear and (answer := stopped(request, kind="owners-register", title=title, people=people)):
        return answer
    rows = list(register_rows(lines, on=on, in_clear=in_clear))
    record(
        action="owners.register_exported",
        by=request.user,
        project=request.project,
        filter=request.GET.urlencode(),
        personal="clear" if in_clear else "masked",
        units=len(rows),
        people=people,
    )
    return download(workbook(title, HEADERS, rows), f"{request.project.name} {title} {on.isoformat()}.xlsx")


def _to_cases(request: ProjectRequest) -> HttpResponse:
    try:
        return HttpResponseRedirect(reverse(CASES, kwargs={"project_code": request.project.code}))
    except NoReverseMatch:
        raise PermissionDenied from None


def _chips(request: HttpRequest, form: UnitFilterForm) -> list[tuple[str, str]]:
    """What is filtered now, each with the address that takes it away."""
    chips = [
        (str(label), _without(request, name, str(value)))
        for name in FILTERS
        for value, label in form.fields[name].choices  # type: ignore[attr-defined]
        if str(value) in form.cleaned_data.get(name, ())
    ]
    if form.cleaned_data.get("vacant"):
        chips.append((str(form.fields["vacant"].label), _without(request, "vacant")))
    if text := form.cleaned_data.get("q"):
        chips.append((f"“{text}”", _without(request, "q")))
    return chips


def _without(request: HttpRequest, name: str, value: str | None = None) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    query.setlist(name, [kept for kept in query.getlist(name) if value is not None and kept != value])
    return f"?{query.urlencode()}"
