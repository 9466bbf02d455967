"""A batch leaves the house: its signed scans come in, its letters go out."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.forms import may_be_an_id
from company.rights import Right
from notices.delivery_forms import DispatchForm, ScanForm
from notices.dispatching import Dispatched, dispatch
from notices.models import Batch, Notice
from notices.scan_archives import ScanRefusedError
from notices.sending_page import read_sending
from notices.signing import sign_batch

PAGE_SIZE = 100
MOST_NAMED = 5


@project_view(Right.ISSUE_NOTICES)
def batch_send(request: ProjectRequest, pk: int) -> HttpResponse:
    """签章与寄发: who is signed, who can go, who has gone; the forms for both."""
    batch, today = _batch(request, pk), timezone.localdate()
    sending = read_sending(batch, show=request.GET.get("show", ""), today=today)
    context = {
        "batch": batch,
        "sending": sending,
        "page": Paginator(sending.rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "scan_form": ScanForm(whole_batch=True),
        "dispatch_form": DispatchForm(
            kind=batch.kind, today=today, whole_batch=True, initial={"channel": batch.channel}
        ),
    }
    return TemplateResponse(request, "notices/batch_send.html", context)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_scans(request: ProjectRequest, pk: int) -> HttpResponse:
    """Keeps the signed scans of a batch: all of the upload or nothing of it."""
    batch = _batch(request, pk)
    form = ScanForm(request.POST, request.FILES, whole_batch=True)
    if not form.is_valid():
        messages.error(request, _("Choose the PDF or ZIP of the signed letters first."))
        return _back(request, batch)
    try:
        signed = sign_batch(batch, form.cleaned_data["scan"], by=request.user, now=timezone.now())
    except ScanRefusedError as error:
        messages.error(request, str(error))
    else:
        text = ngettext("%(number)s signed scan is kept.", "%(number)s signed scans are kept.", signed)
        messages.success(request, text % {"number": signed})
    return _back(request, batch)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_dispatch(request: ProjectRequest, pk: int) -> HttpResponse:
    """Records the dispatch of the ticked letters, or of all that can go."""
    batch, now = _batch(request, pk), timezone.now()
    form = DispatchForm(request.POST, kind=batch.kind, today=timezone.localdate(now), whole_batch=True)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return _back(request, batch)
    letters = batch.notices.filter(state=Notice.State.ISSUED)
    if "all" not in request.POST:
        letters = letters.filter(pk__in=[pk for pk in request.POST.getlist("letter") if may_be_an_id(pk)])
    ids = list(letters.values_list("pk", flat=True))
    if not ids:
        messages.error(request, _("Tick the letters first."))
        return _back(request, batch)
    done = dispatch(request.project, ids, form.order(ids), by=request.user, now=now)
    _tell(request, done)
    return _back(request, batch)


def _tell(request: ProjectRequest, done: Dispatched) -> None:
    if done.sent:
        text = ngettext(
            "%(number)s letter is recorded as handed in.",
            "%(number)s letters are recorded as handed in.",
            len(done.sent),
        )
        messages.success(request, text % {"number": len(done.sent)})
    for letter, obstacle in done.kept_back[:MOST_NAMED]:
        messages.error(request, f"{letter.number}：{obstacle.label}")
    if (more := len(done.kept_back) - MOST_NAMED) > 0:
        messages.error(request, _("And %(more)s more that were kept back.") % {"more": more})


def _batch(request: ProjectRequest, pk: int) -> Batch:
    batches = Batch.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    batch = batches.select_related("project", "law_firm").first()
    if batch is None:
        raise Http404
    return batch


def _back(request: ProjectRequest, batch: Batch) -> HttpResponseRedirect:
    return redirect("notices:batch_send", request.project.code, batch.pk)
