"""What an owner signs on the glass: drawn on a canvas, sent as PNG within the form, kept as a file of its own kind."""

import base64
import binascii
import io
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image

from collection.models import Visit, VisitSignature
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from company.photos import UNREADABLE

PREFIX = "data:image/png;base64,"
MOST_CHARACTERS = 200_000
LARGEST = (1600, 800)


class SignatureField(forms.CharField):
    """A drawn signature; cleaned to a PNG that holds the strokes alone, or to nothing."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MOST_CHARACTERS, **kwargs)

    def clean(self, value: Any) -> Any:
        """Raises ValidationError for what is no small PNG."""
        text = super().clean(value)
        return _strokes(text) if text else b""


def keep_signature(png: bytes, *, project: Project, by: User) -> StoredFile:
    """Store a signature. Call it before the transaction that refers to it."""
    return store_file(
        project=project, content=png, name="signature.png", content_type="image/png",
        purpose=FilePurpose.OWNER_SIGNATURE, by=by,
    )  # fmt: skip


def write_signature(visit: Visit, file: StoredFile | None, *, now: datetime) -> None:
    """The signature of a visit as it is told now; one that is not told again goes."""
    VisitSignature.objects.filter(visit=visit).delete()
    if file:
        VisitSignature.objects.create(visit=visit, file=file, signed_at=visit.contact.happened_at, kept_at=now)


def _strokes(text: str) -> bytes:
    """Encoded anew in black on white, so that nothing but the drawing is left."""
    refused = ValidationError(_("The signature cannot be read. Let the owner sign once more."))
    if not text.startswith(PREFIX):
        raise refused
    try:
        sent = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        with Image.open(io.BytesIO(sent), formats=("PNG",)) as image:
            if image.width > LARGEST[0] or image.height > LARGEST[1]:
                raise refused
            drawn = image.convert("RGBA")
    except (binascii.Error, *UNREADABLE) as error:
        raise refused from error
    paper = Image.new("L", drawn.size, 255)
    paper.paste(0, mask=drawn.getchannel("A"))
    buffer = io.BytesIO()
    paper.convert("1").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
