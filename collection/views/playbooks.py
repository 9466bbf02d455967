"""Playbooks: what is in force, its draft and versions, the editor of a ladder, and the own plan of a case."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from collection.models import ArrearsReason, Case, Playbook, ReportReview
from collection.playbook_changes import changes_between
from collection.playbook_forms import (
    UTILITIES_CUT_FORBIDDEN,
    ActivationForm,
    BaseLadderForms,
    LadderForms,
    initial_steps,
)
from collection.playbooks import (
    LadderError,
    StaleDraftError,
    UtilitiesCutError,
    activate,
    drop_draft,
    end_plan,
    ladders_shown,
    propose_plan,
    save_ladder,
    start_draft,
)
from collection.views.case import back_to, is_loggable, visible_case, visible_cases
from company.access import ProjectRequest, project_view
from company.rights import Right

CONFLICT = 409
OWN_PLAN = "own"
"""Stands for the reason in the address of a case's own plan."""


@project_view(Right.SEE_CASES)
def playbook(request: ProjectRequest, pk: int | None = None) -> HttpResponse:
    """One version with its ladders, the one in force unless told, beside a list of all."""
    versions = list(Playbook.objects.filter(project=request.project, case=None).select_related("activated_by"))
    in_force = next((version for version in versions if version.state == Playbook.State.ACTIVE), None)
    shown = _find(request, pk) if pk else in_force
    against = _against(request, shown, versions, in_force)
    may_edit = shown is not None and shown.state == Playbook.State.DRAFT and _may_edit(request, shown)
    may_manage = Right.MANAGE_CAMPAIGN in request.rights
    context = {
        "playbook": shown,
        "case": shown.case if shown else None,
        "ladders": ladders_shown(shown),
        "versions": versions,
        "against": against,
        "changes": changes_between(against, shown) if shown else [],
        "reviews": ReportReview.objects.filter(playbook=shown).select_related("by", "report") if shown else [],
        "draft": next((version for version in versions if version.state == Playbook.State.DRAFT), None),
        "in_force": in_force,
        "may_edit": may_edit,
        "may_manage": may_manage,
        "activation": ActivationForm(initial={"revision": shown.revision})
        if may_edit and may_manage and shown
        else None,
    }
    return TemplateResponse(request, "collection/playbook.html", context)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def playbook_draft(request: ProjectRequest) -> HttpResponse:
    """Begins a draft as a copy of what is in force, or opens the one that is there."""
    draft = start_draft(request.project, by=request.user, now=timezone.now())
    return redirect("collection:playbook_detail", project_code=request.project.code, pk=draft.pk)


@project_view(Right.MANAGE_CAMPAIGN, Right.LOG_CONTACTS)
def playbook_ladder(request: ProjectRequest, pk: int, reason: str) -> HttpResponse:
    """The editor of one ladder of a draft."""
    draft = _find(request, pk)
    if not _may_edit(request, draft):
        raise PermissionDenied
    of_reason = _reason_of(draft, reason)
    if draft.state != Playbook.State.DRAFT:
        messages.error(request, _("This version is in force or was; begin a new draft to change it."))
        return _to(request, draft)
    steps = draft.steps.filter(reason=of_reason or "")
    forms = cast(BaseLadderForms, LadderForms(request.POST or None, initial=initial_steps(steps)))
    status = 200
    if request.method == "POST" and forms.is_valid():
        try:
            save_ladder(draft.pk, of_reason, forms.planned(), revision=_revision(request), by=request.user)
        except UtilitiesCutError:
            messages.error(request, UTILITIES_CUT_FORBIDDEN)
        except LadderError:
            messages.error(request, _("At least one step in use must be for every case, without an amount or days."))
        except StaleDraftError:
            messages.error(request, _("Somebody changed this draft meanwhile. Yours is still here, not saved."))
            status = CONFLICT
        else:
            messages.success(request, _("Saved in the draft. It counts once the draft is activated."))
            return _to(request, draft)
    context = {"playbook": draft, "case": draft.case, "reason": of_reason, "forms": forms, "revision": draft.revision}
    return TemplateResponse(request, "collection/playbook_ladder.html", context, status=status)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def playbook_activate(request: ProjectRequest, pk: int) -> HttpResponse:
    """Puts a draft in force."""
    draft = _find(request, pk)
    form = ActivationForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what it changes and why."))
        return _to(request, draft)
    try:
        activate(
            draft.pk, revision=form.cleaned_data["revision"], by=request.user, now=timezone.now(),
            note=form.cleaned_data["note"],
        )  # fmt: skip
    except StaleDraftError:
        messages.error(request, _("The draft was changed, activated or dropped meanwhile; this is how it stands now."))
    except LadderError as error:
        label = ArrearsReason(error.reason).label if error.reason else _("the own plan")
        messages.error(request, _("The ladder “%(reason)s” has no step that every case can take.") % {"reason": label})
    else:
        messages.success(
            request,
            _("The plan is in force for this case.")
            if draft.case
            else _("In force. The next steps of all cases are computed now; that takes a minute at most."),
        )
    return _to(request, draft)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN, Right.LOG_CONTACTS)
def playbook_drop(request: ProjectRequest, pk: int) -> HttpResponse:
    """Throws a draft away."""
    draft = _find(request, pk)
    if not _may_edit(request, draft):
        raise PermissionDenied
    case = draft.case
    try:
        drop_draft(draft.pk, by=request.user)
    except StaleDraftError:
        messages.error(request, _("It is no draft any more; this is how it stands now."))
        return _to(request, draft)
    messages.success(request, _("The draft is dropped."))
    return back_to(request, case) if case else redirect("collection:playbook", project_code=request.project.code)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def playbook_end(request: ProjectRequest, pk: int) -> HttpResponse:
    """Ends a case's own plan: the case is back on its project's ladder."""
    plan = _find(request, pk)
    try:
        end_plan(plan.pk, by=request.user, now=timezone.now())
    except StaleDraftError:
        messages.error(request, _("This plan is not in force."))
    else:
        messages.success(request, _("The case is back on the ladder of its reason."))
    return back_to(request, plan.case) if plan.case else _to(request, plan)


@require_POST
@project_view(Right.LOG_CONTACTS)
def case_plan(request: ProjectRequest, pk: int) -> HttpResponse:
    """Begins the own plan of a case, as a copy of the ladder that it is on."""
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    if shown.state != Case.State.OPEN:
        messages.error(request, _("The case is closed; there is nothing to plan."))
        return back_to(request, shown)
    plan = propose_plan(shown, by=request.user, now=timezone.now())
    return redirect(
        "collection:playbook_ladder", project_code=request.project.code, pk=plan.pk, reason=OWN_PLAN
    )  # fmt: skip


def _against(
    request: ProjectRequest, shown: Playbook | None, versions: list[Playbook], in_force: Playbook | None
) -> Playbook | None:
    """The version with which the one shown is compared: named in the address, else the one in force or before it.

    None stands for what every project starts with.
    """
    named = next((one for one in versions if str(one.pk) == request.GET.get("against", "")), None)
    if named or shown is None:
        return named
    if shown.case_id or shown.state == Playbook.State.DRAFT:
        return in_force
    return next((one for one in versions if one.number < shown.number and one.state != Playbook.State.DRAFT), None)


def _find(request: ProjectRequest, pk: int) -> Playbook:
    """A version of the project, or the own plan of a case that the person sees; else 404."""
    seen = Q(case=None) | Q(case__in=visible_cases(request))
    found: Playbook = get_object_or_404(
        Playbook.objects.filter(seen, project=request.project).select_related(
            "activated_by", "created_by", "case__account__unit", "case__project"
        ),
        pk=pk,
    )
    return found


def _may_edit(request: ProjectRequest, draft: Playbook) -> bool:
    """The project manager edits versions; a case's own plan also whoever may log on the case."""
    if Right.MANAGE_CAMPAIGN in request.rights:
        return True
    return draft.case is not None and is_loggable(request, draft.case)


def _reason_of(draft: Playbook, reason: str) -> ArrearsReason | None:
    if draft.case_id:
        if reason != OWN_PLAN:
            raise Http404
        return None
    if reason not in ArrearsReason.values:
        raise Http404
    return ArrearsReason(reason)


def _revision(request: ProjectRequest) -> int:
    given: Any = request.POST.get("revision", "")
    return int(given) if given.isdecimal() else -1


def _to(request: ProjectRequest, shown: Playbook) -> HttpResponseRedirect:
    return redirect("collection:playbook_detail", project_code=request.project.code, pk=shown.pk)
