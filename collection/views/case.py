"""The page of one case, and the small acts on it."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from arrears.late_fees import late_fee_word
from arrears.views.late_fees import late_fees_of
from collection.case_forms import AnswerForm, OverrideForm, ReasonForm, RequestForm, ReviewForm
from collection.dossier import neighbours, read_dossier
from collection.models import Case, CaseMark, OwnerRequest, Playbook, TeamMember
from collection.models.cases import CaseQuerySet
from collection.models.contacts import ContactAttempt
from collection.overriding import ask_for_override, override_limits
from collection.reasons import set_reason
from collection.requests import (
    AlreadyAnsweredError,
    SubmissionReusedError,
    answer_request,
    forward_request,
    open_request,
)
from collection.revealing import reasons_against
from collection.same_person import other_cases
from collection.timeline import counts, timeline
from collection.timeline_entries import GROUP_LABELS, Entry, Group
from collection.turns import buttons, is_turn_of
from collection.verifying import needs_looking_up, verify_cases
from company.access import ProjectRequest, project_view
from company.models import User
from company.rights import FIELD, WHOLE_LEDGER_ROLES, Right
from notices.views.files import HANDED_OUT
from owners.revealing import NUMBERS, ON_CASES_ONLY, Purpose, usual_purpose
from owners.views import answer_reveal, asked_purpose

CONFLICT = 409
SHOWN_ENTRIES = 8
MAY_VERIFY = (Right.LOG_CONTACTS, Right.ISSUE_NOTICES, Right.POST_MONEY)


@project_view(Right.SEE_CASES)
def case(request: ProjectRequest, pk: int) -> HttpResponse:
    """Who, what is owed and why, what was done, what comes next and what may not be done now."""
    now = timezone.now()
    shown = visible_case(request, pk)
    dossier = read_dossier(shown, viewer=request.user, now=now)
    before, after = neighbours(visible_cases(request).open(), shown)
    may_log = is_loggable(request, shown)
    step = dossier.standing.step if dossier.standing else None
    context = {
        "case": shown,
        "dossier": dossier,
        "before": before,
        "after": after,
        "today": timezone.localdate(now),
        "may_log": may_log,
        "may_reveal": may_reveal_here(request, shown),
        "may_hand_over": may_log or Right.ISSUE_NOTICES in request.rights,
        "may_see_ledger": bool(request.roles & WHOLE_LEDGER_ROLES),
        "may_propose_relief": may_log or bool(request.roles & WHOLE_LEDGER_ROLES),
        "late_fee_word": late_fee_word(request.project, on=timezone.localdate(now)),
        "may_verify": bool(request.rights & set(MAY_VERIFY)),
        "is_my_turn": step is not None and is_turn_of(step.doer, shown, user=request.user, roles=request.roles),
        "buttons": buttons(dossier, rights=request.rights, may_log=may_log),
        "review_form": ReviewForm() if may_log and dossier.needs_review else None,
        "reason_form": ReasonForm(roles=request.roles, initial={"reason": dossier.reason.key}) if may_log else None,
        "own_plan": shown.own_plans.exclude(state=Playbook.State.ENDED).order_by("state").last(),
        "marks": list(CaseMark.objects.filter(case=shown).select_related("proposed_by").order_by("-pk")),
        "also_owes": other_cases(shown, visible=visible_cases(request)),
        "members": members_to_hand_over(request) if Right.MANAGE_CAMPAIGN in request.rights else [],
        "handed_out": HANDED_OUT,
        "may_complain": bool(request.rights & set(MAY_VERIFY)),
        "needs_looking_up": dossier.verification is None and needs_looking_up(request.project, now=now),
        **_entries_shown(request, timeline(shown, viewer=request.user)),
    }
    return TemplateResponse(request, "collection/case.html", context)


@project_view(Right.SEE_CASES)
def case_late_fees(request: ProjectRequest, pk: int) -> HttpResponse:
    """How the late fees of a case come about day by day, for whoever sees the case."""
    shown = visible_case(request, pk)
    context = {"case": shown, **late_fees_of(shown.account, today=timezone.localdate())}
    return TemplateResponse(request, "collection/case_late_fees.html", context)


@require_POST
@project_view(*MAY_VERIFY)
def case_verify(request: ProjectRequest, pk: int) -> HttpResponse:
    """Verifies one case; closes it where it turns out to be paid."""
    now = timezone.now()
    shown = visible_case(request, pk)
    if must_look_up(request, now=now):
        return back_to(request, shown)
    done = verify_cases(
        [shown], project=request.project, by=request.user, today=timezone.localdate(now), now=now,
        looked_up="looked_up" in request.POST,
    )  # fmt: skip
    if done.paid:
        messages.success(request, _("Nothing is overdue any more: the case is closed, nobody needs to go there."))
    else:
        messages.success(request, _("Verified: it is still unpaid."))
    return back_to(request, shown)


@require_POST
@project_view(Right.SET_REASON)
def case_reason(request: ProjectRequest, pk: int) -> HttpResponse:
    """Sets the reason of one case."""
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form = ReasonForm(request.POST, roles=request.roles)
    if form.is_valid():
        set_reason(
            [shown], form.chosen(), by=request.user, roles=request.roles, now=timezone.now(),
            note=form.cleaned_data["note"],
        )  # fmt: skip
        messages.success(request, _("The reason is %(reason)s now.") % {"reason": form.chosen().label})
    else:
        messages.error(request, _("This reason is not yours to set, or it does not exist."))
    return back_to(request, shown)


@never_cache
@require_POST
@project_view(Right.REVEAL_PERSONAL)
def case_reveal(request: ProjectRequest, pk: int, kind: str, row: int) -> HttpResponse:
    """Shows one masked piece of data of this case's people; recorded. Field staff: their own cases only.

    A number is shown to make contact only while a call would be cleared; for a notice or a payment by the right alone.
    """
    now = timezone.now()
    shown = visible_case(request, pk)
    owners = set(shown.account.ownership.members.values_list("owner_id", flat=True))
    usual = Purpose.CONTACT if Right.LOG_CONTACTS in request.rights else usual_purpose(request.roles)
    why = asked_purpose(request) or usual

    def is_of_this_case(found: Model) -> bool:
        if kind == "occupant":
            return getattr(found, "unit_id", None) == shown.account.unit_id
        owner_id = getattr(found, "owner_id", None) or (found.pk if kind in {"name", "id-number"} else None)
        return owner_id in owners

    def may_reveal(found: Model) -> bool:
        return is_of_this_case(found) and may_reveal_here(request, shown)

    def against(found: Model) -> list[str]:
        if kind not in NUMBERS or why not in ON_CASES_ONLY:
            return []
        if not is_of_this_case(found):  # its limits are those of its own case
            raise Http404
        return reasons_against(shown, found, why, by=request.user, now=now)

    return answer_reveal(request, kind, row, may_reveal=may_reveal, why=why, against=against)


@project_view(Right.LOG_CONTACTS)
def request_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Writes down what an owner asks for outside of a visit."""
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form, status = RequestForm(request.POST or None, initial={"submission": uuid.uuid4()}), 200
    if request.method == "POST" and form.is_valid():
        try:
            open_request(
                shown, form.requested(), by=request.user, now=timezone.now(), submission=form.cleaned_data["submission"]
            )  # fmt: skip
        except SubmissionReusedError:
            form.add_error(None, _("This form was sent before with other content; what came first is kept."))
            status = CONFLICT
        else:
            messages.success(request, _("Recorded. Until it is answered the owner is not pressed."))
            return back_to(request, shown)
    return TemplateResponse(request, "collection/request_new.html", {"case": shown, "form": form}, status=status)


@project_view(Right.LOG_CONTACTS)
def request_answer(request: ProjectRequest, pk: int) -> HttpResponse:
    """Answers a request once, or hands it to another department."""
    now = timezone.now()
    asked = _request_of(request, pk)
    shown = visible_case(request, asked.case_id)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form = AnswerForm(
        request.POST if request.method == "POST" and "forward" not in request.POST else None,
        today=timezone.localdate(now),
    )
    try:
        if "forward" in request.POST and request.POST.get("department") in OwnerRequest.Department.values:
            forward_request(asked.pk, OwnerRequest.Department(request.POST["department"]), by=request.user)
            messages.success(request, _("Handed on."))
            return back_to(request, shown)
        if form.is_bound and form.is_valid():
            answer_request(asked.pk, form.cleaned_data["answer"], by=request.user, now=now,
                           agreed_on=form.cleaned_data["agreed_on"])  # fmt: skip
            messages.success(request, _("Answered."))
            return back_to(request, shown)
    except AlreadyAnsweredError as error:
        messages.warning(
            request, _("%(person)s answered it before; nothing was changed.") % {"person": error.request.answered_by}
        )
    context = {
        "case": shown,
        "asked": _request_of(request, pk),
        "form": form,
        "departments": OwnerRequest.Department,
        "today": timezone.localdate(now),
    }
    return TemplateResponse(request, "collection/request.html", context)


@project_view(Right.OVERRIDE_LIMIT)
def limit_override(request: ProjectRequest, pk: int) -> HttpResponse:
    """The project manager sets contact limits of one case aside for today."""
    now = timezone.now()
    shown = visible_case(request, pk)
    form = OverrideForm(request.POST or None, initial={"channel": request.GET.get("channel", "")})
    if request.method == "POST" and form.is_valid():
        channel = ContactAttempt.Channel(form.cleaned_data["channel"])
        override_limits(
            shown, channel, form.cleaned_data["reason"], by=request.user, today=timezone.localdate(now), now=now
        )  # fmt: skip
        messages.success(request, _("Lifted for today. That you did so is recorded."))
        return back_to(request, shown)
    context = {"case": shown, "form": form, "dossier": read_dossier(shown, viewer=request.user, now=now)}
    return TemplateResponse(request, "collection/limit_override.html", context)


@require_POST
@project_view(Right.LOG_CONTACTS)
def limit_ask(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks the project manager for leave."""
    shown = visible_case(request, pk)
    told = ask_for_override(shown, by=request.user, today=timezone.localdate())
    if told:
        messages.success(request, _("The project manager is told."))
    else:
        messages.error(request, _("This project has no project manager who could be asked."))
    return back_to(request, shown)


def must_look_up(request: ProjectRequest, *, now: datetime) -> bool:
    """Whether verifying would prove nothing: payment data are too old, and nobody looked; then a message says so."""
    missing = "looked_up" not in request.POST and needs_looking_up(request.project, now=now)
    if missing:
        messages.error(request, _("Payment data are too old. Look the cases up in the charging system and tick it."))
    return missing


def visible_cases(request: ProjectRequest) -> CaseQuerySet:
    """The cases of the page's project that the person may see."""
    return Case.objects.visible_to(request.user).filter(project=request.project)


def visible_case(request: ProjectRequest, pk: int) -> Case:
    """One of them; else 404."""
    cases = visible_cases(request).select_related(
        "project", "account__unit__building", "account__ownership", "team", "responsible__post"
    )
    found: Case = get_object_or_404(cases, pk=pk)
    return found


def is_loggable(request: ProjectRequest, shown: Case) -> bool:
    """Whether the person may log contacts on this case: own ones, the team's for heads, all for the manager."""
    if Right.LOG_CONTACTS not in request.rights:
        return False
    cases = Case.objects.filter(pk=shown.pk)
    return cases.loggable_by(request.user, roles=request.roles).exists()


def may_reveal_here(request: ProjectRequest, shown: Case) -> bool:
    """Field staff only on their own open cases, heads on their team's; project-wide roles by their right."""
    if Right.REVEAL_PERSONAL not in request.rights:
        return False
    if shown.state == Case.State.CLOSED and request.roles <= FIELD:
        return False
    return Right.LOG_CONTACTS not in request.rights or is_loggable(request, shown)


def members_to_hand_over(request: ProjectRequest) -> QuerySet[User]:
    """To whom cases may be handed: present members of teams."""
    present = TeamMember.objects.present().filter(project=request.project, team__is_active=True)
    found: QuerySet[User] = User.objects.active().filter(team_memberships__in=present).distinct()
    return found


def back_to(request: ProjectRequest, shown: Case) -> HttpResponseRedirect:
    """To the page of the case."""
    return redirect("collection:case", project_code=request.project.code, pk=shown.pk)


def _request_of(request: ProjectRequest, pk: int) -> OwnerRequest:
    asked: Any = OwnerRequest.objects.visible_to(request.user)
    found: OwnerRequest = get_object_or_404(
        asked.filter(project=request.project).select_related("answered_by", "created_by"), pk=pk
    )
    return found


def _entries_shown(request: ProjectRequest, entries: list[Entry]) -> dict[str, Any]:
    shown = request.GET.get("what", "")
    group = Group(shown) if shown in GROUP_LABELS else None
    chosen = [entry for entry in entries if group is None or entry.group == group]
    limit = None if "all" in request.GET else SHOWN_ENTRIES
    numbers = counts(entries)
    return {
        "group": group,
        "groups": [(one, label, numbers[one]) for one, label in GROUP_LABELS.items() if numbers[one]],
        "entries": chosen[:limit],
        "older": max(len(chosen) - SHOWN_ENTRIES, 0) if limit else 0,
    }
