"""Forms for what is said of conduct: a complaint, its answer, the result of a call-back."""

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collection.conduct import Complained
from collection.models import CallBack, ConductComplaint

NEEDS_WORDS = frozenset({CallBack.Result.DIFFERENT, CallBack.Result.RUDE})


class ComplaintForm(forms.Form):
    """By whom, what and when."""

    submission = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    complainant = forms.ChoiceField(
        label=_("Who complains"), choices=ConductComplaint.Complainant, widget=forms.RadioSelect,
        initial=ConductComplaint.Complainant.OWNER,
    )  # fmt: skip
    text = forms.CharField(
        label=_("What is complained of"), max_length=2000,
        widget=forms.Textarea({"rows": 4, "placeholder": _("In the words of who complains; facts only")}),
    )  # fmt: skip
    complained_at = forms.DateTimeField(
        label=_("When it was said"), widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
    )

    def __init__(self, *args: Any, happened_at: datetime, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.happened_at, self.now = happened_at, now
        self.fields["complained_at"].initial = timezone.localtime(now).replace(second=0, microsecond=0)

    def clean_complained_at(self) -> datetime:
        """Not ahead, and not before the contact that it is about."""
        at: datetime = self.cleaned_data["complained_at"]
        if at > self.now:
            raise forms.ValidationError(_t("This lies in the future."))
        if at < self.happened_at.replace(second=0, microsecond=0):
            raise forms.ValidationError(_t("This lies before the contact that it is about."))
        return at

    def told(self) -> Complained:
        """What was told."""
        given = self.cleaned_data
        return Complained(
            ConductComplaint.Complainant(given["complainant"]), given["text"], given["complained_at"]
        )  # fmt: skip


class ConductAnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("Answer: what was found, what follows, what the complainant was told"), max_length=2000,
        widget=forms.Textarea({"rows": 4}),
    )  # fmt: skip


class CallBackForm(forms.Form):
    """What the owner said of the contact."""

    result = forms.ChoiceField(
        label=_("Result of the call"), choices=CallBack.Result, widget=forms.RadioSelect,
        error_messages={"required": _("Choose what came of it.")},
    )  # fmt: skip
    note = forms.CharField(
        label=_("Note"), required=False, max_length=1000, widget=forms.Textarea({"rows": 3})
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("result") in NEEDS_WORDS and not given.get("note", "").strip():
            self.add_error("note", _t("Say what differs, or what is criticised."))
        return given
