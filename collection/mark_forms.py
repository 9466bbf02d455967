"""Forms of marks: a proposal with its proof, and the share up to which the project manager approves."""

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arrears.relief_forms import ProofField
from collection.models import CaseMark


class MarkForm(forms.Form):
    """A proposal. ``submission`` makes sending it twice one proposal."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=CaseMark.Kind.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason"), max_length=400, widget=forms.Textarea({"rows": 3}))
    proof = ProofField(label=_("Proof"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "kind": CaseMark.Kind.HISTORICAL})
        super().__init__(*args, **kwargs)


class ExclusionLimitForm(forms.Form):
    percent = forms.DecimalField(
        label=_("Share of the base, percent"), min_value=Decimal(0), max_value=Decimal(100), decimal_places=2
    )  # fmt: skip
