"""One account: its balance row by row, its statement as a workbook, its verification."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.accounts import account_on
from arrears.exporting import past_statement_workbook, statement_workbook
from arrears.late_fees import late_fee_summary
from arrears.limitation import limitations
from arrears.models import Account, LimitationProof, Verification
from arrears.movements import account_movements
from arrears.queries import open_on
from arrears.statements import statement
from arrears.verification import payments_known_until, valid_verifications, verify
from arrears.views.ledger import XLSX
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.models import Owner, Phone, Unit
from owners.personal_data import mask_name, mask_party

RELIEF_SHOWN = 6


@project_view(Right.SEE_LEDGER)
def account(request: ProjectRequest, pk: int) -> HttpResponse:
    """How the balance of an account comes about, and who is behind it, masked."""
    now = timezone.now()
    shown = account_of(request, pk)
    stated = statement(shown, on=timezone.localdate(now))
    unsettled = [line for line in stated.charges if line.open]
    only_open = request.GET.get("show", "open" if unsettled else "all") == "open"
    others = Account.objects.visible_to(request.user).filter(unit=shown.unit).exclude(pk=shown.pk)
    return TemplateResponse(
        request,
        "arrears/account.html",
        {
            "account": shown,
            "party": mask_party(shown.ownership.party_name),
            "statement": stated,
            "charges": unsettled if only_open else stated.charges,
            "only_open": only_open,
            "owners": _owners(shown),
            "others": [(other, mask_party(other.ownership.party_name)) for other in others.select_related("ownership")],
            "verified": valid_verifications(request.project, [shown.pk], now=now).get(shown.pk),
            "last_verified": Verification.objects.filter(account=shown).order_by("-verified_at").first(),
            "known_until": payments_known_until(request.project),
            "limitations": limitations([line.charge for line in unsettled], on=timezone.localdate(now)),
            "proofs": LimitationProof.objects.filter(account=shown)
            .exclude(kind=LimitationProof.Kind.REVERSAL)
            .select_related("recorded_by", "reversed_by")
            .annotate(listed=Count("charges"))
            .order_by("-reached_on", "-pk"),
            "late_fees": late_fee_summary(shown, on=timezone.localdate(now)),
            "reliefs": shown.reliefs.select_related("proposed_by", "decided_by").order_by("-pk")[:RELIEF_SHOWN],
            "plans": shown.plans.select_related("proposed_by").order_by("-pk")[:RELIEF_SHOWN],
        },
    )


@project_view(Right.SEE_LEDGER)
def unit_account(request: ProjectRequest, pk: int) -> HttpResponse:
    """On to the account of whoever owns a unit now; finance opens one where nothing was ever charged."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise Http404
    unit = get_object_or_404(Unit.objects.visible_to(request.user).filter(project=request.project), pk=pk)
    accounts = Account.objects.filter(unit=unit).order_by("-ownership__period")
    found = accounts.first()
    if found is None and request.method == "POST" and Right.POST_MONEY in request.rights:
        found = account_on(unit, timezone.localdate())
    if found is None:
        return TemplateResponse(request, "arrears/unit_account.html", {"unit": unit})
    return redirect("arrears:account", project_code=request.project.code, pk=found.pk)


@require_POST
@project_view(Right.SEE_LEDGER)
def account_export(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The statement of an account as a workbook, recorded: as it stands, or from ``since`` to a past day ``until``."""
    shown, today = account_of(request, pk), timezone.localdate()
    since, until = (_past_day(request.POST.get(name, ""), today) for name in ("since", "until"))
    title = f"{request.project.name} {shown.unit.code} {_('Statement of account')}"
    movements = account_movements(shown, since=since, until=until or today)
    if until is None:
        file = statement_workbook(statement(shown, on=today), movements, title=title, on=today)
    else:
        left = open_on(request.project, until).filter(account=shown).select_related("fee_type").order_by("due_on", "pk")
        file = past_statement_workbook(movements, left, title=title)
    record(
        action="ledger.statement_exported", by=request.user, project=request.project, obj=shown,
        until=movements.until.isoformat(),
    )  # fmt: skip
    return FileResponse(file, as_attachment=True, filename=f"{title} {movements.until}.xlsx", content_type=XLSX)


def _past_day(text: str, today: date) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and day < today else None


@require_POST
@project_view(Right.POST_MONEY)
def account_verify(request: ProjectRequest, pk: int) -> HttpResponse:
    """Records that somebody looked the account up in the charging system."""
    shown = account_of(request, pk)
    verify([shown], by=request.user, now=timezone.now(), looked_up=True)
    messages.success(request, _("Verified: the account stands as it does in the charging system."))
    return redirect("arrears:account", project_code=request.project.code, pk=shown.pk)


def _owners(account: Account) -> list[tuple[Owner, str, list[Phone]]]:
    """The co-owners in their order, each with the masked name and the live phones."""
    live = Prefetch("phones", Phone.objects.filter(ended_at=None).order_by("-is_primary", "pk"), to_attr="live_phones")
    owners = Owner.objects.filter(memberships__ownership=account.ownership_id).order_by("memberships__position")
    return [(owner, mask_name(owner.name), owner.live_phones) for owner in owners.prefetch_related(live)]


def account_of(request: ProjectRequest, pk: int) -> Account:
    """An account of the page's project that the person may see; else 404."""
    visible: Any = Account.objects.visible_to(request.user).filter(project=request.project)
    found: Account = get_object_or_404(visible.select_related("project", "unit__building", "ownership"), pk=pk)
    return found
