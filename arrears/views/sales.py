"""A unit changes hands: asked, shown, recorded; and taken back where it was a mistake."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from arrears.sales import PostedSinceError, preview_sale, undo_sale
from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.models import Ownership, Unit
from owners.ownerships import SaleError, SaleStandsError, sell_to_buyers
from owners.party_forms import BuyerFormSet, SaleForm, buyer_rows
from owners.personal_data import mask_party
from owners.persons import namesakes


@never_cache
@project_view(Right.KEEP_OWNERS)
def unit_sale(request: ProjectRequest, pk: int) -> HttpResponse:
    """GET asks; POST shows what will move and what will not; POST with ``act=confirm`` records the sale."""
    unit = _unit(request, pk)
    given = request.POST if request.method == "POST" else None
    form = SaleForm(given, unit=unit, today=timezone.localdate())
    rows = buyer_rows(given, project=request.project)
    if given is not None and form.is_valid() & rows.is_valid():
        if given.get("act") == "confirm":
            return _record(request, unit, form, rows)
        if given.get("act") != "change":
            return _checked(request, unit, form, rows)
    now = Ownership.objects.filter(unit=unit, period__endswith__isnull=True).first()
    context = {"unit": unit, "form": form, "rows": rows, "party": mask_party(now.party_name) if now else ""}
    return TemplateResponse(request, "arrears/sale.html", context)


@require_POST
@project_view(Right.KEEP_OWNERS)
def sale_undo(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes back a sale of which nothing was posted yet."""
    parties = Ownership.objects.visible_to(request.user).filter(project=request.project)
    sold = get_object_or_404(parties.select_related("unit", "project"), pk=pk)
    try:
        undo_sale(sold, by=request.user)
    except PostedSinceError:
        messages.error(
            request, _("Something was posted or verified for the new owner: reverse it first; the sale stays recorded.")
        )
    except SaleStandsError:
        messages.error(request, _("This is not the latest sale of the unit, so it stays recorded."))
    else:
        messages.success(request, _("The sale is taken back. The owner before owns the unit on, without a gap."))
    return redirect("owners:unit", project_code=request.project.code, pk=sold.unit_id)


def _unit(request: ProjectRequest, pk: int) -> Unit:
    units = Unit.objects.visible_to(request.user).filter(project=request.project)
    found: Unit = get_object_or_404(units.select_related("building", "project"), pk=pk)
    return found


def _checked(request: ProjectRequest, unit: Unit, form: SaleForm, rows: BuyerFormSet) -> HttpResponse:
    sold_on = form.cleaned_data["sold_on"]
    buyers = rows.buyers()
    preview = preview_sale(unit, sold_on=sold_on)
    context = {
        "unit": unit,
        "form": form,
        "rows": rows,
        "sold_on": sold_on,
        "buyers": buyers,
        "namesakes": {o.name for o in namesakes(request.project, [b.name for b in buyers if b.owner is None])},
        "preview": preview,
        "party": mask_party(preview.before.party_name) if preview.before else "",
    }
    return TemplateResponse(request, "arrears/sale_check.html", context)


def _record(request: ProjectRequest, unit: Unit, form: SaleForm, rows: BuyerFormSet) -> HttpResponse:
    try:
        sell_to_buyers(unit, rows.buyers(), sold_on=form.cleaned_data["sold_on"], by=request.user)
    except SaleError:
        messages.error(request, _("The unit changed hands meanwhile; nothing was changed. Look at it again."))
    else:
        messages.success(request, _("The sale is recorded. The old owner's debt stays with the old owner."))
    return redirect("owners:unit", project_code=request.project.code, pk=unit.pk)
