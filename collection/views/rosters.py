"""The roster of a campaign: who is on duty, and the contact hours that nobody covers."""

from datetime import date, time
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from collection import roster as duty
from collection.models import Campaign
from collection.roster import Hours, cover_of, days_between, on_duty_staff
from collection.workdays import day_kind
from company.access import ProjectRequest, project_view
from company.forms import DayInput
from company.models import User
from company.rights import Right

WORKED, OFF = "worked", "off"


class HourInput(forms.TimeInput):
    """A time of the day as browsers offer it."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class DutyForm(forms.Form):
    """One person, some days, and from when until when."""

    person = forms.ModelChoiceField(User.objects.none(), label=pgettext_lazy("roster", "Person"), empty_label="—")
    first = forms.DateField(label=gettext_lazy("From"), widget=DayInput())
    last = forms.DateField(label=pgettext_lazy("roster", "To and including"), widget=DayInput())
    days = forms.MultipleChoiceField(
        label=gettext_lazy("On"),
        choices=[
            (WORKED, gettext_lazy("working days")),
            (OFF, gettext_lazy("weekends and public holidays")),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    start = forms.TimeField(label=gettext_lazy("On duty from"), widget=HourInput())
    end = forms.TimeField(label=gettext_lazy("On duty until"), widget=HourInput())

    def __init__(self, data: Any = None, *, campaign: Campaign, today: date) -> None:
        project = campaign.project
        super().__init__(data, initial={
            "first": min(max(campaign.starts_on, today), campaign.ends_on), "last": campaign.ends_on,
            "days": [WORKED, OFF], "start": project.contact_from, "end": project.contact_until,
        })  # fmt: skip
        self.campaign = campaign
        person: Any = self.fields["person"]
        person.queryset = on_duty_staff(project)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last, start, end = (cleaned.get(name) for name in ("first", "last", "start", "end"))
        if first and last and last < first:
            self.add_error("last", _("The last day lies before the first."))
        if start and end and end <= start:
            self.add_error("end", _("The duty ends after it begins."))
        if not self.errors and not self.chosen_days():
            self.add_error("first", _("None of these days lies in the campaign."))
        return cleaned

    def chosen_days(self) -> list[date]:
        """Days of the campaign that fit."""
        given = self.cleaned_data
        first, last = max(given["first"], self.campaign.starts_on), min(given["last"], self.campaign.ends_on)
        return [day for day in days_between(first, last) if (OFF if day_kind(day).is_off else WORKED) in given["days"]]

    def hours(self) -> Hours:
        start: time = self.cleaned_data["start"]
        return Hours(start, self.cleaned_data["end"])


@project_view(Right.SEE_CAMPAIGN)
def roster(request: ProjectRequest, pk: int) -> HttpResponse:
    """Every day of the campaign with its duties and gaps; the project manager puts people on and off duty."""
    found = Campaign.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    campaign = found.select_related("project").first()
    if campaign is None:
        raise Http404
    today = timezone.localdate()
    form = DutyForm(request.POST or None, campaign=campaign, today=today)
    if request.method == "POST":
        if Right.MANAGE_CAMPAIGN not in request.rights:
            raise PermissionDenied
        if form.is_valid() and _change(request, campaign, form):
            return redirect("collection:roster", project_code=request.project.code, pk=pk)
    days = cover_of(campaign)
    to_come = [day for day in days if day.day >= today]
    context = {
        "campaign": campaign,
        "past": [day for day in days if day.day < today],
        "to_come": to_come,
        "with_gaps": sum(bool(day.gaps) for day in to_come),
        "form": form,
        "may_change": Right.MANAGE_CAMPAIGN in request.rights and campaign.state != Campaign.State.CLOSED,
        "today": today,
    }
    return TemplateResponse(request, "collection/roster.html", context)


def _change(request: ProjectRequest, campaign: Campaign, form: DutyForm) -> bool:
    """Carries the form out; False, with the mistake in the form, where it is refused."""
    person, days = form.cleaned_data["person"], form.chosen_days()
    said = {"person": person.name}
    try:
        if request.POST.get("act") == "clear":
            number = duty.take_off_duty(campaign, person, days, by=request.user)
            text = ngettext(
                "%(person)s: %(number)s shift taken away.", "%(person)s: %(number)s shifts taken away.", number
            )
        else:
            number = duty.put_on_duty(campaign, person, days, form.hours(), by=request.user, now=timezone.now())
            text = ngettext(
                "%(person)s is on duty on %(number)s day.", "%(person)s is on duty on %(number)s days.", number
            )
    except duty.OutsideHoursError:
        project = campaign.project
        hours = {"start": f"{project.contact_from:%H:%M}", "end": f"{project.contact_until:%H:%M}"}
        form.add_error("start", _("Duty lies within the contact hours, %(start)s–%(end)s.") % hours)
        return False
    except duty.NoDayError:
        form.add_error("first", _("None of these days lies in the campaign."))
        return False
    except duty.ClosedError:
        form.add_error(None, _("The campaign is closed; its roster stays as it was."))
        return False
    messages.success(request, text % {**said, "number": number})
    return True
