"""The review of a case before its first contact."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from collection.case_forms import ReviewForm
from collection.reviewing import review_case
from collection.views.case import back_to, is_loggable, visible_case
from company.access import ProjectRequest, project_view
from company.rights import Right


@require_POST
@project_view(Right.LOG_CONTACTS)
def case_review(request: ProjectRequest, pk: int) -> HttpResponse:
    """Confirms that the file was read, all four parts of it."""
    shown = visible_case(request, pk)
    if not is_loggable(request, shown):
        raise PermissionDenied
    form = ReviewForm(request.POST)
    if form.is_valid():
        review_case(shown, by=request.user, now=timezone.now(), note=form.cleaned_data["note"])
        messages.success(request, _("Reviewed: the owner may be contacted within the limits."))
    else:
        messages.error(request, _("Read all four parts of the file and tick each of them; nothing was saved."))
    return back_to(request, shown)
