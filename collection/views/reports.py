"""Daily sheets, weekly and monthly reports with their reviews, and the two lists that offices pass on."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from collection.daily_sheet import daily_sheet, sheet_workbook
from collection.fixed_exports import arrears_workbook, reasons_workbook
from collection.models import Case, PeriodReport, Playbook, Team, TeamMember
from collection.report_page import read_report, report_workbook
from collection.reports import review
from company.access import ProjectRequest, project_view
from company.audit import record
from company.models import Project
from company.rights import Right
from company.sheets import XLSX
from owners.export_consent import people_of
from owners.export_gate import stopped

SHOWN = 30
FIXED = {
    "arrears-by-year": (gettext_lazy("Arrears ledger by year"), arrears_workbook),
    "reasons": (gettext_lazy("Reasons of arrears"), reasons_workbook),
}


class ReviewForm(forms.Form):
    """What the report shows, what follows, and the playbook version that it led to."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=gettext_lazy("What was found and decided"), max_length=1000, widget=forms.Textarea({"rows": 3})
    )
    playbook = forms.ModelChoiceField(
        Playbook.objects.none(), label=gettext_lazy("Led to this playbook"), required=False,
        empty_label=gettext_lazy("no change"),
    )  # fmt: skip

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4()})
        super().__init__(*args, **kwargs)
        field: Any = self.fields["playbook"]
        field.queryset = Playbook.objects.filter(project=project, case=None)
        field.label_from_instance = lambda version: f"v{version.number} {version.get_state_display()} {version.note}"


@project_view(Right.LOG_CONTACTS, Right.SEE_REPORTS)
def daily(request: ProjectRequest) -> HttpResponse:
    """The morning's sheet of a team; who works in one sees that one."""
    teams = list(_teams(request))
    team = _chosen(request, teams)
    context = {
        "teams": teams,
        "sheet": daily_sheet(team, now=timezone.now()) if team else None,
        "today": timezone.localdate(),
    }
    return TemplateResponse(request, "collection/daily.html", context)


@require_POST
@project_view(Right.LOG_CONTACTS, Right.SEE_REPORTS)
def daily_export(request: ProjectRequest) -> HttpResponseBase:
    """The same as a workbook with names masked; recorded."""
    team = _chosen(request, list(_teams(request)))
    if team is None:
        messages.error(request, _("There is no team whose sheet you could export."))
        return redirect("collection:daily", project_code=request.project.code)
    sheet = daily_sheet(team, now=timezone.now())
    record(action="daily_sheet.exported", by=request.user, project=request.project, obj=team)
    return _file(sheet_workbook(sheet), f"{team.name} {_('Daily sheet')} {sheet.on}")


@project_view(Right.SEE_REPORTS)
def reports(request: ProjectRequest) -> HttpResponse:
    """Reports that were made, newest first, and the fixed exports."""
    seen = PeriodReport.objects.visible_to(request.user).filter(project=request.project)
    rows = seen.annotate(reviewed=Count("reviews"))
    context = {
        "groups": [(kind, rows.filter(kind=kind)[:SHOWN]) for kind in PeriodReport.Kind],
        "fixed": [(name, label) for name, (label, _make) in FIXED.items()],
        "may_export": Right.EXPORT_LEDGER in request.rights,
        "cases": Case.objects.visible_to(request.user).filter(project=request.project).open().count(),
    }
    return TemplateResponse(request, "collection/reports.html", context)


@project_view(Right.SEE_REPORTS)
def report(request: ProjectRequest, pk: int) -> HttpResponse:
    """One report as it was kept, and the reviews of it."""
    found = _report(request, pk)
    return _report_page(request, found, ReviewForm(project=request.project))


@project_view(Right.SEE_REPORTS)
def report_export(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The same as a workbook; recorded. It names teams and no owner."""
    found = _report(request, pk)
    record(action="report.exported", by=request.user, project=request.project, obj=found)
    return _file(report_workbook(read_report(found)), f"{request.project.name} {found}")


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def report_review(request: ProjectRequest, pk: int) -> HttpResponse:
    """Keeps what the project manager made of a report, and the playbook version that it led to."""
    found = _report(request, pk)
    form = ReviewForm(request.POST, project=request.project)
    if not form.is_valid():
        return _report_page(request, found, form)
    given = form.cleaned_data
    review(
        found, given["text"], playbook=given["playbook"], by=request.user, now=timezone.now(),
        submission=given["submission"],
    )  # fmt: skip
    messages.success(request, _("The review is kept."))
    return redirect("collection:report", project_code=request.project.code, pk=found.pk)


@require_POST
@project_view(Right.EXPORT_LEDGER)
@transaction.atomic
def fixed_export(request: ProjectRequest, name: str) -> HttpResponseBase:
    """欠费台账 or 欠费原因清单 of the open cases, recorded; with names in clear of many people by two."""
    if name not in FIXED:
        raise Http404
    label, make = FIXED[name]
    with_names = request.POST.get("names") == "full"
    cases = Case.objects.visible_to(request.user).filter(project=request.project)
    people = people_of(cases.open().values("account__ownership")) if with_names else 0
    if answer := stopped(request, kind=f"fixed-{name}", title=str(label), people=people):
        return answer
    file, count = make(request.project, cases, now=timezone.now(), with_names=with_names)
    record(
        action="cases.fixed_export", by=request.user, project=request.project, list=name, cases=count,
        names="full" if with_names else "masked",
    )  # fmt: skip
    return _file(file, f"{request.project.name} {label} {timezone.localdate()}")


def _report_page(request: ProjectRequest, found: PeriodReport, form: ReviewForm) -> HttpResponse:
    context = {
        "report": found,
        "page": read_report(found),
        "reviews": found.reviews.select_related("by", "playbook"),
        "form": form if Right.MANAGE_CAMPAIGN in request.rights else None,
    }
    return TemplateResponse(request, "collection/report.html", context)


def _report(request: ProjectRequest, pk: int) -> PeriodReport:
    rows = PeriodReport.objects.visible_to(request.user).filter(project=request.project)
    return get_object_or_404(rows.select_related("project", "playbook"), pk=pk)


def _teams(request: ProjectRequest) -> QuerySet[Team]:
    """All active teams for who sees reports, else those in which the person works."""
    teams = Team.objects.active().filter(project=request.project)
    if Right.SEE_REPORTS in request.rights:
        return teams
    return teams.filter(members__in=TeamMember.objects.present().filter(user=request.user))


def _chosen(request: ProjectRequest, teams: list[Team]) -> Team | None:
    """The team that the address names, of those that the person may see; else the first."""
    wanted = request.GET.get("team", "") or request.POST.get("team", "")
    return next((team for team in teams if str(team.pk) == wanted), teams[0] if teams else None)


def _file(file: Any, name: str) -> FileResponse:
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
