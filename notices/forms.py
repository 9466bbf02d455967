from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from company.files import document_type
from company.forms import DayInput
from notices.firms import MANDATE_BYTES
from notices.issuing import DEFAULT_DEADLINE_DAYS
from notices.kinds import KindRules
from notices.models import LawFirm, NoticeKind, SlipPaper


class TemplateForm(forms.Form):
    """The text itself is checked by notices.fields, with the number of the line."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    body = forms.CharField(
        label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "lang": "zh-CN"})
    )
    paper = forms.ChoiceField(label=_("Paper"), required=False, choices=SlipPaper.choices)
    unit = forms.CharField(label=_("Preview with the room"), required=False, max_length=80)

    def __init__(self, *args: Any, rules: KindRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rules.kind == NoticeKind.DOOR_SLIP:
            self.fields["body"].widget.attrs["rows"] = 16
        else:
            self.fields["paper"].widget = forms.HiddenInput()
        if rules.kind not in NoticeKind:
            self.fields["unit"].widget = forms.HiddenInput()


class PictureForm(forms.Form):
    """What a picture may be is checked by notices.images."""

    picture = forms.FileField(
        label=_("Picture"), widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg"})
    )


class PayLinkForm(forms.Form):
    link = forms.CharField(
        label=_("Address to pay at"),
        max_length=300,
        help_text=_("The code is drawn from it. Try it with your phone before somebody approves it."),
    )


class PublishForm(forms.Form):
    deadline_on = forms.DateField(label=_("Deadline"), widget=DayInput())

    def __init__(self, *args: Any, rules: KindRules, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rules.deadline_days:
            self.fields["deadline_on"].initial = today + timedelta(days=DEFAULT_DEADLINE_DAYS)
        else:
            del self.fields["deadline_on"]


class LawFirmForm(forms.ModelForm):
    mandate_upload = forms.FileField(
        label=_("Mandate"),
        required=False,
        help_text=_("PDF, JPEG or PNG up to 20 MB. A new file replaces the old one."),
    )

    class Meta:
        model = LawFirm
        fields = ["name", "lawyer", "lawyer_phone", "mandated_until"]
        widgets = {"mandated_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    field_order = ["name", "lawyer", "lawyer_phone", "mandate_upload", "mandated_until"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mandated_until"].help_text = _("Empty: without a term.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = LawFirm.objects.filter(project=self.instance.project, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(_t("This firm is on file already."))
        return name

    def clean_mandate_upload(self) -> UploadedFile | None:
        upload: UploadedFile | None = self.cleaned_data["mandate_upload"]
        if upload is None:
            return None
        if (upload.size or 0) > MANDATE_BYTES:
            raise ValidationError(_t("The file is larger than 20 MB."))
        if document_type(upload) is None:
            raise ValidationError(_t("Only PDF, JPEG and PNG files are taken."))
        return upload
