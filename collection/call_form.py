"""The form of a call or message, logged from the page of the case or from the day's list."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collection.contact_forms import ContactForm, PhotosField, PhotosInput
from collection.contacts import ContactReport
from collection.models import ContactAttempt
from owners.models import EmergencyContact, Phone

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment


class CallForm(ContactForm):
    """What was said, by which channel, and on whose number."""

    outcome_words = {Outcome.NO_ANSWER: _("no answer or reply")}
    submission = forms.UUIDField(widget=forms.HiddenInput)
    channel = forms.ChoiceField(label=_("By"), widget=forms.RadioSelect, initial=Channel.CALL)
    is_incoming = forms.BooleanField(label=_("The owner got in touch"), required=False)
    whom = forms.ChoiceField(label=_("Which number"), required=False)
    screenshots = PhotosField(
        label=_("Screenshot of the message"), required=False,
        widget=PhotosInput(attrs={"accept": "image/jpeg,image/png,image/webp", "multiple": True}),
    )  # fmt: skip

    def __init__(self, *args: Any, phones: list[Phone], emergency: list[EmergencyContact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.phones, self.emergency = phones, emergency
        channels = [channel for channel in Channel if channel != Channel.VISIT]
        self._choices("channel", [(channel.value, channel.label) for channel in channels], initial=Channel.CALL)
        numbers = [(f"phone-{phone.pk}", phone.masked) for phone in phones]
        others = [(f"emergency-{one.pk}", f"{one.masked}，{_t('emergency contact')}") for one in emergency]
        self._choices("whom", [("", _t("not noted")), *numbers, *others], initial=numbers[0][0] if numbers else "")

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        kind, _dash, pk = (given.get("whom") or "").partition("-")
        given["phone_id"] = int(pk) if kind == "phone" else None
        given["emergency_contact_id"] = int(pk) if kind == "emergency" else None
        if given["emergency_contact_id"] and given.get("payment") != Payment.NOT_DISCUSSED:
            self.add_error("payment", _t("To an emergency contact nothing is said of debts or amounts."))
        return given

    def report(self) -> ContactReport:
        """What was logged."""
        given = self.cleaned_data
        return ContactReport(
            channel=Channel(given["channel"]),
            is_incoming=given["is_incoming"],
            phone_id=given["phone_id"],
            emergency_contact_id=given["emergency_contact_id"],
            files=given["screenshots"],
            **self.contact_fields(),
        )
