"""The texts of messages: written by the notice administrator, approved by the manager; and screenshots of messages."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from collection.messages import (
    FIELDS,
    OvertakenTextError,
    OwnTextError,
    TextFaultError,
    approve_text,
    default_texts,
    texts_in_force,
    write_text,
)
from collection.models import ContactFile, MessageText
from company.access import ProjectRequest, project_view
from company.rights import Right

Kind = MessageText.Kind


class MessageTextForm(forms.Form):
    """The text of one kind of message."""

    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.HiddenInput)
    text = forms.CharField(label=gettext_lazy("Text"), max_length=500, widget=forms.Textarea({"rows": 4}))


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def message_texts(request: ProjectRequest) -> HttpResponse:
    """Each kind with the text in force, the version that waits, and a form for the next."""
    sent = (
        MessageTextForm(request.POST) if request.method == "POST" and Right.EDIT_TEMPLATES in request.rights else None
    )
    if sent is not None and sent.is_valid():
        kind = Kind(sent.cleaned_data["kind"])
        try:
            write_text(request.project, kind, sent.cleaned_data["text"], by=request.user, now=timezone.now())
        except TextFaultError as error:
            for fault in error.faults:
                sent.add_error("text", fault)
        else:
            messages.success(request, _("Saved. It is offered once somebody else has approved it."))
            return redirect("collection:message_texts", project_code=request.project.code)
    context = {"kinds": [_of_kind(request, kind, sent) for kind in Kind], "sent": sent}
    return TemplateResponse(request, "collection/message_texts.html", context)


@require_POST
@project_view(Right.APPROVE_TEMPLATES)
def message_approve(request: ProjectRequest, pk: int) -> HttpResponse:
    """Puts a version in force."""
    text = get_object_or_404(MessageText, pk=pk, project=request.project)
    try:
        approve_text(text.pk, by=request.user, now=timezone.now())
    except OwnTextError:
        messages.error(request, _("Nobody approves what they wrote themselves."))
    except OvertakenTextError:
        messages.error(request, _("A later version is in force already; this one is not approved any more."))
    else:
        messages.success(request, _("Approved: this text is offered from now on."))
    return redirect("collection:message_texts", project_code=request.project.code)


@project_view(Right.SEE_CASES)
def contact_file(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """Hands out a screenshot to who sees its case."""
    files: Any = ContactFile.objects.visible_to(request.user)
    found = get_object_or_404(files.filter(project=request.project).select_related("file"), pk=pk)
    response = FileResponse(found.file.file.open("rb"), content_type=found.file.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _of_kind(request: ProjectRequest, kind: MessageText.Kind, sent: MessageTextForm | None) -> dict[str, Any]:
    latest = MessageText.objects.filter(project=request.project, kind=kind).select_related("written_by").first()
    form = sent if sent is not None and sent.data.get("kind") == kind else None
    text = latest.text if latest else default_texts()[kind]
    return {
        "kind": kind,
        "in_force": texts_in_force(request.project).get(kind),
        "waiting": latest if latest and latest.approved_at is None else None,
        "form": form or MessageTextForm(initial={"kind": kind, "text": text}, auto_id=f"id_{kind}_%s"),
        "fields": FIELDS[kind],
    }
