"""Forms for late fees, relief and instalment plans."""

import uuid
from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.forms import MoneyField
from arrears.models import Charge, FeeType, LimitationProof, Relief
from arrears.statements import ChargeLine
from company.forms import DayInput
from company.models import Project

PROOF_BYTES = 20 * 1024 * 1024
PROOF_TYPES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
INSTALMENTS = 6
HUNDRED = Decimal(100)


def proof_type(upload: UploadedFile) -> str | None:
    """The content type by the file's first bytes; None for what is neither PDF nor JPEG nor PNG."""
    upload.seek(0)
    head = upload.read(8)
    upload.seek(0)
    return next((kind for start, kind in PROOF_TYPES.items() if head.startswith(start)), None)


class ProofField(forms.FileField):
    """A scan or photo that proves something."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text=_("PDF, JPEG or PNG up to 20 MB."), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Raises ValidationError for another kind of file, whatever its name says."""
        upload = super().clean(data, initial)
        if upload and upload.size > PROOF_BYTES:
            raise ValidationError(_t("The file is larger than 20 MB."))
        if upload and proof_type(upload) is None:
            raise ValidationError(_t("Only PDF, JPEG and PNG files are taken."))
        return upload


class LateFeePolicyForm(forms.Form):
    """A new policy; earlier ones stay for what fell due under them."""

    fee_type = forms.ModelChoiceField(label=_("Fee"), queryset=FeeType.objects.none())
    daily_percent = forms.DecimalField(
        label=_("Percent a day"),
        min_value=Decimal(0),
        max_value=Decimal(1),
        decimal_places=4,
        help_text=_("0.05 means 5 of 10,000 a day. 0 ends the late fee."),
    )
    grace_days = forms.IntegerField(label=_("Days of grace"), min_value=0, max_value=366, initial=0)
    cap_percent = forms.DecimalField(
        label=_("At most, percent of the charge"), required=False, min_value=Decimal("0.01"), max_value=Decimal(1000),
        decimal_places=2, help_text=_("Empty: without a cap."),
    )  # fmt: skip
    valid_from = forms.DateField(label=_("For charges due from"), widget=DayInput())
    agreed_on_behalf = forms.BooleanField(
        label=_("The contract says so for this fee, though it is collected for a supplier"), required=False
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fee_type"].queryset = FeeType.objects.filter(project=project)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        fee = cleaned.get("fee_type")
        if fee and fee.is_on_behalf and cleaned.get("daily_percent") and not cleaned.get("agreed_on_behalf"):
            self.add_error(
                "agreed_on_behalf",
                _t("%(fee)s is collected for a supplier and bears no late fee unless the contract says so.")
                % {"fee": fee.name},
            )
        return cleaned

    @property
    def daily_rate(self) -> Decimal:
        """The rate as a share of the principal."""
        return Decimal(self.cleaned_data["daily_percent"]) / HUNDRED


class ReliefForm(forms.Form):
    """A proposal of one kind. ``submission`` makes sending it twice one proposal."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    amount = MoneyField(label=_("Amount to waive"))
    vacant_from = forms.DateField(label=_("Vacant from"), widget=DayInput())
    vacant_until = forms.DateField(label=_("Vacant until"), widget=DayInput())
    effective_on = forms.DateField(label=_("Counts from"), widget=DayInput())
    proof = ProofField(label=_("Proof"))
    reason = forms.CharField(label=_("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(
        self,
        *args: Any,
        kind: Relief.Kind,
        charges: Sequence[ChargeLine],
        today: date,
        late_fee: Decimal,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("initial", {"submission": uuid.uuid4(), "effective_on": today, "amount": late_fee or None})
        super().__init__(*args, **kwargs)
        self._today, self._charges, self._kind = today, charges if kind != Relief.Kind.LATE_FEE else (), kind
        if kind == Relief.Kind.LATE_FEE:
            del self.fields["effective_on"]
        else:
            del self.fields["amount"]
            self.fields["effective_on"].widget.attrs["max"] = today.isoformat()
        if kind == Relief.Kind.VACANCY:
            self.fields["proof"].label = _("Proof of the vacancy")
        else:
            del self.fields["vacant_from"], self.fields["vacant_until"]
            self.fields["proof"].required = False
        for line in self._charges:
            self.fields[_part(line)] = MoneyField(
                label=_t("Waive of %(fee)s %(start)s – %(end)s")
                % {"fee": line.charge.fee_type, "start": line.charge.period_start, "end": line.charge.period_end},
                required=False,
                max_value=line.open,
            )

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.base_fields if name in self.fields and name != "submission"]

    @property
    def parts(self) -> list[tuple[ChargeLine, forms.BoundField]]:
        """The open charges, each with the field for what is waived of it."""
        return [(line, self[_part(line)]) for line in self._charges]

    @property
    def lines(self) -> dict[int, Decimal]:
        """CNY by charge id."""
        given = ((line.charge.pk, self.cleaned_data.get(_part(line))) for line in self._charges)
        return {charge_id: amount for charge_id, amount in given if amount}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until, day = cleaned.get("vacant_from"), cleaned.get("vacant_until"), cleaned.get("effective_on")
        if since and until and until < since:
            self.add_error("vacant_until", _t("The vacancy ends before it begins."))
        if day and day > self._today:
            self.add_error("effective_on", _t("It counts from today at the latest."))
        if self._kind != Relief.Kind.LATE_FEE and not self.lines and not self.errors:
            raise ValidationError(_t("Write down how much is waived of which charge."))
        return cleaned


class PlanForm(forms.Form):
    """Up to six instalments; empty lines are left out."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, owed: Decimal, today: date, **kwargs: Any) -> None:
        initial: dict[str, Any] = {"submission": uuid.uuid4()}
        self._today, self._owed = today, owed
        for number, (day, amount) in enumerate(proposed_instalments(owed, today), start=1):
            initial |= {f"day_{number}": day, f"amount_{number}": amount}
        kwargs.setdefault("initial", initial)
        super().__init__(*args, **kwargs)
        for number in range(1, INSTALMENTS + 1):
            words = {"number": number}
            self.fields[f"day_{number}"] = forms.DateField(
                label=_t("Day of instalment %(number)d") % words, required=False, widget=DayInput(min=today.isoformat())
            )
            self.fields[f"amount_{number}"] = MoneyField(
                label=_t("Amount of instalment %(number)d") % words, required=False
            )

    @property
    def rows(self) -> list[tuple[int, forms.BoundField, forms.BoundField]]:
        return [(n, self[f"day_{n}"], self[f"amount_{n}"]) for n in range(1, INSTALMENTS + 1)]

    @property
    def instalments(self) -> list[tuple[date, Decimal]]:
        """Day and CNY of each."""
        pairs = [
            (self.cleaned_data.get(f"day_{n}"), self.cleaned_data.get(f"amount_{n}")) for n in range(1, INSTALMENTS + 1)
        ]
        return [(day, amount) for day, amount in pairs if day and amount]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for number in range(1, INSTALMENTS + 1):
            day, amount = cleaned.get(f"day_{number}"), cleaned.get(f"amount_{number}")
            if bool(day) != bool(amount) and not self.errors:
                raise ValidationError(_t("An instalment has a day and an amount."))
            if day and day < self._today:
                self.add_error(f"day_{number}", _t("This day is over."))
        days = [day for day, _amount in self.instalments]
        if len(set(days)) < len(days):
            raise ValidationError(_t("Two instalments are on the same day."))
        if not days and not self.errors:
            raise ValidationError(_t("Write down at least one instalment."))
        total = sum((amount for _day, amount in self.instalments), Decimal(0))
        if total > self._owed:
            raise ValidationError(
                _t("The instalments come to %(sum)s, more than the %(owed)s that is owed.")
                % {"sum": f"{total:,.2f}", "owed": f"{self._owed:,.2f}"}
            )
        return cleaned


class LimitationProofForm(forms.Form):
    """An act that restarts the limitation period of the charges that are ticked."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[c for c in LimitationProof.Kind.choices if c[0] != LimitationProof.Kind.REVERSAL]
    )
    reached_on = forms.DateField(
        label=_("Reached the owner on"),
        widget=DayInput(),
        help_text=_("The day of receipt or signature, not that of dispatch."),
    )
    charges = forms.MultipleChoiceField(label=_("Charges that it lists"), widget=forms.CheckboxSelectMultiple)
    proof = ProofField(label=_("Proof"))
    note = forms.CharField(label=_("Note"), required=False, max_length=400)

    def __init__(self, *args: Any, charges: Sequence[Charge], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.fields["reached_on"].widget.attrs["max"] = today.isoformat()
        self.fields["charges"].choices = [  # type: ignore[attr-defined]
            (charge.pk, f"{charge.fee_type.name} {charge.period_start} – {charge.period_end}") for charge in charges
        ]

    def clean_reached_on(self) -> date:
        day: date = self.cleaned_data["reached_on"]
        if day > self._today:
            raise ValidationError(_t("This day lies ahead."))
        return day


class LimitForm(forms.Form):
    late_fee = forms.DecimalField(
        label=_("Department heads waive up to"), min_value=Decimal(0), max_digits=12, decimal_places=2
    )


def proposed_instalments(owed: Decimal, today: date, parts: int = 3) -> list[tuple[date, Decimal]]:
    """``owed`` in equal parts at the ends of the coming months; the last takes what does not divide."""
    if owed <= 0:
        return []
    each, found = (owed / parts).quantize(Decimal("0.01")), []
    year, month = today.year, today.month
    for number in range(1, parts + 1):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        day = date(year, month, monthrange(year, month)[1])
        found.append((day, each if number < parts else owed - each * (parts - 1)))
    return [(day, amount) for day, amount in found if amount > 0]


def _part(line: ChargeLine) -> str:
    return f"charge_{line.charge.pk}"
