"""Letterhead, seal, signature and code for paying: upload, approval by somebody else, removal."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.rights import Right
from notices.forms import PayLinkForm, PictureForm
from notices.images import (
    ImageMovedError,
    ImageRefusedError,
    OwnImageError,
    approve_image,
    propose_link,
    propose_picture,
    remove_image,
)
from notices.kinds import TEXT_KINDS
from notices.models import ImagePurpose, PrintImage
from notices.scan_codes import qr_code
from notices.views.files import named

State = PrintImage.State
EARLIER_SHOWN = 20


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def seals(request: ProjectRequest) -> HttpResponse:
    """What is in use, what waits for approval, and what was used before."""
    rows = _images(request).select_related("file", "uploaded_by", "approved_by", "retired_by")
    current = {(image.purpose, image.state): image for image in rows.exclude(state=State.RETIRED)}
    cards = [
        {
            "purpose": purpose,
            "kinds": [rules.kind.label for rules in TEXT_KINDS.values() if purpose in rules.images],
            "in_use": current.get((purpose, State.APPROVED)),
            "proposed": current.get((purpose, State.PROPOSED)),
        }
        for purpose in ImagePurpose
    ]
    context = {
        "cards": cards,
        "earlier": rows.filter(state=State.RETIRED).order_by("-retired_at", "-pk")[:EARLIER_SHOWN],
        "form": PictureForm(),
        "link_form": PayLinkForm(),
        "may_edit": Right.EDIT_TEMPLATES in request.rights,
        "may_approve": Right.APPROVE_TEMPLATES in request.rights,
    }
    return TemplateResponse(request, "notices/seals.html", context)


@require_POST
@project_view(Right.EDIT_TEMPLATES)
def seal_upload(request: ProjectRequest, purpose: str) -> HttpResponse:
    """Propose a picture, or the address that the code for paying leads to."""
    if purpose not in ImagePurpose:
        raise Http404
    if purpose == ImagePurpose.PAYMENT and "link" in request.POST:
        link = request.POST["link"][:400]
        return _proposed(request, lambda: propose_link(request.project, link, by=request.user, now=timezone.now()))
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose a picture first: PNG or JPEG."))
        return redirect("notices:seals", request.project.code)
    upload = form.cleaned_data["picture"]

    def propose() -> PrintImage:
        return propose_picture(
            request.project, ImagePurpose(purpose), upload.read(), name=upload.name, by=request.user, now=timezone.now()
        )

    return _proposed(request, propose)


def _proposed(request: ProjectRequest, propose: Callable[[], PrintImage]) -> HttpResponse:
    try:
        image = propose()
        messages.success(request, _("%(picture)s: somebody else approves it before it is used.") % {"picture": image})
    except ImageRefusedError as error:
        messages.error(request, str(error))
    return redirect("notices:seals", request.project.code)


@require_POST
@project_view(Right.APPROVE_TEMPLATES)
def seal_approve(request: ProjectRequest, pk: int) -> HttpResponse:
    """Put a picture of somebody else into use."""
    try:
        image = approve_image(_image(request, pk), by=request.user, now=timezone.now())
        messages.success(request, _("%(picture)s is in use from now on.") % {"picture": image})
    except OwnImageError:
        messages.error(request, _("Nobody approves what they uploaded themselves."))
    except ImageMovedError:
        messages.info(request, _("This picture does not wait for approval any more."))
    return redirect("notices:seals", request.project.code)


@require_POST
@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def seal_remove(request: ProjectRequest, pk: int) -> HttpResponse:
    """Use a picture no more."""
    image = _image(request, pk)
    try:
        remove_image(image, by=request.user, now=timezone.now())
        messages.warning(request, _("%(picture)s is not used any more.") % {"picture": image})
    except ImageMovedError:
        messages.info(request, _("This picture was removed before."))
    return redirect("notices:seals", request.project.code)


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def seal_picture(request: ProjectRequest, pk: int) -> HttpResponse:
    """The picture as it is printed; of an address the code that is drawn from it."""
    image = _image(request, pk)
    if image.file is None:
        return named(HttpResponse(qr_code(image.link), content_type="image/svg+xml"), "code.svg", inline=True)
    with image.file.file.open("rb") as file:
        return named(HttpResponse(file.read(), content_type="image/png"), image.file.name, inline=True)


def _images(request: ProjectRequest):  # type: ignore[no-untyped-def]
    return PrintImage.objects.visible_to(request.user).filter(project=request.project)


def _image(request: ProjectRequest, pk: int) -> PrintImage:
    image: PrintImage | None = _images(request).select_related("file", "project").filter(pk=pk).first()
    if image is None:
        raise Http404
    return image
