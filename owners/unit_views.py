"""The owners of one unit through the years, and who lives there."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import WHOLE_LEDGER_ROLES, Right
from owners.contact_forms import OccupantForm
from owners.history import history_of
from owners.models import Occupant, Owner, Ownership, Unit
from owners.owner_page import parties_of
from owners.ownerships import PartyChangedError, add_members, remove_member
from owners.party_forms import buyer_rows
from owners.personal_data import mask_party


@project_view(Right.SEE_LEDGER)
def unit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Who owns and owned a unit, and who lives in it; masked."""
    shown = _unit(request, pk)
    parties = [(party, mask_party(party.party_name)) for party in parties_of(shown)]
    context = {
        "unit": shown,
        "parties": parties,
        "occupants": shown.occupants.order_by("-starts_on", "-pk"),
        "history": history_of(
            request.project, "owners.unit", [shown.pk], with_shut_offs=Right.SEE_SHUT_OFFS in request.rights
        ),
        "may_keep": Right.KEEP_OWNERS in request.rights,
        "shut_offs": shown.shut_offs.all() if Right.SEE_SHUT_OFFS in request.rights else None,
        "today": timezone.localdate(),
    }
    return TemplateResponse(request, "owners/unit.html", context)


@never_cache
@project_view(Right.KEEP_OWNERS)
def party_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Names the owners of a party that had none, or adds a co-owner. Period, account and debt stay as they are."""
    party = _party(request, pk)
    had = party.members.count()
    rows = buyer_rows(request.POST if request.method == "POST" else None, project=request.project)
    if request.method == "POST" and rows.is_valid():
        try:
            add_members(party, rows.buyers(), by=request.user, expected=_expected(request, had))
        except PartyChangedError:
            messages.error(request, _("Somebody changed these owners meanwhile; nothing was changed. Look again."))
        else:
            messages.success(request, _("Saved. What is owed stays on the same account."))
        return redirect("owners:unit", project_code=request.project.code, pk=party.unit_id)
    context = {"party": party, "unit": party.unit, "names": mask_party(party.party_name), "rows": rows, "had": had}
    return TemplateResponse(request, "owners/party.html", context)


@require_POST
@project_view(Right.KEEP_OWNERS)
def member_remove(request: ProjectRequest, pk: int, member: int) -> HttpResponse:
    """Takes a co-owner out who was named by mistake; the last one stays."""
    party = _party(request, pk)
    gone = get_object_or_404(Owner.objects.visible_to(request.user).filter(memberships__ownership=party), pk=member)
    try:
        remove_member(party, gone, by=request.user)
    except PartyChangedError:
        messages.error(request, _("The last owner stays. A unit that was sold changes hands by a sale."))
    else:
        messages.success(request, _("Saved. What is owed stays on the same account."))
    return redirect("owners:unit", project_code=request.project.code, pk=party.unit_id)


@never_cache
@project_view(Right.KEEP_OWNERS)
def occupant_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Adds a tenant or relative who lives in the unit."""
    shown = _unit(request, pk)
    return _occupant_page(request, shown, OccupantForm(request.POST or None, today=timezone.localdate()))


@never_cache
@project_view(Right.KEEP_OWNERS)
def occupant_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Corrects what is known of an occupant, or says until when they lived there."""
    occupants = Occupant.objects.visible_to(request.user).filter(project=request.project)
    row = get_object_or_404(occupants.select_related("unit__building", "unit__project"), pk=pk)
    form = OccupantForm(request.POST or None, row=row, today=timezone.localdate())
    return _occupant_page(request, row.unit, form)


def _occupant_page(request: ProjectRequest, shown: Unit, form: OccupantForm) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save_for(shown, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("owners:unit", project_code=request.project.code, pk=shown.pk)
    return TemplateResponse(request, "owners/occupant.html", {"unit": shown, "form": form, "row": form.row})


def _unit(request: ProjectRequest, pk: int) -> Unit:
    if not request.roles & WHOLE_LEDGER_ROLES:
        raise Http404
    units = Unit.objects.visible_to(request.user).filter(project=request.project)
    found: Unit = get_object_or_404(units.select_related("building", "project"), pk=pk)
    return found


def _party(request: ProjectRequest, pk: int) -> Ownership:
    parties = Ownership.objects.visible_to(request.user).filter(project=request.project)
    found: Ownership = get_object_or_404(parties.select_related("unit__building", "project"), pk=pk)
    return found


def _expected(request: ProjectRequest, had: int) -> int:
    """How many owners the person saw; a form that does not say saw those of now."""
    seen = request.POST.get("had", "")
    return int(seen) if seen.isdecimal() and len(seen) < 4 else had
