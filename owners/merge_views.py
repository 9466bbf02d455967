"""Rows that are one person: proposed, merged by hand, and taken apart again (O7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.merging import MergeRefusedError, check_merge, merge_persons, split_persons
from owners.models import Owner, PersonMerge
from owners.owner_page import read_owner
from owners.owner_views import owner_of
from owners.parties import NAME_LENGTH
from owners.personal_data import mask_id_number, mask_name, mask_party
from owners.persons import Likeness, find_person, probable_duplicates

WHY_NOT: dict[str, Any] = {
    MergeRefusedError.SAME_ROW: gettext_lazy("This is the same row: there is nothing to merge."),
    MergeRefusedError.MERGED_BEFORE: gettext_lazy("One of the two was merged before; nothing was changed."),
    MergeRefusedError.OTHER_ID_NUMBER: gettext_lazy(
        "Their ID numbers differ, so they are two people. Correct a wrong number first."
    ),
    MergeRefusedError.CO_OWNERS: gettext_lazy(
        "Both are named as owners of the same unit. Take one of them out there first."
    ),
    MergeRefusedError.MERGED_SINCE: gettext_lazy("The row was merged on since: take that merge back first."),
    MergeRefusedError.TAKEN_BACK: gettext_lazy("This merge was taken back before; nothing was changed."),
}


class PersonPickForm(forms.Form):
    """Somebody on file, by name and last four digits, so that the list of all owners is never shown."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LENGTH)
    last4 = forms.CharField(label=gettext_lazy("Last 4 of ID or phone"), max_length=4, min_length=4)


@project_view(Right.KEEP_OWNERS)
def duplicates(request: ProjectRequest) -> HttpResponse:
    """Rows that are probably one person, each group with its reason."""
    found = probable_duplicates(request.project)
    units = _units_of([owner for likeness in found for owner in likeness.owners])
    merges = PersonMerge.objects.visible_to(request.user).filter(project=request.project, undone_at=None)
    context = {
        "groups": [_group(likeness, units) for likeness in found],
        "merges": [
            (merge, mask_name(merge.kept.name), mask_name(merge.merged.name))
            for merge in merges.select_related("kept", "merged", "by").order_by("-at")[:50]
        ],
    }
    return TemplateResponse(request, "owners/duplicates.html", context)


@project_view(Right.KEEP_OWNERS)
def merge(request: ProjectRequest, pk: int) -> HttpResponse:
    """Picks the other row, then shows what goes where; POST ``with`` that row merges them.

    Name and digits come by POST, so that they stand in no address and no log.
    """
    kept = owner_of(request, pk)
    form = PersonPickForm(request.POST if "name" in request.POST else None)
    given = request.POST if request.method == "POST" else request.GET
    other = given.get("with", "")
    if other.isdecimal() and len(other) < 18:
        return _confirm(request, kept, owner_of(request, int(other)))
    picked = []
    if form.is_valid():
        picked = [
            owner
            for owner in find_person(request.project, form.cleaned_data["name"], form.cleaned_data["last4"])
            if owner.pk != kept.pk
        ]
        if not picked:
            form.add_error("last4", _("Nobody else of this name has an ID number or phone that ends so."))
    rows = _group(Likeness(picked, ""), _units_of(picked))["rows"]
    context = {"page": read_owner(kept), "kept": kept, "name": mask_name(kept.name), "form": form, "picked": rows}
    return TemplateResponse(request, "owners/merge_pick.html", context)


@require_POST
@project_view(Right.KEEP_OWNERS)
def merge_undo(request: ProjectRequest, pk: int) -> HttpResponse:
    """Takes a merge back."""
    merges = PersonMerge.objects.visible_to(request.user).filter(project=request.project)
    done = get_object_or_404(merges.select_related("kept", "merged"), pk=pk)
    try:
        split_persons(done, by=request.user, now=timezone.now())
    except MergeRefusedError as error:
        messages.error(request, WHY_NOT[error.reason])
    else:
        messages.success(
            request, _("They are two people again. What was added since stays with the row that was kept.")
        )
    return redirect("owners:owner", project_code=request.project.code, pk=done.kept_id)


def _confirm(request: ProjectRequest, kept: Owner, merged: Owner) -> HttpResponse:
    try:
        check_merge(kept, merged)
        if request.method == "POST":
            merge_persons(kept, merged, by=request.user, now=timezone.now())
            messages.success(request, _("Merged: one person now. No ledger row was touched."))
            return redirect("owners:owner", project_code=request.project.code, pk=kept.pk)
    except MergeRefusedError as error:
        messages.error(request, WHY_NOT[error.reason])
        return redirect("owners:owner", project_code=request.project.code, pk=kept.pk)
    pages = [read_owner(kept), read_owner(merged)]
    context = {"kept": pages[0], "merged": pages[1], "pages": pages}
    return TemplateResponse(request, "owners/merge_check.html", context)


def _units_of(owners: list[Owner]) -> dict[int, list[str]]:
    """Codes of the units that each owns or owned; one query."""
    units: dict[int, list[str]] = {}
    rows = Owner.objects.filter(pk__in=[owner.pk for owner in owners], ownerships__isnull=False)
    for pk, code in rows.order_by("ownerships__unit__sort_key").values_list("pk", "ownerships__unit__code"):
        units.setdefault(pk, []).append(code)
    return units


def _group(likeness: Likeness, units: dict[int, list[str]]) -> dict[str, object]:
    rows = [
        (owner, mask_party(owner.name), mask_id_number(owner.id_number), units.get(owner.pk, []))
        for owner in likeness.owners
    ]
    return {"reason": likeness.reason, "rows": rows, "first": likeness.owners[0] if likeness.owners else None}
