"""Results and what would follow from them, as of any day; everybody sees what is theirs to see. The scheme."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection.commending import efforts
from collection.conventions import ChangedMeanwhileError, stated
from collection.models import IncentiveScheme, Settlement, SettlementLine, TeamMember
from collection.pace import campaign_on
from collection.rate_conventions import View
from collection.results import HolderResult, Results, compute_results, moves_before, posting_ends_at
from collection.settling import SCHEME_FIELDS, save_scheme
from company.access import ProjectRequest, project_view
from company.forms import DayInput
from company.rights import FIELD, HEAD, RIGHTS, Right

WIDE_ROLES = RIGHTS[Right.SEE_SETTLEMENT] - FIELD - HEAD
SHOWN_CHANGES = 20
Holder = SettlementLine.Holder


class DayForm(forms.Form):
    on = forms.DateField(label=gettext_lazy("as of"), required=False, widget=DayInput())

    def day(self, *, today: date) -> date:
        """Yesterday unless an earlier day is asked for."""
        yesterday = today - timedelta(days=1)
        given: date | None = self.cleaned_data.get("on") if self.is_valid() else None
        return min(given or yesterday, yesterday)


@project_view(Right.SEE_SETTLEMENT)
def incentives(request: ProjectRequest) -> HttpResponse:
    """Preview of the campaign as of a day with its formulas, and the settlements."""
    today = timezone.localdate()
    on = DayForm(request.GET).day(today=today)
    campaign = campaign_on(request.project.pk, on=on)
    results = compute_results(campaign, closes_on=on) if campaign else None
    since = campaign.starts_on if campaign else on.replace(day=1)
    own = [effort for effort in efforts(request.project, since=since, until=on) if effort.user == request.user]
    context = {
        "on": on,
        "latest": today - timedelta(days=1),
        "campaign": campaign,
        "results": results,
        "holders": seen_holders(request, results) if results else [],
        "is_wide": sees_all(request),
        "own_effort": own[0] if own else None,
        "convention": stated(results.settings, View.APPRAISAL) if results else [],
        "posting_ends_at": posting_ends_at(on, results.settings) if results else None,
        "moves": moves_before(campaign, closes_on=on, days=results.scheme.move_days)
        if campaign and results and sees_all(request)
        else [],
        "settlements": Settlement.objects.visible_to(request.user)
        .filter(project=request.project)
        .select_related("campaign", "proposed_by", "decided_by"),
        "may_propose": Right.PROPOSE_SETTLEMENT in request.rights,
    }
    return TemplateResponse(request, "collection/incentives.html", context)


def sees_all(request: ProjectRequest) -> bool:
    """Whether the person sees everybody's results in the project."""
    return bool(request.roles & WIDE_ROLES)


def seen_holders(request: ProjectRequest, results: Results) -> list[HolderResult]:
    """All for project-wide roles; a head's own team and its members; one's own."""
    if sees_all(request):
        return results.holders
    return list(_own(request, results.holders))


def _own(request: ProjectRequest, holders: Iterable[HolderResult]) -> Iterable[HolderResult]:
    colleagues: set[int] = {request.user.pk}
    teams: set[int] = set()
    if request.roles & HEAD:
        present = TeamMember.objects.present().filter(project=request.project)
        teams = set(present.filter(user=request.user).values_list("team", flat=True))
        colleagues |= set(present.filter(team__in=teams).values_list("user", flat=True))
    for each in holders:
        if (each.team and (each.team.pk in teams or each.leader == request.user)) or (
            each.member and each.member.pk in colleagues
        ):
            yield each


class SchemeForm(forms.ModelForm):
    """``seen`` is the number of the version shown."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput())

    class Meta:
        model = IncentiveScheme
        fields = SCHEME_FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("deduction", "most_deduction", "strict_below"):
            value = cleaned.get(name)
            if value is not None and not 0 <= value <= 100:
                self.add_error(name, _("A percentage lies between 0 and 100."))
        if (least := cleaned.get("least_due")) is not None and least < 0:
            self.add_error("least_due", _("This cannot be negative."))
        if (days := cleaned.get("move_days")) is not None and days > 366:
            self.add_error("move_days", _("At most 366 days."))
        return cleaned


@project_view(Right.SEE_CAMPAIGN)
def scheme(request: ProjectRequest) -> HttpResponse:
    """The scheme in force with its history; the project manager changes it."""
    versions = list(
        IncentiveScheme.objects.visible_to(request.user)
        .filter(project=request.project)
        .select_related("changed_by")[:SHOWN_CHANGES]
    )
    current = versions[0] if versions else IncentiveScheme(project=request.project, number=0)
    form = SchemeForm(
        request.POST or None,
        instance=IncentiveScheme(**{name: getattr(current, name) for name in SCHEME_FIELDS}),
        initial={"seen": current.number},
    )
    may_change = Right.MANAGE_CAMPAIGN in request.rights
    if request.method == "POST" and may_change and form.is_valid() and _saved(request, form):
        return redirect("collection:scheme", project_code=request.project.code)
    context = {"form": form, "scheme": current, "versions": versions, "may_change": may_change}
    return TemplateResponse(request, "collection/scheme.html", context)


def _saved(request: ProjectRequest, form: SchemeForm) -> bool:
    given = dict(form.cleaned_data)
    try:
        saved = save_scheme(request.project, given, seen=given.pop("seen"), by=request.user, now=timezone.now())
    except ChangedMeanwhileError:
        form.add_error(None, _("Somebody else changed the scheme meanwhile. Open the page again and compare."))
        return False
    messages.success(
        request, _("Saved. Settlements that stand keep their scheme.") if saved else _("Nothing was changed.")
    )
    return True
