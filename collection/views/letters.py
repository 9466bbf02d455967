"""Letters for cases: choose, see who is in and who is left out, confirm; the batch is then a page of notices."""

from collections.abc import Iterable
from dataclasses import replace
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
from django.utils.translation import ngettext

from collection.letter_check import check_page
from collection.letter_forms import MOST_CASES, ChoiceForm, LetterForm, MarksForm
from collection.letters import Changes, LetterOrder, changes_since, issue_letters, preview_letters, usual_occasion
from collection.models import Case
from collection.models.cases import CaseQuerySet
from collection.verifying import verify_cases
from collection.views.case import must_look_up
from company.access import ProjectRequest, project_view
from company.forms import may_be_an_id
from company.rights import Right
from notices.issuing import DEFAULT_DEADLINE_DAYS, BatchRefusedError, NothingToSendError

LONGEST_IN_ADDRESS = 2_000
"""Ids of cases in signs; longer lists are chosen anew."""
ROOMS_NAMED = 8


@project_view(Right.ISSUE_NOTICES)
def letters_new(request: ProjectRequest) -> HttpResponse:
    """GET chooses cases by what stands in the address; POST checks them, changes the list that is checked, verifies
    those that need it, or confirms."""
    now = timezone.now()
    choice = ChoiceForm(_listed(request), project=request.project)
    cases = _cases(request, choice, now)
    letter = _letter_form(request, choice, now)
    marks = MarksForm(request.POST)
    number = cases.count()
    if number > MOST_CASES:
        text = _("%(number)s cases are more than the %(most)s of one batch: choose fewer, for example by team.")
        messages.error(request, text % {"number": number, "most": MOST_CASES})
    elif request.method == "POST" and number and choice.is_valid() and letter.is_valid() and marks.is_valid():
        return _act(request, choice, letter, marks, list(cases), now)
    total = cases.aggregate(amount=Sum("overdue"))["amount"]
    context = {"choice": choice, "letter": letter, "marks": marks, "number": number, "amount": total or 0}
    return TemplateResponse(request, "collection/letters_new.html", context)


def _act(
    request: ProjectRequest, choice: ChoiceForm, letter: LetterForm, marks: MarksForm, cases: list[Case], now: datetime
) -> HttpResponse:
    _mark(request, marks)
    order = LetterOrder(
        project=request.project,
        kind=choice.wanted_kind,
        occasion=letter.cleaned_data["occasion"].strip(),
        deadline_on=letter.cleaned_data.get("deadline_on"),
        cases=cases,
        terms=letter.terms(marks),
    )
    act = request.POST.get("act")
    if act == "confirm":
        return _confirm(request, order, choice, letter, marks, now)
    if act == "verify" and not must_look_up(request, now=now):
        _verify(request, order, now)
        now = timezone.now()
    return _checked(request, order, choice, letter, marks, now)


def _listed(request: ProjectRequest) -> dict[str, str]:
    """The fields as given, with several ``case`` parameters (boxes ticked in a list) joined to ``cases``."""
    given = request.POST if request.method == "POST" else request.GET
    fields = {name: given.get(name, "") for name in ChoiceForm.base_fields}
    ticked = given.getlist("case")
    return fields | ({"cases": ",".join(ticked)} if ticked else {})


def _cases(request: ProjectRequest, form: ChoiceForm, now: datetime) -> CaseQuerySet:
    visible = Case.objects.visible_to(request.user).filter(project=request.project)
    if not form.is_valid():
        return visible.none()
    return form.choice().cases(visible, today=timezone.localdate(now)).select_related("account__unit", "project")


def _letter_form(request: ProjectRequest, choice: ChoiceForm, now: datetime) -> LetterForm:
    today = timezone.localdate(now)
    return LetterForm(
        request.POST if request.method == "POST" else None,
        kind=choice.wanted_kind,
        occasion=request.GET.get("occasion") or usual_occasion(request.project, today=today),
        deadline_on=_day(request.GET.get("deadline_on", "")) or today + timedelta(days=DEFAULT_DEADLINE_DAYS),
    )


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _mark(request: ProjectRequest, marks: MarksForm) -> None:
    """A button in a row takes one account out, takes it in again, or sends its letter to the other address."""
    for button, name in (("take_out", "taken_out"), ("take_in", "taken_out"), ("switch", "switched")):
        pressed = request.POST.get(button, "")
        if may_be_an_id(pressed):
            marks.cleaned_data[name] = sorted(set(marks.cleaned_data[name]) ^ {int(pressed)})


def _checked(
    request: ProjectRequest, order: LetterOrder, choice: ChoiceForm, letter: LetterForm, marks: MarksForm, now: datetime
) -> HttpResponse:
    preview = preview_letters(order, now=now)
    context = {
        "choice": choice,
        "letter": letter,
        "check": check_page(
            order, preview, sort=request.POST.get("sort", ""), number=request.POST.get("page"), rights=request.rights
        ),
        "preview": preview,
        "case_ids": _joined(case.pk for case in order.cases),
        "marks": {name: _joined(marks.cleaned_data[name]) for name in ("taken_out", "switched")},
        "again": _again(choice, letter),
    }
    return TemplateResponse(request, "collection/letters_check.html", context)


def _joined(ids: Iterable[int]) -> str:
    return ",".join(str(pk) for pk in ids)


def _again(choice: ChoiceForm, letter: LetterForm) -> str:
    """What was chosen and written, for the address that one goes back to."""
    given = {name: choice[name].value() for name in choice.fields}
    for name in ("cases", "accounts"):
        if len(given[name] or "") > LONGEST_IN_ADDRESS:
            del given[name]
    given |= {name: letter[name].value() for name in ("occasion", "deadline_on") if name in letter.fields}
    return urlencode({name: value for name, value in given.items() if value})


def _verify(request: ProjectRequest, order: LetterOrder, now: datetime) -> None:
    """Verify those that are not; who was verified before keeps that."""
    done = verify_cases(
        order.cases, project=request.project, by=request.user, today=timezone.localdate(now), now=now,
        looked_up="looked_up" in request.POST,
    )  # fmt: skip
    messages.success(request, _("%(number)s accounts verified.") % {"number": done.now})


def _confirm(
    request: ProjectRequest, order: LetterOrder, choice: ChoiceForm, letter: LetterForm, marks: MarksForm, now: datetime
) -> HttpResponse | HttpResponseRedirect:
    checked = marks.cleaned_data["checked"]
    seen = replace(order, terms=replace(order.terms, checked=frozenset(checked))) if checked else order
    try:
        batch = issue_letters(seen, by=request.user, now=now)
    except BatchRefusedError as error:
        messages.error(request, " ".join(error.faults))
    except NothingToSendError:
        messages.error(request, _("Nobody is left to write to: look below why each case is left out."))
    else:
        if checked:
            _say_changes(request, changes_since(batch, checked))
        return redirect("notices:batch_detail", project_code=request.project.code, pk=batch.pk)
    return _checked(request, order, choice, letter, marks, now)


def _say_changes(request: ProjectRequest, changes: Changes) -> None:
    """What is otherwise than on the list that the person had before them."""
    if out := changes.fell_out:
        rooms = [f"{entry.unit_code} ({entry.group or entry.reason.label})" for entry in out]
        text = ngettext(
            "Since you checked the list %(number)s household fell out: %(rooms)s",
            "Since you checked the list %(number)s households fell out: %(rooms)s",
            len(out),
        )
        messages.warning(request, text % {"number": len(out), "rooms": _rooms(rooms)})
    if other := changes.other_amount:
        text = _("Since you checked the list the amount has changed for: %(rooms)s")
        messages.warning(request, text % {"rooms": _rooms(other)})
    if late := changes.unchecked:
        text = _("These could be written to only after you had checked the list, and get no letter yet: %(rooms)s")
        messages.info(request, text % {"rooms": _rooms(late)})


def _rooms(rooms: list[str]) -> str:
    named = _(", ").join(rooms[:ROOMS_NAMED])
    more = len(rooms) - ROOMS_NAMED
    return named if more <= 0 else _("%(rooms)s and %(more)s more") % {"rooms": named, "more": more}
