"""What people enter about sendings."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from company.forms import DayInput
from notices.delivering import Proof
from notices.dispatching import DispatchRefusedError, Order, check_contents
from notices.models import Delivery, NoticeKind
from notices.proofs import PROOF_BYTES
from notices.signing import SCAN_BYTES
from owners.models import Address

Channel, State = Delivery.Channel, Delivery.State
ANYTHING = [("", _("All"))]


class _DayForm(forms.Form):
    """A form with a day that lies not after today."""

    on = forms.DateField(label=_("Day"), widget=DayInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["on"].initial = today
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def clean_on(self) -> date:
        day: date = self.cleaned_data["on"]
        if day > self.today:
            raise ValidationError(_t("The day lies in the future."))
        return day


class DispatchForm(_DayForm):
    """How and when letters leave the house. ``kind`` decides which channels there are."""

    channel = forms.ChoiceField(label=_("Channel"))
    address_kind = forms.ChoiceField(
        label=_("Sent to"), choices=[("", _("as chosen in the batch")), *Address.Kind.choices], required=False
    )

    field_order = ["channel", "on", "address_kind"]

    def __init__(self, *args: Any, kind: str, whole_batch: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        door = kind == NoticeKind.DOOR_SLIP
        fitting = [channel for channel in Channel if (channel == Channel.DOOR) == door]
        self.fields["channel"].choices = [(c.value, c.label) for c in fitting]  # type: ignore[attr-defined]
        self.fields["on"].label = _("Handed in on")
        if door or whole_batch:
            del self.fields["address_kind"]

    def order(self, notice_ids: list[int], *, contents: str = "") -> Order:
        """What the form says, for these letters."""
        kind = self.cleaned_data.get("address_kind")
        kinds = {pk: Address.Kind(kind) for pk in notice_ids} if kind else {}
        return Order(Channel(self.cleaned_data["channel"]), self.cleaned_data["on"], kinds, contents)


class ReceiptForm(_DayForm):
    receiver = forms.ChoiceField(
        label=_("Received by"), choices=[("", "—"), *Delivery.Receiver.choices], required=False
    )
    name = forms.CharField(label=_("Name of who received it"), max_length=60, required=False)


class HandOverForm(_DayForm):
    """A letter handed over at the door: to whom, with the signed receipt."""

    receiver = forms.ChoiceField(
        label=_("Handed over to"), choices=[(r.value, r.label) for r in Delivery.COUNTING], widget=forms.RadioSelect
    )
    name = forms.CharField(label=_("Name of who signed"), max_length=60)
    proof = forms.FileField(label=_("Photo of the signed receipt"))

    field_order = ["receiver", "name", "proof", "on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof"].widget.attrs.update(photo_attrs())


class SlipForm(_DayForm):
    """A slip on the flat's own door, with the door number on the photo."""

    proof = forms.FileField(
        label=_("Photo of the slip on the door"),
        help_text=_("The door number must be seen on it; no neighbour's door."),
    )

    field_order = ["proof", "on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof"].widget.attrs.update(photo_attrs())


class ReturnForm(_DayForm):
    reason = forms.ChoiceField(label=_("Why it came back"), choices=Delivery.ReturnReason.choices)
    proof = forms.FileField(label=_("Photo of the envelope"), required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)


class NumberForm(forms.Form):
    number = forms.CharField(label=_("Tracking number"), max_length=60)


class ContentsForm(forms.Form):
    contents = forms.CharField(label=_("Contents line"), max_length=80)

    def clean_contents(self) -> str:
        text: str = self.cleaned_data["contents"].strip()
        try:
            check_contents(text)
        except DispatchRefusedError as error:
            raise ValidationError(str(error)) from error
        return text


def file_attrs(most: int, *, accept: str) -> dict[str, Any]:
    """Attributes of a file field: larger files are refused before they are sent."""
    return {"accept": accept, "data-most-bytes": most, "data-too-big": _("This file is too large.")}


def photo_attrs() -> dict[str, Any]:
    """Attributes of a field for a photo: phones open their camera."""
    return file_attrs(PROOF_BYTES, accept="image/jpeg,image/png,application/pdf") | {"capture": "environment"}


class ProofForm(forms.Form):
    proof = forms.ChoiceField(label=_("What it proves"), choices=Proof.choices)
    file = forms.FileField(label=_("File"), help_text=_("PDF, JPEG or PNG up to 20 MB."))

    def __init__(self, *args: Any, channel: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof"].choices = [(p.value, p.label) for p in fitting_proofs(channel)]  # type: ignore[attr-defined]
        self.fields["file"].widget.attrs.update(file_attrs(PROOF_BYTES, accept=".pdf,.jpg,.jpeg,.png"))


def fitting_proofs(channel: str) -> list[Proof]:
    """What can prove a sending by this channel, the usual one first."""
    if channel == Channel.DOOR:
        return [Proof.PHOTO]
    if channel == Channel.BY_HAND:
        return [Proof.DELIVERY]
    return [Proof.DELIVERY, Proof.POSTING, Proof.RETURN]


class ScanForm(forms.Form):
    scan = forms.FileField(label=_("Signed scan"))

    def __init__(self, *args: Any, whole_batch: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scan"].widget.attrs.update(file_attrs(SCAN_BYTES, accept=".pdf,.zip" if whole_batch else ".pdf"))
        if whole_batch:
            self.fields["scan"].help_text = _(
                "One PDF scanned in the order of the print file, or a ZIP of PDFs named by document number."
            )


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files]


class ProofFilesForm(forms.Form):
    """Many proofs at once, each named by its tracking number."""

    proof = forms.ChoiceField(
        label=_("What they prove"),
        choices=[(p.value, p.label) for p in (Proof.DELIVERY, Proof.POSTING, Proof.RETURN)],
    )
    uploads = FilesField(
        label=_("Files"), help_text=_("Up to 20 files; each name holds its tracking number: 1099001234216.jpg.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["uploads"].widget.attrs.update(file_attrs(PROOF_BYTES, accept=".pdf,.jpg,.jpeg,.png"))


class WaybillListForm(forms.Form):
    file = forms.FileField(label=_("List of waybills"), help_text=_(".xlsx, .xls, .ods or .csv up to 50 MB."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update(file_attrs(50 << 20, accept=".xlsx,.xls,.ods,.csv"))
