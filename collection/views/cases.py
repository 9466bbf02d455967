"""The list of cases: filters that stay in the address, an inert export, and acts on several at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from collection.assignment import TeamsChangedError, reassign
from collection.case_forms import CaseFilterForm, ReasonForm
from collection.case_list import CaseLine, case_lines, filtered, sorted_by, totals
from collection.models import Case, Team
from collection.reasons import set_reason
from collection.verifying import needs_looking_up, verify_cases
from collection.views.case import MAY_VERIFY, members_to_hand_over, must_look_up, visible_cases
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import FIELD, HEAD, Right
from company.sheets import Cell, download, workbook

SIZES = (50, 100, 200)
CHUNK = 1000
MOST_EXPORTED = 50_000
SHOWN = ("project", "account__unit", "account__ownership", "team", "responsible")
MENUS = ("team", "member", "reason", "stage", "age", "step", "building")  # the others stand under “more”


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a filter, and the address of the list with it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter that is not in force, with what it offers."""

    name: str
    label: str
    options: list[Option]


@project_view(Right.SEE_CASES)
def cases(request: ProjectRequest) -> HttpResponse:
    """Cases that fit the filter, with their sums, a page at a time."""
    now = timezone.now()
    form = CaseFilterForm(request.GET, project=request.project)
    found = _filtered(request, form)
    page = Paginator(sorted_by(found, request.GET.get("sort", "")).select_related(*SHOWN), _size(request)).get_page(
        request.GET.get("page")
    )
    lines = case_lines(page.object_list, project=request.project, now=now)
    menus = _menus(request, form)
    context = {
        "filter": form,
        "chips": [Option(label, _with(request, name, "")) for name, label in form.in_force()],
        "menus": [menu for menu in menus if menu.name in MENUS],
        "more": [menu for menu in menus if menu.name not in MENUS],
        "has_cases": bool(page.object_list) or visible_cases(request).exists(),
        "page": page,
        "lines": lines,
        "totals": totals(found),
        "page_overdue": sum((line.case.overdue for line in lines), 0),
        "sizes": SIZES,
        "reason_form": ReasonForm(roles=request.roles),
        "members": members_to_hand_over(request) if Right.MANAGE_CAMPAIGN in request.rights else [],
        "needs_looking_up": needs_looking_up(request.project, now=now),
        "may_act": bool(request.rights & {*MAY_VERIFY, Right.SET_REASON}),
        "own": _own(request),
        "kept": [(name, value) for name, value in request.GET.items() if name not in {"q", "page"} and value],
        "may_verify": bool(request.rights & set(MAY_VERIFY)),
    }
    return TemplateResponse(request, "collection/cases.html", context)


@require_POST
@project_view(Right.EXPORT_CASES)
def cases_export(request: ProjectRequest) -> HttpResponse:
    """What the filter finds, as a workbook with names masked and every cell inert; recorded."""
    found = sorted_by(_filtered(request, CaseFilterForm(request.GET, project=request.project)), "")
    chosen = found.select_related(*SHOWN)[:MOST_EXPORTED]
    heads = [
        _("Room"), _("Owners"), _("Overdue"), _("Oldest due on"), _("Age"), _("Reason"), _("Stage"), _("Next step"),
        _("Step due on"), _("Team"), _("Responsible"), _("Last contact"), _("Promised for"), _("Promised amount"),
        _("State of the promise"),
    ]  # fmt: skip
    rows = list(_sheet_rows(request, list(chosen)))
    record(
        action="cases.exported", by=request.user, project=request.project, cases=len(rows),
        filter=dict(request.GET.items()),
    )  # fmt: skip
    name = f"{request.project.name}_{_('Cases')}_{timezone.localdate():%Y-%m-%d}.xlsx"
    return download(workbook(_("Cases"), heads, rows), name)


@require_POST
@project_view(*MAY_VERIFY, Right.SET_REASON, Right.MANAGE_CAMPAIGN)
def cases_bulk(request: ProjectRequest) -> HttpResponse:
    """Verifies, gives a reason to, hands over, or starts letters for the ticked cases."""
    ticked = [int(pk) for pk in request.POST.getlist("case") if pk.isdecimal() and len(pk) < 18]
    chosen = list(visible_cases(request).filter(pk__in=ticked).select_related("project", "account").order_by("pk"))
    if not chosen:
        messages.warning(request, _("Tick the cases that are meant first."))
        return _back(request)
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _back(request)
    needed, do = act
    if not request.rights & set(needed):
        raise PermissionDenied
    return do(request, chosen)


def _verify(request: ProjectRequest, chosen: list[Case]) -> HttpResponseRedirect:
    now = timezone.now()
    if must_look_up(request, now=now):
        return _back(request)
    done = verify_cases(
        chosen, project=request.project, by=request.user, today=timezone.localdate(now), now=now,
        looked_up="looked_up" in request.POST,
    )  # fmt: skip
    messages.success(
        request, _("%(now)s verified, %(paid)s have paid meanwhile.") % {"now": done.now, "paid": done.paid}
    )
    return _back(request)


def _set_reason(request: ProjectRequest, chosen: list[Case]) -> HttpResponseRedirect:
    form = ReasonForm(request.POST, roles=request.roles)
    mine = Case.objects.filter(pk__in=[case.pk for case in chosen]).loggable_by(request.user, roles=request.roles)
    if not form.is_valid():
        messages.error(request, _("Choose a reason that you may set."))
        return _back(request)
    changed = set_reason(list(mine), form.chosen(), by=request.user, roles=request.roles, now=timezone.now())
    said = {"number": changed, "reason": form.chosen().label}
    messages.success(request, ngettext(
        "%(number)s case: the reason is %(reason)s now.", "%(number)s cases: the reason is %(reason)s now.", changed
    ) % said)  # fmt: skip
    return _back(request)


def _letters(request: ProjectRequest, chosen: list[Case]) -> HttpResponseRedirect:
    url = reverse("collection:letters_new", kwargs={"project_code": request.project.code})
    return redirect(f"{url}?{urlencode({'cases': ','.join(str(case.pk) for case in chosen)})}")


@transaction.atomic
def _reassign(request: ProjectRequest, chosen: list[Case]) -> HttpResponseRedirect:
    now = timezone.now()
    member = members_to_hand_over(request).filter(pk=_number(request.POST.get("member"))).first()
    if member is None:
        messages.error(request, _("Choose to whom they go."))
        return _back(request)
    team = Team.objects.active().get(project=request.project, members__user=member, members__left_on=None)
    try:
        changed = reassign(
            [case.pk for case in chosen], team=team, member=member, by=request.user,
            today=timezone.localdate(now), now=now,
        )  # fmt: skip
    except TeamsChangedError:
        messages.error(request, _("%(person)s may not answer for cases of this team.") % {"person": member.name})
    else:
        said = {"number": changed, "person": member.name}
        messages.success(request, ngettext(
            "%(number)s case went to %(person)s.", "%(number)s cases went to %(person)s.", changed
        ) % said)  # fmt: skip
    return _back(request)


ACTS = {
    "verify": (MAY_VERIFY, _verify),
    "reason": ((Right.SET_REASON,), _set_reason),
    "letters": ((Right.ISSUE_NOTICES,), _letters),
    "reassign": ((Right.MANAGE_CAMPAIGN,), _reassign),
}


def _filtered(request: ProjectRequest, form: CaseFilterForm) -> QuerySet[Case]:
    return filtered(visible_cases(request), form.wanted(), project=request.project, today=timezone.localdate())


def _size(request: ProjectRequest) -> int:
    size = _number(request.GET.get("size"))
    return size if size in SIZES else SIZES[0]


def _sheet_rows(request: ProjectRequest, chosen: list[Case]) -> Iterator[list[Cell]]:
    now = timezone.now()
    for start in range(0, len(chosen), CHUNK):
        for line in case_lines(chosen[start : start + CHUNK], project=request.project, now=now):
            yield _sheet_row(line)


def _sheet_row(line: CaseLine) -> list[Cell]:
    case, promise = line.case, line.promise
    return [
        case.account.unit.code, line.party, case.overdue, case.oldest_due_on,
        str(line.bucket.label) if line.bucket else "", line.reason.label, case.get_stage_display(), line.next_step,
        case.next_step_on, case.team.name if case.team else "", case.responsible.name if case.responsible else "",
        line.last_contact_on,
        promise.pay_by if promise else None, promise.amount if promise else None,
        promise.get_state_display() if promise else "",
    ]  # fmt: skip


def _own(request: ProjectRequest) -> dict[str, Any] | None:
    """For who answers for cases personally: the addresses of all that they see and of their own."""
    if not request.roles & (FIELD | HEAD):
        return None
    me = str(request.user.pk)
    return {
        "all": _with(request, "member", ""),
        "mine": _with(request, "member", me),
        "is_on": request.GET.get("member") == me,
    }


def _menus(request: ProjectRequest, form: CaseFilterForm) -> list[Menu]:
    """Filters that could be set, each choice with its address."""
    in_force = {name for name, _label in form.in_force()}
    return [
        Menu(name, str(field.label), [Option(str(label), _with(request, name, str(key))) for key, label in choices])
        for name, field in form.fields.items()
        if name not in in_force and (choices := [choice for choice in getattr(field, "choices", ()) if choice[0] != ""])
    ]


def _with(request: ProjectRequest, name: str, value: str) -> str:
    """The address of the list with ``name`` set to ``value``, or without it."""
    query = request.GET.copy()
    for gone in (name, "page"):
        query.pop(gone, None)
    if value:
        query[name] = value
    return f"?{query.urlencode()}"


def _back(request: ProjectRequest) -> HttpResponseRedirect:
    """To the list with the filter from which the act was sent."""
    given = request.POST.get("next", "")
    if given and url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(given)
    return redirect("collection:cases", project_code=request.project.code)


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 18 else 0
