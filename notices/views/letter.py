"""The page of one letter, its signed scan, and how it leaves the house."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.delivery_forms import (
    ContentsForm,
    DispatchForm,
    NumberForm,
    ProofForm,
    ReasonForm,
    ReceiptForm,
    ReturnForm,
    ScanForm,
)
from notices.dispatching import dispatch
from notices.letter_page import LetterPage, read_letter
from notices.models import Delivery, Notice
from notices.scan_archives import ScanRefusedError
from notices.signing import sign_letter, withdraw_scan
from owners.models import Address


@project_view(Right.ISSUE_NOTICES)
def letter(request: ProjectRequest, pk: int) -> HttpResponse:
    """Everything about one letter: what it says, its files, how it was sent, what can be done next and what cannot."""
    today = timezone.localdate()
    notice = letter_of(request, pk)
    page = read_letter(notice, today=today)
    context = {
        "letter": notice,
        "page": page,
        "today": today,
        "scan_form": ScanForm(),
        "reason_form": ReasonForm(),
        "dispatch_form": DispatchForm(kind=notice.kind, today=today, initial={"channel": notice.batch.channel}),
        "again_form": _again_form(page, notice, today=today),
        "sendings": [(sending, _forms(sending.delivery, today=today)) for sending in page.sendings],
    }
    return TemplateResponse(request, "notices/letter.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def letter_scan(request: ProjectRequest, pk: int) -> HttpResponse:
    """Keeps the signed scan of a lawyer's letter."""
    notice = letter_of(request, pk)
    form = ScanForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose the PDF of the signed letter first."))
        return to_letter(request, notice)
    try:
        sign_letter(notice, form.cleaned_data["scan"], by=request.user, now=timezone.now())
    except ScanRefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The signed scan is kept: the letter can be sent now."))
    return to_letter(request, notice)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def letter_scan_withdraw(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes a wrong scan back while the letter is in the house."""
    notice = letter_of(request, pk)
    scan = notice.scans.filter(withdrawn_at=None).first()
    form = ReasonForm(request.POST)
    if scan is None or not form.is_valid():
        messages.error(request, _("Say why the scan is taken back."))
        return to_letter(request, notice)
    try:
        withdraw_scan(scan, by=request.user, now=timezone.now(), reason=form.cleaned_data["reason"])
    except ScanRefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Taken back; the letter is a draft again."))
    return to_letter(request, notice)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def letter_dispatch(request: ProjectRequest, pk: int) -> HttpResponse:
    """Records that one letter left the house."""
    notice, now = letter_of(request, pk), timezone.now()
    form = DispatchForm(request.POST, kind=notice.kind, today=timezone.localdate(now))
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return to_letter(request, notice)
    done = dispatch(request.project, [notice.pk], form.order([notice.pk]), by=request.user, now=now)
    if done.sent:
        messages.success(request, _("Recorded as handed in."))
    for _notice, obstacle in done.kept_back:
        messages.error(request, _("It is not sent: %(reason)s.") % {"reason": obstacle.label})
    return to_letter(request, notice)


def letter_of(request: ProjectRequest, pk: int) -> Notice:
    """The letter of an address, with what its page shows; else 404."""
    notices = Notice.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    related = notices.select_related(
        "project", "batch__law_firm", "account__unit__building", "account__ownership", "file"
    )
    found = related.first()
    if found is None:
        raise Http404
    return found


def to_letter(request: ProjectRequest, notice: Notice) -> HttpResponseRedirect:
    return redirect("notices:letter", request.project.code, notice.pk)


def _forms(delivery: Delivery, *, today: date) -> dict[str, Any]:
    """The forms of one sending; each has ids of its own."""
    name = f"d{delivery.pk}"
    return {
        "receipt": ReceiptForm(today=today, auto_id=f"{name}-%s"),
        "returned": ReturnForm(today=today, auto_id=f"{name}-r-%s"),
        "number": NumberForm(auto_id=f"{name}-%s"),
        "contents": ContentsForm(initial={"contents": delivery.contents}, auto_id=f"{name}-%s"),
        "proof": ProofForm(channel=delivery.channel, auto_id=f"{name}-%s"),
        "reason": ReasonForm(auto_id=f"{name}-%s"),
    }


def _again_form(page: LetterPage, notice: Notice, *, today: date) -> DispatchForm | None:
    """To send it once more: by the same channel, to the other address."""
    if page.next.act != "again":
        return None
    last = page.sendings[0].delivery
    other = Address.Kind.SECOND if last.address_kind == Address.Kind.ON_SITE else Address.Kind.ON_SITE
    initial = {"channel": last.channel, "address_kind": other}
    return DispatchForm(kind=notice.kind, today=today, initial=initial, auto_id="again-%s")
