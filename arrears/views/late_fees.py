"""Late fees: the policies of a project, and of one account how each sum comes about."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.assessing import assess_accounts, reverse_late_fee
from arrears.forms import ReversalForm
from arrears.late_fees import ZERO, estimate_of, late_fee_word
from arrears.models import FeeType, LateFee, LateFeePolicy
from arrears.posting import AlreadyReversedError
from arrears.relief_forms import LateFeePolicyForm
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from owners.models import ServiceContract
from owners.personal_data import mask_party


@project_view(Right.POST_MONEY, Right.APPROVE_RELIEF)
def late_fees(request: ProjectRequest) -> HttpResponse:
    """The clause, the policy in force of each fee, and a form for a new one."""
    today = timezone.localdate()
    may_edit = Right.POST_MONEY in request.rights
    word = late_fee_word(request.project, on=today)
    form = LateFeePolicyForm(
        request.POST or None, project=request.project, initial={"valid_from": today.replace(day=1), "grace_days": 0}
    )
    if request.method == "POST" and may_edit and word and form.is_valid():
        _add_policy(request, form)
        return redirect("arrears:late_fees", project_code=request.project.code)
    contract = ServiceContract.objects.filter(project=request.project, starts_on__lte=today).order_by("-starts_on")
    policies = LateFeePolicy.objects.visible_to(request.user).filter(project=request.project)
    by_fee: dict[int, list[LateFeePolicy]] = {}
    for policy in policies.select_related("created_by").order_by("-valid_from", "-pk"):
        by_fee.setdefault(policy.fee_type_id, []).append(policy)
    fees = FeeType.objects.filter(project=request.project)
    context = {
        "word": word,
        "contract": contract.first(),
        "fees": [(fee, by_fee.get(fee.pk, [])) for fee in fees],
        "form": form,
        "may_edit": may_edit,
        "today": today,
    }
    return TemplateResponse(request, "arrears/late_fees.html", context)


@project_view(Right.SEE_LEDGER)
def account_late_fees(request: ProjectRequest, pk: int) -> HttpResponse:
    """Of one account each late fee day by day, what was assessed, and what an assessment would add."""
    account, today = account_of(request, pk), timezone.localdate()
    lines = estimate_of(account, on=today)
    rows = account.late_fees.select_related("charge__fee_type", "balance", "reversed_by", "posted_by")
    context = {
        "account": account,
        "party": mask_party(account.ownership.party_name),
        "word": (lines[0].word if lines else late_fee_word(account.project, on=today)) or _("Late fee"),
        "lines": lines,
        "rows": rows.filter(kind=LateFee.Kind.LATE_FEE).order_by("-posted_at", "-pk"),
        "total": sum((line.accrual.amount for line in lines), ZERO),
        "estimate": sum((line.estimate for line in lines), ZERO),
        "excess": sum((line.excess for line in lines), ZERO),
        "today": today,
    }
    return TemplateResponse(request, "arrears/account_late_fees.html", context)


@require_POST
@project_view(Right.POST_MONEY)
def account_assess(request: ProjectRequest, pk: int) -> HttpResponse:
    """Posts what the late fees of an account have grown to."""
    account, now = account_of(request, pk), timezone.now()
    done = assess_accounts(account.project, [account.pk], as_of=timezone.localdate(now), now=now, by=request.user)
    if done.charges:
        messages.success(request, _("Assessed %(amount)s.") % {"amount": f"{done.amount:,.2f}"})
    else:
        messages.info(request, _("Nothing has grown since the last assessment."))
    return redirect("arrears:account_late_fees", project_code=request.project.code, pk=account.pk)


@project_view(Right.POST_MONEY)
def late_fee_reverse(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks, then cancels an assessed late fee with a row of its own."""
    rows: Any = LateFee.objects.visible_to(request.user).filter(project=request.project, kind=LateFee.Kind.LATE_FEE)
    late_fee = get_object_or_404(rows.select_related("account__unit", "account__ownership", "charge__fee_type"), pk=pk)
    form = ReversalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            reverse_late_fee(
                late_fee.pk, today=timezone.localdate(now), now=now, by=request.user, note=form.cleaned_data["reason"]
            )
        except AlreadyReversedError:
            form.add_error(None, _("This row was reversed already."))
        else:
            messages.success(request, _("Reversed. The row and its reversal both stay in the ledger."))
            return redirect("arrears:account_late_fees", project_code=request.project.code, pk=late_fee.account_id)
    context = {
        "account": late_fee.account,
        "party": mask_party(late_fee.account.ownership.party_name),
        "late_fee": late_fee,
        "form": form,
    }
    return TemplateResponse(request, "arrears/late_fee_reverse.html", context)


def _add_policy(request: ProjectRequest, form: LateFeePolicyForm) -> None:
    given = form.cleaned_data
    policy = LateFeePolicy.objects.create(
        project=request.project,
        fee_type=given["fee_type"],
        daily_rate=form.daily_rate,
        grace_days=given["grace_days"],
        cap_percent=given["cap_percent"],
        valid_from=given["valid_from"],
        created_at=timezone.now(),
        created_by=request.user,
    )
    record(
        action="ledger.late_fee_policy_added", by=request.user, project=request.project, obj=policy,
        fee=given["fee_type"].name, daily_rate=str(policy.daily_rate), grace_days=policy.grace_days,
        cap_percent=str(policy.cap_percent or ""), valid_from=policy.valid_from.isoformat(),
    )  # fmt: skip
    messages.success(request, _("The policy is in force for charges due from its day on."))
