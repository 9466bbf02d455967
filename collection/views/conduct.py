"""Complaints about conduct, and the contacts that were drawn for call-backs: for the manager, not for who made them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.call_backs import PERCENT, contacts_of_weeks, is_as_drawn, record_result
from collection.conduct import (
    OwnConductError,
    SentBeforeError,
    SettledAlreadyError,
    answer_complaint,
    record_complaint,
)
from collection.conduct_forms import CallBackForm, ComplaintForm, ConductAnswerForm
from collection.models import CallBack, CallBackDraw, ConductComplaint, ContactAttempt
from collection.timeline import contact_title
from collection.views.case import CONFLICT, MAY_VERIFY, back_to, visible_cases
from collection.views.visits import phones_of
from company.access import ProjectRequest, project_view
from company.models import Project
from company.rights import Right
from owners.personal_data import mask_party

SHOWN = 50
WEEKS_SHOWN = 8
OF_CONTACT = (
    "member", "contact__case__account__unit", "contact__case__account__ownership", "contact__emergency_contact",
    "contact__case__project", "contact__visit", "contact__part_of",
)  # fmt: skip


@project_view(Right.ANSWER_CONDUCT)
def conduct(request: ProjectRequest) -> HttpResponse:
    """What waits for an answer or a call, what was settled, and whether each draw comes out the same again."""
    complaints = ConductComplaint.objects.visible_to(request.user).filter(project=request.project)
    complaints = complaints.select_related(*OF_CONTACT, "recorded_by", "answered_by")
    call_backs = CallBack.objects.visible_to(request.user).filter(project=request.project)
    call_backs = call_backs.select_related(*OF_CONTACT, "draw", "called_by")
    context = {
        "complaints": list(complaints.filter(answered_at=None)),
        "waiting": list(call_backs.filter(called_at=None)),
        "answered": list(complaints.exclude(answered_at=None)[:SHOWN]),
        "called": list(call_backs.exclude(called_at=None).order_by("-called_at")[:SHOWN]),
        "draws": _draws(request.project),
        "percent": PERCENT,
    }
    return TemplateResponse(request, "collection/conduct.html", context)


@project_view(*MAY_VERIFY)
def complaint_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Writes down what is held against a contact; whom it concerns does not get to see it."""
    now = timezone.now()
    contact = get_object_or_404(
        ContactAttempt.objects.filter(case__in=visible_cases(request)).select_related(
            "project", "case__project", "case__account__unit", "recorded_by", "emergency_contact", "visit"
        ),
        pk=pk,
    )
    form = ComplaintForm(request.POST or None, happened_at=contact.happened_at, now=now)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            record_complaint(
                contact, form.told(), by=request.user, now=now, submission=form.cleaned_data["submission"]
            )  # fmt: skip
        except SentBeforeError:
            form.add_error(None, _("This form was sent before with other content; what came first is kept."))
            status = CONFLICT
        else:
            messages.success(request, _("Recorded. The project manager is told; who was there is not."))
            return back_to(request, contact.case)
    context = {"contact": contact, "title": contact_title(contact), "form": form, "case": contact.case}
    return TemplateResponse(request, "collection/complaint_new.html", context, status=status)


@project_view(Right.ANSWER_CONDUCT)
def conduct_complaint(request: ProjectRequest, pk: int) -> HttpResponse:
    """One complaint with its contact; answered once."""
    complaints = ConductComplaint.objects.visible_to(request.user).filter(project=request.project)
    found = get_object_or_404(complaints.select_related(*OF_CONTACT, "recorded_by", "answered_by"), pk=pk)
    form = ConductAnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            answer_complaint(found.pk, form.cleaned_data["answer"], by=request.user, now=timezone.now())
        except (SettledAlreadyError, OwnConductError):
            messages.warning(request, _("Somebody answered it before; nothing was changed."))
        else:
            messages.success(request, _("Answered."))
        return redirect("collection:conduct", project_code=request.project.code)
    context = {"complaint": found, "title": contact_title(found.contact), "form": form, **_case_of(found.contact)}
    return TemplateResponse(request, "collection/conduct_complaint.html", context)


@project_view(Right.ANSWER_CONDUCT)
def call_back(request: ProjectRequest, pk: int) -> HttpResponse:
    """One contact that was drawn, whom to call, and what the owner said; written down once."""
    call_backs = CallBack.objects.visible_to(request.user).filter(project=request.project)
    found = get_object_or_404(call_backs.select_related(*OF_CONTACT, "draw", "called_by"), pk=pk)
    form = CallBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            record_result(
                found.pk, CallBack.Result(given["result"]), given["note"], by=request.user, now=timezone.now()
            )  # fmt: skip
        except (SettledAlreadyError, OwnConductError):
            messages.warning(request, _("Somebody wrote down a result before; nothing was changed."))
        else:
            messages.success(request, _("The result is kept."))
        return redirect("collection:conduct", project_code=request.project.code)
    context = {
        "call_back": found,
        "title": contact_title(found.contact),
        "form": form,
        "phones": phones_of(found.contact.case),
        "may_reveal": Right.REVEAL_PERSONAL in request.rights and found.called_at is None,
        **_case_of(found.contact),
    }
    return TemplateResponse(request, "collection/call_back.html", context)


def _case_of(contact: ContactAttempt) -> dict[str, object]:
    return {"case": contact.case, "party": mask_party(contact.case.account.ownership.party_name)}


def _draws(project: Project) -> list[tuple[CallBackDraw, int, bool]]:
    """The latest draws with how many they drew, and whether drawing again gives the same; three queries."""
    draws = list(CallBackDraw.objects.filter(project=project)[:WEEKS_SHOWN])
    drawn: dict[int, list[int]] = defaultdict(list)
    for draw_id, contact_id in CallBack.objects.filter(draw__in=draws).values_list("draw", "contact"):
        drawn[draw_id].append(contact_id)
    held = contacts_of_weeks(project, _weeks(draws))
    return [(draw, len(drawn[draw.pk]), is_as_drawn(draw, held[draw.week_start], drawn[draw.pk])) for draw in draws]


def _weeks(draws: Iterable[CallBackDraw]) -> list[date]:
    return [draw.week_start for draw in draws]
