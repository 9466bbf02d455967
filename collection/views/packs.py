"""Visit packs: made from the round, opened once to be printed, and their receipt forms accounted for."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from collection.models import ReceiptForm, VisitPack
from collection.models.packs import MOST_FORMS, VisitPackQuerySet
from collection.pack_pages import file_of
from collection.visit_packs import (
    Again,
    CopyHandedOutError,
    FormsSettledError,
    NobodyToVisitError,
    OwnFormsError,
    PackOvertakenError,
    PackRefusedError,
    PrintedAgainError,
    UnprintablePackError,
    UnverifiedRoundError,
    form_lines,
    hand_out,
    make_pack,
    settle_forms,
)
from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.press import PressError

PAGE_SIZE = 30
USUAL_FORMS = 5


class PackForm(forms.Form):
    """How many blank receipts go along; of a reprint also why."""

    receipts = forms.IntegerField(
        label=gettext_lazy("Blank receipts"), min_value=0, max_value=MOST_FORMS, initial=USUAL_FORMS,
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("Why it is printed again"), max_length=200, required=False)


class SettleForm(forms.Form):
    """What became of receipt forms; how one was lost is said."""

    outcome = forms.ChoiceField(label=gettext_lazy("What became of them"), choices=ReceiptForm.Outcome.choices)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("outcome") == ReceiptForm.Outcome.LOST and not given.get("note"):
            self.add_error("note", _("Say how it was lost."))
        return given


@project_view(Right.LOG_CONTACTS, Right.CONFIRM_CASH)
def packs(request: ProjectRequest) -> HttpResponse:
    """The copies that were made, the latest first, with the forms that are still out."""
    page = Paginator(_shown(request), PAGE_SIZE).get_page(request.GET.get("page"))
    lines = form_lines(list(page.object_list))
    rows = [(pack, lines[pack.pk], sum(line.is_out for line in lines[pack.pk])) for pack in page.object_list]
    return TemplateResponse(request, "collection/packs.html", {"page": page, "rows": rows})


@require_POST
@project_view(Right.LOG_CONTACTS)
def pack_new(request: ProjectRequest) -> HttpResponse:
    """Makes a copy of today's round of the person."""
    form = PackForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Between 0 and %(most)s blank receipts.") % {"most": MOST_FORMS})
        return redirect("collection:round", project_code=request.project.code)
    return _make(request, form.cleaned_data["receipts"], again=None, refused_to="collection:round")


@require_POST
@project_view(Right.LOG_CONTACTS)
def pack_again(request: ProjectRequest, pk: int) -> HttpResponse:
    """Makes the next copy, of the round as it is now, under a new number."""
    pack = get_object_or_404(_shown(request), pk=pk)
    if pack.member_id != request.user.pk:
        raise PermissionDenied
    form = PackForm(request.POST)
    if not form.is_valid() or not form.cleaned_data["reason"]:
        messages.error(request, _("Say why it is printed again."))
        return redirect("collection:pack", project_code=request.project.code, pk=pk)
    again = Again(pack, form.cleaned_data["reason"])
    return _make(request, form.cleaned_data["receipts"], again=again, refused_to="collection:round")


@project_view(Right.LOG_CONTACTS, Right.CONFIRM_CASH)
def pack(request: ProjectRequest, pk: int) -> HttpResponse:
    """One copy: what is in it, who opened it, and each of its forms."""
    shown = get_object_or_404(_shown(request), pk=pk)
    lines = form_lines([shown])[shown.pk]
    context = {
        "pack": shown,
        "lines": lines,
        "out": sum(line.is_out for line in lines),
        "letters": [packed.notice for packed in shown.letters.select_related("notice__account__unit")],
        "next_copy": shown.reprints.first(),
        "is_mine": shown.member_id == request.user.pk,
        "settle_form": SettleForm(),
        "again_form": PackForm(),
    }
    return TemplateResponse(request, "collection/pack.html", context)


@require_POST
@project_view(Right.LOG_CONTACTS)
def pack_file(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The PDF, to be printed once; whoever opened it before prints it again under a new number."""
    shown = get_object_or_404(_shown(request), pk=pk)
    if shown.member_id != request.user.pk:
        raise PermissionDenied
    try:
        stored = file_of(shown)
        hand_out(shown.pk, by=request.user, now=timezone.now())
    except PressError:
        messages.error(request, _("The pack could not be made just now. Try again; its number stays."))
    except CopyHandedOutError:
        messages.error(request, _("This copy was printed. Print it again to get another, under a number of its own."))
    except PackOvertakenError:
        messages.error(
            request, _("This copy is of another day, or a letter in it does not hold any more. Print it again.")
        )
    else:
        response = FileResponse(stored.file.open("rb"), as_attachment=True, filename=stored.name)
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response
    return redirect("collection:pack", project_code=request.project.code, pk=pk)


@require_POST
@project_view(Right.LOG_CONTACTS, Right.CONFIRM_CASH)
def pack_forms(request: ProjectRequest, pk: int) -> HttpResponse:
    """Notes that receipt forms came back unused or spoiled, or are lost; by another than who took them along."""
    shown = get_object_or_404(_shown(request), pk=pk)
    ticked = [int(one) for one in request.POST.getlist("form") if one.isdecimal() and len(one) < 18]
    form = SettleForm(request.POST)
    if not ticked:
        messages.error(request, _("Tick the forms that are meant first."))
    elif not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        _settle(request, shown, ticked, form)
    return redirect("collection:pack", project_code=request.project.code, pk=pk)


def _settle(request: ProjectRequest, shown: VisitPack, ticked: list[int], form: SettleForm) -> None:
    given = form.cleaned_data
    outcome = ReceiptForm.Outcome(given["outcome"])
    try:
        number = settle_forms(shown, ticked, outcome, given["note"], by=request.user, now=timezone.now())
    except OwnFormsError:
        messages.error(request, _("Somebody else notes what became of the forms that you took along."))
    except FormsSettledError:
        messages.error(request, _("One of these forms is used or noted already; nothing was written."))
    else:
        words = ngettext("%(number)s form: %(outcome)s.", "%(number)s forms: %(outcome)s.", number)
        messages.success(request, words % {"number": number, "outcome": outcome.label})


def _make(request: ProjectRequest, number: int, *, again: Again | None, refused_to: str) -> HttpResponse:
    try:
        made = make_pack(
            request.project, request.user, forms=number, by=request.user, now=timezone.now(), again=again
        )  # fmt: skip
    except PackRefusedError as refusal:
        messages.error(request, _told(refusal))
        return redirect(refused_to, project_code=request.project.code)
    return redirect("collection:pack", project_code=request.project.code, pk=made.pk)


def _told(refusal: PackRefusedError) -> str:
    match refusal:
        case NobodyToVisitError():
            return _("No case of your round is to be visited now.")
        case UnverifiedRoundError():
            return ngettext(
                "%(number)s case is not verified. Verify it first: whoever has paid must not be on the list.",
                "%(number)s cases are not verified. Verify them first: whoever has paid must not be on the list.",
                refusal.number,
            ) % {"number": refusal.number}  # fmt: skip
        case PrintedAgainError():
            return _("It was printed again already; print the latest copy again.")
        case UnprintablePackError():
            return _("The font has no character for: %(signs)s") % {"signs": refusal.args[0]}
    raise refusal


def _shown(request: ProjectRequest) -> VisitPackQuerySet:
    found: Any = VisitPack.objects.visible_to(request.user)
    shown: VisitPackQuerySet = found.filter(project=request.project).shown_to(request.user, request.roles)
    return shown.select_related("project", "member", "made_by", "reprint_of", "file")
