"""The statement of a unit, owner, building or project on the screen and as a copy to print."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.ageing_forms import DaysForm
from arrears.group_statements import group_statement as stated_of
from arrears.verification import payments_known_until
from arrears.views.ageing import group_of, shown_name
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import WHOLE_LEDGER_ROLES, Right
from notices.group_papers import group_data, print_group
from notices.press import PressError
from notices.views.files import named
from owners.personal_data import mask_party

PAGE_SIZE = 100


@project_view(Right.SEE_LEDGER)
def group_statement(request: ProjectRequest) -> HttpResponse:
    """What was owed, charged, received and is owed on each account of the group; each leads to its own statement."""
    if not request.roles & WHOLE_LEDGER_ROLES:
        return TemplateResponse(request, "arrears/ledger_of_cases.html")
    group, today = group_of(request), timezone.localdate()
    since, until = DaysForm(request.GET, today=today).days
    stated = stated_of(group, since=since, until=until, today=today)
    page = Paginator(stated.lines, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "group": group,
        "name": shown_name(group),
        "form": DaysForm(today=today, initial={"since": stated.since, "until": stated.until}),
        "page": page,
        "stated": stated,
        "since": since,
        "rows": [(line, mask_party(line.account.ownership.party_name)) for line in page],
        "known_until": payments_known_until(request.project),
    }
    return TemplateResponse(request, "notices/group_statement.html", context)


@require_POST
@project_view(Right.SEE_LEDGER)
def group_statement_copy(request: ProjectRequest) -> HttpResponse:
    """The statement of a group for reading in the office: no number, names masked. Recorded."""
    group, now = group_of(request), timezone.now()
    today = timezone.localdate(now)
    since, until = DaysForm(request.POST, today=today).days
    data = group_data(
        stated_of(group, since=since, until=until, today=today),
        request.project,
        name=shown_name(group),
        known_until=payments_known_until(request.project),
        today=today,
    )
    record(action="papers.copy_printed", by=request.user, project=request.project, of=group.kind.value, key=group.key)
    try:
        pdf = print_group(data).pdf
    except PressError:
        messages.error(request, _("The file could not be made. Try again; if it fails again, tell the administrator."))
        back = reverse("notices:group_statement", kwargs={"project_code": request.project.code})
        return redirect(f"{back}?of={group.kind.value}&key={group.key}")
    return named(HttpResponse(pdf, content_type="application/pdf"), f"{shown_name(group)}.pdf", inline=True)
