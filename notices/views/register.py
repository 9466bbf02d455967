"""The register: every letter of the project."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from company.sheets import Cell, download, workbook
from notices.models import Batch, Delivery, Notice
from notices.register_filter import DEFAULT_SORT, RegisterFilterForm, order_by
from notices.views.batches import remark
from owners.export_consent import people_of
from owners.export_gate import stopped

PAGE_SIZE = 50


@project_view(Right.ISSUE_NOTICES)
def register(request: ProjectRequest) -> HttpResponse:
    """函件登记: filtered, sorted, by page."""
    form, rows = _filtered(request)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    sendings = last_sendings(page.object_list)
    context = {
        "filter": form,
        "page": page,
        "rows": [(letter, sendings.get(letter.pk)) for letter in page.object_list],
        "total": rows.in_force().order_by().aggregate(total=Sum("principal"))["total"],  # type: ignore[attr-defined]
    }
    return TemplateResponse(request, "notices/register.html", context)


@project_view(Right.EXPORT_NOTICES)
@transaction.atomic
def register_export(request: ProjectRequest) -> HttpResponse:
    """The filtered register as a workbook with the delivery of each letter; recorded, of many people by two."""
    _form, rows = _filtered(request)
    letters = list(rows)
    people = people_of({letter.account.ownership_id for letter in letters})
    if answer := stopped(request, kind="notices-register", title=_("Register of letters"), people=people):
        return answer
    sendings = last_sendings(letters)
    cells = [_cells(letter, sendings.get(letter.pk)) for letter in letters]
    record(action="notices.exported", by=request.user, project=request.project, count=len(cells))
    name = f"{_('Register of letters')} {timezone.localdate().isoformat()}.xlsx"
    return download(workbook(_("Register of letters"), _heads(), cells), name)


def last_sendings(letters: Iterable[Notice]) -> dict[int, Delivery]:
    """By letter its last sending that stands; one query."""
    ids = [letter.last_sending for letter in letters if letter.last_sending]  # type: ignore[attr-defined]
    found = Delivery.objects.filter(pk__in=ids)
    return {delivery.notice_id: delivery for delivery in found}


def _heads() -> list[str]:
    return [
        _("Document number"), _("Kind"), _("Room"), _("Owners"), _("Principal"), _("Occasion"), _("Dated"),
        _("Deadline"), _("State"), _("Remark"), _("Channel"), _("Sent to"), _("Handed in on"), _("Tracking number"),
        _("Contents line"), _("Delivery"), pgettext("letter", "Received on"), _("Received by"), _("Returned on"),
        _("Why it came back"), _("Proof of receipt"), "SHA-256",
    ]  # fmt: skip


def _cells(n: Notice, d: Delivery | None) -> list[Cell]:
    letter: list[Cell] = [
        n.number, n.get_kind_display(), n.account.unit.code, n.data["fields"].get("业主", ""), n.principal, n.occasion,
        n.batch.issue_on, n.batch.deadline_on, n.get_state_display(), remark(n),
    ]  # fmt: skip
    if d is None:
        return [*letter, *[""] * 11, n.file_sha256]
    return [
        *letter, d.get_channel_display(), d.get_address_kind_display(), d.dispatched_on, d.tracking_number, d.contents,
        d.get_state_display(), d.received_on, d.get_receiver_display(), d.returned_on, d.get_return_reason_display(),
        _("yes") if d.delivery_proof_id else _("no"), n.file_sha256,
    ]  # fmt: skip


def _filtered(request: ProjectRequest) -> tuple[RegisterFilterForm, QuerySet[Notice]]:
    batches = Batch.objects.visible_to(request.user).filter(project=request.project)
    form = RegisterFilterForm(request.GET, project=request.project, batches=batches)
    letters = Notice.objects.visible_to(request.user).filter(project=request.project)
    rows = form.narrow(letters).select_related("account__unit", "batch", "file").prefetch_related("corrections")
    return form, order_by(rows, request.GET.get("sort", DEFAULT_SORT))
