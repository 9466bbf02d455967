"""Forms of the project's terms: its contract and its buildings."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from company.files import document_type
from company.models import Phase, Project
from owners.contracts import SCAN_BYTES
from owners.models import ServiceContract
from owners.registering import split_building_names

USUAL_LATE_FEE_WORD = "违约金"
MOST_BUILDINGS = 500


class ContractForm(forms.ModelForm):
    scan_upload = forms.FileField(
        label=_("Scan"), required=False, help_text=_("PDF, JPEG or PNG up to 20 MB. A new file replaces the old one.")
    )

    class Meta:
        model = ServiceContract
        fields = [
            "name",
            "signed_on",
            "starts_on",
            "ends_on",
            "prices",
            "due_terms",
            "late_fee_clause",
            "late_fee_word",
            "dispute",
            "forum",
            "has_service_address_clause",
        ]
        widgets = {
            **{
                name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
                for name in ("signed_on", "starts_on", "ends_on")
            },
            "prices": forms.Textarea(attrs={"rows": 3, "placeholder": "住宅 2.65 元/㎡·月\n商铺 6.00 元/㎡·月"}),
            "due_terms": forms.TextInput(attrs={"placeholder": "每月10日前交纳当月物业费"}),
            "late_fee_clause": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_on"].help_text = _("Empty: until a new contract begins.")
        self.fields["late_fee_clause"].help_text = _(
            "The clause word for word. Empty: no late fee is shown anywhere, on no page and in no letter."
        )
        self.fields["late_fee_word"].help_text = _("The contract's own word for it; it is printed in letters.")
        self.fields["late_fee_word"].widget.attrs["placeholder"] = USUAL_LATE_FEE_WORD

    def clean_scan_upload(self) -> UploadedFile | None:
        upload: UploadedFile | None = self.cleaned_data["scan_upload"]
        if upload is None:
            return None
        if (upload.size or 0) > SCAN_BYTES:
            raise ValidationError(_t("The file is larger than 20 MB."))
        if document_type(upload) is None:
            raise ValidationError(_t("Only PDF, JPEG and PNG files are taken."))
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", _t("The contract ends before it begins."))
        if cleaned.get("late_fee_clause") and not cleaned.get("late_fee_word"):
            self.add_error("late_fee_word", _t("Say which word the clause uses: letters print it."))
        return cleaned


class BuildingsForm(forms.Form):
    """Several buildings at once, a line or a sign 、 between them."""

    names = forms.CharField(
        label=_("Buildings"),
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "1栋\n2栋\n商业街"}),
        help_text=_("One a line, or with commas between them. Twelve at once: 1-12."),
    )
    phase = forms.ModelChoiceField(Phase.objects.none(), label=_("Phase"), required=False, empty_label="—")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        phases = Phase.objects.filter(project=project)
        if phases:
            self.fields["phase"].queryset = phases  # type: ignore[attr-defined]
        else:
            del self.fields["phase"]

    def clean_names(self) -> list[str]:
        names = split_building_names(self.cleaned_data["names"])
        if not names:
            raise ValidationError(_t("No building is named."))
        if len(names) > MOST_BUILDINGS:
            raise ValidationError(_t("More than %(most)d buildings at once are not taken.") % {"most": MOST_BUILDINGS})
        if too_long := next((name for name in names if len(name) > 40), None):
            raise ValidationError(_t("This name is longer than 40 characters: %(name)s") % {"name": too_long})
        return names
