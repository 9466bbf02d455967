"""The editor of one ladder: a form a step, in order."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.forms import MoneyField
from collection.models import Doer, Measure, PlaybookStep, Precondition, Stage
from collection.playbooks import AUTOMATIC, KEY_LENGTH, MOST_DAYS, MOST_STEPS, PlannedStep

EMPTY_ROWS = 2
UTILITIES_CUT_FORBIDDEN = _(
    "Civil Code art. 944 forbids cutting off water, electricity, heat or gas to make an owner pay. It stays off."
)
DAYS: dict[str, Any] = {"min_value": 0, "max_value": MOST_DAYS}


class StepForm(forms.Form):
    """One step. A new one without a measure is no step."""

    key = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=KEY_LENGTH)
    position = forms.IntegerField(label=_("Order"), min_value=1, max_value=99)
    is_on = forms.BooleanField(label=_("In use"), required=False, initial=True)
    measure = forms.ChoiceField(label=_("Measure"))
    title = forms.CharField(label=_("What is to be done"), max_length=80)
    stage = forms.ChoiceField(label=_("Stage"), choices=Stage.choices)
    doer = forms.ChoiceField(label=_("Who"), choices=Doer.choices)
    wait_days = forms.IntegerField(label=_("Wait, days"), initial=0, **DAYS)
    due_days = forms.IntegerField(label=_("Due within, days"), initial=3, **DAYS)
    min_amount = MoneyField(label=_("Only from amount"), required=False)
    min_days = forms.IntegerField(label=_("or from days overdue"), required=False, min_value=1, max_value=9999)
    precondition = forms.ChoiceField(label=_("Only after"), required=False, choices=[("", "—"), *Precondition.choices])
    talking_points = forms.CharField(
        label=_("Talking points, a line each"), required=False, max_length=1000, widget=forms.Textarea({"rows": 1})
    )
    remove = forms.BooleanField(label=_("Remove"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["measure"]
        offered = [(measure.value, measure.label) for measure in Measure if measure not in AUTOMATIC]
        field.choices = [("", ""), *offered]

    def has_changed(self) -> bool:
        """A line for a new step that names neither measure nor what is to be done is left out."""
        is_new = not self.initial.get("key")
        if is_new and not any(self[name].value() for name in ("measure", "title")):
            return False
        return super().has_changed()

    @property
    def is_utilities_cut(self) -> bool:
        """Whether it is the measure that may never be in use."""
        return str(self["measure"].value()) == Measure.CUT_UTILITIES

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("is_on") and cleaned.get("measure") == Measure.CUT_UTILITIES:
            self.add_error("is_on", UTILITIES_CUT_FORBIDDEN)
        return cleaned

    def planned(self) -> PlannedStep:
        """As the domain takes it."""
        given = self.cleaned_data
        return PlannedStep(
            stage=Stage(given["stage"]), measure=Measure(given["measure"]), title=given["title"],
            doer=Doer(given["doer"]), key=given["key"], is_on=given["is_on"], wait_days=given["wait_days"],
            due_days=given["due_days"], min_amount=given["min_amount"] or None, min_days=given["min_days"],
            precondition=Precondition(given["precondition"]) if given["precondition"] else None,
            talking_points=given["talking_points"],
        )  # fmt: skip


class BaseLadderForms(forms.BaseFormSet):
    """All steps of a ladder; at least one in use is for every case."""

    def clean(self) -> None:
        if any(self.errors):
            return
        steps = self.planned()
        on = [step for step in steps if step.is_on]
        keys = [step.key for step in steps if step.key]
        if len(keys) != len(set(keys)):
            raise ValidationError(_t("A step stands there twice. Reload the page."))
        if not any(step.min_amount is None and step.min_days is None for step in on):
            raise ValidationError(_t("At least one step in use must be for every case, without an amount or days."))

    def planned(self) -> list[PlannedStep]:
        """The steps that stay, in the order of their numbers."""
        kept = [form for form in self.forms if form.has_changed() or form.initial.get("key")]
        kept = [form for form in kept if not form.cleaned_data.get("remove")]
        return [form.planned() for form in sorted(kept, key=lambda form: int(form.cleaned_data["position"]))]


LadderForms = forms.formset_factory(
    StepForm, formset=BaseLadderForms, extra=EMPTY_ROWS, max_num=MOST_STEPS, absolute_max=MOST_STEPS
)


def initial_steps(steps: Iterable[PlaybookStep]) -> list[dict[str, Any]]:
    """What the forms show of a ladder."""
    names = (
        "key", "position", "is_on", "measure", "title", "stage", "doer", "wait_days", "due_days", "min_days",
        "precondition", "talking_points",
    )  # fmt: skip
    return [{name: getattr(step, name) for name in names} | {"min_amount": _plain(step.min_amount)} for step in steps]


def _plain(amount: Decimal | None) -> Decimal | None:
    return amount.quantize(Decimal("0.01")) if amount is not None else None


class ActivationForm(forms.Form):
    """What the new version changes and why; reports name it."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("What it changes and why"), max_length=400)
