"""What becomes of one sending, recorded from the letter's page; and the files that prove it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices import delivering
from notices.delivering import Outcome, Proof, Receipt
from notices.delivery_forms import (
    ContentsForm,
    DispatchForm,
    NumberForm,
    ProofForm,
    ReasonForm,
    ReceiptForm,
    ReturnForm,
)
from notices.dispatching import DispatchRefusedError, send_again, take_back
from notices.models import Delivery
from notices.proofs import ProofRefusedError, keep_proof
from notices.tracking_numbers import TrackingNumberError
from notices.views.files import hand_out
from notices.views.letter import to_letter
from notices.waybills import WaybillRefusedError, enter_number, remove_number

REFUSALS = (DispatchRefusedError, WaybillRefusedError, TrackingNumberError, ProofRefusedError)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def delivery_act(request: ProjectRequest, pk: int, act: str) -> HttpResponse:
    """Records one thing about a sending; what is refused is said, and nothing of it is kept."""
    delivery = delivery_of(request, pk)
    if act not in ACTS:
        raise Http404
    try:
        outcome = ACTS[act](request, delivery, timezone.now())
    except REFUSALS as error:
        messages.error(request, str(error))
    except _FormError as error:
        messages.error(request, " ".join(error.texts))
    else:
        tell(request, outcome)
    return to_letter(request, delivery.notice)


@project_view(Right.ISSUE_NOTICES)
def delivery_file(request: ProjectRequest, pk: int, which: str) -> FileResponse:
    """A proof; recorded."""
    delivery = delivery_of(request, pk)
    stored = getattr(delivery, which) if which in Proof.values else None
    if stored is None:
        raise Http404
    return hand_out(request, stored, delivery.notice, inline=True)


def delivery_of(request: ProjectRequest, pk: int) -> Delivery:
    """The sending of an address; else 404."""
    deliveries = Delivery.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    found = deliveries.select_related("project", "notice__account", *Proof.values).first()
    if found is None:
        raise Http404
    return found


def tell(request: ProjectRequest, outcome: Outcome | None) -> None:
    """Say what was recorded and what was not."""
    if outcome is None or (outcome.done and not outcome.delivered):
        messages.success(request, _("Recorded."))
    elif outcome.delivered:
        messages.success(
            request,
            _("Delivered with its whole evidence: the limitation period of the charges runs anew from that day."),
        )
    for _delivery, reason in outcome.refused if outcome else []:
        messages.error(request, reason)


class _FormError(Exception):
    def __init__(self, form: forms.Form) -> None:
        super().__init__("invalid")
        self.texts = [f"{form[name].label}：{error}" if name in form.fields else str(error)
                      for name, errors in form.errors.items() for error in errors]  # fmt: skip


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise _FormError(form)
    return form.cleaned_data


def _today(now: datetime) -> date:
    return timezone.localdate(now)


def _receive(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    given = _checked(ReceiptForm(request.POST, today=_today(now)))
    receiver = Delivery.Receiver(given["receiver"]) if given["receiver"] else None
    receipt = Receipt(given["on"], receiver, given["name"])
    return delivering.receive(request.project, [delivery.pk], receipt, by=request.user, now=now)


def _transit(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    return delivering.under_way(request.project, [delivery.pk], on=_today(now), by=request.user, now=now)


def _lost(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    return delivering.lose(request.project, [delivery.pk], on=_today(now), by=request.user, now=now)


def _returned(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    given = _checked(ReturnForm(request.POST, request.FILES, today=_today(now)))
    file = keep_proof(given["proof"], project=request.project, by=request.user) if given["proof"] else None
    reason = Delivery.ReturnReason(given["reason"])
    return delivering.come_back(
        request.project, [delivery.pk], on=given["on"], reason=reason, by=request.user, now=now, file=file
    )


def _proof(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    given = _checked(ProofForm(request.POST, request.FILES, channel=delivery.channel))
    file = keep_proof(given["file"], project=request.project, by=request.user)
    return delivering.attach(request.project, [delivery.pk], Proof(given["proof"]), file, by=request.user, now=now)


def _number(request: ProjectRequest, delivery: Delivery, now: datetime) -> None:
    enter_number(request.project, delivery.pk, _checked(NumberForm(request.POST))["number"], by=request.user, now=now)


def _remove_number(request: ProjectRequest, delivery: Delivery, now: datetime) -> None:
    remove_number(request.project, delivery.pk, by=request.user, now=now)


def _contents(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    contents = _checked(ContentsForm(request.POST))["contents"]
    return delivering.change_contents(request.project, delivery.pk, contents, by=request.user, now=now)


def _undo_receipt(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    reason = _checked(ReasonForm(request.POST))["reason"]
    return delivering.undo_receipt(request.project, delivery.pk, reason=reason, by=request.user, now=now)


def _undo_return(request: ProjectRequest, delivery: Delivery, now: datetime) -> Outcome:
    reason = _checked(ReasonForm(request.POST))["reason"]
    return delivering.undo_return(request.project, delivery.pk, reason=reason, by=request.user, now=now)


def _take_back(request: ProjectRequest, delivery: Delivery, now: datetime) -> None:
    take_back(delivery, by=request.user, now=now, reason=_checked(ReasonForm(request.POST))["reason"])


def _again(request: ProjectRequest, delivery: Delivery, now: datetime) -> None:
    form = DispatchForm(request.POST, kind=delivery.notice.kind, today=_today(now))
    _checked(form)
    send_again(delivery, form.order([delivery.notice_id]), by=request.user, now=now)


ACTS: dict[str, Callable[[ProjectRequest, Delivery, datetime], Outcome | None]] = {
    "receive": _receive,
    "transit": _transit,
    "lost": _lost,
    "returned": _returned,
    "proof": _proof,
    "number": _number,
    "remove-number": _remove_number,
    "contents": _contents,
    "undo-receipt": _undo_receipt,
    "undo-return": _undo_return,
    "take-back": _take_back,
    "again": _again,
}
