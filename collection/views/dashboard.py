"""The collection dashboard of a project, its chart and its workbook."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.http import HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.verification import payments_known_until
from collection.alerts import closed_lately, count_alerts
from collection.dashboard import Dashboard, build_dashboard
from collection.milestones import progress_of
from collection.models import Case, TargetClass, Team, TeamMember
from collection.pace import course_of
from collection.rate_conventions import View
from collection.rates import CENT, shown_percent
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import HEAD, RIGHTS, Right
from company.sheets import Cell, download, workbook

VIEW_NAMES = {View.APPRAISAL: gettext_lazy("appraisal view"), View.ACCOUNTING: gettext_lazy("accounting view")}
NO_TEAM = 0  # a head without a team sees nobody's cases, not the unassigned ones
WHOLE_PROJECT_ROLES = RIGHTS[Right.SEE_CAMPAIGN] - HEAD


class DashboardForm(forms.Form):
    """What stands in the address: the day, the view and the class that table and chart show."""

    on = forms.DateField(label=gettext_lazy("as of"), required=False, widget=forms.DateInput({"type": "date"}))
    view = forms.ChoiceField(choices=[(view.value, name) for view, name in VIEW_NAMES.items()], required=False)
    of = forms.ChoiceField(choices=TargetClass.choices, required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def clean_on(self) -> date:
        """Yesterday unless told: today's payments are known tomorrow."""
        on: date | None = self.cleaned_data["on"]
        if on and on > self.today:
            raise forms.ValidationError(_("That day has not come yet; the figures are as of yesterday."))
        return on or self.today - timedelta(days=1)

    def chosen(self) -> dict[str, Any]:
        """The parameters of build_dashboard; what cannot be read falls back to the usual."""
        self.is_valid()
        given = self.cleaned_data
        return {
            "on": given.get("on") or self.today - timedelta(days=1),
            "view": View(given.get("view") or View.APPRAISAL),
            "chosen": TargetClass(given["of"]) if given.get("of") else None,
        }


@project_view(Right.SEE_CAMPAIGN)
def dashboard(request: ProjectRequest) -> HttpResponse:
    """Rates against targets, teams against quotas and time; department heads see their own team's."""
    form = DashboardForm(request.GET, today=timezone.localdate())
    cases = Case.objects.visible_to(request.user).filter(project=request.project)
    board = _board(request, form)
    context = {
        "board": board,
        "form": form,
        "alerts": count_alerts(cases, today=form.today),
        "milestones": progress_of(board.campaign, today=form.today) if board.campaign else [],
        "payments_until": payments_known_until(request.project),
        "cleared": closed_lately(cases, today=form.today).count(),
        "figures_url": f"{_figures_url(request)}?{urlencode({'on': board.on.isoformat(), 'view': board.view.value})}",
        "today": form.today,
        "views": VIEW_NAMES.items(),
    }
    return TemplateResponse(request, "collection/dashboard.html", context)


@project_view(Right.SEE_CAMPAIGN)
def dashboard_course(request: ProjectRequest) -> HttpResponse:
    """The money collected day by day, as JSON for the chart: amounts in CNY, days as YYYY-MM-DD."""
    board = _board(request, DashboardForm(request.GET, today=timezone.localdate()))
    quota = board.chosen_quota
    if board.campaign is None or quota is None:
        return JsonResponse({"days": []})
    course = course_of(
        board.campaign, quota, on=board.on, of=board.chosen, teams=board.accounts_shown, settings=board.settings
    )
    return JsonResponse(
        {
            "starts": course.pace.starts_on.isoformat(),
            "ends": course.pace.ends_on.isoformat(),
            "days": [day.isoformat() for day, _amount in course.collected],
            "collected": [float(amount) for _day, amount in course.collected],
            "quota": float(course.quota),
            "expected": None if course.expected is None else float(course.expected),
        }
    )


@project_view(Right.SEE_CAMPAIGN)
def dashboard_export(request: ProjectRequest) -> HttpResponse:
    """The teams' figures of every class as a workbook; recorded."""
    board = _board(request, DashboardForm(request.GET, today=timezone.localdate()))
    heads = [
        _("Class"), _("Team"), _("Responsible"), _("Cases"), _("Arrears taken over"), _("Quota"), _("Collected"),
        _("Rate (%)"), _("Expected at the end (%)"), _("Target (%)"), _("As of"), _("Convention"),
    ]  # fmt: skip
    record(
        action="dashboard.exported",
        by=request.user,
        project=request.project,
        on=board.on.isoformat(),
        view=board.view.value,
    )
    name = f"{request.project.name}_{_('Team progress')}_{board.on:%Y-%m-%d}.xlsx"
    return download(workbook(_("Team progress"), heads, _sheet_rows(board)), name)


def _board(request: ProjectRequest, form: DashboardForm) -> Dashboard:
    return build_dashboard(
        request.project,
        cases=Case.objects.visible_to(request.user).filter(project=request.project),
        own_team=own_team(request),
        **form.chosen(),
    )


def _figures_url(request: ProjectRequest) -> str:
    return reverse("collection:figure_accounts", kwargs={"project_code": request.project.code})


def own_team(request: ProjectRequest) -> Team | None:
    """The only team that the person sees; None for who sees the whole project."""
    if request.roles & WHOLE_PROJECT_ROLES:
        return None
    membership = TeamMember.objects.filter(user=request.user, project=request.project, left_on__isnull=True)
    own = Team.objects.filter(members__in=membership).select_related("leader").first()
    return own or Team(pk=NO_TEAM, project=request.project, name=_("no team"))


def _sheet_rows(board: Dashboard) -> Iterator[list[Cell]]:
    for of, table in board.tables.items():
        for line in [*table.lines, *([table.total] if table.total else [])]:
            name = line.team.name if line.team else _("Total") if line is table.total else _("Unassigned")
            leader = line.team.leader.name if line.team and line.team.leader else ""
            quota = line.quota
            yield [
                str(of.label), name, leader, line.cases, _cents(quota.arrears), quota.money, _cents(quota.collected),
                shown_percent(quota.rate, quota.target), shown_percent(line.forecast, quota.target),
                quota.target, board.on, "；".join(board.convention),
            ]  # fmt: skip


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
