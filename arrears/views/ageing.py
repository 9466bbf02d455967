"""How old what is owed is, by any group and as of any day; and the statements of groups as workbooks."""

from typing import Any

from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.aged import UNKNOWN_OWNER, GroupBy, aged_lines, aged_totals, open_that_fit
from arrears.ageing_forms import AgeingFilterForm, DaysForm
from arrears.exporting_lists import ageing_workbook, group_workbook
from arrears.group_statements import StatementGroup, group_statement, statement_group
from arrears.models import Account
from arrears.queries import AGEING_BUCKETS, NOT_DUE
from arrears.views.ledger import XLSX, CountedPaginator
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.personal_data import mask_party

PAGE_SIZE = 50
OF_GROUP = {GroupBy.BUILDING: "building", GroupBy.UNIT: "unit", GroupBy.OWNER: "owner"}


@project_view(Right.SEE_LEDGER)
def ageing(request: ProjectRequest) -> HttpResponse:
    """Open amounts by age; each number leads to the charges behind it."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        return TemplateResponse(request, "arrears/ledger_of_cases.html")
    today = timezone.localdate()
    form = AgeingFilterForm(request.GET, project=request.project, today=today)
    on, by = form.day, form.group
    rows = open_that_fit(request.project, form.wanted(), on=on, as_of=on < today)
    lines = aged_lines(rows, by, on=on, as_of=on < today, sort=request.GET.get("sort", "label"))
    page = CountedPaginator(lines, PAGE_SIZE, count=lines.count()).get_page(request.GET.get("page"))
    totals = aged_totals(rows, on=on)
    context = {
        "filter": form,
        "by": by,
        "on": on,
        "is_past": on < today,
        "page": page,
        "buckets": AGEING_BUCKETS,
        "rows": [_shown(request, line, by) for line in page],
        "totals": _cells(request, totals, {}),
        "choices": GroupBy.choices,
        "is_narrowed": any(name in request.GET for name in ("building", "fee", "age", "unit", "owner", "on")),
    }
    return TemplateResponse(request, "arrears/ageing.html", context)


@require_POST
@project_view(Right.EXPORT_LEDGER)
def ageing_export(request: ProjectRequest) -> HttpResponseBase:
    """The filtered table of ages as a workbook, recorded; names are masked."""
    today = timezone.localdate()
    form = AgeingFilterForm(request.GET, project=request.project, today=today)
    on, by = form.day, form.group
    rows = open_that_fit(request.project, form.wanted(), on=on, as_of=on < today)
    lines = aged_lines(rows, by, on=on, as_of=on < today, sort=request.GET.get("sort", "label"))
    title = f"{request.project.name} {_('Ageing')}"
    file = ageing_workbook(lines.iterator(), aged_totals(rows, on=on), by=by, title=title, on=on)
    record(
        action="ledger.ageing_exported", by=request.user, project=request.project, filter=request.GET.urlencode(),
        names="masked",
    )  # fmt: skip
    return FileResponse(file, as_attachment=True, filename=f"{title} {on}.xlsx", content_type=XLSX)


@require_POST
@project_view(Right.EXPORT_LEDGER)
def group_statement_export(request: ProjectRequest) -> HttpResponseBase:
    """The statement of a unit, owner, building or project as a workbook, recorded; names are masked."""
    group, today = group_of(request), timezone.localdate()
    since, until = DaysForm(request.POST, today=today).days
    stated = group_statement(group, since=since, until=until, today=today)
    title = f"{request.project.name} {shown_name(group)} {_('Statement of account')}"
    record(
        action="ledger.statement_exported", by=request.user, project=request.project, of=group.kind.value,
        key=group.key, until=until.isoformat(),
    )  # fmt: skip
    file = group_workbook(stated, title=title)
    return FileResponse(file, as_attachment=True, filename=f"{title} {until}.xlsx", content_type=XLSX)


def group_of(request: ProjectRequest) -> StatementGroup:
    """The group that the address names by ``of`` and ``key``, the project where none is named; else 404."""
    kind, key = request.GET.get("of", GroupBy.PROJECT.value), request.GET.get("key", str(request.project.pk))
    if kind not in GroupBy or not (key.isdecimal() and len(key) < 18) or not request.roles & WHOLE_LEDGER_ROLES:
        raise Http404
    found = statement_group(request.project, GroupBy(kind), int(key))
    if found is None:
        raise Http404
    seen = Account.objects.visible_to(request.user)
    return StatementGroup(found.kind, found.key, found.name, found.accounts.filter(pk__in=seen.values("pk")))


def shown_name(group: StatementGroup) -> str:
    """The name of a group, of an owner masked."""
    return mask_party(group.name) if group.kind is GroupBy.OWNER else group.name


def _shown(request: ProjectRequest, line: dict[str, Any], by: GroupBy) -> dict[str, Any]:
    key = UNKNOWN_OWNER if line["key"] is None else line["key"]
    own = {OF_GROUP[by]: str(key)} if by in OF_GROUP else {}
    label = mask_party(line["label"] or "") or "—" if by is GroupBy.OWNER else line["label"]
    shown = {**line, **_cells(request, line, own), "key": key, "label": label}
    if by is GroupBy.CHARGE:
        shown["party"] = mask_party(line["party"])
        shown["starts_unknown"] = bool((line["computed_from"] or {}).get("start_unknown"))
    return shown


def _cells(request: ProjectRequest, line: dict[str, Any], own: dict[str, str]) -> dict[str, Any]:
    """The amounts by bucket, each with the address of the charges behind it."""
    narrowed = [age for age in request.GET.getlist("age") if age != NOT_DUE]
    overdue = [bucket.key for bucket in AGEING_BUCKETS if bucket.key in narrowed or not narrowed]
    return {
        "overdue": line["overdue"],
        "not_due": line["not_due"],
        "oldest": line["oldest"],
        "url": _charges_url(request, own, overdue),
        "not_due_url": _charges_url(request, own, [NOT_DUE]),
        "cells": [
            (bucket.label, line[bucket.key], _charges_url(request, own, [bucket.key])) for bucket in AGEING_BUCKETS
        ],
    }


def _charges_url(request: ProjectRequest, own: dict[str, str], ages: list[str]) -> str:
    query: QueryDict = request.GET.copy()
    for name in ("page", "sort"):
        query.pop(name, None)
    query["by"] = GroupBy.CHARGE.value
    for name, value in own.items():
        query[name] = value
    query.setlist("age", ages)
    return f"?{query.urlencode()}"
