"""The gate of every export with personal data: it goes out, or asks for a second person first."""

import uuid

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.access import ProjectRequest
from company.forms import may_be_an_id
from owners.export_consent import (
    ConsentError,
    ConsentOverError,
    MorePeopleError,
    OtherExportError,
    PersonalExport,
    limit_of,
    use_consent,
)

SALT = "owners.personal_export"
OURS = frozenset({"csrfmiddlewaretoken", "consent"})
MINUTES_TO_ASK = 60


class AskForm(forms.Form):
    """Why so many people's data are needed. ``export`` is signed, so that nobody asks for another than was made."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    export = forms.CharField(widget=forms.HiddenInput, max_length=8000)
    reason = forms.CharField(
        label=gettext_lazy("What it is needed for"), max_length=400, widget=forms.Textarea({"rows": 3})
    )


def export_of(request: ProjectRequest, *, kind: str, title: str, people: int) -> PersonalExport:
    """The export that a request asks for."""
    data = {name: str(value) for name, value in request.POST.items() if name not in OURS}
    return PersonalExport(kind, title, request.path, people, request.GET.urlencode(), data)


def stopped(request: ProjectRequest, *, kind: str, title: str, people: int) -> HttpResponse | None:
    """None where the export may go out now; else what is answered instead.

    Call it in the transaction in which the export is made and recorded: a consent is used up with it or not at all.
    """
    if people <= limit_of(request.project):
        return None
    export = export_of(request, kind=kind, title=title, people=people)
    consent = request.POST.get("consent", "")
    if not consent:
        form = AskForm(initial={"submission": uuid.uuid4(), "export": signed(export)})
        return ask_page(request, form, export)
    try:
        use_consent(
            int(consent) if may_be_an_id(consent) else 0, export, project=request.project, by=request.user,
            now=timezone.now(),
        )  # fmt: skip
    except ConsentError as error:
        messages.error(request, _why_not(error))
        return redirect("owners:exports", project_code=request.project.code)
    return None


def ask_page(request: ProjectRequest, form: AskForm, export: PersonalExport) -> HttpResponse:
    """The page on which a second person is asked."""
    context = {"form": form, "export": export, "limit": limit_of(request.project)}
    return TemplateResponse(request, "owners/export_ask.html", context)


def signed(export: PersonalExport) -> str:
    """The export as a text that the browser carries and cannot change."""
    told = [export.kind, export.title, export.path, export.people, export.query, dict(export.data)]
    return signing.dumps(told, salt=SALT, compress=True)


def unsigned(text: str) -> PersonalExport | None:
    """The export again; None for what we did not sign within the last hour."""
    try:
        return PersonalExport(*signing.loads(text, salt=SALT, max_age=60 * MINUTES_TO_ASK))
    except signing.BadSignature:
        return None


def _why_not(error: ConsentError) -> str:
    match error:
        case OtherExportError():
            return _("This consent is for another export; ask for this one.")
        case ConsentOverError():
            return _("The day on which the export could be made has passed; ask again.")
        case MorePeopleError():
            return _("By now the export holds more people than was consented to; ask again.")
    return _("This consent was used already, or there is none.")
