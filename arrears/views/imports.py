"""Imports: the list, the upload, and one import on its way into the ledger."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from arrears.import_forms import ColumnsForm, UnitsForm, UploadForm
from arrears.importing.layout import Layout
from arrears.importing.marking import mark_errors
from arrears.importing.messages import WARNINGS, refusal_text
from arrears.importing.overview import (
    brings_nothing,
    count_issues,
    fee_lines,
    issue_lines,
    method_lines,
    part_lines,
    progress_of,
    same_file_before,
    seal_of,
    steps_of,
    total_lines,
    window_lines,
)
from arrears.importing.reading import Refusal
from arrears.importing.states import MoveError, State
from arrears.importing.steps import (
    CONSENTS,
    approve,
    ask_for_undo,
    back_to_columns,
    cancel,
    confirm_columns,
    start_import,
)
from arrears.importing.unit_decisions import decide_units, unknown_units
from arrears.models import FeeType, Import, ImportIssue
from arrears.views.ledger import CountedPaginator
from company.access import ProjectRequest, project_view
from company.rights import Right

PAGE_SIZE = 25
ISSUES_ON_PAGE = 50
TOO_LARGE = 413
FORM_BYTES = 1 << 20
"""What the fields beside the file take of an upload, at most."""
GROUPS: dict[str, tuple[str | Promise, tuple[State, ...]]] = {
    "waiting": (gettext_lazy("Waiting for you"), Import.ASKING_STATES),
    "running": (gettext_lazy("Under way"), Import.WAITING_STATES + Import.WORKING_STATES),
    "posted": (pgettext_lazy("import", "Posted"), (State.POSTED,)),
    "refused": (gettext_lazy("Refused"), (State.REFUSED,)),
    "cancelled": (gettext_lazy("Cancelled"), (State.CANCELLED,)),
    "undone": (gettext_lazy("Undone"), (State.UNDONE,)),
}
SORTED_BY = {
    "file": "file_name",
    "kind": "kind",
    "rows": "rows",
    "due": "due",
    "paid": "paid",
    "outstanding": "outstanding",
    "by": "created_by__name",
    "at": "pk",
}
UNDER_WAY = Import.WAITING_STATES + Import.WORKING_STATES


@project_view(Right.POST_MONEY)
def imports(request: ProjectRequest) -> HttpResponse:
    """All imports of the project, newest first."""
    found = Import.objects.visible_to(request.user).filter(project=request.project)
    counts: dict[str, int] = dict(found.order_by().values_list("state").annotate(Count("pk")))
    groups = [(key, label, sum(counts.get(state, 0) for state in states)) for key, (label, states) in GROUPS.items()]
    chosen = request.GET.get("state", "")
    if chosen in GROUPS:
        found = found.filter(state__in=GROUPS[chosen][1])
    shown = sum(number for key, _label, number in groups if chosen in ("", key) or chosen not in GROUPS)
    rows = found.select_related("created_by").defer("layout", "findings").order_by(*_order(request.GET.get("sort", "")))
    page = CountedPaginator(rows, PAGE_SIZE, count=shown).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "groups": groups,
        "chosen": chosen if chosen in GROUPS else "",
        "all": sum(counts.values()),
    }
    return TemplateResponse(request, "arrears/imports.html", context)


def _order(wanted: str) -> tuple[str, str]:
    column = SORTED_BY.get(wanted.removeprefix("-"))
    return (f"-{column}" if wanted.startswith("-") else column, "-pk") if column else ("-pk", "-pk")


@csrf_exempt  # finding the token reads the whole body: an upload that is too large is refused before that
@project_view(Right.POST_MONEY)
def import_new(request: ProjectRequest) -> HttpResponse:
    """Takes a workbook. Nothing of it is in the ledger yet."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > (settings.IMPORT_MAX_MB << 20) + FORM_BYTES:
        messages.error(request, refusal_text("too_big", {"limit": settings.IMPORT_MAX_MB}))
        return _upload_page(request, UploadForm(), status=TOO_LARGE)
    return _take_upload(request)


@csrf_protect
def _take_upload(request: ProjectRequest) -> HttpResponse:
    is_sent = request.method == "POST"
    asked = {"kind": request.GET.get("kind") or Import.Kind.CHARGES}
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm(initial=asked)
    if is_sent and form.is_valid():
        try:
            workbook = start_import(
                request.project,
                form.cleaned_data["workbook"],
                kind=Import.Kind(form.cleaned_data["kind"]),
                by=request.user,
                create_units=form.cleaned_data["create_units"],
            )
        except Refusal as refusal:
            form.add_error("workbook", refusal_text(refusal.code, refusal.params))
        else:
            return _back(request, workbook)
    return _upload_page(request, form)


def _upload_page(request: ProjectRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "steps": steps_of(None)}
    return TemplateResponse(request, "arrears/import_new.html", context, status=status)


@project_view(Right.POST_MONEY)
def import_detail(request: ProjectRequest, pk: int) -> HttpResponse:
    """One import, at the step where it stands."""
    workbook = _import(request, pk)
    if request.htmx and workbook.state not in UNDER_WAY:
        refresh: HttpResponse = HttpResponseClientRefresh()
        return refresh
    return _page(request, workbook)


@require_POST
@project_view(Right.POST_MONEY)
def import_columns(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes the columns that a person confirms, and has the rows checked."""
    workbook = _import(request, pk)
    if workbook.state != State.COLUMNS:
        return _moved_on(request, workbook)
    form = _columns_form(workbook, request.POST)
    if form.is_valid():
        try:
            confirm_columns(
                workbook,
                form.chosen,
                create_units=form.cleaned_data["create_units"],
                left_out=form.left_out,
                as_of=form.cleaned_data.get("as_of"),
                options=form.options,
                by=request.user,
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal_text(refusal.code, refusal.params))
        except MoveError:
            return _moved_on(request, workbook)
        else:
            return _back(request, workbook)
    return _page(request, workbook, form=form)


@project_view(Right.POST_MONEY)
def import_units(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes which units are meant by rooms that the register lacks, and has the rows checked anew."""
    workbook = _import(request, pk)
    if request.method != "POST":  # a link of the page that showed a refused decision
        return _back(request, workbook)
    if workbook.state != State.CHECKED:
        return _moved_on(request, workbook)
    form = _units_form(workbook, request.POST)
    if not form.is_valid():
        return _page(request, workbook, units_form=form)
    try:
        decide_units(workbook, form.meant, by=request.user)
    except MoveError:
        return _moved_on(request, workbook)
    return _back(request, workbook)


@require_POST
@project_view(Right.POST_MONEY)
def import_post(request: ProjectRequest, pk: int) -> HttpResponse:
    """Has the checked rows posted, all or the good ones only. Only the figures that the person saw are posted."""
    workbook = _import(request, pk)
    if workbook.state == State.CHECKED and request.POST.get("seal") != seal_of(workbook):
        messages.warning(request, _("The file was checked anew meanwhile. Look at the figures below, then post."))
        return _back(request, workbook)
    try:
        consents = [name for name in CONSENTS if name in request.POST]
        approve(workbook, good_rows_only=request.POST.get("rows") == "good", by=request.user, consents=consents)
    except Refusal as refusal:
        messages.error(request, refusal_text(refusal.code, refusal.params))
    except MoveError:
        return _moved_on(request, workbook)
    return _back(request, workbook)


@require_POST
@project_view(Right.POST_MONEY)
def import_back(request: ProjectRequest, pk: int) -> HttpResponse:
    """Back from the check to the columns."""
    workbook = _import(request, pk)
    try:
        back_to_columns(workbook)
    except MoveError:
        return _moved_on(request, workbook)
    return _back(request, workbook)


@require_POST
@project_view(Right.POST_MONEY)
def import_cancel(request: ProjectRequest, pk: int) -> HttpResponse:
    """Gives an import up before anything of it was posted."""
    workbook = _import(request, pk)
    try:
        cancel(workbook, by=request.user)
    except MoveError:
        return _moved_on(request, workbook)
    messages.success(request, _("Cancelled. Nothing of the file was posted."))
    return _back(request, workbook)


@project_view(Right.POST_MONEY)
def import_undo(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks, then has a posted import taken back as a whole; a worker does it, or says what depends on it."""
    workbook = _import(request, pk)
    if workbook.state != State.POSTED:
        messages.warning(request, _("Only a posted import can be undone."))
        return _back(request, workbook)
    if request.method != "POST":
        return TemplateResponse(request, "arrears/import_undo.html", {"import": workbook})
    try:
        ask_for_undo(workbook, by=request.user)
    except MoveError:
        return _moved_on(request, workbook)
    return _back(request, workbook)


@project_view(Right.POST_MONEY)
def import_marked(request: ProjectRequest, pk: int) -> HttpResponse:
    """On to the copy of the workbook with its bad cells marked; made now where the worker has not."""
    workbook = _import(request, pk)
    try:
        stored = workbook.marked_file or mark_errors(workbook.pk)
    except Refusal as refusal:
        messages.error(request, refusal_text(refusal.code, refusal.params))
        return _back(request, workbook)
    if stored is None:
        return _back(request, workbook)
    return redirect("company:file", project_code=request.project.code, pk=stored.pk)


def _columns_form(workbook: Import, data: Any = None) -> ColumnsForm:
    """The choice of columns, as sent or as guessed and decided before."""
    known = {"create_units": workbook.create_units, **workbook.options}
    if workbook.as_of:
        known["as_of"] = workbook.as_of
    return ColumnsForm(
        data,
        layout=Layout.from_json(workbook.layout),
        kind=workbook.kind,
        fees=FeeType.objects.filter(project=workbook.project_id),
        initial=known,
    )


def _units_form(workbook: Import, data: Any = None) -> UnitsForm:
    return UnitsForm(data, project=workbook.project, unknown=unknown_units(workbook))


def _page(
    request: ProjectRequest, workbook: Import, *, form: ColumnsForm | None = None, units_form: UnitsForm | None = None
) -> HttpResponse:
    """The page of an import at its step; the forms hold columns or units that were refused."""
    context: dict[str, Any] = {
        "import": workbook,
        "steps": steps_of(workbook),
        "same_file": same_file_before(workbook) if workbook.state in Import.OPEN_STATES else None,
    }
    match workbook.state:
        case State.COLUMNS:
            layout = Layout.from_json(workbook.layout)
            form = form or _columns_form(workbook)
            context |= {"layout": layout, "form": form, "parts": list(form.parts())}
        case State.CHECKED | State.POSTED | State.UNDONE:
            context |= _findings(request, workbook)
            if workbook.state == State.CHECKED and context["counts"].unknown_units:
                context["units_form"] = units_form or _units_form(workbook)
            if workbook.refusal:
                context["reason"] = refusal_text(workbook.refusal, workbook.refusal_params)
        case State.REFUSED:
            context["reason"] = refusal_text(workbook.refusal, workbook.refusal_params)
        case state if state in UNDER_WAY:
            context["progress"] = progress_of(workbook, now=timezone.now())
    return TemplateResponse(request, "arrears/import_detail.html", context)


def _findings(request: ProjectRequest, workbook: Import) -> dict[str, Any]:
    """Sums, remarks and the list of errors, or of one kind of remark."""
    counts, totals, fees = count_issues(workbook), total_lines(workbook), fee_lines(workbook)
    shown = request.GET.get("show", "")
    issues = workbook.issues.filter(severity=ImportIssue.Severity.ERROR)
    if shown in WARNINGS:
        issues = workbook.issues.filter(severity=ImportIssue.Severity.WARNING, code=shown)
    page = Paginator(issues, ISSUES_ON_PAGE).get_page(request.GET.get("page"))
    return {
        "counts": counts,
        "totals": totals,
        "differing": [line for line in totals if line.difference],
        "fees": fees,
        "windows": window_lines(workbook),
        "methods": method_lines(workbook),
        "parts": part_lines(workbook),
        "new": Decimal(workbook.findings.get("new", "0")) if not fees else sum(fee.new for fee in fees),
        "replaces": Decimal(workbook.findings.get("replaces", "0")),
        "ahead": Decimal(workbook.findings.get("ahead", "0")),
        "settled": Decimal(workbook.findings.get("settled", "0")),
        "brings_nothing": brings_nothing(workbook),
        "held": Decimal(workbook.findings.get("held", "0")),
        "credit": Decimal(workbook.findings.get("credit", "0")),
        "page": page,
        "issues": issue_lines(workbook, list(page)),
        "shown": next((remark for remark in counts.remarks if remark.code == shown), None),
        "seal": seal_of(workbook),
    }


def _import(request: ProjectRequest, pk: int) -> Import:
    found: Any = Import.objects.visible_to(request.user).filter(project=request.project)
    related = found.select_related("project", "file", "marked_file", "created_by", "posted_by", "undone_by")
    workbook: Import = get_object_or_404(related, pk=pk)
    return workbook


def _moved_on(request: ProjectRequest, workbook: Import) -> HttpResponse:
    """Tells who comes second where the import stands by now."""
    now_at = _import(request, workbook.pk)
    name = now_at.posted_by.name if now_at.posted_by else ""
    match now_at.state:
        case State.UNDO_ASKED | State.UNDOING | State.UNDONE if now_at.undone_by:
            text = _("%(name)s has had this import undone; what you sent changed nothing.") % {
                "name": now_at.undone_by.name
            }
        case State.APPROVED | State.POSTING:
            text = _("%(name)s is posting this file already; what you sent changed nothing.") % {"name": name}
        case State.POSTED:
            text = _("%(name)s has posted this file already; what you sent changed nothing.") % {"name": name}
        case State.CANCELLED:
            text = _("This import was cancelled meanwhile; nothing of it was posted.")
        case _:
            text = _("This import has moved on meanwhile (%(state)s); what you sent changed nothing.") % {
                "state": now_at.get_state_display()
            }
    messages.warning(request, text)
    return _back(request, workbook)


def _back(request: ProjectRequest, workbook: Import) -> HttpResponse:
    return redirect("arrears:import_detail", project_code=request.project.code, pk=workbook.pk)
