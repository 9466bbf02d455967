"""The form of a campaign: dates, targets by class, milestones with who answers for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from arrears.queries import AGEING_BUCKETS, BUCKET_BY_KEY
from collection.campaigns import PLANNED_KINDS, CampaignPlan, PlannedMilestone, contradictions
from collection.models import Campaign, Milestone, TargetClass
from collection.rate_conventions import BASE_TARGETS
from company.forms import DayInput
from company.models import Project, ProjectAccess, User

EARLIEST, LONGEST = date(2000, 1, 1), timedelta(days=731)
SCOPE_FIELDS = {"starts_on", "period_from", "period_until", "classes", "age_from", "age_until"}


def _ages() -> list[tuple[str, Any]]:
    return [("", _("any age")), *((bucket.key, bucket.label) for bucket in AGEING_BUCKETS)]


class CampaignForm(forms.Form):
    """Points out dates that contradict each other; they are kept only with a reason."""

    name = forms.CharField(label=_("Name"), max_length=80)
    starts_on = forms.DateField(label=_("Starts on"), widget=DayInput())
    ends_on = forms.DateField(label=_("Ends on"), widget=DayInput(), help_text=_("The last day belongs to it."))
    period_from = forms.DateField(label=_("Service periods from"), widget=DayInput(), required=False)
    period_until = forms.DateField(label=_("Service periods until"), widget=DayInput(), required=False)
    classes = forms.MultipleChoiceField(
        label=_("Classes"), choices=TargetClass.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all."),
    )  # fmt: skip
    age_from = forms.ChoiceField(label=_("Overdue at the start, from"), choices=_ages, required=False)
    age_until = forms.ChoiceField(
        label=_("Overdue at the start, to"), choices=_ages, required=False,
        help_text=_("With an age, what falls due during the campaign is left out."),
    )  # fmt: skip
    contradiction_reason = forms.CharField(
        label=_("Reason to keep these dates"), max_length=400, required=False, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, data: Any = None, *, project: Project, campaign: Campaign | None = None) -> None:
        super().__init__(data, initial=_initial(campaign))
        self.project = project
        self.contradictions: list[str] = []
        for target_class in TargetClass:
            self.fields[f"target_{target_class}"] = forms.DecimalField(
                label=target_class.label, min_value=Decimal("0.01"), max_value=100, decimal_places=2, required=False
            )
        staff = _staff(project)
        for kind in PLANNED_KINDS:
            self.fields[f"due_{kind}"] = forms.DateField(label=kind.label, widget=DayInput(), required=False)
            self.fields[f"who_{kind}"] = forms.ModelChoiceField(
                staff, label=_("Responsible"), required=False, empty_label=_("project manager")
            )

    @property
    def target_fields(self) -> list[BoundField]:
        return [self[f"target_{target_class}"] for target_class in TargetClass]

    @property
    def milestone_fields(self) -> Iterator[tuple[BoundField, BoundField]]:
        for kind in PLANNED_KINDS:
            yield self[f"due_{kind}"], self[f"who_{kind}"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and not EARLIEST <= starts_on <= timezone.localdate() + LONGEST:
            self.add_error("starts_on", _t("The campaign starts in 2000 or later, and within two years."))
        if starts_on and ends_on and ends_on <= starts_on:
            self.add_error("ends_on", _t("The campaign ends after it starts."))
        if starts_on and ends_on and ends_on - starts_on > LONGEST:
            self.add_error("ends_on", _t("A campaign lasts two years at most."))
        first, last = cleaned.get("period_from"), cleaned.get("period_until")
        if first and last and last < first:
            self.add_error("period_until", _t("The last period lies before the first."))
        if (least := _first_day(cleaned)) and (most := _last_day(cleaned)) and most < least:
            self.add_error("age_until", _t("The last age lies before the first."))
        if not any(cleaned.get(f"target_{target_class}") for target_class in TargetClass):
            raise ValidationError(_t("Set a target for at least one class."))
        if not self.errors:
            self._refuse_contradictions(cleaned)
        return cleaned

    def plan(self) -> CampaignPlan:
        return self._plan(self.cleaned_data)

    def draft(self) -> Campaign | None:
        """An unsaved campaign with the scope as far as it is filled in; None without a start or with a bad scope."""
        if self.is_bound and not self.is_valid() and set(self.errors) & SCOPE_FIELDS:
            return None
        given = self.cleaned_data if self.is_bound else self.initial
        if not given.get("starts_on"):
            return None
        return Campaign(
            project=self.project,
            starts_on=given["starts_on"],
            period_from=given.get("period_from"),
            period_until=given.get("period_until"),
            classes=given.get("classes") or [],
            least_days=_first_day(given),
            most_days=_last_day(given),
        )

    def _refuse_contradictions(self, cleaned: dict[str, Any]) -> None:
        self.contradictions = contradictions(self._plan(cleaned))
        if self.contradictions and not cleaned["contradiction_reason"].strip():
            self.add_error("contradiction_reason", _t("Change the dates, or say why they are to be kept."))

    def _plan(self, given: dict[str, Any]) -> CampaignPlan:
        return CampaignPlan(
            name=given["name"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            period_from=given["period_from"],
            period_until=given["period_until"],
            classes=[TargetClass(of) for of in given["classes"]],
            least_days=_first_day(given),
            most_days=_last_day(given),
            contradiction_reason=given["contradiction_reason"],
            targets={of: given[f"target_{of}"] for of in TargetClass if given.get(f"target_{of}")},
            milestones={
                kind: PlannedMilestone(given[f"due_{kind}"], given.get(f"who_{kind}"))
                for kind in PLANNED_KINDS
                if given.get(f"due_{kind}")
            },
        )


def _first_day(given: Mapping[str, Any]) -> int | None:
    return BUCKET_BY_KEY[given["age_from"]].first if given.get("age_from") else None


def _last_day(given: Mapping[str, Any]) -> int | None:
    return BUCKET_BY_KEY[given["age_until"]].last if given.get("age_until") else None


def _initial(campaign: Campaign | None) -> dict[str, Any]:
    if campaign is None:
        return {f"target_{of}": rate for of, rate in BASE_TARGETS.items()}
    fields = ("name", "starts_on", "ends_on", "period_from", "period_until", "classes", "contradiction_reason")
    initial = {name: getattr(campaign, name) for name in fields}
    initial["age_from"] = next((b.key for b in AGEING_BUCKETS if b.first == campaign.least_days), "")
    if campaign.most_days:
        initial["age_until"] = next((b.key for b in AGEING_BUCKETS if b.last == campaign.most_days), "")
    initial |= {f"target_{target.target_class}": target.rate for target in campaign.targets.all()}
    for milestone in Milestone.objects.filter(campaign=campaign):
        initial[f"due_{milestone.kind}"] = milestone.due_on
        initial[f"who_{milestone.kind}"] = milestone.responsible_id
    return initial


def _staff(project: Project) -> Any:
    live = ProjectAccess.objects.live().filter(project=project)
    return User.objects.active().filter(pk__in=live.values("user")).order_by("name_key", "pk")
