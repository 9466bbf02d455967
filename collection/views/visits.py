"""The form of a visit, what it says when a visit is recorded, and the photos that belong to visits."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from collection.contact_forms import VisitForm
from collection.dossier import talk_fields
from collection.limits import Limit, clearances, is_barred, passed_limits
from collection.models import Case, ContactAttempt, Visit, VisitPhoto, VisitSignature
from collection.models.cases import CaseQuerySet
from collection.photo_making import make_photo
from collection.photos import MAX_PHOTOS
from collection.reasons import Reason, ReasonRefusedError
from collection.repair_dates import disputed_parts
from collection.rounds import build_round
from collection.same_person import held_back, other_cases
from collection.talking_points import talking_points
from collection.views.case import CONFLICT
from collection.visit_revisions import VisitConflictError, VisitRemovedError
from collection.visits import ReceiptUsedError, record_visit
from company.access import ProjectRequest, project_view
from company.audit import record
from company.forms import may_be_an_id
from company.models import StoredFile
from company.rights import Right
from owners.models import Address, Phone
from owners.personal_data import mask_party

# So long may whoever answered for a case before still send in what happened at its door.
LATE_DAYS = timedelta(days=14)


@project_view(Right.LOG_CONTACTS)
def visit(request: ProjectRequest, pk: int) -> HttpResponse:
    """What happened at a door, in three steps. Sent twice it is one visit; other content under its id is 409."""
    now = timezone.now()
    case = loggable_case(request, pk)
    others = other_units(request, case, chosen=request.POST.getlist("also"))
    held = held_back(others, now=now)
    form = VisitForm(
        *([request.POST, request.FILES] if request.method == "POST" else []),
        case=case,
        now=now,
        roles=request.roles,
        phones=phones_of(case),
        others=others,
        held=held,
        initial={
            "client_id": uuid.uuid4(),
            "responsible_id": case.responsible_id,
            "also": [other.pk for other in others if other.pk not in held],
        },
    )
    if form.is_bound and form.is_valid():
        try:
            done = record_visit(case, form.report(), by=request.user, roles=request.roles, now=now)
        except VisitConflictError as conflict:
            return _page(request, case, form, now=now, earlier=conflict.visit)
        except VisitRemovedError:
            form.add_error(None, _("This visit was removed on a phone. If it has happened after all, start anew."))
        except (ReceiptUsedError, ReasonRefusedError) as error:
            add_refusal(form, error)
        else:
            return redirect(
                "collection:visit_recorded", project_code=request.project.code, client_id=done.client_id
            )  # fmt: skip
    return _page(request, case, form, now=now)


def add_refusal(form: VisitForm, error: ReceiptUsedError | ReasonRefusedError) -> None:
    """Says at its field what the domain refused."""
    if isinstance(error, ReceiptUsedError):
        text = _("This receipt number stands on money taken at %(unit)s. Check it and correct it.")
        form.add_error("cash_receipt", text % {"unit": error.unit_code})
    else:
        form.add_error("reason", _("Only department heads and the project manager may set this reason."))


@project_view(Right.LOG_CONTACTS)
def visit_recorded(request: ProjectRequest, client_id: uuid.UUID) -> HttpResponse:
    """Tells whoever recorded a visit what is kept of it and what changed meanwhile, and leads on to the next door."""
    now = timezone.now()
    visits = Visit.objects.filter(project=request.project).recorded_by(request.user).select_related(
        "contact__case__account__unit__building", "contact__case__account__ownership",
        "contact__case__responsible", "contact__promise", "cash",
    )  # fmt: skip
    done = get_object_or_404(visits, client_id=client_id)
    case = done.contact.case
    parts = done.contact.parts.order_by("case__account__unit__sort_key")
    context = {
        "visit": done,
        "case": case,
        "party": mask_party(case.account.ownership.party_name),
        "promise": getattr(done.contact, "promise", None),
        "cash": getattr(done, "cash", None),
        "requests": list(done.contact.requests.all()),
        "also": list(parts.values_list("case__account__unit__code", flat=True)),
        "photo_count": done.photos.count(),
        "passed": [limit.label for limit in passed_limits(done.contact)],
        "next_stop": build_round(request.project, request.user, now=now).next_after(case),
    }
    return TemplateResponse(request, "collection/visit_recorded.html", context)


@project_view(Right.SEE_CASES)
def visit_photo(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """Hands out a photo to who sees its case."""
    photos: Any = VisitPhoto.objects.visible_to(request.user)
    found = photos.filter(project=request.project).select_related("file", "raw")
    photo = get_object_or_404(found, pk=pk)
    if photo.file is None and hasattr(photo, "raw"):
        make_photo(photo.raw.pk)  # looked at before the worker has come to it
        photo = found.get(pk=pk)
    if photo.file is None:
        raise Http404
    return _handed_out(photo.file)


def _handed_out(file: StoredFile) -> FileResponse:
    response = FileResponse(file.file.open("rb"), content_type=file.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@project_view(Right.SEE_SIGNATURE)
def visit_signature(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """Hands out what an owner signed, to who sees the case and may see signatures; recorded."""
    signatures: Any = VisitSignature.objects.visible_to(request.user)
    found = signatures.filter(visit__project=request.project).select_related("file")
    signature = get_object_or_404(found, pk=pk)
    record(action="signatures.shown", by=request.user, project=request.project, obj=signature)
    return _handed_out(signature.file)


@require_POST
@project_view(Right.SEE_PHOTO_PLACE)
def photo_place(request: ProjectRequest, pk: int) -> HttpResponse:
    """Says when and where a photo was taken, as its camera wrote it; recorded."""
    photos: Any = VisitPhoto.objects.visible_to(request.user)
    photo = get_object_or_404(
        photos.filter(project=request.project, place__isnull=False).select_related("place", "visit__contact"), pk=pk
    )
    place, case_id = photo.place, photo.visit.contact.case_id
    record(action="photos.place_shown", by=request.user, project=request.project, obj=photo)
    at = f"{timezone.localtime(place.taken_at):%Y-%m-%d %H:%M}" if place.taken_at else "—"
    where = "—" if place.latitude is None else f"{place.latitude}, {place.longitude}"
    messages.info(
        request, _("By its camera the photo was taken at %(at)s, place %(where)s.") % {"at": at, "where": where}
    )
    return redirect("collection:case", project_code=request.project.code, pk=case_id)


def loggable_case(request: ProjectRequest, pk: int) -> Case:
    """A case on which the person may log what happened, also one that went to somebody else lately; else 404."""
    cases = _loggable(request).select_related("project", "account__unit__building", "account__ownership")
    found: Case = get_object_or_404(cases, pk=pk)
    return found


def other_units(request: ProjectRequest, case: Case, *, chosen: Collection[str]) -> list[Case]:
    """Open cases of the same person on which one may log too, and whichever of them were ``chosen`` and paid since."""
    ids = [int(value) for value in chosen if may_be_an_id(value)]
    return other_cases(case, visible=_loggable(request).select_related("project"), chosen=ids)


def _loggable(request: ProjectRequest) -> CaseQuerySet:
    since = timezone.localdate() - LATE_DAYS
    mine = Case.objects.filter(project=request.project)
    return mine.loggable_by(request.user, roles=request.roles, handed_over_since=since)


def phones_of(case: Case) -> list[Phone]:
    """The live numbers of the owners, the ones to dial first in front."""
    owners = case.account.ownership.members.values("owner")
    phones = Phone.objects.filter(owner__in=owners, ended_at=None).order_by("-is_primary", "pk")
    return sorted(phones, key=is_barred)


def say_what_was_recorded(request: ProjectRequest, contact: ContactAttempt) -> None:
    """Messages on what was written, and on the limits that it passed."""
    unit = contact.case.account.unit.code
    messages.success(request, _("%(unit)s is recorded.") % {"unit": unit})
    if passed := passed_limits(contact):
        limits = _(", ").join(str(limit.label) for limit in passed)
        messages.warning(
            request, _("%(unit)s: a limit was passed (%(limits)s). It is kept and marked so.")
            % {"unit": unit, "limits": limits},
        )  # fmt: skip


def _page(
    request: ProjectRequest, case: Case, form: VisitForm, *, now: datetime, earlier: Visit | None = None
) -> HttpResponse:
    phones, reason = phones_of(case), Reason.of(case)
    reasons = clearances([case], ContactAttempt.Channel.VISIT, now=now)[case.pk].reasons
    context = {
        "case": case,
        "form": form,
        "party": mask_party(case.account.ownership.party_name),
        "phone": phones[0] if phones else None,
        "second_address": second_address_of(case),
        "reason": reason,
        "why_not": [refusal for refusal in reasons if refusal.limit not in {Limit.PAID, Limit.NOT_VERIFIED}],
        "is_unverified": any(refusal.limit == Limit.NOT_VERIFIED for refusal in reasons),
        "is_closed": case.state == Case.State.CLOSED,
        "is_mine": case.responsible_id == request.user.pk,
        "points": talking_points(reason, talk_fields(case, request.user), parts=disputed_parts(case)),
        "earlier": earlier,
        "most_photos": MAX_PHOTOS,
    }
    return TemplateResponse(request, "collection/visit.html", context, status=CONFLICT if earlier else 200)


def second_address_of(case: Case) -> Address | None:
    """The live second correspondence address of the owners."""
    owners = case.account.ownership.members.values("owner")
    return Address.objects.filter(owner__in=owners, kind=Address.Kind.SECOND, ended_at=None).first()
