"""EMS 登记: waybills by scanner, states and proofs of many items at once."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.forms import may_be_an_id, without_zero_bytes
from company.rights import Right
from notices import delivering
from notices.delivering import Outcome, Proof, Receipt
from notices.delivery_forms import ProofFilesForm, ReceiptForm, ReturnForm
from notices.ems_page import DEFAULT_SORT, ems_list
from notices.models import Delivery
from notices.proofs import ProofRefusedError, keep_proof, sort_by_number
from notices.tracking_numbers import TrackingNumberError, looks_like_a_number
from notices.waybills import WaybillRefusedError, enter_number, find_letter, is_letter_code, last_entered, remove_number

PAGE_SIZE = 50
MOST_NAMED = 5


@project_view(Right.ISSUE_NOTICES)
def ems(request: ProjectRequest) -> HttpResponse:
    """The scan field, and below it the items."""
    found = ems_list(
        Delivery.objects.visible_to(request.user), request.project,
        show=request.GET.get("show", ""), on=_day(request.GET.get("on", "")),
        text=without_zero_bytes(request.GET.get("q", "")).strip(), sort=request.GET.get("sort", DEFAULT_SORT),
    )  # fmt: skip
    today = timezone.localdate()
    context = {
        "list": found,
        "page": Paginator(found.rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "waiting": _waiting(request, request.GET.get("letter", "")),
        "last": last_entered(request.project, by=request.user, now=timezone.now()),
        "receipt_form": ReceiptForm(today=today),
        "return_form": ReturnForm(today=today, auto_id="back-%s"),
        "proof_form": ProofFilesForm(),
        "today": today,
        "on": request.GET.get("on", ""),
    }
    return TemplateResponse(request, "notices/ems.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def ems_scan(request: ProjectRequest) -> HttpResponse:
    """Takes what the scanner has typed: first the code on a letter, then its waybill."""
    code = without_zero_bytes(request.POST.get("code", "")).strip()
    waiting = _waiting(request, request.POST.get("letter", ""))
    fault, saved = "", None
    try:
        if not code:
            fault = _("Nothing was scanned.")
        elif is_letter_code(code) or not looks_like_a_number(code):
            waiting = find_letter(request.project, code).delivery
        elif waiting is None:
            fault = _("Scan the code on the letter first, then its waybill.")
        else:
            saved = enter_number(request.project, waiting.pk, code, by=request.user, now=timezone.now())
            waiting = None
    except (WaybillRefusedError, TrackingNumberError) as error:
        fault = str(error)
    if request.htmx:
        context = {"waiting": waiting, "saved": saved, "fault": fault, "code": code,
                   "last": last_entered(request.project, by=request.user, now=timezone.now())}  # fmt: skip
        return TemplateResponse(request, "notices/parts/scan_state.html", context)
    if fault:
        messages.error(request, fault)
    elif saved:
        messages.success(
            request, _("%(letter)s: %(number)s") % {"letter": saved.notice.number, "number": saved.spaced_number}
        )
    query = f"?letter={waiting.pk}" if waiting else ""
    return redirect(reverse("notices:ems", args=[request.project.code]) + query)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def ems_undo(request: ProjectRequest) -> HttpResponse:
    """Takes back the number that this person entered last; its letter waits for its waybill again."""
    last = last_entered(request.project, by=request.user, now=timezone.now())
    home = reverse("notices:ems", args=[request.project.code])
    if not last or str(last[0].pk) != request.POST.get("delivery", ""):
        messages.info(request, _("There is no number of yours that could be taken back."))
        return redirect(home)
    try:
        freed = remove_number(request.project, last[0].pk, by=request.user, now=timezone.now())
    except WaybillRefusedError as error:
        messages.error(request, str(error))
        return redirect(home)
    messages.success(request, _("Taken back: %(letter)s has no number again.") % {"letter": last[0].notice.number})
    return redirect(f"{home}?letter={freed.pk}")


@require_POST
@project_view(Right.ISSUE_NOTICES)
def ems_bulk(request: ProjectRequest) -> HttpResponse:
    """One state or one posting list for all items that are ticked."""
    ids = [int(pk) for pk in request.POST.getlist("delivery") if may_be_an_id(pk)]
    visible = Delivery.objects.visible_to(request.user).filter(project=request.project, pk__in=ids)
    ids = list(visible.values_list("pk", flat=True))
    if not ids:
        messages.error(request, _("Tick the items first."))
        return _back(request)
    try:
        outcome = _act(request, ids)
    except ProofRefusedError as error:
        messages.error(request, str(error))
        return _back(request)
    if outcome is not None:
        tell_many(request, outcome)
    return _back(request)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def ems_proofs(request: ProjectRequest) -> HttpResponse:
    """Many proof files at once, each named by its tracking number."""
    form = ProofFilesForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose the files first."))
        return _back(request)
    items = Delivery.objects.visible_to(request.user).filter(project=request.project).standing()
    numbered = dict(items.exclude(tracking_number="").values_list("tracking_number", "pk"))
    found = sort_by_number(form.cleaned_data["uploads"], list(numbered))
    whole = Outcome()
    for number, upload in found.by_number.items():
        try:
            file = keep_proof(upload, project=request.project, by=request.user)
        except ProofRefusedError as error:
            messages.error(request, str(error))
            continue
        outcome = delivering.attach(
            request.project, [numbered[number]], Proof(form.cleaned_data["proof"]), file, by=request.user,
            now=timezone.now(),
        )  # fmt: skip
        whole.done += outcome.done
        whole.refused += outcome.refused
    _tell_unmatched(request, found.unmatched, _("No item has the number in these file names: %(names)s."))
    _tell_unmatched(request, found.twice, _("A second file for the same number was left out: %(names)s."))
    tell_many(request, whole)
    return _back(request)


def tell_many(request: ProjectRequest, outcome: Outcome) -> None:
    """How many were recorded, how many are delivered thereby, and why others were not."""
    if outcome.done:
        text = ngettext("Recorded for %(number)s item.", "Recorded for %(number)s items.", len(outcome.done))
        messages.success(request, text % {"number": len(outcome.done)})
    if outcome.delivered:
        text = ngettext(
            "%(number)s letter is delivered with its whole evidence.",
            "%(number)s letters are delivered with their whole evidence.",
            outcome.delivered,
        )
        messages.success(request, text % {"number": outcome.delivered})
    for delivery, reason in outcome.refused[:MOST_NAMED]:
        messages.error(request, f"{delivery.notice.number}：{reason}")
    if (more := len(outcome.refused) - MOST_NAMED) > 0:
        messages.error(request, _("And %(more)s more that were not recorded.") % {"more": more})


def _act(request: ProjectRequest, ids: list[int]) -> Outcome | None:
    """What the pressed button says; None where its form was not filled in rightly."""
    now, who = timezone.now(), request.user
    today = timezone.localdate(now)
    act = request.POST.get("act", "")
    if act == "transit":
        on = min(_day(request.POST.get("on", "")) or today, today)
        return delivering.under_way(request.project, ids, on=on, by=who, now=now)
    if act == "signed":
        receipt = ReceiptForm(request.POST, today=today)
        if receipt.is_valid():
            given = receipt.cleaned_data
            receiver = Delivery.Receiver(given["receiver"]) if given["receiver"] else None
            return delivering.receive(request.project, ids, Receipt(given["on"], receiver), by=who, now=now)
    if act == "returned":
        back = ReturnForm(request.POST, today=today)
        if back.is_valid():
            reason = Delivery.ReturnReason(back.cleaned_data["reason"])
            return delivering.come_back(
                request.project, ids, on=back.cleaned_data["on"], reason=reason, by=who, now=now
            )
    if act == "posting" and (upload := request.FILES.get("file")):
        file = keep_proof(upload, project=request.project, by=who)
        return delivering.attach(request.project, ids, Proof.POSTING, file, by=who, now=now)
    messages.error(request, _("Give the day, and what else the act needs."))
    return None


def _waiting(request: ProjectRequest, pk: str) -> Delivery | None:
    """The letter that was scanned and waits for its waybill."""
    if not may_be_an_id(pk):
        return None
    mine = Delivery.objects.visible_to(request.user).filter(project=request.project, tracking_number="", pk=pk)
    return mine.standing().select_related("notice__account__unit").first()


def _tell_unmatched(request: ProjectRequest, names: list[str], text: str) -> None:
    if names:
        messages.error(request, text % {"names": "、".join(names[:MOST_NAMED])})


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _back(request: ProjectRequest) -> HttpResponseRedirect:
    """To the list as it was filtered."""
    given = request.POST.get("next", "")
    home = reverse("notices:ems", args=[request.project.code])
    safe = given.startswith(home) and url_has_allowed_host_and_scheme(given, allowed_hosts=None)
    return redirect(given if safe else home)
