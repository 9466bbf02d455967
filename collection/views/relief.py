"""Waivers, write-offs and instalment plans: proposed, decided, and what became of them.

Whole-ledger roles see those of their project, department heads and field staff those of their cases.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.late_fees import ZERO, late_fee_summary
from arrears.models import Account, InstalmentPlan, Relief
from arrears.plans import Due, PlanExistsError, PlanMoveError, decide_plan, plan_payments, progress, propose_plan
from arrears.plans import withdraw_plan as take_plan_back
from arrears.posting import PostingError
from arrears.relief import (
    BeyondLimitError,
    MoreThanOpenError,
    NotEntitledError,
    OwnProposalError,
    ReliefMoveError,
    approve_relief,
    limit_of,
    may_decide,
    propose_relief,
    refuse_relief,
    revoke_relief,
    set_limit,
    withdraw_relief,
)
from arrears.relief_forms import LimitForm, PlanForm, ReliefForm
from arrears.statements import statement
from collection.models import Case
from collection.views.proofs import store_proof
from company.access import ProjectRequest, project_view
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.personal_data import mask_party

DECIDED_SHOWN = 50
SEEING = (Right.PROPOSE_RELIEF, Right.APPROVE_LATE_FEE_WAIVER, Right.APPROVE_RELIEF)


@project_view(*SEEING)
def relief(request: ProjectRequest) -> HttpResponse:
    """What waits for a decision, plans that run, and what was decided last."""
    today = timezone.localdate()
    reliefs = Relief.objects.filter(project=request.project, account__in=_accounts(request)).select_related(
        "account__unit", "account__ownership", "proposed_by", "decided_by", "proof"
    )
    plans = (
        InstalmentPlan.objects.filter(project=request.project, account__in=_accounts(request))
        .select_related("account__unit", "account__ownership", "proposed_by", "decided_by", "project")
        .prefetch_related("instalments")
    )
    waiting = reliefs.filter(state=Relief.State.PROPOSED).prefetch_related("lines__charge__fee_type")
    decided = reliefs.exclude(state=Relief.State.PROPOSED).order_by("-decided_at", "-pk")[:DECIDED_SHOWN]
    context = {
        "waiting": [_relief_line(request, row) for row in waiting.order_by("pk")],
        "waiting_plans": _plan_lines(request, plans.filter(state=InstalmentPlan.State.PROPOSED).order_by("pk")),
        "plans": _plan_lines(
            request, plans.filter(state__in=InstalmentPlan.State.JUDGED).order_by("-decided_at")[:DECIDED_SHOWN]
        ),
        "decided": [_relief_line(request, row) for row in decided],
        "limit": limit_of(request.project),
        "may_set_limit": Right.APPROVE_RELIEF in request.rights,
        "limit_form": LimitForm(initial={"late_fee": limit_of(request.project)}),
        "today": today,
    }
    return TemplateResponse(request, "collection/relief.html", context)


@project_view(Right.PROPOSE_RELIEF)
def relief_new(request: ProjectRequest, pk: int, kind: str) -> HttpResponse:
    """Proposes relief of one kind on an account; sent twice it is one proposal."""
    if kind not in Relief.Kind.values:
        raise Http404
    account, today = _account(request, pk), timezone.localdate()
    summary = late_fee_summary(account, on=today)
    late_fee = summary.total if summary else ZERO
    stated = statement(account, on=today)
    charges = sorted((line for line in stated.charges if line.open > 0), key=lambda line: line.charge.due_on)
    form = ReliefForm(
        request.POST or None, request.FILES or None, kind=Relief.Kind(kind), charges=charges, today=today,
        late_fee=late_fee,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid() and _propose(request, account, Relief.Kind(kind), form, late_fee):
        messages.success(request, _("Proposed. Somebody else decides."))
        return redirect("collection:relief", project_code=request.project.code)
    context = {
        "account": account,
        "party": mask_party(account.ownership.party_name),
        "form": form,
        "kind": Relief.Kind(kind),
        "kinds": Relief.Kind,
        "late_fee": late_fee,
        "word": summary.word if summary else "",
        "statement": stated,
    }
    return TemplateResponse(request, "collection/relief_new.html", context)


@require_POST
@project_view(*SEEING)
def relief_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Approves, refuses, withdraws or takes back, by the button that was pressed."""
    found = get_object_or_404(Relief, pk=pk, project=request.project, account__in=_accounts(request))
    now, note = timezone.now(), request.POST.get("note", "").strip()[:400]
    today, by, rights = timezone.localdate(now), request.user, request.rights
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (
            lambda: approve_relief(found.pk, by=by, rights=rights, now=now, today=today, note=note),
            _("Approved and posted."),
        ),
        "refuse": (lambda: refuse_relief(found.pk, by=by, rights=rights, now=now, note=note), _("Refused.")),
        "withdraw": (lambda: withdraw_relief(found.pk, by=by, now=now), _("Withdrawn.")),
        "revoke": (
            lambda: revoke_relief(found.pk, by=by, rights=rights, now=now, today=today, note=note),
            _("Taken back: it is owed again."),
        ),
    }
    _act(request, acts, needs_note={"refuse", "revoke"}, note=note)
    return redirect("collection:relief", project_code=request.project.code)


@project_view(Right.PROPOSE_RELIEF)
def plan_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Proposes an instalment plan; sent twice it is one plan."""
    account, today = _account(request, pk), timezone.localdate()
    stated = statement(account, on=today)
    summary = late_fee_summary(account, on=today)
    owed = stated.outstanding + (summary.total if summary else ZERO)
    form = PlanForm(request.POST or None, owed=owed, today=today)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            propose_plan(
                account_id=account.pk, instalments=form.instalments, reason=given["reason"], by=request.user,
                now=timezone.now(), submission=given["submission"],
            )  # fmt: skip
        except PlanExistsError:
            form.add_error(None, _("This account has a plan that waits for a decision or runs."))
        else:
            messages.success(request, _("Proposed. The project manager decides."))
            return redirect("collection:relief", project_code=request.project.code)
    context = {
        "account": account,
        "party": mask_party(account.ownership.party_name),
        "form": form,
        "owed": owed,
    }
    return TemplateResponse(request, "collection/plan_new.html", context)


@require_POST
@project_view(*SEEING)
def plan_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Approves, refuses or withdraws a plan, by the button that was pressed."""
    found = get_object_or_404(InstalmentPlan, pk=pk, project=request.project, account__in=_accounts(request))
    now, note, by, rights = timezone.now(), request.POST.get("note", "").strip()[:400], request.user, request.rights
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (
            lambda: decide_plan(found.pk, approve=True, by=by, rights=rights, now=now, note=note),
            _("Approved: the plan runs."),
        ),
        "refuse": (
            lambda: decide_plan(found.pk, approve=False, by=by, rights=rights, now=now, note=note),
            _("Refused."),
        ),
        "withdraw": (lambda: take_plan_back(found.pk, by=by), _("Withdrawn.")),
    }
    _act(request, acts, needs_note={"refuse"}, note=note)
    return redirect("collection:relief", project_code=request.project.code)


@require_POST
@project_view(Right.APPROVE_RELIEF)
def relief_limit(request: ProjectRequest) -> HttpResponse:
    """Sets up to how much late fee department heads waive."""
    form = LimitForm(request.POST)
    if form.is_valid():
        set_limit(request.project, form.cleaned_data["late_fee"], by=request.user, now=timezone.now())
        messages.success(request, _("The limit is set."))
    else:
        messages.error(request, _("The limit is an amount of 0 or more, with at most two decimals."))
    return redirect("collection:relief", project_code=request.project.code)


@project_view(*SEEING)
def relief_proof(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The file that proves a proposal."""
    rows = Relief.objects.filter(project=request.project, account__in=_accounts(request), proof__isnull=False)
    found = get_object_or_404(rows.select_related("proof"), pk=pk)
    proof: Any = found.proof
    return FileResponse(proof.file.open(), filename=proof.name, content_type=proof.content_type)


def _propose(
    request: ProjectRequest, account: Account, kind: Relief.Kind, form: ReliefForm, late_fee: Decimal
) -> Relief | None:
    """The proposal, or None where the form now says why not."""
    given = form.cleaned_data
    if kind == Relief.Kind.LATE_FEE and given["amount"] > late_fee:
        form.add_error("amount", _("Only %(open)s is owed.") % {"open": f"{late_fee:,.2f}"})
        return None
    now = timezone.now()
    try:
        return propose_relief(
            account_id=account.pk,
            kind=kind,
            reason=given["reason"],
            effective_on=given.get("effective_on") or timezone.localdate(now),
            by=request.user,
            now=now,
            amount=given.get("amount"),
            lines=form.lines,
            vacant_from=given.get("vacant_from"),
            vacant_until=given.get("vacant_until"),
            proof=store_proof(request, given["proof"]) if given.get("proof") else None,
            submission=given["submission"],
        )
    except MoreThanOpenError:
        form.add_error(None, _("Something was settled meanwhile: look at what is still open below and send it again."))
    except IntegrityError as error:
        if "submission" not in str(error):
            raise
        return Relief.objects.get(submission=given["submission"])
    return None


def _accounts(request: ProjectRequest) -> Any:
    """The accounts whose relief the viewer may see."""
    if request.roles & WHOLE_LEDGER_ROLES:
        return Account.objects.filter(project=request.project)
    cases = Case.objects.visible_to(request.user).filter(project=request.project)
    return Account.objects.filter(pk__in=cases.values("account"))


def _account(request: ProjectRequest, pk: int) -> Account:
    """An account on which the viewer may propose: of the whole ledger, or of a case on which they may work."""
    accounts = _accounts(request).select_related("project", "unit__building", "ownership")
    found: Account = get_object_or_404(accounts, pk=pk)
    if not request.roles & WHOLE_LEDGER_ROLES:
        cases = Case.objects.filter(account=found).loggable_by(request.user, roles=request.roles)
        if not cases.exists():
            raise PermissionDenied
    return found


def _relief_line(request: ProjectRequest, row: Relief) -> dict[str, Any]:
    revocable = row.state == Relief.State.APPROVED and Right.APPROVE_RELIEF in request.rights
    return {
        "row": row,
        "party": mask_party(row.account.ownership.party_name),
        "may_decide": may_decide(row, request.user, request.rights),
        "is_own": row.proposed_by_id == request.user.pk,
        "may_revoke": revocable,
    }


def _plan_lines(request: ProjectRequest, plans: Iterable[InstalmentPlan]) -> list[dict[str, Any]]:
    today, found = timezone.localdate(), list(plans)
    paid = plan_payments(found, on=today)
    return [_plan_line(request, plan, progress(plan.instalments.all(), paid[plan.pk], on=today)) for plan in found]


def _plan_line(request: ProjectRequest, plan: InstalmentPlan, dues: Sequence[Due]) -> dict[str, Any]:
    is_own = plan.proposed_by_id == request.user.pk
    return {
        "row": plan,
        "party": mask_party(plan.account.ownership.party_name),
        "dues": dues,
        "total": sum((due.amount for due in dues), ZERO),
        "may_decide": not is_own and Right.APPROVE_RELIEF in request.rights,
        "is_own": is_own,
    }


def _act(
    request: ProjectRequest, acts: dict[str, tuple[Callable[[], object], str]], *, needs_note: set[str], note: str
) -> None:
    """Does what the button says and tells how it went."""
    name = request.POST.get("act", "")
    if name not in acts:
        messages.error(request, _("Nothing was chosen."))
        return
    if name in needs_note and not note:
        messages.error(request, _("Say why."))
        return
    act, done = acts[name]
    try:
        act()
    except PostingError as error:
        messages.error(request, _why(error))
    else:
        messages.success(request, done)


def _why(error: PostingError) -> str:
    match error:
        case OwnProposalError():
            return _("This is your own proposal: somebody else decides.")
        case NotEntitledError():
            return _("Your role does not decide on this.")
        case BeyondLimitError():
            said = {"limit": f"{error.limit:,.2f}", "used": f"{error.used:,.2f}"}
            return (
                _(
                    "Beyond your limit of %(limit)s by account and year, of which %(used)s are used:"
                    " the project manager decides."
                )
                % said
            )
        case MoreThanOpenError():
            said = {"open": f"{error.open_amount:,.2f}"}
            return _("Only %(open)s is still open. Refuse this one and propose it anew.") % said
        case ReliefMoveError() | PlanMoveError():
            return _("It was decided meanwhile. Nothing was changed.")
        case _:
            raise error
