"""How the project counts its rates, and who changed that when."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.conventions import CONVENTION_FIELDS, ChangedMeanwhileError, as_settings, save_convention, stated
from collection.models import RateConvention
from collection.models.conventions import MOST_CLOSING_DAYS, MOST_TOLERANCE
from collection.rate_conventions import View
from company.access import ProjectRequest, project_view
from company.rights import Right

SHOWN_CHANGES = 20


class ConventionForm(forms.ModelForm):
    """``seen`` is the number of the version shown, so that nobody undoes a change that they have not seen."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput())

    class Meta:
        model = RateConvention
        fields = CONVENTION_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, most in {"tolerance": MOST_TOLERANCE, "closing_days": MOST_CLOSING_DAYS}.items():
            self.fields[name].widget.attrs |= {"min": 0, "max": most}


@project_view(Right.SEE_CAMPAIGN)
def conventions(request: ProjectRequest) -> HttpResponse:
    """The convention in force with its history; the project manager changes it."""
    versions = list(
        RateConvention.objects.visible_to(request.user)
        .filter(project=request.project)
        .select_related("changed_by")[:SHOWN_CHANGES]
    )
    current = versions[0] if versions else None
    may_change = Right.MANAGE_CAMPAIGN in request.rights
    form = ConventionForm(
        request.POST or None,
        instance=RateConvention(**{name: getattr(current, name) for name in CONVENTION_FIELDS} if current else {}),
        initial={"seen": current.number if current else 0},
    )
    if request.method == "POST" and may_change and form.is_valid() and _saved(request, form):
        return redirect("collection:conventions", project_code=request.project.code)
    context = {
        "form": form,
        "may_change": may_change,
        "in_force": stated(as_settings(current), View.APPRAISAL),
        "versions": [(version, stated(as_settings(version), View.APPRAISAL)) for version in versions],
    }
    return TemplateResponse(request, "collection/conventions.html", context)


def _saved(request: ProjectRequest, form: ConventionForm) -> bool:
    given = dict(form.cleaned_data)
    try:
        saved = save_convention(request.project, given, seen=given.pop("seen"), by=request.user, now=timezone.now())
    except ChangedMeanwhileError:
        form.add_error(
            None, _("Somebody else changed the conventions meanwhile. Open the page again and compare before saving.")
        )
        return False
    messages.success(request, _("Saved. All rates are counted so from now on.") if saved else _("Nothing was changed."))
    return True
