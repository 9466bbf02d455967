"""What narrows the pages of ages, statements of groups and limitation dates. What is not understood is left out."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.aged import AgeingFilter, GroupBy
from arrears.expiry import EndingFilter, Urgency
from arrears.importing.cells import EARLIEST_DAY
from arrears.models import FeeType
from arrears.queries import AGEING_BUCKETS, NOT_DUE
from company.forms import DayInput
from company.models import Project
from owners.register_forms import offer_buildings

FROM_EARLIEST_DAY = MinValueValidator(EARLIEST_DAY)


class EndingFilterForm(forms.Form):
    """What stands in the address of the page of limitation dates."""

    urgency = forms.MultipleChoiceField(
        label=pgettext_lazy("limitation", "Ends"),
        required=False,
        choices=Urgency.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    building = forms.MultipleChoiceField(label=_("Building"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_buildings(self, project)

    def wanted(self) -> EndingFilter:
        """The filter, of whatever was understood."""
        self.is_valid()
        given = self.cleaned_data
        return EndingFilter(
            urgencies=tuple(given.get("urgency", ())), buildings=tuple(map(int, given.get("building", ())))
        )


class RunForm(forms.Form):
    """To the end of which day late fees are assessed; today unless told."""

    as_of = forms.DateField(label=_("To the end of"), required=False, widget=DayInput())

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.fields["as_of"].initial = today
        self.fields["as_of"].widget.attrs["max"] = today.isoformat()

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"] or self._today
        if day > self._today:
            raise forms.ValidationError(_("Late fees are assessed up to today at most."))
        return day

    @property
    def day(self) -> date:
        """The day asked for; today where none or none that counts was given."""
        return (self.cleaned_data.get("as_of") if self.is_bound and self.is_valid() else None) or self._today


class DaysForm(forms.Form):
    """The days of a statement: until today from the first movement unless told."""

    since = forms.DateField(
        label=pgettext_lazy("first day", "From"), required=False, widget=DayInput(), validators=[FROM_EARLIEST_DAY]
    )
    until = forms.DateField(
        label=pgettext_lazy("last day", "Until"), required=False, widget=DayInput(), validators=[FROM_EARLIEST_DAY]
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        for name in ("since", "until"):
            self.fields[name].widget.attrs["max"] = today.isoformat()

    @property
    def days(self) -> tuple[date | None, date]:
        """First and last day; what lies ahead or is out of order counts as not given."""
        self.is_valid()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until") or self._today
        until = min(until, self._today)
        return (since if since and since <= until else None), until


class AgeingFilterForm(forms.Form):
    """What stands in the address of the page of ages."""

    by = forms.ChoiceField(label=pgettext_lazy("grouping", "By"), required=False, choices=GroupBy.choices)
    building = forms.MultipleChoiceField(label=_("Building"), required=False, widget=forms.CheckboxSelectMultiple)
    fee = forms.MultipleChoiceField(label=_("Fee"), required=False, widget=forms.CheckboxSelectMultiple)
    age = forms.MultipleChoiceField(
        label=_("Age"),
        required=False,
        choices=[*((bucket.key, bucket.label) for bucket in AGEING_BUCKETS), (NOT_DUE, _("Not due yet"))],
        widget=forms.CheckboxSelectMultiple,
    )
    on = forms.DateField(label=_("As of"), required=False, widget=DayInput(), validators=[FROM_EARLIEST_DAY])
    unit = forms.IntegerField(required=False, widget=forms.HiddenInput)
    owner = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, project: Project, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        offer_buildings(self, project)
        fees = FeeType.objects.filter(project=project).values_list("pk", "name")
        self.fields["fee"].choices = list(fees)  # type: ignore[attr-defined]
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def wanted(self) -> AgeingFilter:
        """The filter, of whatever was understood."""
        self.is_valid()
        given = self.cleaned_data
        return AgeingFilter(
            buildings=tuple(map(int, given.get("building", ()))),
            fees=tuple(map(int, given.get("fee", ()))),
            ages=tuple(given.get("age", ())),
            unit=given.get("unit"),
            owner=given.get("owner"),
        )

    @property
    def group(self) -> GroupBy:
        self.is_valid()
        return GroupBy(self.cleaned_data.get("by") or GroupBy.BUILDING)

    @property
    def day(self) -> date:
        """The day asked for; today where none or one to come was given."""
        self.is_valid()
        return min(self.cleaned_data.get("on") or self._today, self._today)
