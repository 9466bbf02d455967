"""Defects about which an owner disputes: recorded, agreed on, mended, signed off."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection.models import RectificationItem, RectificationMove
from collection.rectification import (
    ALLOWED,
    RepairDayError,
    RepairMoveError,
    RepairReusedError,
    add_item,
    agree_on,
    correct,
    drop,
    mark_done,
    reopen,
    sign_off,
)
from collection.repair_forms import DefectForm, MoveForm, PlaceForm, SignOffForm, WhyForm
from collection.views.case import back_to, is_loggable, visible_case, visible_cases
from collection.views.proofs import store_proof
from company.access import ProjectRequest, project_view
from company.rights import Right

CONFLICT = 409
Kind = RectificationMove.Kind
ACTS: dict[Kind, tuple[Any, type[forms.Form]]] = {
    Kind.AGREED: (gettext_lazy("Agree on a date"), MoveForm),
    Kind.DONE: (gettext_lazy("It is mended"), MoveForm),
    Kind.SIGNED_OFF: (gettext_lazy("The owner has signed"), SignOffForm),
    Kind.REOPENED: (gettext_lazy("Not mended after all"), WhyForm),
    Kind.CORRECTED: (gettext_lazy("Correct place, warranty or who mends"), PlaceForm),
    Kind.DROPPED: (gettext_lazy("Drop the item"), WhyForm),
}


@project_view(Right.LOG_CONTACTS)
def repair_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Writes a defect of a case down."""
    now = timezone.now()
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form, status = DefectForm(request.POST or None, today=timezone.localdate(now)), 200
    if request.method == "POST" and form.is_valid():
        submission = form.cleaned_data["submission"]
        try:
            add_item(shown, form.defect_told(), by=request.user, now=now, submission=submission)
        except RepairReusedError:
            form.add_error(None, _("This form was sent before with other content; what came first is kept."))
            status = CONFLICT
        else:
            messages.success(request, _("Recorded. Nobody visits for the fee before the agreed date."))
            return back_to(request, shown)
    return TemplateResponse(request, "collection/repair_new.html", {"case": shown, "form": form}, status=status)


@project_view(Right.SEE_CASES)
def repair(request: ProjectRequest, pk: int) -> HttpResponse:
    """One item with its history, and what may be done with it next."""
    item = _item(request, pk)
    shown = visible_case(request, item.case_id)
    may_log = is_loggable(request, shown)
    wanted = request.POST.get("act", "") if request.method == "POST" else ""
    if wanted and not may_log:
        raise PermissionDenied
    acts = [_form(kind, item, request if kind == wanted else None) for kind in ACTS if item.state in ALLOWED[kind]]
    if wanted not in Kind.values or wanted == Kind.RECORDED:
        chosen = None
    else:
        chosen = next((form for kind, _label, form in acts if kind == wanted), None)
        if chosen is None:
            messages.error(request, _("The item was changed meanwhile; this is how it stands now."))
            return _to(request, item)
    if chosen is not None and chosen.is_valid() and _do(request, item, Kind(wanted), chosen):
        return _to(request, item)
    context = {
        "case": shown,
        "item": item,
        "acts": acts if may_log else [],
        "opened": wanted,
        "form": chosen,
        "moves": item.moves.select_related("by").order_by("-pk"),
        "today": timezone.localdate(),
    }
    return TemplateResponse(request, "collection/repair.html", context)


@project_view(Right.SEE_CASES)
def repair_sign_off(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The sheet that the owner signed, for whoever sees the case."""
    proof: Any = _item(request, pk).sign_off
    if proof is None:
        raise Http404
    return FileResponse(proof.file.open(), filename=proof.name, content_type=proof.content_type)


def _do(request: ProjectRequest, item: RectificationItem, kind: Kind, form: forms.Form) -> bool:
    """Whether it is done; else the form or a message says why not."""
    try:
        _act(request, item.pk, kind, form)()
    except RepairDayError:
        form.add_error("day", _day_wrong(kind))
        return False
    except RepairMoveError:
        messages.error(request, _("The item was changed meanwhile; this is how it stands now."))
    else:
        messages.success(request, _("Saved."))
    return True


def _act(request: ProjectRequest, pk: int, kind: Kind, form: forms.Form) -> Callable[[], object]:
    given, by, now = form.cleaned_data, request.user, timezone.now()
    note = given.get("note", "")
    match kind:
        case Kind.AGREED:
            return lambda: agree_on(pk, given["day"], by=by, now=now, note=note)
        case Kind.DONE:
            return lambda: mark_done(pk, given["day"], by=by, now=now, note=note)
        case Kind.SIGNED_OFF:
            proof = store_proof(request, given["proof"])
            return lambda: sign_off(pk, given["day"], proof=proof, by=by, now=now, note=note)
        case Kind.REOPENED:
            return lambda: reopen(pk, by=by, now=now, note=note)
        case Kind.DROPPED:
            return lambda: drop(pk, by=by, now=now, note=note)
    found = form.found  # type: ignore[attr-defined]
    return lambda: correct(pk, by=by, now=now, **found)


def _form(kind: Kind, item: RectificationItem, sent: ProjectRequest | None) -> tuple[Kind, Any, forms.Form]:
    """The form of an act; bound where it was sent."""
    label, of = ACTS[kind]
    initial = {
        "day": item.agreed_on if kind == Kind.AGREED else timezone.localdate(),
        "part": item.part,
        "liable": item.liable,
        "warranty_until": item.warranty_until,
    }
    data, files = (sent.POST, sent.FILES) if sent else (None, None)
    return kind, label, of(data, files, initial=initial, auto_id=f"{kind}-%s")


def _day_wrong(kind: Kind) -> str:
    if kind == Kind.AGREED:
        return _("The agreed date lies in the past.")
    return _("The day lies before what it follows, or in the future.")


def _item(request: ProjectRequest, pk: int) -> RectificationItem:
    items = RectificationItem.objects.filter(project=request.project, case__in=visible_cases(request))
    return get_object_or_404(items.select_related("created_by", "sign_off"), pk=pk)


def _to(request: ProjectRequest, item: RectificationItem) -> HttpResponse:
    return redirect("collection:repair", project_code=request.project.code, pk=item.pk)
