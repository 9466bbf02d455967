"""Letters for cases: choose, see who is in and who is left out, confirm; the batch is then a page of notices."""

from datetime import date, datetime, timedelta

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from collection.letter_forms import ChoiceForm, LetterForm
from collection.letters import LetterOrder, issue_letters, one_envelope, preview_letters, usual_occasion
from collection.models import Case
from collection.models.cases import CaseQuerySet
from collection.verifying import verify_cases
from collection.views.case import must_look_up
from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.issuing import DEFAULT_DEADLINE_DAYS, BatchRefusedError, NothingToSendError
from notices.models import NoticeKind

LONGEST_IN_ADDRESS = 2_000
"""Ids of cases in signs; longer lists are chosen anew."""


@project_view(Right.ISSUE_NOTICES)
def letters_new(request: ProjectRequest) -> HttpResponse:
    """GET chooses cases by what stands in the address; POST checks them, verifies those that need it, or confirms."""
    now = timezone.now()
    given = request.POST if request.method == "POST" else request.GET
    choice = ChoiceForm(_listed(given), project=request.project)
    cases = _cases(request, choice, now)
    letter = _letter_form(request, now)
    if request.method == "POST" and choice.is_valid() and letter.is_valid() and cases.exists():
        order = _order(request, letter, cases)
        act = request.POST.get("act")
        if act == "confirm":
            return _confirm(request, order, choice, letter, now)
        if act == "verify" and not must_look_up(request, now=now):
            _verify(request, order, now)
            now = timezone.now()
        return _checked(request, order, choice, letter, now)
    total = cases.aggregate(amount=Sum("overdue"))["amount"]
    context = {"choice": choice, "letter": letter, "number": cases.count(), "amount": total or 0}
    return TemplateResponse(request, "collection/letters_new.html", context)


def _listed(given: object) -> dict[str, str]:
    """The fields as given, with several ``case`` parameters (boxes ticked in a list) joined to ``cases``."""
    fields = {name: given.get(name, "") for name in ChoiceForm.base_fields}  # type: ignore[attr-defined]
    ticked = given.getlist("case")  # type: ignore[attr-defined]
    return fields | ({"cases": ",".join(ticked)} if ticked else {})


def _cases(request: ProjectRequest, form: ChoiceForm, now: datetime) -> CaseQuerySet:
    visible = Case.objects.visible_to(request.user).filter(project=request.project)
    if not form.is_valid():
        return visible.none()
    return form.choice().cases(visible, today=timezone.localdate(now)).select_related("account__unit", "project")


def _letter_form(request: ProjectRequest, now: datetime) -> LetterForm:
    today = timezone.localdate(now)
    return LetterForm(
        request.POST if request.method == "POST" else None,
        occasion=request.GET.get("occasion") or usual_occasion(request.project, today=today),
        deadline_on=_day(request.GET.get("deadline_on", "")) or today + timedelta(days=DEFAULT_DEADLINE_DAYS),
    )


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _order(request: ProjectRequest, letter: LetterForm, cases: CaseQuerySet) -> LetterOrder:
    return LetterOrder(
        project=request.project,
        kind=NoticeKind(letter.cleaned_data["kind"]),
        occasion=letter.cleaned_data["occasion"].strip(),
        deadline_on=letter.cleaned_data["deadline_on"],
        cases=list(cases),
    )


def _checked(
    request: ProjectRequest, order: LetterOrder, choice: ChoiceForm, letter: LetterForm, now: datetime
) -> HttpResponse:
    context = {
        "choice": choice,
        "letter": letter,
        "preview": preview_letters(order, now=now),
        "one_envelope": one_envelope(order),
        "case_ids": ",".join(str(case.pk) for case in order.cases),
        "again": _again(choice, letter),
    }
    return TemplateResponse(request, "collection/letters_check.html", context)


def _again(choice: ChoiceForm, letter: LetterForm) -> str:
    """What was chosen and written, for the address that one goes back to."""
    given = {name: choice[name].value() for name in choice.fields}
    if len(given["cases"] or "") > LONGEST_IN_ADDRESS:
        del given["cases"]
    given |= {name: letter[name].value() for name in ("occasion", "deadline_on")}
    return urlencode({name: value for name, value in given.items() if value})


def _verify(request: ProjectRequest, order: LetterOrder, now: datetime) -> None:
    """Verify those that are not; who was verified before keeps that."""
    done = verify_cases(
        order.cases, project=request.project, by=request.user, today=timezone.localdate(now), now=now,
        looked_up="looked_up" in request.POST,
    )  # fmt: skip
    messages.success(request, _("%(number)s accounts verified.") % {"number": done.now})


def _confirm(
    request: ProjectRequest, order: LetterOrder, choice: ChoiceForm, letter: LetterForm, now: datetime
) -> HttpResponse | HttpResponseRedirect:
    try:
        batch = issue_letters(order, by=request.user, now=now)
    except BatchRefusedError as error:
        messages.error(request, " ".join(error.faults))
    except NothingToSendError:
        messages.error(request, _("Nobody is left to write to: look below why each case is left out."))
    else:
        return redirect("notices:batch_detail", project_code=request.project.code, pk=batch.pk)
    return _checked(request, order, choice, letter, now)
