"""What is due today, and the row of it that folds out to log a call or message."""

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.http import trigger_client_event

from collection.contacts import record_contact
from collection.limits import clearances, passed_limits
from collection.messages import message_for
from collection.models import Case, ContactAttempt
from collection.models.cases import CaseQuerySet
from collection.requests import SubmissionReusedError
from collection.timeline import contact_title
from collection.verifying import needs_looking_up
from collection.views.contacts import WORKLIST, call_form
from collection.views.visits import loggable_case
from collection.worklist import Due, WorkLine, count_due, due_today, work_lines
from company.access import ProjectRequest, project_view
from company.models import User
from company.rights import HEAD, MANAGER, Right

PAGE_SIZE = 50
SHOWN = ("project", "account__unit", "account__ownership", "responsible")


class WorklistForm(forms.Form):
    """What stands in the address: one reason, and one member for who sees a team's."""

    what = forms.ChoiceField(required=False, choices=Due.choices)
    member = forms.ModelChoiceField(
        User.objects.none(), required=False, label=gettext_lazy("Responsible"), empty_label=gettext_lazy("everybody")
    )

    def __init__(self, data: Any, *, members: QuerySet[User]) -> None:
        super().__init__(data)
        choice: Any = self.fields["member"]
        choice.queryset = members

    def chosen(self) -> dict[str, Any]:
        """``what`` and ``member``; None for what is not chosen or cannot be read."""
        self.is_valid()
        what = self.cleaned_data.get("what")
        return {"what": Due(what) if what else None, "member": self.cleaned_data.get("member")}


@project_view(Right.LOG_CONTACTS)
def worklist(request: ProjectRequest) -> HttpResponse:
    """Own cases with something due; department heads see their team's, the project manager everybody's."""
    now = timezone.now()
    today = timezone.localdate(now)
    cases = _cases(request)
    form = WorklistForm(request.GET, members=_members(cases))
    chosen = form.chosen()
    if chosen["member"]:
        cases = cases.filter(responsible=chosen["member"])
    found = due_today(cases, project=request.project, roles=request.roles, today=today, what=chosen["what"])
    page = Paginator(found.select_related(*SHOWN), PAGE_SIZE).get_page(request.GET.get("page"))
    lines = work_lines(page.object_list, now=now)
    numbers = count_due(cases, project=request.project, roles=request.roles, today=today)
    context = {
        "filter": form,
        "what": chosen["what"],
        "total": numbers[None],
        "dues": [(due, numbers[due]) for due in Due],
        "page": page,
        "lines": lines,
        "unverified": [line.case for line in lines if not line.is_verified],
        "now": timezone.localtime(now),
        "today": today,
        "is_team": bool(request.roles & (HEAD | MANAGER)),
        "needs_looking_up": needs_looking_up(request.project, now=now),
    }
    return TemplateResponse(request, "collection/worklist.html", context)


@project_view(Right.LOG_CONTACTS)
def contact_quick(request: ProjectRequest, pk: int) -> HttpResponse:
    """The row of one case on the list: folded out on GET, recorded on POST. Without htmx there is a page for it."""
    now = timezone.now()
    case = loggable_case(request, pk)
    if not request.htmx:
        url = reverse("collection:contact_new", kwargs={"project_code": request.project.code, "pk": case.pk})
        return redirect(f"{url}?from={WORKLIST}")
    form = call_form(request, case, now=now, auto_id=f"id_{case.pk}_%s")
    contact = None
    if request.method == "POST" and form.is_valid():
        try:
            contact = record_contact(
                case, form.report(), by=request.user, roles=request.roles, now=now,
                submission=form.cleaned_data["submission"],
            )  # fmt: skip
        except SubmissionReusedError:
            form.add_error(None, _("This form was sent before with other content; what came first is kept."))
    context = {
        "line": _line(request, case),
        "form": None if contact or "fold" in request.GET else form,
        "done": contact_title(contact) if contact else "",
        "offered": None if contact else message_for(case, now=now),
        "may_send": not contact and clearances([case], ContactAttempt.Channel.WECHAT, now=now)[case.pk].allowed,
        "passed": passed_limits(contact) if contact else [],
        "today": timezone.localdate(now),
        "is_team": bool(request.roles & (HEAD | MANAGER)),
    }
    answer = TemplateResponse(request, "collection/parts/work_row.html", context)
    return trigger_client_event(answer, "work-done") if contact else answer  # the numbers above the list follow


def _line(request: ProjectRequest, case: Case) -> WorkLine:
    """The row as it is now, without reasons once nothing is due any more."""
    now = timezone.now()
    one = Case.objects.filter(pk=case.pk)
    due = due_today(one, project=request.project, roles=request.roles, today=timezone.localdate(now))
    return work_lines((due.select_related(*SHOWN) or one.select_related(*SHOWN))[:1], now=now)[0]


def _cases(request: ProjectRequest) -> CaseQuerySet:
    """The cases on which the person logs contacts: their own, the team's for heads, all for the manager."""
    return Case.objects.filter(project=request.project).loggable_by(request.user, roles=request.roles)


def _members(cases: CaseQuerySet) -> QuerySet[User]:
    """Who answers for one of them."""
    found: QuerySet[User] = User.objects.filter(pk__in=cases.open().values("responsible"))
    return found.order_by("name_key", "pk")
