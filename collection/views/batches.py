"""Voiding letters of a batch: the cases behind them then wait for a letter again."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from collection.letter_forms import CancelForm
from collection.letters import cancel_letters, give_up_rest
from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.batches import BatchMovedError, BatchSentError
from notices.models import Batch


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_cancel(request: ProjectRequest, pk: int) -> HttpResponse:
    """Void the letters of a stopped batch that are not made yet."""
    batch = _batch(request, pk)
    try:
        number = give_up_rest(batch, by=request.user, now=timezone.now())
        text = ngettext(
            "%(number)s letter is void; its number is kept.",
            "%(number)s letters are void; their numbers are kept.",
            number,
        )
        messages.warning(request, text % {"number": number})
    except BatchMovedError:
        messages.info(request, _("The batch was not stopped any more."))
    return _back(request, batch)


@require_POST
@project_view(Right.ISSUE_NOTICES)
def batch_void(request: ProjectRequest, pk: int) -> HttpResponse:
    """Cancel a whole batch of which nothing was sent; the reason is kept."""
    batch = _batch(request, pk)
    form = CancelForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why the batch is cancelled."))
        return _back(request, batch)
    try:
        number = cancel_letters(batch, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now())
    except BatchSentError:
        messages.error(request, _("A letter of this batch has been sent: single letters can still be corrected."))
    except BatchMovedError:
        messages.info(request, _("The batch is cancelled already."))
    else:
        text = ngettext(
            "The batch is cancelled. %(number)s letter is void; its number is kept.",
            "The batch is cancelled. %(number)s letters are void; their numbers are kept.",
            number,
        )
        messages.warning(request, text % {"number": number})
    return _back(request, batch)


def _batch(request: ProjectRequest, pk: int) -> Batch:
    batches = Batch.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    batch = batches.select_related("project").first()
    if batch is None:
        raise Http404
    return batch


def _back(request: ProjectRequest, batch: Batch) -> HttpResponse:
    return redirect("notices:batch_detail", request.project.code, batch.pk)
