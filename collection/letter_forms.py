from __future__ import annotations

from datetime import date
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from collection.letters import Choice
from collection.models import ArrearsReason, Stage, Team
from company.forms import DayInput
from company.models import Project
from notices.kinds import KINDS
from notices.models import NoticeKind

ALL = [("", _("all"))]
MOST_CASES = 5_000


class ChoiceForm(forms.Form):
    """Which cases; it stands in the address. ``cases`` are ids, joined by commas, as the list of cases passes them."""

    team = forms.ModelChoiceField(Team.objects.none(), label=_("Team"), required=False, empty_label=_("all"))
    reason = forms.ChoiceField(label=_("Reason"), required=False, choices=[*ALL, *ArrearsReason.choices])
    stage = forms.ChoiceField(label=_("Stage"), required=False, choices=[*ALL, *Stage.choices])
    min_amount = forms.DecimalField(
        label=_("Overdue at least (CNY)"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    min_days = forms.IntegerField(label=_("Overdue for at least (days)"), required=False, min_value=0, max_value=9999)
    cases = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        teams.queryset = Team.objects.filter(project=project).active()

    def clean_cases(self) -> list[int]:
        listed = [part for part in self.cleaned_data["cases"].split(",") if part.strip()]
        if len(listed) > MOST_CASES or not all(part.strip().isdecimal() and len(part) < 18 for part in listed):
            raise forms.ValidationError(_("The list of cases cannot be read; choose them again."))
        return [int(part) for part in listed]

    def choice(self) -> Choice:
        given = self.cleaned_data
        return Choice(
            case_ids=given["cases"],
            team=given["team"],
            reason=ArrearsReason(given["reason"]) if given["reason"] else None,
            stage=Stage(given["stage"]) if given["stage"] else None,
            min_amount=given["min_amount"],
            min_days=given["min_days"],
        )


class LetterForm(forms.Form):
    """What is written to them."""

    kind = forms.ChoiceField(label=_("Kind of letter"))
    occasion = forms.CharField(
        label=_("Occasion"), max_length=80, help_text=_("An account gets one letter of a kind on an occasion.")
    )
    deadline_on = forms.DateField(label=_("Deadline in the letter"), required=False, widget=DayInput())

    def __init__(self, data: Any = None, *, occasion: str, deadline_on: date) -> None:
        super().__init__(data, initial={"occasion": occasion, "deadline_on": deadline_on})
        self.fields["kind"].choices = [(kind.value, NoticeKind(kind).label) for kind in KINDS]  # type: ignore[attr-defined]
