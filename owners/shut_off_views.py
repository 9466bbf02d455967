"""Safety shut-offs of vacant units. They concern everybody who works in the estate, and name no owner and no money."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from owners.models import SafetyShutOff
from owners.shut_off_forms import EndForm, ShutOffForm
from owners.shut_offs import (
    OccupiedError,
    OwnShutOffError,
    ShutOffError,
    ShutOffExistsError,
    ShutOffMoveError,
    decide_shut_off,
    end_shut_off,
    may_end,
    propose_shut_off,
    store_proof,
    withdraw_shut_off,
)
from owners.unit_codes import normalise

PAGE_SIZE = 50
State = SafetyShutOff.State
LIVE = (State.PROPOSED, State.IN_FORCE)


@project_view(Right.SEE_SHUT_OFFS)
def shut_offs(request: ProjectRequest) -> HttpResponse:
    """What waits, what is shut off now, and earlier records; of one unit where the address names it."""
    rows = SafetyShutOff.objects.visible_to(request.user).filter(project=request.project)
    unit = normalise(request.GET.get("unit", ""))[:80].replace("\0", "")
    if unit:
        rows = rows.filter(unit__code=unit)
    rows = rows.select_related("unit__building", "proposed_by", "decided_by", "ended_by", "proof")
    page = Paginator(rows.exclude(state__in=LIVE), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "unit": unit,
        "live": [_line(request, row) for row in rows.filter(state__in=LIVE).order_by("unit__sort_key", "pk")],
        "page": page,
        "may_propose": Right.PROPOSE_SHUT_OFF in request.rights,
        "may_end": may_end(request.roles),
        "end_grounds": SafetyShutOff.EndGround.choices,
    }
    return TemplateResponse(request, "owners/shut_offs.html", context)


@project_view(Right.PROPOSE_SHUT_OFF)
def shut_off_new(request: ProjectRequest) -> HttpResponse:
    """Proposes to shut a service of a vacant unit off for safety."""
    now = timezone.now()
    form = ShutOffForm(
        request.POST or None, request.FILES or None, project=request.project, today=timezone.localdate(now),
        unit=request.GET.get("unit", ""),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        unit, submission = form.cleaned_data["unit"], form.cleaned_data["submission"]
        proof = store_proof(unit, form.cleaned_data["proof"], submission=submission, by=request.user)
        try:
            propose_shut_off(unit, form.finding(), proof=proof, by=request.user, now=now, submission=submission)
        except OccupiedError:
            form.add_error("unit", _occupied())
        except ShutOffExistsError:
            form.add_error("service", _("It is shut off there already, or a proposal waits."))
        else:
            messages.success(request, _("Proposed. Nothing may be shut off until the project manager has approved it."))
            return redirect("owners:shut_offs", project_code=request.project.code)
    return TemplateResponse(request, "owners/shut_off_new.html", {"form": form})


@require_POST
@project_view(Right.SEE_SHUT_OFFS)
def shut_off_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Approves, refuses, withdraws or ends, by the button that was pressed."""
    rows = SafetyShutOff.objects.visible_to(request.user).filter(project=request.project)
    row = get_object_or_404(rows, pk=pk)
    act, note = request.POST.get("act", ""), request.POST.get("note", "").strip()[:400]
    end = EndForm(request.POST)
    if act == "refuse" and not note:
        messages.error(request, _("Say why."))
    elif act == "end" and not end.is_valid():
        messages.error(request, _("Say why it is connected again."))
    elif act in {"approve", "refuse", "withdraw", "end"}:
        _do(request, _act(request, row.pk, act, note, end))
    else:
        messages.error(request, _("Nothing was chosen."))
    return redirect("owners:shut_offs", project_code=request.project.code)


@project_view(Right.SEE_SHUT_OFFS)
def shut_off_proof(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The consent or the photo that a record rests on: for who decides, and who proposed it; recorded."""
    rows = SafetyShutOff.objects.visible_to(request.user).filter(project=request.project).select_related("proof")
    row = get_object_or_404(rows, pk=pk)
    if not _may_read_proof(request, row):
        raise PermissionDenied
    record(action="shut_off.proof_read", by=request.user, project=request.project, obj=row)
    response = FileResponse(row.proof.file.open(), content_type=row.proof.content_type)
    response["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(row.proof.name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _act(request: ProjectRequest, pk: int, act: str, note: str, end: EndForm) -> tuple[Callable[[], object], str]:
    now, by, roles = timezone.now(), request.user, request.roles
    if act == "withdraw":
        return lambda: withdraw_shut_off(pk, by=by), _("Withdrawn.")
    if act == "end":
        ground = SafetyShutOff.EndGround(end.cleaned_data["end_ground"])
        return lambda: end_shut_off(pk, ground, by=by, roles=roles, now=now, note=note), _("Connected again.")
    approve = act == "approve"
    done = _("Approved: it may be shut off.") if approve else _("Refused.")
    return lambda: decide_shut_off(pk, approve=approve, by=by, roles=roles, now=now, note=note), done


def _do(request: ProjectRequest, what: tuple[Callable[[], object], str]) -> None:
    act, done = what
    try:
        act()
    except OwnShutOffError:
        messages.error(request, _("Nobody decides on what they proposed themselves."))
    except ShutOffMoveError:
        messages.error(request, _("It was decided, withdrawn or ended meanwhile; this is how it stands now."))
    except OccupiedError:
        messages.error(request, _occupied())
    except ShutOffError as error:
        raise PermissionDenied from error
    else:
        messages.success(request, done)


def _occupied() -> str:
    return _("Somebody is on file as living there. Only a vacant unit is shut off; mend the file first if it is wrong.")


def _may_read_proof(request: ProjectRequest, row: SafetyShutOff) -> bool:
    return Right.APPROVE_SHUT_OFF in request.rights or row.proposed_by_id == request.user.pk


def _line(request: ProjectRequest, row: SafetyShutOff) -> dict[str, object]:
    is_own = row.proposed_by_id == request.user.pk
    return {
        "row": row,
        "waits": row.state == State.PROPOSED,
        "is_own": is_own,
        "may_decide": Right.APPROVE_SHUT_OFF in request.rights and not is_own,
        "may_read": _may_read_proof(request, row),
    }
