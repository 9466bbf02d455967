"""Logging a call or message from the page of a case: clearance first, the record in any case."""

import uuid
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.call_form import CallForm
from collection.contacts import record_contact
from collection.dossier import talk_fields
from collection.limits import clear, read_facts
from collection.messages import message_for
from collection.models import Case, ContactAttempt
from collection.reasons import Reason
from collection.repair_dates import disputed_parts
from collection.requests import SubmissionReusedError
from collection.talking_points import talking_points, to_emergency_contact
from collection.views.case import CONFLICT, back_to, may_reveal_here, visible_cases
from collection.views.visits import loggable_case, phones_of, say_what_was_recorded
from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.models import EmergencyContact
from owners.personal_data import mask_party

WORKLIST = "worklist"  # what the address says where the form was opened from the day's list


@project_view(Right.LOG_CONTACTS)
def contact_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Says whether one may call now, and records the call that was made."""
    now = timezone.now()
    case = loggable_case(request, pk)
    form = call_form(request, case, now=now)
    status = 200
    if request.method == "POST" and form.is_valid():
        submission = form.cleaned_data["submission"]
        try:
            contact = record_contact(
                case, form.report(), by=request.user, roles=request.roles, now=now, submission=submission
            )
        except SubmissionReusedError:
            form.add_error(None, _("This form was sent before with other content; what came first is kept."))
            status = CONFLICT
        else:
            say_what_was_recorded(request, contact)
            return _after_recording(request, case)
    fields, facts = talk_fields(case, request.user), read_facts([case], now=now)
    context = {
        "case": case,
        "form": form,
        "party": mask_party(case.account.ownership.party_name),
        "phones": form.phones,
        "emergency": form.emergency,
        "reason": Reason.of(case),
        "may_reveal": may_reveal_here(request, case),
        "clearance": clear(case, facts, ContactAttempt.Channel.CALL, now=now),
        "may_send": clear(case, facts, ContactAttempt.Channel.WECHAT, now=now).allowed,
        "offered": message_for(case, now=now),
        "points": talking_points(Reason.of(case), fields, parts=disputed_parts(case)),
        "emergency_points": to_emergency_contact(fields),
    }
    return TemplateResponse(request, "collection/contact_new.html", context, status=status)


def call_form(request: ProjectRequest, case: Case, *, now: datetime, auto_id: str = "id_%s") -> CallForm:
    """The form of a call on ``case``, filled with what was sent."""
    owners = case.account.ownership.members.values("owner")
    return CallForm(
        *([request.POST, request.FILES] if request.method == "POST" else []),
        case=case,
        now=now,
        phones=phones_of(case),
        emergency=list(EmergencyContact.objects.filter(owner__in=owners, ended_at=None)),
        initial={"submission": uuid.uuid4()},
        auto_id=auto_id,
    )


def _after_recording(request: ProjectRequest, case: Case) -> HttpResponse:
    """To where it was logged from, the day's list or the case; to the round for who does not see the case any more."""
    if request.GET.get("from") == WORKLIST:
        return redirect("collection:worklist", project_code=request.project.code)
    if visible_cases(request).filter(pk=case.pk).exists():
        return back_to(request, case)
    return redirect("collection:round", project_code=request.project.code)
