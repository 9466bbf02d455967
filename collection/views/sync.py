"""Where phones send the visits of their queue. The answer is JSON; whatever is refused stays on the phone."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from collection.models import Case, Visit
from collection.phone_forms import PhoneVisitForm
from collection.photos import MAX_PHOTOS
from collection.reasons import ReasonRefusedError
from collection.syncing import (
    MESSAGE_VERSION,
    MessageRefusedError,
    VisitMessage,
    flags_of,
    read_message,
    unknown_names,
)
from collection.views.case import CONFLICT
from collection.views.visits import add_refusal, loggable_case, other_units, phones_of
from collection.visit_revisions import (
    VisitConflictError,
    VisitRemovedError,
    VisitSettledError,
    known_message,
    remove_visit,
)
from collection.visits import ReceiptUsedError, record_visit
from company.access import ProjectRequest, project_view
from company.rights import Right
from config.service_worker import build


@require_http_methods(["GET", "POST"])
@project_view(Right.LOG_CONTACTS)
def visits_sync(request: ProjectRequest) -> JsonResponse:
    """Records, corrects or removes one visit that waited on a phone; sent again it is the same visit.

    GET tells a phone before it sends who is signed in, and gives it a token.
    `visit` is JSON: `case`, `revision`, `deleted` and the fields of the form by their names; photos are files beside
    it, `version` is that of the page, `person` whose queue it is.
    """
    if request.method == "GET":
        hello = {"version": MESSAGE_VERSION, "person": request.user.pk, "token": get_token(request)}
        return JsonResponse(hello, headers={"Cache-Control": "no-store"})
    if request.POST.get("version") != str(MESSAGE_VERSION):
        text = _("This page is older than the server. Load it anew; what waits on this phone stays.")
        return JsonResponse({"state": "outdated", "version": MESSAGE_VERSION, "errors": [_said(text)]}, status=CONFLICT)
    if request.POST.get("person", str(request.user.pk)) != str(request.user.pk):
        text = _("This was recorded by somebody else. It waits until they sign in.")
        return JsonResponse({"state": "other_person", "errors": [_said(text)]}, status=CONFLICT)
    try:
        message = read_message(request.POST.get("visit", ""), request.FILES)
    except MessageRefusedError as error:
        return JsonResponse({"state": "refused", "errors": [_said(str(error))], "flags": []})
    try:
        return _work_off(request, message, now=timezone.now())
    except Http404:
        text = _("You may no longer record anything on this case. Tell your head of department what happened.")
    except VisitConflictError:
        text = _("Not saved: this visit is recorded already, with other content. What came first stands.")
        return _refused(message, [_said(text)], status=CONFLICT)
    except VisitSettledError as error:
        text = _("Not changed, because %(what)s. What came first stands.") % {"what": error.what.label}
    return _refused(message, [_said(text)])


@project_view(Right.LOG_CONTACTS)
def queue(request: ProjectRequest) -> HttpResponse:
    """What waits on this phone. The page holds nothing of any case: it is also what the phone shows without a network
    at the addresses of the round and of the visit form, filled from its own store."""
    form = PhoneVisitForm(now=timezone.now(), roles=request.roles)
    context = {"form": form, "most_photos": MAX_PHOTOS, "on_phone": True}
    response = TemplateResponse(request, "collection/queue.html", context)
    response["X-Desk-Build"] = build()
    response["Cache-Control"] = "no-store"
    return response


def _work_off(request: ProjectRequest, message: VisitMessage, *, now: datetime) -> JsonResponse:
    """Raises what the domain raises, and Http404 for a case that is out of the person's reach."""
    if known_message(message.client_id, message.revision, message.sha256, by=request.user):
        return _recorded(request, message, _kept(request, message))
    case = loggable_case(request, message.case_id)
    if message.is_removal:
        remove_visit(case, message.client_id, message.revision, by=request.user, now=now)
        return _recorded(request, message, None)
    form = _form(request, message, case, now=now)
    unknown = unknown_names(message, request.FILES, form.fields)
    if unknown:
        text = _("This form has no place any more for: %(names)s. Open the record and write it into the note.")
        return _refused(message, [_said(text % {"names": _(", ").join(unknown)})])
    if form.is_valid():
        report = replace(form.report(), revision=message.revision, sent_sha256=message.sha256)
        try:
            visit = record_visit(
                case, report, by=request.user, roles=request.roles, now=now, refresh_later=True
            )  # fmt: skip
        except VisitRemovedError:
            return _recorded(request, message, None)
        except (ReceiptUsedError, ReasonRefusedError) as error:
            add_refusal(form, error)
        else:
            return _recorded(request, message, visit)
    return _refused(message, _errors(form))


def _form(request: ProjectRequest, message: VisitMessage, case: Case, *, now: datetime) -> PhoneVisitForm:
    data = QueryDict(mutable=True)
    for name, values in message.fields.items():
        data.setlist(name, values)
    also = data.getlist("also")
    others = other_units(request, case, chosen=also) if also else []
    phones = phones_of(case)
    return PhoneVisitForm(
        data, request.FILES, case=case, now=now, roles=request.roles, phones=phones, others=others
    )  # fmt: skip


def _kept(request: ProjectRequest, message: VisitMessage) -> Visit | None:
    visits = Visit.objects.filter(project=request.project).recorded_by(request.user)
    return visits.select_related("contact").filter(client_id=message.client_id).first()


def _recorded(request: ProjectRequest, message: VisitMessage, visit: Visit | None) -> JsonResponse:
    """What is kept of the visit now: with a later revision, or as removed where it was removed meanwhile."""
    answer: dict[str, Any] = {"client_id": str(message.client_id), "revision": message.revision, "errors": []}
    if visit is None:
        return JsonResponse({**answer, "state": "deleted", "flags": []})
    flags = flags_of(visit)
    address = reverse(
        "collection:visit_recorded", kwargs={"project_code": request.project.code, "client_id": visit.client_id}
    )
    return JsonResponse({**answer, "state": "flagged" if flags else "recorded", "flags": flags, "url": address})


def _refused(message: VisitMessage, errors: list[dict[str, str]], *, status: int = 200) -> JsonResponse:
    """What was understood and cannot be taken as it is: no error of the request, so 200 unless it is a conflict."""
    answer = {"client_id": str(message.client_id), "revision": message.revision}
    return JsonResponse({**answer, "state": "refused", "errors": errors, "flags": []}, status=status)


def _errors(form: PhoneVisitForm) -> list[dict[str, str]]:
    found = []
    for name, texts in form.errors.items():
        label = str(form.fields[name].label) if name in form.fields else ""
        found += [{"field": name, "label": label, "text": str(text)} for text in texts]
    return found


def _said(text: str) -> dict[str, str]:
    return {"field": "", "label": "", "text": text}
