"""Forms of safety shut-offs."""

import uuid
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.files import document_type
from company.forms import DayInput
from company.models import Project
from owners.models import SafetyShutOff, Unit
from owners.shut_offs import PROOF_BYTES, Finding
from owners.unit_codes import normalise


class ShutOffForm(forms.Form):
    """A proposal. ``submission`` makes sending it twice one proposal."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    unit = forms.CharField(label=pgettext_lazy("column", "Unit"), max_length=80, help_text=_("For example 1-2-1001."))
    service = forms.ChoiceField(
        label=_("What is to be shut off"), choices=SafetyShutOff.Service.choices, widget=forms.RadioSelect
    )
    ground = forms.ChoiceField(label=_("Ground"), choices=SafetyShutOff.Ground.choices, widget=forms.RadioSelect)
    description = forms.CharField(
        label=_("What was found there"), max_length=400, widget=forms.Textarea({"rows": 3}),
        help_text=_("The danger and what would happen without shutting off."),
    )  # fmt: skip
    found_vacant_on = forms.DateField(label=_("Found vacant on"), widget=DayInput())
    proof = forms.FileField(
        label=_("Proof"), help_text=_("The signed consent, or a photo of the danger: PDF, JPEG or PNG up to 20 MB.")
    )

    def __init__(self, *args: Any, project: Project, today: date, unit: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "found_vacant_on": today, "unit": unit})
        super().__init__(*args, **kwargs)
        self._project, self._today = project, today
        self.fields["found_vacant_on"].widget.attrs["max"] = today.isoformat()

    def clean_unit(self) -> Unit:
        """The unit of that code or alias."""
        code = normalise(self.cleaned_data["unit"])
        units = Unit.objects.filter(project=self._project)
        found = units.filter(code=code).first() or units.filter(aliases__alias=code).first()
        if found is None:
            raise ValidationError(_t("The register knows no room “%(room)s”.") % {"room": self.cleaned_data["unit"]})
        return found

    def clean_found_vacant_on(self) -> date:
        day: date = self.cleaned_data["found_vacant_on"]
        if day > self._today:
            raise ValidationError(_t("That day has not come yet."))
        return day

    def clean_proof(self) -> UploadedFile:
        upload: UploadedFile = self.cleaned_data["proof"]
        if (upload.size or 0) > PROOF_BYTES:
            raise ValidationError(_t("The file is larger than 20 MB."))
        if document_type(upload) is None:
            raise ValidationError(_t("Only PDF, JPEG and PNG files are taken."))
        return upload

    def finding(self) -> Finding:
        """What was typed, as the domain takes it."""
        given = self.cleaned_data
        return Finding(
            SafetyShutOff.Service(given["service"]), SafetyShutOff.Ground(given["ground"]), given["description"],
            given["found_vacant_on"],
        )  # fmt: skip


class EndForm(forms.Form):
    """Why the service is connected again."""

    end_ground = forms.ChoiceField(label=_("Why it is connected again"), choices=SafetyShutOff.EndGround.choices)
    note = forms.CharField(label=_("Note"), required=False, max_length=400)
