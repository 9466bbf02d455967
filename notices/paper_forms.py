"""Forms of the pages of receipts and statements."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.ageing_forms import DaysForm
from company.forms import DayInput
from notices.models import PaperKind


class StatementForm(DaysForm):
    """Which days a numbered statement covers; what cannot be is said beside the field."""

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"] or self._today
        if until > self._today:
            raise forms.ValidationError(_t("A statement reaches until today at most."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("since", _t("The first day lies after the last one."))
        return cleaned

    @property
    def days(self) -> tuple[date | None, date]:
        """First and last day; what is not understood counts as not given."""
        given = self.cleaned_data if self.is_valid() else {}
        return given.get("since"), given.get("until") or self._today


class PaperFilterForm(forms.Form):
    """What narrows the register; everything stays in the address."""

    STATES = [("", _("All")), ("valid", pgettext_lazy("receipt", "valid")), ("void", pgettext_lazy("receipt", "void"))]

    q = forms.CharField(label=pgettext_lazy("paper", "Number or room"), required=False, max_length=60)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *PaperKind.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    on = forms.DateField(label=_("Issued on"), required=False, widget=DayInput())
