"""The evening of a project: the day drawn together, as a page and as a workbook, and the hour at which it is told."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from collection.evening_sheets import evening_sheets, reason_list_sheet, reason_totals_sheet
from collection.evenings import Span, hour_of, read_consolidation, reasons_now, reasons_of, set_hour, since_last
from collection.models import Evening
from collection.models.evenings import EARLIEST_EVENING, LATEST_EVENING
from collection.views.case import visible_cases
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import HEAD, RIGHTS, Right
from company.sheets import download, workbook_of

WHOLE_PROJECT_ROLES = RIGHTS[Right.SEE_CAMPAIGN] - HEAD
EVENINGS_SHOWN = 14


class EveningForm(forms.Form):
    """The evening in the address; without one, or with one that was not drawn together, it is now."""

    day = forms.DateField(required=False)


class HourForm(forms.Form):
    hour = forms.TimeField(
        label=gettext_lazy("Drawn together at"), widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )

    def clean_hour(self) -> Any:
        hour = self.cleaned_data["hour"]
        if not EARLIEST_EVENING <= hour <= LATEST_EVENING:
            said = {"first": f"{EARLIEST_EVENING:%H:%M}", "last": f"{LATEST_EVENING:%H:%M}"}
            raise forms.ValidationError(_("The hour lies between %(first)s and %(last)s.") % said)
        return hour


@project_view(Right.SEE_CAMPAIGN)
def evening(request: ProjectRequest) -> HttpResponse:
    """What came since the last evening, or what an evening covered; department heads see their team's."""
    shown, span = _asked_for(request)
    cases = visible_cases(request)
    whole = bool(request.roles & WHOLE_PROJECT_ROLES)
    context = {
        "told": read_consolidation(cases, span),
        "shown": shown,
        "span": span,
        "reasons": _reasons(request, shown),
        "whole": whole,
        "evenings": Evening.objects.filter(project=request.project)[:EVENINGS_SHOWN],
        "hour": hour_of(request.project),
        "hour_form": HourForm(initial={"hour": hour_of(request.project)}),
        "may_set_hour": Right.MANAGE_CAMPAIGN in request.rights,
        "may_export": Right.EXPORT_CASES in request.rights,
    }
    return TemplateResponse(request, "collection/evening.html", context)


@require_POST
@project_view(Right.EXPORT_CASES)
def evening_export(request: ProjectRequest) -> HttpResponse:
    """The same as a workbook, with the list of reasons case by case while the day is not over; recorded."""
    shown, span = _asked_for(request)
    cases = visible_cases(request)
    reasons = reason_totals_sheet(reasons_of(shown)) if shown else reason_list_sheet(cases)
    sheets = [*evening_sheets(read_consolidation(cases, span)), reasons]
    record(action="evening.exported", by=request.user, project=request.project, day=span.day.isoformat())
    name = f"{request.project.name}_{_('Evening')}_{span.day:%Y-%m-%d}.xlsx"
    return download(workbook_of(sheets), name)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def evening_hour(request: ProjectRequest) -> HttpResponse:
    """Sets the hour at which the day is drawn together and told."""
    form = HourForm(request.POST)
    if form.is_valid():
        set_hour(request.project, form.cleaned_data["hour"], by=request.user, now=timezone.now())
        said = {"hour": f"{form.cleaned_data['hour']:%H:%M}"}
        messages.success(request, _("The day is drawn together at %(hour)s.") % said)
    else:
        messages.error(request, " ".join(str(error) for error in form.errors["hour"]))
    return redirect("collection:evening", project_code=request.project.code)


def _asked_for(request: ProjectRequest) -> tuple[Evening | None, Span]:
    form = EveningForm(request.GET)
    day = form.cleaned_data["day"] if form.is_valid() else None
    found = Evening.objects.filter(project=request.project, day=day).first() if day else None
    if found:
        return found, Span(found.since_at, found.until_at)
    return None, since_last(request.project, now=timezone.now())


def _reasons(request: ProjectRequest, shown: Evening | None) -> Any:
    """As they stand; of an evening that has passed what was kept, which is the whole project's alone."""
    if shown is None:
        return reasons_now(visible_cases(request))
    return reasons_of(shown) if request.roles & WHOLE_PROJECT_ROLES else []
