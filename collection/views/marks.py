"""Exclusions from the accountable base: what waits, what counts on a day, what was decided; and the proposal of one."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from collection.mark_forms import ExclusionLimitForm, MarkForm
from collection.marks import (
    BeyondShareError,
    MarkError,
    MarkExistsError,
    MarkMoveError,
    OwnMarkError,
    approve_mark,
    end_mark,
    exclusions_on,
    in_force,
    limit_of,
    may_decide,
    propose_mark,
    refuse_mark,
    set_limit,
    withdraw_mark,
)
from collection.models import Case, CaseMark
from collection.rates import shown_percent
from collection.views.case import back_to, is_loggable, visible_case, visible_cases
from collection.views.proofs import store_proof
from company.access import ProjectRequest, project_view
from company.rights import HEAD, LEADER, RIGHTS, Right
from owners.personal_data import mask_party

HISTORY_SHOWN = 50
WHOLE_PROJECT_ROLES = RIGHTS[Right.SEE_CAMPAIGN] - HEAD
ZERO = Decimal("0.00")


class DayForm(forms.Form):
    """The day in the address; what cannot be read, or lies ahead, is today."""

    on = forms.DateField(required=False)

    def day(self, *, today: date) -> date:
        """The day asked for, today at the latest."""
        self.is_valid()
        return min(self.cleaned_data.get("on") or today, today)


@project_view(Right.SEE_CAMPAIGN)
def marks(request: ProjectRequest) -> HttpResponse:
    """What waits for a decision, and what stands outside of the base at the end of a day, with its number and share."""
    today = timezone.localdate()
    on = DayForm(request.GET).day(today=today)
    seen = CaseMark.objects.filter(case__in=visible_cases(request)).select_related(
        "case__account__unit",
        "case__account__ownership",
        "case__team",
        "proposed_by",
        "decided_by",
        "ended_by",
        "proof",
    )
    out = exclusions_on(request.project, on=on)
    counting = [
        _line(request, mark, due=out.due.get(mark.case.account_id, ZERO))
        for mark in seen.filter(pk__in=in_force(request.project, on=on)).order_by("case__account__unit__sort_key")
    ]
    past = seen.exclude(state__in=[CaseMark.State.PROPOSED, CaseMark.State.APPROVED])
    context = {
        "on": on,
        "today": today,
        "waiting": [_line(request, mark) for mark in seen.filter(state=CaseMark.State.PROPOSED)],
        "counting": counting,
        "total": sum((line["due"] for line in counting), ZERO),
        "share": out.share if request.roles & WHOLE_PROJECT_ROLES else None,
        "whole": bool(request.roles & WHOLE_PROJECT_ROLES),
        "past": [_line(request, mark) for mark in past.order_by("-proposed_at", "-pk")[:HISTORY_SHOWN]],
        "limit": limit_of(request.project),
        "limit_form": ExclusionLimitForm(initial={"percent": limit_of(request.project)}),
        "may_set_limit": bool(request.roles & LEADER),
        "may_end": Right.APPROVE_EXCLUSION in request.rights,
    }
    return TemplateResponse(request, "collection/marks.html", context)


@project_view(Right.SET_REASON)
def mark_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Proposes to take a case out of the accountable base."""
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form = MarkForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            propose_mark(
                shown, CaseMark.Kind(given["kind"]), given["reason"], proof=store_proof(request, given["proof"]),
                by=request.user, now=timezone.now(), submission=given["submission"],
            )  # fmt: skip
        except MarkExistsError:
            form.add_error(None, _("This case has a mark that waits for a decision or counts already."))
        else:
            messages.success(request, _("Proposed. Until somebody else has approved it, the case counts as before."))
            return back_to(request, shown)
    context = {"case": shown, "form": form, "party": mask_party(shown.account.ownership.party_name)}
    return TemplateResponse(request, "collection/mark_new.html", context)


@require_POST
@project_view(Right.SET_REASON, Right.APPROVE_EXCLUSION)
def mark_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Approves, refuses, withdraws or ends, by the button that was pressed."""
    found = get_object_or_404(CaseMark, pk=pk, case__in=visible_cases(request))
    now, note = timezone.now(), request.POST.get("note", "").strip()[:400]
    today, by, roles = timezone.localdate(now), request.user, request.roles
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (
            lambda: approve_mark(found.pk, by=by, roles=roles, now=now, today=today, note=note),
            _("Approved: the case is out of the accountable base from today on."),
        ),
        "refuse": (lambda: refuse_mark(found.pk, by=by, roles=roles, now=now, note=note), _("Refused.")),
        "withdraw": (lambda: withdraw_mark(found.pk, by=by), _("Withdrawn.")),
        "end": (
            lambda: end_mark(found.pk, by=by, roles=roles, now=now, today=today, reason=note),
            _("Ended: the case counts again from today on."),
        ),
    }
    act, done = acts.get(request.POST.get("act", ""), (None, ""))
    if act is None:
        messages.error(request, _("Nothing was chosen."))
    elif request.POST["act"] in {"refuse", "end"} and not note:
        messages.error(request, _("Say why."))
    else:
        _do(request, act, done)
    if Right.SEE_CAMPAIGN in request.rights:
        return redirect("collection:marks", project_code=request.project.code)
    return redirect("collection:case", project_code=request.project.code, pk=found.case_id)


@project_view(Right.SEE_CASES)
def mark_proof(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The file that a mark rests on, for whoever sees the case."""
    marks = CaseMark.objects.filter(case__in=visible_cases(request)).select_related("proof")
    proof: Any = get_object_or_404(marks, pk=pk).proof
    return FileResponse(proof.file.open(), filename=proof.name, content_type=proof.content_type)


@require_POST
@project_view(Right.APPROVE_EXCLUSION)
def marks_limit(request: ProjectRequest) -> HttpResponse:
    """The company leader sets up to which share the project manager approves."""
    if not request.roles & LEADER:
        raise PermissionDenied
    form = ExclusionLimitForm(request.POST)
    if form.is_valid():
        set_limit(
            request.project, form.cleaned_data["percent"], by=request.user, roles=request.roles, now=timezone.now()
        )
        messages.success(request, _("The share is set."))
    else:
        messages.error(request, _("The share is a percentage from 0 to 100, with at most two decimals."))
    return redirect("collection:marks", project_code=request.project.code)


def _do(request: ProjectRequest, act: Callable[[], object], done: str) -> None:
    try:
        act()
    except BeyondShareError as error:
        messages.error(
            request,
            _("With it exclusions would be %(share)s %% of the base; above %(limit)s %% the company leader decides.")
            % {"share": shown_percent(error.share), "limit": shown_percent(error.limit)},
        )
    except OwnMarkError:
        messages.error(request, _("Nobody decides on what they proposed themselves."))
    except MarkMoveError:
        messages.error(request, _("It was decided, withdrawn or ended meanwhile; this is how it stands now."))
    except MarkError as error:
        raise PermissionDenied from error
    else:
        messages.success(request, done)


def _line(request: ProjectRequest, mark: CaseMark, *, due: Decimal = ZERO) -> dict[str, Any]:
    case: Case = mark.case
    return {
        "row": mark,
        "case": case,
        "party": mask_party(case.account.ownership.party_name),
        "due": due,
        "may_decide": may_decide(mark, request.user, request.rights),
        "is_own": mark.proposed_by_id == request.user.pk,
    }
