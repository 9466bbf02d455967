"""Forms for what happened at a door, and what they share with calls (collection.call_form).

Days and amounts are offered, so that the common case needs no typing.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collection.contacts import ContactReport, NumberNews, NumberReport
from collection.limits import short_day
from collection.models import Case, CashTaken, ContactAttempt, OwnerRequest
from collection.offers import next_by_rule, offered_amounts, offered_days, offered_next
from collection.photos import MAX_PHOTOS
from collection.promises import Promised
from collection.reasons import Reason, reasons_for
from collection.requests import Requested
from collection.signatures import SignatureField
from collection.visits import Cash, VisitReport
from company.forms import DayInput
from company.models import Role
from company.photos import Photo, PhotoRefusedError, check_photo, prepare_photo
from owners.contact_points import PhoneNumberError, normalise_phone
from owners.models import Phone

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
OTHER, BY_RULE = "other", "by_rule"  # what a choice says instead of a day or an amount
AT_THE_DOOR = (
    Outcome.MET_OWNER, Outcome.MET_OTHER, Outcome.NO_ANSWER, Outcome.REFUSED, Outcome.POSTPONED, Outcome.VACANT
)  # fmt: skip
ON_THE_PHONE = (
    Outcome.MET_OWNER, Outcome.MET_OTHER, Outcome.NO_ANSWER, Outcome.REFUSED, Outcome.POSTPONED,
    Outcome.WRONG_PERSON, Outcome.PASSED_ON,
)  # fmt: skip
HINTS: dict[str, Any] = {
    Payment.CLAIMS_PAID: _("no more pressing until it is checked"),
    BY_RULE: _("the day after a promise, else in a week"),
}
NOT_SERVED = _(
    "One of these units is not of the same owner any more, or you may no longer record anything for it. Untick it; "
    "what was said of it can be recorded by itself."
)
NOBODY_MET = frozenset({Outcome.NO_ANSWER, Outcome.VACANT, Outcome.WRONG_PERSON, Outcome.PASSED_ON})
LONGEST_AGO = timedelta(days=365)
LONGEST_PROMISE = timedelta(days=365)
PHONE_WIDGET = {"inputmode": "tel", "autocomplete": "off", "data-private": ""}


class OfferedField(forms.ChoiceField):
    """One of several offers, or one that was offered earlier: what the form shows may change while it is open."""

    def __init__(self, *, parse: Callable[[str], Any], words: Collection[str] = (OTHER,), **kwargs: Any) -> None:
        super().__init__(widget=forms.RadioSelect, required=False, **kwargs)
        self.parse, self.words = parse, words

    def valid_value(self, value: Any) -> bool:
        try:
            return value in self.words or bool(self.parse(value))
        except (ValueError, ArithmeticError):
            return False

    def clean(self, value: Any) -> Any:
        """One of the words, what was offered, or None."""
        text = super().clean(value)
        return text if text in self.words else self.parse(text) if text else None


class AmountField(forms.DecimalField):
    """An amount in CNY that may be left out."""

    default_validators = [MinValueValidator(Decimal("0.01"), _("The amount is more than 0."))]

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"inputmode": "decimal"})
        super().__init__(required=False, max_digits=12, decimal_places=2, widget=widget, **kwargs)


def parse_amount(text: str) -> Decimal:
    """An amount in CNY of at most two places. Raises ValueError or ArithmeticError."""
    amount = Decimal(text)
    if not 0 < amount < 10**10 or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(text)
    return amount


class ContactForm(forms.Form):
    """What belongs to a contact by any channel."""

    happened_at = forms.DateTimeField(
        label=_("When"), widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), widget=forms.RadioSelect, error_messages={"required": _("Choose what came of it.")}
    )
    payment = forms.ChoiceField(
        label=_("Paying"), widget=forms.RadioSelect, choices=Payment.choices, initial=Payment.NOT_DISCUSSED
    )
    promise_day = OfferedField(label=_("Promised for"), parse=date.fromisoformat)
    promise_date = forms.DateField(label=_("Promised for another day"), widget=DayInput(), required=False)
    promise_amount = OfferedField(label=_("Promised amount"), parse=parse_amount)
    promise_other = AmountField(label=_("Another amount"))
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2, "placeholder": _("Who said what; facts only")}),
    )
    next_contact = OfferedField(label=_("Next contact"), parse=date.fromisoformat, words=(OTHER, BY_RULE))
    next_date = forms.DateField(label=_("Next contact on another day"), widget=DayInput(), required=False)

    outcomes: tuple[ContactAttempt.Outcome, ...] = ON_THE_PHONE
    outcome_words: dict[ContactAttempt.Outcome, Any] = {}  # where a word at the door would mislead

    def __init__(self, *args: Any, case: Case | None, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case, self.now = case, now
        self.today = timezone.localdate(now)
        self.fields["happened_at"].initial = timezone.localtime(now).replace(second=0, microsecond=0)
        words = [(outcome.value, self.outcome_words.get(outcome, outcome.label)) for outcome in self.outcomes]
        self._choices("outcome", words)
        self._offer()

    def _offer(self) -> None:
        days = [(offer.day.isoformat(), offer.label) for offer in offered_days(self.today)]
        self._choices("promise_day", [*days, (OTHER, _t("another day"))], initial=days[1][0])
        amounts = [*self._amounts(), (OTHER, _t("another amount"))]
        self._choices("promise_amount", amounts, initial=amounts[0][0])
        nexts = [(offer.day.isoformat(), offer.label) for offer in offered_next(self.today)]
        self._choices("next_contact", [(BY_RULE, _t("by rule")), *nexts, (OTHER, _t("choose a day"))], initial=BY_RULE)

    def _amounts(self) -> list[tuple[str, str]]:
        owed = self.case.overdue if self.case else Decimal(0)
        return [(str(offer.amount), offer.label) for offer in offered_amounts(owed)]

    def _choices(self, name: str, choices: list[tuple[str, Any]], initial: str = "") -> None:
        field: Any = self.fields[name]
        field.choices, field.initial = choices, initial

    def clean_happened_at(self) -> datetime:
        """Up to a day ahead is a clock that runs fast; further off it is a slip of the finger."""
        at: datetime = self.cleaned_data["happened_at"]
        if at > self.now + timedelta(days=1):
            raise ValidationError(_t("This lies in the future."))
        if at < self.now - LONGEST_AGO:
            raise ValidationError(_t("This lies more than a year back; check the date."))
        return at

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        if at := given.get("happened_at"):
            self.today = timezone.localdate(min(at, self.now))  # days are meant as of the day on which they were said
        if given.get("outcome") in NOBODY_MET:
            given["payment"] = Payment.NOT_DISCUSSED
        if given.get("payment") == Payment.PROMISED:
            given["promised"] = self._promised(given)
        given["next_contact_on"] = self._next_contact_on(given)
        return given

    def _promised(self, given: Mapping[str, Any]) -> Promised | None:
        amount = _typed(given, "promise_amount", "promise_other")
        pay_by = _typed(given, "promise_day", "promise_date")
        if pay_by and not self.today <= pay_by <= self.today + LONGEST_PROMISE:
            self.add_error("promise_date", _t("A promise is for today or a later day, within a year."))
        if pay_by is None and not self.errors.keys() & {"promise_date", "promise_day"}:
            self.add_error("promise_date", _t("Choose the day that the owner named."))
        if amount is None and not self.errors.keys() & {"promise_other", "promise_amount"}:
            self.add_error("promise_other", _t("Type the amount that the owner named."))
        return Promised(pay_by, amount) if pay_by and amount else None

    def _next_contact_on(self, given: Mapping[str, Any]) -> date | None:
        promised: Promised | None = given.get("promised")
        if given.get("next_contact") == BY_RULE:
            return next_by_rule(self.today, promised_for=promised.pay_by if promised else None)
        day: date | None = _typed(given, "next_contact", "next_date")
        if given.get("next_contact") == OTHER and not day and "next_date" not in self.errors:
            self.add_error("next_date", _t("Choose the day of the next contact."))
        if day and day < self.today:
            self.add_error("next_date", _t("The next contact lies in the past."))
        return day

    def hint_of(self, name: str, value: str) -> str:
        """What stands small beneath an offer: its day, its amount, what follows from it."""
        field = self.fields[name]
        if not isinstance(field, OfferedField) or value in field.words:
            return str(HINTS.get(value, ""))
        return f"{Decimal(value):,.2f}" if name == "promise_amount" else short_day(date.fromisoformat(value))

    def contact_fields(self) -> dict[str, Any]:
        """What a ContactReport takes from this form."""
        given = self.cleaned_data
        return {
            "outcome": Outcome(given["outcome"]),
            "payment": Payment(given["payment"]),
            "happened_at": given["happened_at"],
            "promised": given.get("promised"),
            "note": given["note"],
            "next_contact_on": given["next_contact_on"],
        }


def _typed(given: Mapping[str, Any], chosen: str, typed: str) -> Any:
    """What was chosen, or typed where the choice says so."""
    return given.get(typed) if given.get(chosen) == OTHER else given.get(chosen)


class PhotosInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Several photos; cleaned to pictures that are ready to be kept, or only checked where a worker makes them."""

    widget = PhotosInput

    def __init__(self, *, prepare: Callable[[bytes], Photo] = prepare_photo, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prepare = prepare

    def clean(self, data: Any, initial: Any = None) -> list[Photo]:
        sent = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if len(sent) > MAX_PHOTOS:
            raise ValidationError(_t("At most %(most)s photos.") % {"most": MAX_PHOTOS})
        try:
            return [self.prepare(super(PhotosField, self).clean(file).read()) for file in sent]
        except PhotoRefusedError as error:
            raise ValidationError(str(error)) from error


class VisitForm(ContactForm):
    """A visit, in three steps."""

    outcomes = AT_THE_DOOR

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    responsible_id = forms.IntegerField(widget=forms.HiddenInput, required=False)
    also = forms.MultipleChoiceField(
        label=_("Also for these units"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_SERVED},
    )
    reason = forms.ChoiceField(label=_("Reason"), widget=forms.RadioSelect, required=False)
    request_kind = forms.ChoiceField(
        label=_("Owner's request"),
        widget=forms.RadioSelect,
        required=False,
        choices=[("", _("none")), *OwnerRequest.Kind.choices],
    )
    request_text = forms.CharField(
        label=_("What the owner said"), required=False, max_length=2000, widget=forms.Textarea({"rows": 3})
    )
    request_department = forms.ChoiceField(
        label=_("Department"),
        required=False,
        choices=OwnerRequest.Department.choices,
        initial=OwnerRequest.Department.SERVICE,
    )
    phone = forms.ChoiceField(label=_("Number"), required=False)
    number_news = forms.ChoiceField(
        label=_("What of it"), required=False, choices=[("", _("nothing new")), *NumberNews.choices]
    )
    new_number = forms.CharField(
        label=_("New number"), required=False, max_length=30, widget=forms.TextInput(PHONE_WIDGET)
    )
    second_address = forms.CharField(
        label=_("Second correspondence address"),
        required=False,
        max_length=300,
        widget=forms.TextInput({"autocomplete": "off", "data-private": ""}),
    )
    photos = PhotosField(
        prepare=check_photo,
        label=_("Photos"),
        required=False,
        widget=PhotosInput({"accept": "image/jpeg,image/png,image/webp"}),
    )
    signature = SignatureField(label=_("Signature of the owner"))
    slip_posted = forms.BooleanField(label=_("Slip left"), required=False)
    cash_taken = forms.BooleanField(label=_("Money taken"), required=False)
    cash_amount = AmountField(label=_("Amount"))
    cash_method = forms.ChoiceField(label=_("Method"), required=False, choices=CashTaken.Method.choices)
    cash_receipt = forms.CharField(label=_("Receipt number"), required=False, max_length=40)

    def __init__(
        self,
        *args: Any,
        roles: frozenset[Role],
        phones: list[Phone],
        others: Collection[Case] = (),
        held: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """``others`` are cases of the same person that the visit may have served too, ``held`` why it was not meant
        for some of them."""
        super().__init__(*args, **kwargs)
        self.held = held or {}
        self._choices("also", [(str(other.pk), other.account.unit.code) for other in others])
        reasons = [(reason.key, reason.label) for reason in reasons_for(roles)]
        self._choices("reason", [("", _t("as it is")), *reasons])
        numbers = [(str(phone.pk), phone.masked) for phone in phones]
        self._choices("phone", [*numbers, ("", _t("another number"))], initial=numbers[0][0] if numbers else "")

    def hint_of(self, name: str, value: str) -> str:
        return self.held.get(int(value), "") if name == "also" else super().hint_of(name, value)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        self._clean_number(given)
        if given.get("request_kind") and not given.get("request_text"):
            self.add_error("request_text", _t("Say in a few words what the owner asks for."))
        if given.get("request_text") and not given.get("request_kind"):
            self.add_error("request_kind", _t("Say what kind of request it is."))
        if given.get("cash_taken"):
            for name in ("cash_amount", "cash_receipt"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _t("Needed for money taken."))
        return given

    def _clean_number(self, given: dict[str, Any]) -> None:
        number, news = given.get("new_number"), given.get("number_news")
        if number:
            try:
                given["new_number"] = normalise_phone(number)
            except PhoneNumberError:
                self.add_error("new_number", _t("A phone number has 7 to 15 digits."))
        elif news == NumberNews.CHANGED:
            self.add_error("new_number", _t("Type the new number."))

    def report(self) -> VisitReport:
        """What happened."""
        given = self.cleaned_data
        contact = ContactReport(
            channel=Channel.VISIT,
            requested=self._requested(),
            reason=Reason.from_key(given["reason"]) if given["reason"] else None,
            number=self._number(),
            second_address=given["second_address"],
            **self.contact_fields(),
        )
        return VisitReport(
            client_id=given["client_id"],
            contact=contact,
            slip_posted=given["slip_posted"],
            cash=self._cash(),
            photos=given["photos"],
            signature=given["signature"],
            responsible_id=given["responsible_id"],
            also=tuple(sorted(int(case_id) for case_id in given["also"])),
        )

    def _requested(self) -> Requested | None:
        given = self.cleaned_data
        if not given["request_kind"]:
            return None
        department = given["request_department"] or OwnerRequest.Department.SERVICE
        return Requested(
            OwnerRequest.Kind(given["request_kind"]), given["request_text"], OwnerRequest.Department(department)
        )

    def _number(self) -> NumberReport | None:
        given = self.cleaned_data
        news = given["number_news"] or (NumberNews.CONFIRMED if given["new_number"] else "")
        if not news:
            return None
        phone_id = int(given["phone"]) if given["phone"] and given["number_news"] else None
        return NumberReport(phone_id, NumberNews(news), given["new_number"])

    def _cash(self) -> Cash | None:
        given = self.cleaned_data
        if not given["cash_taken"]:
            return None
        method = CashTaken.Method(given["cash_method"] or CashTaken.Method.CASH)
        return Cash(given["cash_amount"], method, given["cash_receipt"].strip())
