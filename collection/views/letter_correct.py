"""Correcting a letter: what it said, what a new one would say, and the confirmation."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.letter_forms import CorrectionForm
from collection.letters import holder
from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.correcting import NotCorrectableError, check_correction, correct_letter, is_correctable
from notices.issuing import DEFAULT_DEADLINE_DAYS, BatchRefusedError, NothingToSendError
from notices.models import Notice


@project_view(Right.ISSUE_NOTICES)
def letter_correct(request: ProjectRequest, pk: int) -> HttpResponse:
    """更正: a new letter from the present ledger that names the old one and takes its place."""
    now = timezone.now()
    notice = _notice(request, pk)
    form = CorrectionForm(
        request.POST or None, initial={"deadline_on": timezone.localdate(now) + timedelta(days=DEFAULT_DEADLINE_DAYS)}
    )
    if request.method == "POST" and form.is_valid():
        response = _correct(request, notice, form, now)
        if response:
            return response
    preview = check_correction(
        notice, now=now, deadline_on=form.deadline_on_or_usual(), held=holder(request.project, now=now)
    )
    context = {
        "notice": notice,
        "form": form,
        "correctable": is_correctable(notice),
        "preview": preview,
        "entry": preview.included[0] if preview.included else None,
        "out": preview.left_out[0] if preview.left_out else None,
    }
    return TemplateResponse(request, "collection/letter_correct.html", context)


def _correct(request: ProjectRequest, notice: Notice, form: CorrectionForm, now: datetime) -> HttpResponse | None:
    try:
        batch = correct_letter(
            notice.pk, by=request.user, reason=form.cleaned_data["reason"], now=now,
            deadline_on=form.deadline_on_or_usual(), held=holder(request.project, now=now, lock=True),
        )  # fmt: skip
    except NotCorrectableError:
        messages.error(
            request, _("This letter cannot be corrected any more: another has taken its place, or it is void.")
        )
    except BatchRefusedError as error:
        messages.error(request, " ".join(error.faults))
    except NothingToSendError:
        messages.error(request, _("No letter can go to this account now; nothing was changed. Why is said below."))
    else:
        names = batch.notices.get().data["corrects"]
        messages.success(request, _("The correction is being made. It names %(number)s.") % {"number": names})
        return redirect("notices:batch_detail", project_code=request.project.code, pk=batch.pk)
    return None


def _notice(request: ProjectRequest, pk: int) -> Notice:
    rows = Notice.objects.visible_to(request.user).filter(project=request.project, pk=pk)
    notice = rows.select_related("project", "account__unit", "batch__law_firm", "recipient").first()
    if notice is None:
        raise Http404
    return notice
