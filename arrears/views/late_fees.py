"""Late fees: the policies of a project, and of one account how each sum comes about."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.ageing_forms import RunForm
from arrears.assessing import ask_for_run, assess_accounts, preview_run, reverse_late_fee
from arrears.forms import ReversalForm
from arrears.late_fees import ZERO, estimate_of, late_fee_word
from arrears.models import Account, FeeType, LateFee, LateFeePolicy, LateFeeRun
from arrears.posting import AlreadyReversedError
from arrears.relief_forms import LateFeePolicyForm
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from owners.models import ServiceContract
from owners.personal_data import mask_party

RUNS_SHOWN = 10


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


@project_view(Right.POST_MONEY)
def late_fee_run(request: ProjectRequest) -> HttpResponse:
    """What assessing the whole project would post; a POST has a worker do it, and the page shows how far it is."""
    now = timezone.now()
    form = RunForm(request.POST or request.GET or None, today=timezone.localdate(now))
    if request.method == "POST" and form.is_valid():
        ask_for_run(request.project, as_of=form.day, by=request.user, now=now)
        return redirect("arrears:late_fee_run", project_code=request.project.code)
    runs = LateFeeRun.objects.visible_to(request.user).filter(project=request.project).select_related("asked_by")
    under_way = runs.exclude(state=LateFeeRun.State.DONE).first()
    fees = [] if under_way else preview_run(request.project, as_of=form.day)
    context = {
        "word": late_fee_word(request.project, on=timezone.localdate(now)) or _("Late fee"),
        "form": form,
        "as_of": form.day,
        "under_way": under_way,
        "percent": under_way.accounts_done * 100 / (under_way.accounts or 1) if under_way else 0,
        "fees": fees,
        "amount": sum((line.amount for line in fees), ZERO),
        "runs": runs.filter(state=LateFeeRun.State.DONE)[:RUNS_SHOWN],
    }
    return TemplateResponse(request, "arrears/late_fee_run.html", context)


@project_view(Right.SEE_LEDGER)
def account_late_fees(request: ProjectRequest, pk: int) -> HttpResponse:
    """Of one account each late fee day by day, what was assessed, and what an assessment would add."""
    context = late_fees_of(account_of(request, pk), today=timezone.localdate())
    return TemplateResponse(request, "arrears/account_late_fees.html", context)


def late_fees_of(account: Account, *, today: date) -> dict[str, Any]:
    """What a page of the late fees of ``account`` shows, at the end of ``today``; a fixed number of queries."""
    lines = estimate_of(account, on=today)
    rows = account.late_fees.select_related("charge__fee_type", "balance", "reversed_by", "posted_by")
    return {
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
