"""Letters of a case at the door: handed over with a signed receipt, or a slip put on the door."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.models import Case
from collection.views.case import back_to, is_loggable, visible_case
from company.access import ProjectRequest, project_view
from company.models import StoredFile
from company.rights import Right
from notices.delivering import Receipt
from notices.delivery_forms import HandOverForm, SlipForm
from notices.handing_over import HandOver, HandOverRefusedError, hand_over, post_slip
from notices.letter_page import read_letter
from notices.models import Delivery, Notice, NoticeKind
from notices.proofs import ProofRefusedError, keep_proof


@project_view(Right.HAND_OVER_NOTICES)
def letter_hand_over(request: ProjectRequest, pk: int, letter: int) -> HttpResponse:
    """One letter at the door: to whom, with the photo of the receipt; of a slip the photo on the door."""
    shown = visible_case(request, pk)
    if not may_hand_over(request, shown):
        raise PermissionDenied
    notice, now = _letter(shown, letter), timezone.now()
    today = timezone.localdate(now)
    is_slip = notice.kind == NoticeKind.DOOR_SLIP
    form: forms.Form = (SlipForm if is_slip else HandOverForm)(request.POST or None, request.FILES or None, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            _record(request, notice, form)
        except (HandOverRefusedError, ProofRefusedError) as error:
            form.add_error(None, str(error))
        else:
            done = _("Kept: the slip with its photo.") if is_slip else _("Delivered with its signed receipt.")
            messages.success(request, done)
            return back_to(request, shown)
    context = {
        "case": shown,
        "letter": notice,
        "form": form,
        "is_slip": is_slip,
        "page": read_letter(notice, today=today),
    }
    return TemplateResponse(request, "collection/letter_hand_over.html", context)


def may_hand_over(request: ProjectRequest, shown: Case) -> bool:
    """Who is at the desk of letters for all cases, field staff for their own, heads for their team's."""
    return Right.ISSUE_NOTICES in request.rights or is_loggable(request, shown)


def _record(request: ProjectRequest, notice: Notice, form: forms.Form) -> None:
    given, now = form.cleaned_data, timezone.now()
    file: StoredFile = keep_proof(given["proof"], project=request.project, by=request.user)
    if notice.kind == NoticeKind.DOOR_SLIP:
        post_slip(notice, file, on=given["on"], by=request.user, now=now)
    else:
        receipt = Receipt(given["on"], Delivery.Receiver(given["receiver"]), given["name"])
        hand_over(notice, HandOver(receipt, file), by=request.user, now=now)


def _letter(shown: Case, pk: int) -> Notice:
    letters = Notice.objects.filter(account=shown.account_id, pk=pk)
    found = letters.select_related("project", "batch__law_firm", "account__unit__building", "file").first()
    if found is None:
        raise Http404
    return found
