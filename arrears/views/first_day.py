"""The guide from an empty system to the first import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.catalogue import ensure_catalogue
from arrears.first_day import Step, StepKey, StepState, steps
from arrears.models import Import
from company.access import ProjectRequest, StaffRequest, company_view, project_view
from company.frame import current_project
from company.models import Role
from company.rights import Right, has_right

GUIDED = (Right.MANAGE_SETTINGS, Right.MANAGE_PEOPLE, Right.MANAGE_TERMS)


@dataclass(frozen=True, slots=True)
class Row:
    """A step as the page shows it. ``url`` is empty where the person's roles do not reach: ``doers`` say whose do."""

    step: Step | None
    title: str
    why: str
    action: str
    url: str
    doers: str
    more: tuple[tuple[str, str], ...] = ()


@company_view(*GUIDED)
def start(request: StaffRequest) -> HttpResponse:
    """On to the guide of the current project; where there is no project yet, its first step."""
    project = current_project(request, request.user)
    if project is not None:
        return redirect("arrears:first_day", project_code=project.code)
    may_create = has_right(request.user, Right.MANAGE_SETTINGS, None)
    first = reverse("company:project_new") if may_create else ""
    return TemplateResponse(request, "arrears/first_day.html", _page(_rows(None, first, {}, {})))


@project_view(*GUIDED)
def first_day(request: ProjectRequest) -> HttpResponse:
    """Which steps are done, what is missing, and whose turn it is."""
    if Right.MANAGE_TERMS in request.rights:
        ensure_catalogue(request.project)
    found = {step.key: step for step in steps(request.project, today=timezone.localdate())}
    code = {"project_code": request.project.code}
    urls = {
        StepKey.CONTRACT: (Right.MANAGE_TERMS, reverse("owners:contracts", kwargs=code)),
        StepKey.FEES: (Right.MANAGE_TERMS, reverse("arrears:fees", kwargs=code)),
        StepKey.BUILDINGS: (Right.MANAGE_TERMS, reverse("owners:buildings", kwargs=code)),
        StepKey.STAFF: (Right.MANAGE_PEOPLE, f"{reverse('company:people')}?project={request.project.pk}"),
        StepKey.IMPORT: (Right.POST_MONEY, _import_url(request)),
    }
    mine = {key: url for key, (right, url) in urls.items() if right in request.rights}
    may_edit = Right.MANAGE_SETTINGS in request.rights
    project_url = reverse("company:project", kwargs={"pk": request.project.pk}) if may_edit else ""
    return TemplateResponse(request, "arrears/first_day.html", _page(_rows(found, project_url, mine, code)))


def _import_url(request: ProjectRequest) -> str:
    code = {"project_code": request.project.code}
    begun = Import.objects.filter(project=request.project).exists()
    return reverse("arrears:imports" if begun else "arrears:import_new", kwargs=code)


def _rows(
    found: dict[StepKey, Step] | None, project_url: str, urls: dict[StepKey, str], code: dict[str, str]
) -> list[Row]:
    steps_found = found or {}
    administrator, terms, people, finance = (
        _("system administrator"), _("project manager, finance or system administrator"),
        _("project manager or system administrator"), str(Role.FINANCE.label),
    )  # fmt: skip
    contract = steps_found.get(StepKey.CONTRACT)
    enter = (
        _("Complete the contract") if contract and contract.state is not StepState.MISSING else _("Enter the contract")
    )
    more: tuple[tuple[str, str], ...] = ()
    if StepKey.STAFF in urls:
        more = (
            (_("New person"), reverse("company:person_new")),
            (_("Import a list"), reverse("company:people_import")),
        )
    return [
        Row(steps_found.get(StepKey.PROJECT), _("Project"),
            _("Name, company and what letters and receipts print: phone, address, ways to pay."),
            _("Project settings") if found else _("Create the project"), project_url, administrator),
        Row(steps_found.get(StepKey.CONTRACT), _("Service contract"),
            _("Letters cite it; without a late-fee clause no late fee is shown anywhere."),
            enter, urls.get(StepKey.CONTRACT, ""), terms),
        Row(steps_found.get(StepKey.FEES), _("Fees and rules"),
            _("Names and synonyms by which sheets are understood, and the day on which bills fall due."),
            _("Look through the fees"), urls.get(StepKey.FEES, ""), terms),
        Row(steps_found.get(StepKey.BUILDINGS), _("Buildings"),
            _("Enter them, or let the first import make buildings and rooms from the sheet."),
            _("Enter buildings"), urls.get(StepKey.BUILDINGS, ""), terms),
        Row(steps_found.get(StepKey.STAFF), _("Staff and roles"),
            _("Who posts money, who decides, who visits. A list of names can be imported."),
            _("People and rights"), urls.get(StepKey.STAFF, ""), people, more),
        Row(steps_found.get(StepKey.IMPORT), _("First import"),
            _("What your charging system prints: arrears or charges. Everything is shown before it is posted."),
            _("Import the first sheet"), urls.get(StepKey.IMPORT, ""), finance),
    ]  # fmt: skip


def _page(rows: list[Row]) -> dict[str, Any]:
    """The rows with the first open one that the person can do marked; without a project that is the first."""
    waiting = [row for row in rows if row.url and (row.step is None or row.step.state is not StepState.DONE)]
    missing = [row for row in waiting if row.step is None or row.step.state is StepState.MISSING]
    return {
        "rows": rows,
        "next": next(iter(missing or waiting), None),
        "done": sum(1 for row in rows if row.step and row.step.is_done),
    }
