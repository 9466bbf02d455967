"""Settlements: proposed, decided by another, objected to, handed to human resources as a workbook."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.models import Account
from collection import settling
from collection.conventions import as_settings, stated
from collection.models import Objection, Settlement
from collection.pace import campaign_on
from collection.rate_conventions import View
from collection.results import HolderResult, frozen_results, moves_before
from collection.views.incentives import DayForm, seen_holders, sees_all
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from company.sheets import Cell, download, workbook

MOST_TEXT = 1000


@require_POST
@project_view(Right.PROPOSE_SETTLEMENT)
def settlement_propose(request: ProjectRequest) -> HttpResponse:
    """Freezes the results of the campaign as of the day."""
    now, today = timezone.now(), timezone.localdate()
    on = DayForm(request.POST).day(today=today)
    campaign = campaign_on(request.project.pk, on=on)
    if campaign is None:
        messages.error(request, _("No campaign had begun by that day"))
        return redirect("collection:incentives", project_code=request.project.code)
    try:
        made = settling.propose_settlement(campaign, closes_on=on, by=request.user, now=now, today=today)
    except settling.AlreadySettledError:
        messages.error(
            request, _("A settlement as of this day stands already. Withdraw it first, or choose another day.")
        )
    except settling.TooEarlyError:
        messages.error(request, _("The closing day lies before the campaign. Choose a day within it."))
    else:
        messages.success(request, _("Proposed: the figures are frozen. Somebody else approves."))
        return redirect("collection:settlement", project_code=request.project.code, pk=made.pk)
    return redirect("collection:incentives", project_code=request.project.code)


@project_view(Right.SEE_SETTLEMENT)
def settlement(request: ProjectRequest, pk: int) -> HttpResponse:
    """The frozen figures with their formulas, moves, exclusions and objections."""
    found = _find(request, pk)
    results = frozen_results(found)
    wide = sees_all(request)
    objections = found.objections.select_related("raised_by", "answered_by")
    due = {each.account_id: each.due for each in results.excluded}
    accounts = Account.objects.filter(pk__in=due if wide else []).select_related("unit").order_by("unit__sort_key")
    context = {
        "settlement": found,
        "results": results,
        "holders": seen_holders(request, results),
        "is_wide": wide,
        "convention": stated(as_settings(found.convention, found.campaign), View.APPRAISAL),
        "moves": moves_before(found.campaign, closes_on=found.closes_on, days=found.scheme.move_days) if wide else [],
        "excluded": [(account, due[account.pk]) for account in accounts],
        "objections": objections if wide else objections.filter(raised_by=request.user),
        "may_decide": Right.APPROVE_SETTLEMENT in request.rights and found.proposed_by != request.user,
        "may_withdraw": Right.PROPOSE_SETTLEMENT in request.rights,
        "may_answer": bool(request.rights & {Right.PROPOSE_SETTLEMENT, Right.APPROVE_SETTLEMENT}),
        "may_export": wide,
    }
    return TemplateResponse(request, "collection/settlement.html", context)


@require_POST
@project_view(Right.PROPOSE_SETTLEMENT, Right.APPROVE_SETTLEMENT)
def settlement_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Approves, refuses or withdraws, by the button that was pressed."""
    found, now = _find(request, pk), timezone.now()
    note = request.POST.get("note", "").strip()[:400]
    acts: dict[str, tuple[Right, Callable[..., Settlement], str]] = {
        "approve": (Right.APPROVE_SETTLEMENT, settling.approve_settlement, _("Approved.")),
        "refuse": (Right.APPROVE_SETTLEMENT, settling.refuse_settlement, _("Refused.")),
        "withdraw": (Right.PROPOSE_SETTLEMENT, settling.withdraw_settlement, _("Withdrawn.")),
    }
    chosen = acts.get(request.POST.get("act", ""))
    if chosen is None:
        return _back(request, found)
    right, act, done = chosen
    if right not in request.rights:
        raise PermissionDenied
    try:
        act(found.pk, by=request.user, now=now, note=note)
    except settling.MovedError:
        messages.error(request, _("The settlement was decided meanwhile; this is how it stands now."))
    except settling.OwnProposalError:
        messages.error(request, _("Nobody decides on their own proposal."))
    except settling.OwnResultError:
        messages.error(request, _("The settlement judges you as well: somebody else approves it."))
    except settling.OpenObjectionsError:
        messages.error(request, _("Answer the objections first."))
    else:
        messages.success(request, done)
    return _back(request, found)


@require_POST
@project_view(Right.SEE_SETTLEMENT)
def objection_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Records an objection of who sees the settlement."""
    found, text = _find(request, pk), request.POST.get("text", "").strip()[:MOST_TEXT]
    if not text:
        messages.error(request, _("Say what the objection is."))
        return _back(request, found)
    try:
        settling.raise_objection(found, text, by=request.user, now=timezone.now())
    except settling.MovedError:
        messages.error(request, _("The settlement was decided meanwhile; this is how it stands now."))
    else:
        messages.success(request, _("The objection is recorded and will be answered here."))
    return _back(request, found)


@require_POST
@project_view(Right.PROPOSE_SETTLEMENT, Right.APPROVE_SETTLEMENT)
def objection_answer(request: ProjectRequest, pk: int) -> HttpResponse:
    """Answers an objection once."""
    objection = get_object_or_404(
        Objection.objects.select_related("settlement"),
        pk=pk,
        settlement__in=Settlement.objects.visible_to(request.user).filter(project=request.project),
    )
    text = request.POST.get("text", "").strip()[:MOST_TEXT]
    if not text:
        messages.error(request, _("Write an answer."))
        return _back(request, objection.settlement)
    try:
        settling.answer_objection(objection, text, by=request.user, now=timezone.now())
    except settling.OwnObjectionError:
        messages.error(request, _("Somebody else answers your objection."))
    except settling.MovedError:
        messages.error(request, _("The objection was answered meanwhile."))
    else:
        messages.success(request, _("Answered."))
    return _back(request, objection.settlement)


@project_view(Right.SEE_SETTLEMENT)
def settlement_export(request: ProjectRequest, pk: int) -> HttpResponse:
    """What the viewer sees of it, with formulas, for human resources; recorded."""
    found = _find(request, pk)
    results = frozen_results(found)
    heads = [
        _("For"), _("Name"), _("Class"), _("Base"), _("Credited"), _("Collected"), _("Rate (%)"), _("Target (%)"),
        _("Result"), _("Deduction (%)"), _("Deduction of all classes (%)"), _("Formula"), _("Closing day"), _("State"),
        _("Convention"),
    ]  # fmt: skip
    tail: list[Cell] = [
        found.closes_on, found.get_state_display(), "；".join(stated(results.settings, View.APPRAISAL))
    ]  # fmt: skip
    rows = [[*row, *tail] for each in seen_holders(request, results) for row in _sheet_rows(each)]
    record(action="settlement.exported", by=request.user, project=request.project, obj=found)
    name = f"{request.project.name}_{_('Settlement')}_{found.closes_on:%Y-%m-%d}.xlsx"
    return download(workbook(_("Settlement"), heads, rows), name)


def _sheet_rows(each: HolderResult) -> Iterator[list[Cell]]:
    for one in each.result.classes:
        quota = one.quota
        yield [
            str(each.holder.label), each.name, str(one.target_class.label), quota.base, quota.credited,
            quota.collected, one.shown, quota.target, one.outcome.word, one.deduction, each.result.deduction,
            "\n".join([*one.formula, each.result.formula]),
        ]  # fmt: skip


def _find(request: ProjectRequest, pk: int) -> Settlement:
    visible = Settlement.objects.visible_to(request.user).filter(project=request.project)
    return get_object_or_404(
        visible.select_related("campaign", "scheme", "convention", "proposed_by", "decided_by"), pk=pk
    )


def _back(request: ProjectRequest, found: Settlement) -> HttpResponse:
    return redirect("collection:settlement", project_code=request.project.code, pk=found.pk)
