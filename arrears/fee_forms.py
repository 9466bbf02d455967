"""The form of one fee."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.catalogue import fee_key
from arrears.models import FeeType

BETWEEN_WORDS = re.compile(r"[\s,，、;；]+")
WORD_LENGTH = 60
PERIODS = [(1, _("month")), (3, _("quarter")), (6, _("half-year")), (12, _("year"))]


class FeeForm(forms.ModelForm):
    billing_months = forms.TypedChoiceField(label=_("A bill covers"), choices=PERIODS, coerce=int)
    words = forms.CharField(
        label=_("Also called"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Other words under which sheets print this fee, with gaps between them."),
    )

    class Meta:
        model = FeeType
        fields = ["name", "nature", "is_on_behalf", "billing", "billing_months", "due_day"]

    field_order = ["name", "nature", "billing", "billing_months", "due_day", "words", "is_on_behalf"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["words"].initial = " ".join(synonym.word for synonym in self.instance.synonyms.order_by("pk"))
        self.fields["due_day"].label = _("Due day")
        self.fields["due_day"].help_text = _(
            "1 to 31. In advance: in the bill's first month; in arrears: in the month after it. "
            "Empty: the last day of the service period."
        )
        self.fields["due_day"].widget.attrs.update(min=1, max=31)
        self.fields["is_on_behalf"].help_text = _(
            "Listed apart in letters and on receipts, and without a late fee, such as water of the waterworks."
        )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if not fee_key(name):
            raise ValidationError(_t("A name needs letters or figures."))
        return name

    def clean_due_day(self) -> int | None:
        day: int | None = self.cleaned_data["due_day"]
        if day is not None and not 1 <= day <= 31:
            raise ValidationError(_t("A day from 1 to 31."))
        return day

    def clean_words(self) -> list[str]:
        words = [word for word in BETWEEN_WORDS.split(self.cleaned_data["words"]) if word]
        if too_long := next((word for word in words if len(word) > WORD_LENGTH), None):
            raise ValidationError(_t("This word is too long: %(word)s") % {"word": too_long})
        return words
