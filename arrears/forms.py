"""Forms of the finance pages."""

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.ledger import LedgerFilter
from arrears.models import Account, FeeType, Payment
from arrears.payment_list import PaymentFilter
from arrears.queries import AGEING_BUCKETS
from arrears.statements import ChargeLine
from company.forms import DayInput
from company.models import Project, User
from owners.register_forms import offer_buildings

PAGE_SIZES = (25, 50, 100)
CENT = Decimal("0.01")


class MoneyField(forms.DecimalField):
    """An amount in CNY above zero, with at most two places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, min_value=CENT, **kwargs)
        self.widget.attrs.update(inputmode="decimal", autocomplete="off")


class LedgerFilterForm(forms.Form):
    """What stands in the address of the ledger page. What is not understood there is left out, not refused."""

    building = forms.MultipleChoiceField(label=_("Building"), required=False, widget=forms.CheckboxSelectMultiple)
    fee = forms.MultipleChoiceField(label=_("Fee"), required=False, widget=forms.CheckboxSelectMultiple)
    age = forms.MultipleChoiceField(
        label=_("Age"),
        required=False,
        choices=[(bucket.key, bucket.label) for bucket in AGEING_BUCKETS],
        widget=forms.CheckboxSelectMultiple,
    )
    least = MoneyField(label=_("Owed at least"), required=False)
    q = forms.CharField(label=_("Room or owner"), required=False, max_length=60)
    on = forms.DateField(label=_("As of"), required=False, widget=DayInput())
    size = forms.TypedChoiceField(coerce=int, required=False, choices=[(size, size) for size in PAGE_SIZES])

    def __init__(self, *args: Any, project: Project, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        offer_buildings(self, project)
        fees = FeeType.objects.filter(project=project).values_list("pk", "name")
        self.fields["fee"].choices = list(fees)  # type: ignore[attr-defined]
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def clean_on(self) -> date | None:
        """A day in the past; today and later mean the ledger as it stands."""
        on: date | None = self.cleaned_data["on"]
        return on if on and on < self._today else None

    def wanted(self) -> LedgerFilter:
        """The filter, of whatever was understood."""
        self.is_valid()
        given = self.cleaned_data
        return LedgerFilter(
            buildings=tuple(int(pk) for pk in given.get("building", ())),
            fees=tuple(int(pk) for pk in given.get("fee", ())),
            ages=tuple(given.get("age", ())),
            least=given.get("least"),
            text=given.get("q", "").strip(),
        )

    @property
    def day(self) -> date | None:
        """The past day that is asked for, None for the ledger as it stands."""
        self.is_valid()
        return self.cleaned_data.get("on")

    @property
    def page_size(self) -> int:
        self.is_valid()
        return self.cleaned_data.get("size") or PAGE_SIZES[0]


class PaymentForm(forms.Form):
    """Money received on an account. ``submission`` makes sending it twice one payment."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    amount = MoneyField(label=_("Amount"))
    received_on = forms.DateField(label=_("Received on"), widget=DayInput())
    method = forms.ChoiceField(label=_("Method"), choices=Payment.Method.choices)
    serial_no = forms.CharField(
        label=_("Serial number"), required=False, max_length=80, help_text=_("Of the bank or the payment service.")
    )
    receipt_no = forms.CharField(label=_("Receipt number"), required=False, max_length=40)
    taken_by = forms.ModelChoiceField(
        label=_("Taken by"),
        required=False,
        queryset=User.objects.none(),
        empty_label="—",
        help_text=_("Who took the money at the door or the desk. Nobody posts money that they took themselves."),
    )
    fee_type = forms.ModelChoiceField(
        label=_("For the fee"),
        required=False,
        queryset=FeeType.objects.none(),
        empty_label=_("whichever fell due first"),
        help_text=_("Settled before the others, oldest first; what is left goes to the oldest charges."),
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=400)

    def __init__(self, *args: Any, project: Project, charges: Sequence[ChargeLine], today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "received_on": today})
        super().__init__(*args, **kwargs)
        self._today = today
        self._charges = charges
        self.fields["taken_by"].queryset = _staff_of(project)  # type: ignore[attr-defined]
        self.fields["fee_type"].queryset = FeeType.objects.filter(project=project)  # type: ignore[attr-defined]
        self.fields["received_on"].widget.attrs["max"] = today.isoformat()
        for line in charges:
            self.fields[_designation(line)] = MoneyField(
                label=_t("Settle of %(fee)s %(start)s – %(end)s")
                % {"fee": line.charge.fee_type, "start": line.charge.period_start, "end": line.charge.period_end},
                required=False,
                max_value=line.open,
            )

    @property
    def designations(self) -> list[tuple[ChargeLine, forms.BoundField]]:
        """The open charges, each with the field for what the payer designates to it."""
        return [(line, self[_designation(line)]) for line in self._charges]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.base_fields if name != "submission"]

    def clean_received_on(self) -> date:
        day: date = self.cleaned_data["received_on"]
        if day > self._today:
            raise ValidationError(_t("Money cannot have been received after today."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        designated = sum(self.designated.values(), Decimal(0))
        if "amount" in cleaned and designated > cleaned["amount"]:
            self.add_error("amount", _t("More is designated below than was paid: %(sum)s.") % {"sum": designated})
        return cleaned

    @property
    def designated(self) -> dict[int, Decimal]:
        """CNY by charge id, as the payer wishes."""
        given = ((line.charge.pk, self.cleaned_data.get(_designation(line))) for line in self._charges)
        return {charge_id: amount for charge_id, amount in given if amount}


class PaymentFilterForm(forms.Form):
    """What stands in the address of the list of payments. What is not understood is left out."""

    since = forms.DateField(label=_("Received from"), required=False, widget=DayInput())
    until = forms.DateField(label=_("Received to"), required=False, widget=DayInput())
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("all")), *Payment.Kind.choices])
    method = forms.ChoiceField(label=_("Method"), required=False, choices=[("", _("all")), *Payment.Method.choices])
    unit = forms.CharField(label=pgettext_lazy("column", "Unit"), required=False, max_length=120)

    def wanted(self) -> PaymentFilter:
        """The filter, of whatever was understood."""
        self.is_valid()
        given = self.cleaned_data
        return PaymentFilter(
            since=given.get("since"),
            until=given.get("until"),
            kinds=[given["kind"]] if given.get("kind") else [],
            methods=[given["method"]] if given.get("method") else [],
            unit=given.get("unit", ""),
        )


class RefundForm(forms.Form):
    """Credit of an account paid back. ``submission`` makes sending it twice one refund."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    amount = MoneyField(label=_("Amount"))
    refunded_on = forms.DateField(label=_("Paid back on"), widget=DayInput())
    method = forms.ChoiceField(label=_("Method"), choices=Payment.Method.choices)
    serial_no = forms.CharField(
        label=_("Serial number"), required=False, max_length=80, help_text=_("Of the bank or the payment service.")
    )
    note = forms.CharField(label=_("Reason"), max_length=400)

    def __init__(self, *args: Any, credit: Decimal, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "refunded_on": today, "amount": credit or None})
        super().__init__(*args, **kwargs)
        self._credit, self._today = credit, today
        self.fields["refunded_on"].widget.attrs["max"] = today.isoformat()

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount > self._credit:
            raise ValidationError(_t("Only %(credit)s stands as credit.") % {"credit": f"{self._credit:,.2f}"})
        return amount

    def clean_refunded_on(self) -> date:
        day: date = self.cleaned_data["refunded_on"]
        if day > self._today:
            raise ValidationError(_t("Money cannot have been paid back after today."))
        return day


class ChargeForm(forms.Form):
    """One charge by hand, for what no sheet brings."""

    fee_type = forms.ModelChoiceField(label=_("Fee"), queryset=FeeType.objects.none())
    period_start = forms.DateField(label=_("Period from"), widget=DayInput())
    period_end = forms.DateField(label=_("Period to"), widget=DayInput())
    due_on = forms.DateField(label=_("Due on"), widget=DayInput())
    amount = MoneyField(label=_("Amount"))
    reason = forms.CharField(label=_("Reason"), max_length=400)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owned = account.ownership.period
        fees = FeeType.objects.filter(project=account.project_id)
        self.fields["fee_type"].queryset = fees  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("period_start"), cleaned.get("period_end")
        if start and end and end < start:
            self.add_error("period_end", _t("The period ends before it begins."))
        elif end and end not in self._owned:
            self.add_error(
                "period_end", _t("The unit belonged to somebody else on this day: add the charge on their account.")
            )
        return cleaned


class ReversalForm(forms.Form):
    """Why a row is cancelled."""

    reason = forms.CharField(
        label=_("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("Kept for the record.")
    )


def _designation(line: ChargeLine) -> str:
    return f"charge_{line.charge.pk}"


def _staff_of(project: Project) -> Any:
    return User.objects.active().filter(accesses__project=project, accesses__revoked_at=None).distinct()
