"""Forms that say who owns a unit: a sale, an owner who was not known until now, one more co-owner."""

from datetime import date
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from company.forms import DayInput
from company.models import Project
from owners.contact_points import PhoneNumberError, normalise_phone
from owners.models import Owner, Unit
from owners.ownerships import Buyer
from owners.parties import NAME_LENGTH
from owners.persons import find_person, id_hash

MOST_BUYERS = 6
LAST_DIGITS = 4


def clean_phone(text: str) -> str:
    """The digits of a phone that was typed, empty for none. Raises ValidationError."""
    try:
        return normalise_phone(text) if text.strip() else ""
    except PhoneNumberError as error:
        raise ValidationError(_t("A phone number has 7 to 15 digits.")) from error


class BuyerForm(forms.Form):
    """One owner: somebody on file, picked by name and last four digits, or a new person."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    last4 = forms.CharField(
        label=_("Last 4 of ID or phone"), required=False, max_length=LAST_DIGITS, min_length=LAST_DIGITS,
        help_text=_("Only for somebody who is on file here already."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    id_number = forms.CharField(
        label=_("ID number"), required=False, max_length=30, help_text=_("Of a new person. Stored encrypted."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "type": "tel"}),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project = project
        self.owner: Owner | None = None

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"]).strip()

    def clean_id_number(self) -> str:
        return str(self.cleaned_data["id_number"]).strip().upper()

    def clean_phone(self) -> str:
        return clean_phone(self.cleaned_data["phone"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        name, last4 = cleaned.get("name"), cleaned.get("last4")
        if name and last4:
            self._pick(name, last4)
        if last4 and cleaned.get("id_number"):
            self.add_error("id_number", _t("Either the last four digits of somebody on file, or a new ID number."))
        elif name and cleaned.get("id_number"):
            self._refuse_twin(name, cleaned["id_number"])
        return cleaned

    def buyer(self) -> Buyer:
        """Of a valid form."""
        given = self.cleaned_data
        return Buyer(given["name"], owner=self.owner, id_number=given["id_number"], phone=given["phone"])

    def _pick(self, name: str, last4: str) -> None:
        found = find_person(self._project, name, last4)
        if len(found) == 1:
            self.owner = found[0]
        elif found:
            self.add_error("last4", _t("Several rows of this name end so. Merge them first if they are one person."))
        else:
            self.add_error("last4", _t("Nobody on file has this name and an ID number or phone that ends so."))

    def _refuse_twin(self, name: str, id_number: str) -> None:
        """The same name and ID number is somebody on file: then that is who is meant."""
        same = {"name": name, "id_number_hash": id_hash(id_number), "merged_into": None}
        self.owner = Owner.objects.filter(project=self._project, **same).order_by("pk").first()


class BuyerFormSet(forms.BaseFormSet):
    """At least one owner, nobody twice; rows left empty do not count."""

    def clean(self) -> None:
        if any(self.errors):
            return
        filled = self.filled()
        if not filled:
            raise ValidationError(_t("Name at least one owner."))
        known = [form.owner.pk for form in filled if form.owner]
        new = [(form.cleaned_data["name"], form.cleaned_data["id_number"]) for form in filled if form.owner is None]
        if len(set(known)) < len(known) or len(set(new)) < len(new):
            raise ValidationError(_t("Somebody is named twice."))

    def filled(self) -> list[BuyerForm]:
        """The rows in which somebody is named."""
        return [form for form in self.forms if form.cleaned_data.get("name")]

    def buyers(self) -> list[Buyer]:
        """Of a valid set, in its order."""
        return [form.buyer() for form in self.filled()]


BUYERS = forms.formset_factory(BuyerForm, formset=BuyerFormSet, extra=3, max_num=MOST_BUYERS, validate_max=True)


def buyer_rows(data: Any, *, project: Project) -> BuyerFormSet:
    """The rows of a form that names owners, bound where ``data`` is given."""
    rows: Any = BUYERS(data, prefix="buyers", form_kwargs={"project": project})
    return cast("BuyerFormSet", rows)


class SaleForm(forms.Form):
    sold_on = forms.DateField(
        label=_("Sold on"), widget=DayInput(),
        help_text=_("The first day on which the new owner owns it: handover or entry in the register."),
    )  # fmt: skip

    def __init__(self, *args: Any, unit: Unit, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unit, self._today = unit, today

    def clean_sold_on(self) -> date:
        sold_on: date = self.cleaned_data["sold_on"]
        if sold_on > self._today:
            raise ValidationError(_t("A sale is recorded once it has happened: the day lies ahead."))
        later = self._unit.ownerships.filter(period__startswith__gte=sold_on).order_by("-period").first()
        if later:
            raise ValidationError(
                _t("The unit changed hands on %(day)s already. Choose a later day, or take that sale back first.")
                % {"day": later.period.lower.isoformat()}
            )
        return sold_on
