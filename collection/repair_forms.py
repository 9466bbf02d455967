"""Forms of defects and their repair."""

import uuid
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.relief_forms import ProofField
from collection.models import RectificationItem
from collection.rectification import FURTHEST, Defect
from company.forms import DayInput


class PlaceForm(forms.Form):
    """Where the defect is and who has to mend it, as far as it is known."""

    part = forms.ChoiceField(label=_("Where"), choices=RectificationItem.Part.choices, widget=forms.RadioSelect)
    liable = forms.ChoiceField(label=_("Who has to mend it"), choices=RectificationItem.Liable.choices)
    warranty_until = forms.DateField(
        label=_("Warranty until"), required=False, widget=DayInput(), help_text=_("Empty: unknown, or none.")
    )

    @property
    def found(self) -> dict[str, Any]:
        """As the domain takes it."""
        given = self.cleaned_data
        return {
            "part": RectificationItem.Part(given["part"]),
            "liable": RectificationItem.Liable(given["liable"]),
            "warranty_until": given["warranty_until"],
        }


class DefectForm(PlaceForm):
    """A new item. ``submission`` makes sending it twice one item."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    defect = forms.CharField(label=_("Defect"), max_length=200, widget=forms.Textarea({"rows": 2}))
    reported_on = forms.DateField(label=_("Reported on"), widget=DayInput())
    agreed_on = forms.DateField(
        label=_("Agreed date"), required=False, widget=DayInput(),
        help_text=_("Of the repair or the next look. Nobody visits for the fee before it."),
    )  # fmt: skip

    field_order = ("submission", "defect", "part", "liable", "warranty_until", "reported_on", "agreed_on")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "reported_on": today})
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["reported_on"].widget.attrs["max"] = today.isoformat()
        self.fields["agreed_on"].widget.attrs["min"] = today.isoformat()

    def clean_reported_on(self) -> date:
        day: date = self.cleaned_data["reported_on"]
        if day > self.today:
            raise forms.ValidationError(_t("That day has not come yet."))
        return day

    def clean_agreed_on(self) -> date | None:
        day: date | None = self.cleaned_data["agreed_on"]
        if day and day < self.today:
            raise forms.ValidationError(_t("The agreed date lies in the past."))
        if day and day > self.today + FURTHEST:
            raise forms.ValidationError(_t("Agree on a day within a year; until it nobody visits for the fee."))
        return day

    def defect_told(self) -> Defect:
        """As the domain takes it."""
        given = self.cleaned_data
        return Defect(
            text=given["defect"], reported_on=given["reported_on"], agreed_on=given["agreed_on"], **self.found
        )


class MoveForm(forms.Form):
    """A day and a note for one act on an item."""

    day = forms.DateField(label=_("Day"), widget=DayInput())
    note = forms.CharField(label=_("Note"), required=False, max_length=400)


class SignOffForm(MoveForm):
    """The day of the owner's signature, with its scan or photo."""

    proof = ProofField(label=_("Signed sheet"))


class WhyForm(forms.Form):
    """Why an item is dropped or opened again."""

    note = forms.CharField(label=_("Reason"), max_length=400)
