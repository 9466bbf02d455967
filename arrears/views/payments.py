"""Money by hand: payments registered and reversed; charges added and reversed."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from arrears.allocation import AllocationError
from arrears.catalogue import ensure_catalogue
from arrears.forms import ChargeForm, PaymentForm, ReversalForm
from arrears.models import Account, Charge, Payment
from arrears.posting import (
    AlreadyReversedError,
    OwnMoneyError,
    PostingError,
    RefundedError,
    SubmissionReusedError,
    post_charge,
    post_payment,
    reverse_charge,
    reverse_payment,
)
from arrears.statements import statement
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.personal_data import mask_party

CONFLICT = 409


@project_view(Right.POST_MONEY)
def payment_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Registers money received on an account. Sent twice it is one payment; other content is 409."""
    account, today = account_of(request, pk), timezone.localdate()
    stated = statement(account, on=today)
    charges = sorted((line for line in stated.charges if line.open > 0), key=lambda line: line.charge.due_on)
    form = PaymentForm(request.POST or None, project=request.project, charges=charges, today=today)
    status = 200
    if request.method == "POST" and form.is_valid():
        payment, status = _post(request, account, form)
        if payment:
            return _back(request, account)
    context = {"account": account, "party": mask_party(account.ownership.party_name), "form": form, "statement": stated}
    return TemplateResponse(request, "arrears/payment_new.html", context, status=status)


def _post(request: ProjectRequest, account: Account, form: PaymentForm) -> tuple[Payment | None, int]:
    """The payment and the status; where it is refused, the form says why."""
    given = form.cleaned_data
    names = ("amount", "received_on", "method", "serial_no", "receipt_no", "taken_by", "note", "submission", "fee_type")
    try:
        with transaction.atomic():
            payment = post_payment(
                account_id=account.pk,
                now=timezone.now(),
                by=request.user,
                designated=form.designated,
                **{name: given[name] for name in names},
            )
    except SubmissionReusedError:
        form.add_error(None, _("This form was sent before with other content. Open it anew for another payment."))
        return None, CONFLICT
    except OwnMoneyError:
        form.add_error("taken_by", _("You took this money yourself: a colleague must post it."))
    except AllocationError:
        form.add_error(None, _("Something was settled meanwhile: look at what is still open below and send it again."))
    except IntegrityError as error:
        if "payment_serial_once" not in str(error):
            raise
        form.add_error("serial_no", _("A payment with this serial number is in the ledger already."))
    else:
        _say_posted(request, payment)
        return payment, 200
    return None, 200


def _say_posted(request: ProjectRequest, payment: Payment) -> None:
    payment.refresh_from_db()
    settled = payment.allocations.count()
    credit = payment.balance.amount - payment.balance.allocated
    text = ngettext(
        "Posted %(amount)s; it settles %(count)d charge.", "Posted %(amount)s; it settles %(count)d charges.", settled
    ) % {"amount": f"{payment.amount:,.2f}", "count": settled}
    if credit:
        text += _(" %(credit)s stays as credit.") % {"credit": f"{credit:,.2f}"}
    messages.success(request, text)


@project_view(Right.POST_MONEY)
def charge_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Adds one charge by hand; the same period twice is refused."""
    account = account_of(request, pk)
    ensure_catalogue(request.project)
    form = ChargeForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        reason = given.pop("reason")
        try:
            with transaction.atomic():
                charge = post_charge(
                    account_id=account.pk, now=timezone.now(), by=request.user, basis={"reason": reason}, **given
                )
        except IntegrityError as error:
            if "charge_once_per_period" not in str(error):
                raise
            form.add_error("period_start", _("This fee is charged for this period already."))
        else:
            messages.success(request, _("Charged %(amount)s.") % {"amount": f"{charge.amount:,.2f}"})
            return _back(request, account)
    context = {"account": account, "party": mask_party(account.ownership.party_name), "form": form}
    return TemplateResponse(request, "arrears/charge_new.html", context)


@project_view(Right.POST_MONEY)
def payment_reverse(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks, then cancels a payment with a row of its own; what it settled is open again."""
    rows: Any = Payment.objects.visible_to(request.user).filter(project=request.project)
    payment = get_object_or_404(rows.select_related("account__unit", "account__ownership", "reversed_by"), pk=pk)
    live = payment.allocations.filter(kind="allocation", reversed_by=None, charge__isnull=False)

    def act(reason: str) -> None:
        now = timezone.now()
        reverse_payment(payment.pk, today=timezone.localdate(now), now=now, by=request.user, note=reason)

    context = {"payment": payment, "allocations": live.select_related("charge__fee_type").order_by("charge__due_on")}
    return _reverse(request, payment, act, context)


@project_view(Right.POST_MONEY)
def charge_reverse(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks, then cancels a charge with a row of its own; what had settled it becomes credit or settles others."""
    rows: Any = Charge.objects.visible_to(request.user).filter(project=request.project)
    charge = get_object_or_404(rows.select_related("account__unit", "account__ownership", "fee_type", "balance"), pk=pk)

    def act(reason: str) -> None:
        now = timezone.now()
        reverse_charge(charge.pk, today=timezone.localdate(now), now=now, by=request.user, note=reason)

    return _reverse(request, charge, act, {"charge": charge})


def _reverse(
    request: ProjectRequest, row: Charge | Payment, act: Callable[[str], None], context: dict[str, Any]
) -> HttpResponse:
    """The page that asks; after a confirmed POST back to the account."""
    account, form = row.account, ReversalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                act(form.cleaned_data["reason"])
        except PostingError as error:
            form.add_error(None, _why(error))
        else:
            messages.success(request, _("Reversed. The row and its reversal both stay in the ledger."))
            return _back(request, account)
    party = mask_party(account.ownership.party_name)
    return TemplateResponse(
        request, "arrears/reverse.html", {"account": account, "party": party, "row": row, "form": form, **context}
    )


def _why(error: PostingError) -> str:
    match error:
        case AlreadyReversedError():
            return _("This row was reversed already.")
        case OwnMoneyError():
            return _("You took this money yourself: a colleague must reverse it.")
        case RefundedError():
            return _("Part of this payment was paid back. Reverse the refund first.")
        case _:
            raise error


def _back(request: ProjectRequest, account: Account) -> HttpResponse:
    return redirect("arrears:account", project_code=request.project.code, pk=account.pk)
