"""Exports that need a second person: asked for, consented to, refused, made."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.export_consent import (
    ConsentError,
    ConsentMoveError,
    OwnExportError,
    ask_for_consent,
    decide_on_export,
    limit_of,
    set_limit,
    withdraw_request,
)
from owners.export_gate import AskForm, ask_page, unsigned
from owners.models import ExportConsent

SHOWN = 50
EXPORTING = (Right.EXPORT_LEDGER, Right.EXPORT_NOTICES, Right.EXPORT_CASES)
MOST_PEOPLE = 100_000


class LimitForm(forms.Form):
    people = forms.IntegerField(
        label=gettext_lazy("People in one export without a second person"), min_value=1, max_value=MOST_PEOPLE
    )


@project_view(*EXPORTING, Right.CONSENT_EXPORT, Right.SET_EXPORT_LIMIT)
def exports(request: ProjectRequest) -> HttpResponse:
    """What waits for the viewer's consent, the viewer's own requests, and what was decided before."""
    now, seen = timezone.now(), _seen(request)
    may_consent = Right.CONSENT_EXPORT in request.rights
    waiting = seen.filter(state=ExportConsent.State.WAITING)
    context = {
        "waiting": [_line(row) for row in waiting.exclude(requested_by=request.user)] if may_consent else [],
        "own": [_line(row) for row in waiting.filter(requested_by=request.user)],
        "ready": [
            _line(row)
            for row in seen.filter(
                requested_by=request.user, state=ExportConsent.State.CONSENTED, usable_until__gte=now
            )
        ],
        "past": [
            {**_line(row), "is_over": row.state == ExportConsent.State.CONSENTED}
            for row in seen.exclude(state=ExportConsent.State.WAITING)
            .exclude(state=ExportConsent.State.CONSENTED, usable_until__gte=now)
            .order_by("-pk")[:SHOWN]
        ],
        "limit": limit_of(request.project),
        "limit_form": LimitForm(initial={"people": limit_of(request.project)}),
        "may_set": Right.SET_EXPORT_LIMIT in request.rights,
    }
    return TemplateResponse(request, "owners/exports.html", context)


@require_POST
@project_view(*EXPORTING)
def export_ask(request: ProjectRequest) -> HttpResponse:
    """Asks a second person to consent to an export that this person's page offered."""
    form = AskForm(request.POST)
    export = unsigned(request.POST.get("export", ""))
    if export is None or not export.path.startswith(f"/p/{request.project.code}/"):
        messages.error(request, _("Too much time has passed; begin the export again."))
        return redirect("owners:exports", project_code=request.project.code)
    if not form.is_valid():
        return ask_page(request, form, export)
    given = form.cleaned_data
    ask_for_consent(
        request.project, export, given["reason"], by=request.user, now=timezone.now(), submission=given["submission"]
    )  # fmt: skip
    messages.success(request, _("Asked. You are told when somebody has decided."))
    return redirect("owners:exports", project_code=request.project.code)


@require_POST
@project_view(*EXPORTING, Right.CONSENT_EXPORT)
def export_decide(request: ProjectRequest, pk: int) -> HttpResponse:
    """Consents, refuses or withdraws, by the button that was pressed."""
    asked = get_object_or_404(_seen(request), pk=pk)
    act, note = request.POST.get("act", ""), request.POST.get("note", "").strip()[:400]
    if act == "refuse" and not note:
        messages.error(request, _("Say why."))
    elif act == "withdraw":
        _do(request, lambda: withdraw_request(asked.pk, by=request.user), _("Withdrawn."))
    elif act in {"consent", "refuse"}:
        consent = act == "consent"
        _do(
            request,
            lambda: decide_on_export(
                asked.pk, consent=consent, by=request.user, roles=request.roles, now=timezone.now(), note=note
            ),
            _("Consented: it may be exported once within a day.") if consent else _("Refused."),
        )  # fmt: skip
    else:
        messages.error(request, _("Nothing was chosen."))
    return redirect("owners:exports", project_code=request.project.code)


@require_POST
@project_view(Right.SET_EXPORT_LIMIT)
def export_limit(request: ProjectRequest) -> HttpResponse:
    """Sets from how many people on a second person is needed."""
    form = LimitForm(request.POST)
    if form.is_valid():
        people = form.cleaned_data["people"]
        set_limit(request.project, people, by=request.user, roles=request.roles, now=timezone.now())
        messages.success(request, pgettext("exports", "The limit is set."))
    else:
        messages.error(request, _("The limit is a whole number from 1 to 100,000."))
    return redirect("owners:exports", project_code=request.project.code)


def _do(request: ProjectRequest, act: Callable[[], object], done: str) -> None:
    try:
        act()
    except OwnExportError:
        messages.error(request, _("Nobody consents to their own export."))
    except ConsentMoveError:
        messages.error(request, _("It was decided, withdrawn or ended meanwhile; this is how it stands now."))
    except ConsentError as error:
        raise PermissionDenied from error
    else:
        messages.success(request, done)


def _seen(request: ProjectRequest) -> QuerySet[ExportConsent]:
    """All of the project for who may consent, else one's own."""
    rows: QuerySet[ExportConsent] = ExportConsent.objects.visible_to(request.user).filter(project=request.project)
    if Right.CONSENT_EXPORT not in request.rights:
        rows = rows.filter(requested_by=request.user)
    return rows.select_related("requested_by", "decided_by")


def _line(row: ExportConsent) -> dict[str, object]:
    """A request with the filter and form by which the export is made again."""
    address = f"{row.path}?{row.query}" if row.query else row.path
    return {"row": row, "address": address, "filter": parse_qsl(row.query), "data": sorted(row.data.items())}
