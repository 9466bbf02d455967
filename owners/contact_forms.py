"""Forms of an owner's contact points. What is on file stays masked: an empty field keeps it."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.forms import DayInput
from company.models import User
from owners.contact_points import (
    add_emergency_contact,
    add_phone,
    change_address,
    change_emergency_contact,
    change_phone,
    make_primary,
    mark_phone,
    mark_returned,
)
from owners.emails import add_email, change_email
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Phone, Unit
from owners.occupants import Tenancy, add_occupant, change_occupant
from owners.ownerships import change_owner
from owners.parties import NAME_LENGTH
from owners.party_forms import clean_phone

SECRET = {"autocomplete": "off"}


class OwnerForm(forms.Form):
    """Name, kind and ID number of an owner."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    kind = forms.ChoiceField(label=_("Kind"), choices=Owner.Kind.choices)
    id_number = forms.CharField(
        label=_("ID number"), required=False, max_length=30, widget=forms.TextInput(attrs=SECRET)
    )

    def __init__(self, *args: Any, owner: Owner, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": owner.name, "kind": owner.kind}
        super().__init__(*args, **kwargs)
        if owner.id_number:
            self.fields["id_number"].help_text = _t("Empty: what is on file stays.")

    def clean_id_number(self) -> str:
        return str(self.cleaned_data["id_number"]).strip().upper()

    def save(self, owner: Owner, *, by: User) -> None:
        given = self.cleaned_data
        change_owner(owner, name=given["name"], kind=Owner.Kind(given["kind"]), id_number=given["id_number"], by=by)


class ContactForm(forms.Form):
    """Base of the forms below: ``row`` is what is changed, None for a new one. What stands in ``kept_field`` is masked
    and stays on file where the field is left empty."""

    kept_field: str = ""

    def __init__(self, *args: Any, row: Any = None, today: date, **kwargs: Any) -> None:
        initial = {} if row is None else {name: getattr(row, name, None) for name in self.base_fields}
        initial.pop(self.kept_field, None)
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.row, self._today = row, today
        if row is not None and bool(getattr(row, self.kept_field, None)):
            self.fields[self.kept_field].required = False
            self.fields[self.kept_field].help_text = _t("On file: %(masked)s. Empty: it stays.") % {
                "masked": self.on_file
            }

    @property
    def on_file(self) -> str:
        return str(self.row.masked)

    def clean_confirmed_on(self) -> date | None:
        day: date | None = self.cleaned_data["confirmed_on"]
        if day and day > self._today:
            raise ValidationError(_t("The day lies ahead."))
        return day

    def save(self, owner: Owner, *, by: User, now: datetime) -> None:
        """Adds or changes, in one transaction."""
        raise NotImplementedError


class PhoneForm(ContactForm):
    kept_field = "number"

    number = forms.CharField(label=_("Number"), max_length=30, widget=forms.TextInput(attrs={**SECRET, "type": "tel"}))
    label = forms.CharField(label=_("Label"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), choices=Phone.State.choices)
    confirmed_on = forms.DateField(label=_("Last confirmed"), required=False, widget=DayInput())
    is_primary = forms.BooleanField(label=_("Dial this number first"), required=False)
    do_not_contact = forms.BooleanField(label=_("Do not contact on this number"), required=False)

    def clean_number(self) -> str:
        return clean_phone(self.cleaned_data["number"])

    @transaction.atomic
    def save(self, owner: Owner, *, by: User, now: datetime) -> None:
        given = self.cleaned_data
        phone = self.row
        if phone is None:
            phone = add_phone(owner, given["number"], by=by, said_at=now)
        elif given["number"]:
            phone = change_phone(phone, given["number"], by=by, now=now)
        if given["is_primary"] and not phone.is_primary:
            make_primary(phone, by=by)
        learnt = {name: given[name] for name in ("state", "do_not_contact", "confirmed_on", "label")}
        if changed := {name: value for name, value in learnt.items() if value != getattr(phone, name)}:
            mark_phone(phone, by=by, said_at=now, **changed)


class EmailForm(ContactForm):
    kept_field = "address"

    address = forms.EmailField(label=_("E-mail"), max_length=200, widget=forms.EmailInput(attrs=SECRET))
    label = forms.CharField(label=_("Label"), required=False, max_length=40)
    confirmed_on = forms.DateField(label=_("Last confirmed"), required=False, widget=DayInput())
    do_not_contact = forms.BooleanField(label=_("Do not write to this address"), required=False)

    def save(self, owner: Owner, *, by: User, now: datetime) -> None:
        if self.row is None:
            add_email(owner, by=by, **self.cleaned_data)
        else:
            change_email(self.row, by=by, now=now, **self.cleaned_data)


class AddressForm(ContactForm):
    """A new address of a kind ends the one before."""

    kept_field = "text"

    kind = forms.ChoiceField(label=_("Kind"), choices=Address.Kind.choices, initial=Address.Kind.SECOND)
    text = forms.CharField(label=_("Address"), max_length=300, widget=forms.Textarea(attrs={"rows": 2, **SECRET}))
    returned_on = forms.DateField(
        label=_("Mail returned on"), required=False, widget=DayInput(),
        help_text=_("Letters that came back: the address is shown with the mark."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is not None:
            del self.fields["kind"]

    def clean_returned_on(self) -> date | None:
        day: date | None = self.cleaned_data["returned_on"]
        if day and day > self._today:
            raise ValidationError(_t("The day lies ahead."))
        return day

    @transaction.atomic
    def save(self, owner: Owner, *, by: User, now: datetime) -> None:
        given = self.cleaned_data
        address: Address | None = self.row
        if given["text"]:
            kind = Address.Kind(self.row.kind if self.row else given["kind"])
            address = change_address(owner, kind, given["text"], by=by, now=now)
        if address and given["returned_on"] != address.returned_on:
            mark_returned(address, returned_on=given["returned_on"], by=by)


class EmergencyForm(ContactForm):
    kept_field = "number"

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    relation = forms.CharField(label=_("Relation"), required=False, max_length=40)
    number = forms.CharField(
        label=_("Number"), required=False, max_length=30, widget=forms.TextInput(attrs={**SECRET, "type": "tel"})
    )
    do_not_contact = forms.BooleanField(label=_("Do not contact"), required=False)

    def clean_number(self) -> str:
        return clean_phone(self.cleaned_data["number"])

    @transaction.atomic
    def save(self, owner: Owner, *, by: User, now: datetime) -> None:
        given = self.cleaned_data
        contact: EmergencyContact = self.row or add_emergency_contact(
            owner, name=given["name"], number=given["number"], relation=given["relation"], by=by
        )
        change_emergency_contact(contact, by=by, now=now, **given)


class OccupantForm(ContactForm):
    kept_field = "phone"

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    phone = forms.CharField(
        label=_("Phone"), required=False, max_length=30, widget=forms.TextInput(attrs={**SECRET, "type": "tel"})
    )
    pays_by_agreement = forms.BooleanField(
        label=_("Pays by agreement"), required=False,
        help_text=_("The owner stays liable, whatever owner and tenant have agreed."),
    )  # fmt: skip
    agreement = forms.CharField(
        label=_("What was agreed"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2})
    )
    starts_on = forms.DateField(label=pgettext_lazy("first day", "From"), required=False, widget=DayInput())
    ends_on = forms.DateField(
        label=pgettext_lazy("last day", "Until"),
        required=False,
        widget=DayInput(),
        help_text=_("Empty: lives there now."),
    )

    @property
    def on_file(self) -> str:
        return str(self.row.phone_masked)

    def clean_phone(self) -> str:
        return clean_phone(self.cleaned_data["phone"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("starts_on") and cleaned.get("ends_on") and cleaned["ends_on"] < cleaned["starts_on"]:
            self.add_error("ends_on", _t("It ends before it begins."))
        return cleaned

    def save_for(self, unit: Unit, *, by: User) -> None:
        """Adds or changes an occupant of ``unit``."""
        tenancy = Tenancy(**self.cleaned_data)
        row: Occupant | None = self.row
        if row is None:
            add_occupant(unit, tenancy, by=by)
        else:
            change_occupant(row, tenancy, by=by)


CONTACT_FORMS: dict[str, tuple[type[Phone | Email | Address | EmergencyContact], type[ContactForm]]] = {
    "phone": (Phone, PhoneForm),
    "email": (Email, EmailForm),
    "address": (Address, AddressForm),
    "emergency": (EmergencyContact, EmergencyForm),
}
