"""Small forms of the pages of cases: filters, reasons, requests and answers, overrides."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.queries import AGEING_BUCKETS
from collection.agenda import PlannedDay
from collection.case_list import NOBODY, CaseFilter
from collection.models import Campaign, Case, ContactAttempt, OwnerRequest, PromiseToPay, Stage, TargetClass, Team
from collection.reasons import Reason, reasons_for
from collection.requests import Requested
from collection.teams import staff_of
from company.forms import DayInput
from company.models import Project, Role
from owners.models import Building
from owners.search import NO_WHOLE_NUMBER

ALL_ROLES = frozenset(Role)
STEPS = [("due", _("due today or before")), ("late", _("late"))]


class PlannedDayField(forms.CharField):
    """A day of the calendar and what is planned for it."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return PlannedDay.from_key(text)
        except ValueError as error:
            raise forms.ValidationError(_t("Not a day of the calendar.")) from error


class CaseFilterForm(forms.Form):
    """What stands in the address of the list."""

    q = forms.CharField(
        label=_("Room, name, pinyin initials, last 4 digits of a phone"),
        required=False,
        max_length=60,
        widget=forms.TextInput(
            attrs={"pattern": NO_WHOLE_NUMBER, "title": _("The last 4 digits of a phone, never the whole number")}
        ),
    )
    state = forms.ChoiceField(label=_("State"), required=False, choices=Case.State.choices)
    team = forms.ChoiceField(label=_("Team"), required=False)
    member = forms.ChoiceField(label=_("Responsible"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    stage = forms.ChoiceField(label=_("Stage"), required=False, choices=Stage.choices)
    age = forms.ChoiceField(label=_("Age"), required=False, choices=[(b.key, b.label) for b in AGEING_BUCKETS])
    step = forms.ChoiceField(label=_("Next step"), required=False, choices=STEPS)
    promise = forms.ChoiceField(
        label=_("Promise"),
        required=False,
        choices=[(PromiseToPay.State.WAITING, _("waiting")), (PromiseToPay.State.BROKEN, _("broken"))],
    )
    request = forms.ChoiceField(label=_("Request"), required=False, choices=[("open", _("unanswered"))])
    untouched = forms.ChoiceField(label=_("Contact"), required=False, choices=[("1", _("never contacted"))])
    closed = forms.ChoiceField(label=_("Case closed"), required=False, choices=[("week", _("in the last seven days"))])
    building = forms.ChoiceField(label=_("Building"), required=False)
    campaign = forms.ChoiceField(label=_("Campaign"), required=False)
    planned = PlannedDayField(required=False)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        self.fields["class"] = forms.ChoiceField(label=_("Class"), required=False, choices=TargetClass.choices)
        reasons = reasons_for(ALL_ROLES)
        self._offer("team", [*_teams(project, str(data.get("team", ""))), (NOBODY, _("Unassigned"))])
        self._offer("member", [*staff_of(project).values_list("pk", "name"), (NOBODY, _("nobody"))])
        self._offer("reason", [(reason.key, reason.label) for reason in reasons])
        self._offer("building", list(Building.objects.filter(project=project).values_list("pk", "name")))
        self.campaigns = {campaign.pk: campaign for campaign in Campaign.objects.filter(project=project)}
        self._offer("campaign", [(pk, campaign.name) for pk, campaign in self.campaigns.items()])
        for field in self.fields.values():
            if isinstance(field, forms.ChoiceField):
                offered: Any = field.choices
                field.choices = [("", _("all")), *offered]

    def _offer(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def wanted(self) -> CaseFilter:
        """The filter; what cannot be read is passed over."""
        self.is_valid()
        given = self.cleaned_data
        return CaseFilter(
            text=given.get("q", ""),
            state=Case.State(given.get("state") or Case.State.OPEN),
            team=given.get("team", ""),
            member=given.get("member", ""),
            reason=Reason.from_key(given["reason"]) if given.get("reason") else None,
            stage=given.get("stage", ""),
            age=given.get("age", ""),
            target_class=TargetClass(given["class"]) if given.get("class") else None,
            building=int(given["building"]) if given.get("building") else None,
            promise=given.get("promise", ""),
            request=bool(given.get("request")),
            untouched=bool(given.get("untouched")),
            step=given.get("step", ""),
            closed=given.get("closed", ""),
            campaign=self.campaigns[int(given["campaign"])] if given.get("campaign") else None,
            planned=given.get("planned"),
        )

    def in_force(self) -> list[tuple[str, str]]:
        """By name of the parameter what is filtered for, in words."""
        self.is_valid()
        found = []
        for name, value in self.cleaned_data.items():
            if value:
                choices = dict(getattr(self.fields[name], "choices", ()))
                text = str(value)
                label = choices.get(int(text) if text.isdecimal() else text, choices.get(text, text))
                found.append((name, f"{self.fields[name].label} {label}" if choices else text))
        return found


def _teams(project: Project, chosen: str) -> list[tuple[int, str]]:
    """The active teams, and the one that is asked for though it is dissolved: its list stays what a report counted."""
    teams = Team.objects.filter(project=project)
    shown = teams.active() | teams.filter(pk=int(chosen)) if chosen.isdecimal() and len(chosen) < 18 else teams.active()
    return list(shown.values_list("pk", "name"))


class ReasonForm(forms.Form):
    """Why it is unpaid; offers what the person may set."""

    reason = forms.ChoiceField(label=_("Reason"))
    note = forms.CharField(label=_("What it rests on"), required=False, max_length=400)

    def __init__(self, *args: Any, roles: frozenset[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["reason"]
        field.choices = [(reason.key, reason.label) for reason in reasons_for(roles)]

    def chosen(self) -> Reason:
        return Reason.from_key(self.cleaned_data["reason"])


class RequestForm(forms.Form):
    """What an owner asks for."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=OwnerRequest.Kind.choices)
    text = forms.CharField(label=_("What the owner said"), max_length=2000, widget=forms.Textarea({"rows": 4}))
    department = forms.ChoiceField(
        label=_("Department"), choices=OwnerRequest.Department.choices, initial=OwnerRequest.Department.SERVICE
    )

    def requested(self) -> Requested:
        given = self.cleaned_data
        return Requested(OwnerRequest.Kind(given["kind"]), given["text"], OwnerRequest.Department(given["department"]))


class AnswerForm(forms.Form):
    """The answer that the owner is given."""

    answer = forms.CharField(
        label=pgettext_lazy("to a request", "Answer"), max_length=2000, widget=forms.Textarea({"rows": 4})
    )
    agreed_on = forms.DateField(
        label=_("Agreed date"),
        required=False,
        widget=DayInput(),
        help_text=_("Of the repair or the next look. Nobody visits for the fee before it."),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_agreed_on(self) -> date | None:
        day: date | None = self.cleaned_data["agreed_on"]
        if day and day < self.today:
            raise forms.ValidationError(_t("The agreed date lies in the past."))
        return day


class OverrideForm(forms.Form):
    """Leave to pass limits today, with the reason."""

    channel = forms.ChoiceField(label=_("By"), choices=ContactAttempt.Channel.choices)
    reason = forms.CharField(label=_("Reason"), max_length=400, widget=forms.Textarea({"rows": 3}))


class DecisionNoteForm(forms.Form):
    """What finance found."""

    note = forms.CharField(label=_("What was found"), max_length=400)


class ReviewForm(forms.Form):
    """Each part of the file is confirmed by itself."""

    periods = forms.BooleanField(label=_("the months and amounts are plausible"))
    repairs = forms.BooleanField(label=_("open repairs are known"))
    complaints = forms.BooleanField(label=_("complaints and requests are known"))
    history = forms.BooleanField(label=_("earlier contacts and promises are read"))
    note = forms.CharField(label=_("Note"), required=False, max_length=400)
