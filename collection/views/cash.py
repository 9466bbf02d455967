"""What finance decides for the field: money taken at the door, and what owners say they have paid."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.posting import OwnMoneyError
from arrears.queries import ZERO
from collection.case_forms import DecisionNoteForm
from collection.cash import AlreadyDecidedError, confirm_cash, refuse_cash
from collection.contacts import settle_claim
from collection.models import Case, CashTaken, ContactAttempt
from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.personal_data import mask_party

LATEST_DECIDED = 20


@dataclass(frozen=True, slots=True)
class CashLine:
    """Money taken at a door; ``party`` is masked."""

    cash: CashTaken
    case: Case
    party: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A case whose owner says that it is paid, and the contact at which that was said."""

    case: Case
    party: str
    said: ContactAttempt | None


@project_view(Right.CONFIRM_CASH)
def cash(request: ProjectRequest) -> HttpResponse:
    """Money that waits for a decision, claims that wait for a check, and what was decided last."""
    taken: Any = CashTaken.objects.visible_to(request.user)
    taken = taken.filter(project=request.project).select_related(
        "visit__contact__case__account__unit", "visit__contact__case__account__ownership", "taken_by", "decided_by"
    )
    taken = taken.prefetch_related("visit__photos")
    decided = taken.exclude(state=CashTaken.State.PENDING).order_by("-decided_at")[:LATEST_DECIDED]
    pending = [_line(row) for row in taken.filter(state=CashTaken.State.PENDING).order_by("pk")]
    context = {
        "pending": pending,
        "pending_amount": sum((line.cash.amount for line in pending), ZERO),
        "decided": [_line(row) for row in decided],
        "claims": _claims(request),
    }
    return TemplateResponse(request, "collection/cash.html", context)


@require_POST
@project_view(Right.CONFIRM_CASH)
def cash_confirm(request: ProjectRequest, pk: int) -> HttpResponse:
    """Posts the money to the owner's account."""
    taken = _cash_of(request, pk)
    try:
        confirm_cash(taken.pk, by=request.user, now=timezone.now())
    except (OwnMoneyError, AlreadyDecidedError) as error:
        _say_refused(request, error)
    else:
        messages.success(request, _("Posted; the case follows the ledger."))
    return redirect("collection:cash", project_code=request.project.code)


@require_POST
@project_view(Right.CONFIRM_CASH)
def cash_refuse(request: ProjectRequest, pk: int) -> HttpResponse:
    """Notes that the money was not handed in."""
    taken = _cash_of(request, pk)
    form = DecisionNoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what was found."))
        return redirect("collection:cash", project_code=request.project.code)
    try:
        refuse_cash(taken.pk, by=request.user, now=timezone.now(), note=form.cleaned_data["note"])
    except (OwnMoneyError, AlreadyDecidedError) as error:
        _say_refused(request, error)
    else:
        messages.success(request, _("Noted; nothing is posted."))
    return redirect("collection:cash", project_code=request.project.code)


@require_POST
@project_view(Right.CONFIRM_CASH)
def claim_settle(request: ProjectRequest, pk: int) -> HttpResponse:
    """Notes what became of an owner's word that it is paid."""
    cases: Any = Case.objects.visible_to(request.user)
    case = get_object_or_404(cases.filter(project=request.project), pk=pk)
    form = DecisionNoteForm(request.POST)
    if form.is_valid():
        settle_claim(case.pk, by=request.user, now=timezone.now(), note=form.cleaned_data["note"])
        messages.success(request, _("Checked; the case may go on."))
    else:
        messages.error(request, _("Say what was found."))
    return redirect("collection:cash", project_code=request.project.code)


def _cash_of(request: ProjectRequest, pk: int) -> CashTaken:
    taken: Any = CashTaken.objects.visible_to(request.user)
    found: CashTaken = get_object_or_404(taken.filter(project=request.project), pk=pk)
    return found


def _line(taken: CashTaken) -> CashLine:
    case = taken.visit.contact.case
    return CashLine(taken, case, mask_party(case.account.ownership.party_name))


def _claims(request: ProjectRequest) -> list[Claim]:
    cases = Case.objects.visible_to(request.user).filter(project=request.project, claims_paid=True).in_round_order()
    shown = list(cases.select_related("account__unit", "account__ownership", "responsible"))
    told = ContactAttempt.objects.filter(case__in=shown, payment=ContactAttempt.Payment.CLAIMS_PAID)
    latest = {contact.case_id: contact for contact in told.select_related("recorded_by").order_by("happened_at")}
    return [Claim(case, mask_party(case.account.ownership.party_name), latest.get(case.pk)) for case in shown]


def _say_refused(request: ProjectRequest, error: Exception) -> None:
    if isinstance(error, AlreadyDecidedError):
        messages.warning(
            request,
            _("%(person)s decided before: %(state)s. Nothing was changed.")
            % {"person": error.cash.decided_by, "state": error.cash.get_state_display()},
        )
    else:
        messages.error(request, _("You took this money yourself; somebody else has to decide."))
