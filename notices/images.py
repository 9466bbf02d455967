"""Letterhead, seal, signature, code for paying: made small and plain when uploaded, used once somebody approved them.

What a document shows is fixed with its data: the data name the pictures in use at that moment by their SHA-256, so a
picture that is replaced later changes no letter.
"""

import io
import re
from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from company.audit import record
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from company.photos import UNREADABLE, turned_upright
from notices.kinds import KindRules
from notices.models import ImagePurpose, PrintImage

MAX_BYTES = 5 << 20
MAX_PIXELS = 25_000_000
MAX_PRINTED_BYTES = 160_000  # of a picture as it is kept: it stands in every letter
FORMATS = ("JPEG", "PNG")
BOX = {
    ImagePurpose.LETTERHEAD: (1300, 180),
    ImagePurpose.SEAL: (500, 500),
    ImagePurpose.SIGNATURE: (420, 150),
    ImagePurpose.PAYMENT: (600, 600),
}
"""Pixels that a picture has at most: 300 an inch where it is printed."""
SEE_THROUGH = {ImagePurpose.SEAL, ImagePurpose.SIGNATURE}  # text is printed over them, or they over each other
PAPER_WHITE = 235
COLOURS = 64
STORED_AS = {ImagePurpose.LETTERHEAD: FilePurpose.LETTERHEAD}  # the others as seals
LINK = re.compile(r"[\x21-\x7e]{1,300}")

State = PrintImage.State


class ImageRefusedError(ValueError):
    """A file or address that cannot be used; the text says why, for the person who gave it."""


class OwnImageError(Exception):
    """Nobody approves what they uploaded themselves."""


class ImageMovedError(Exception):
    """The picture does not wait for approval any more, or is not in use any more."""


def prepare_picture(sent: bytes, purpose: ImagePurpose) -> bytes:
    """Turn upright, shrink and encode anew as PNG: nothing but the picture is left. Raises ImageRefusedError."""
    if len(sent) > MAX_BYTES:
        raise ImageRefusedError(_("The picture is larger than 5 MB."))
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageRefusedError(_("The picture has more than 25 million pixels."))
            upright = turned_upright(image).convert("RGBA")
    except UNREADABLE as error:
        if isinstance(error, ImageRefusedError):
            raise
        raise ImageRefusedError(_("The file is no picture in PNG or JPEG. Save it as one of these.")) from error
    if min(upright.size) < 40:
        raise ImageRefusedError(_("The picture is smaller than 40 pixels. Scan it with 300 dots an inch."))
    upright.thumbnail(BOX[purpose])
    return _encoded(_without_paper(upright) if purpose in SEE_THROUGH else upright)


def _without_paper(image: Image.Image) -> Image.Image:
    """Near white, which is the paper that was scanned, becomes transparent."""
    grey = image.convert("RGB").convert("L")
    ink = grey.point(lambda level: 0 if level >= PAPER_WHITE else 255)
    clear = Image.new("L", image.size, 0)
    clear.paste(image.getchannel("A"), mask=ink)
    image.putalpha(clear)
    return image


def _encoded(image: Image.Image) -> bytes:
    plain = Image.new("RGBA", image.size, (255, 255, 255, 0))
    plain.paste(image)  # a new picture carries no words about place, time or device
    buffer = io.BytesIO()
    plain.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    if buffer.tell() > MAX_PRINTED_BYTES:
        raise ImageRefusedError(_("The picture has too many details to stand in every letter. Use a plain drawing."))
    return buffer.getvalue()


def checked_link(text: str) -> str:
    """An address to pay at, as it goes into the code. Raises ImageRefusedError."""
    link = text.strip()
    if not LINK.fullmatch(link) or urlsplit(link).scheme not in {"https", "weixin", "alipays", "wxp"}:
        raise ImageRefusedError(
            _("The address begins with https:// (or weixin://, alipays://, wxp://) and has no spaces.")
        )
    return link


def propose_picture(
    project: Project, purpose: ImagePurpose, sent: bytes, *, name: str, by: User, now: datetime
) -> PrintImage:
    """Upload a picture, in place of one that still waits for approval. Raises ImageRefusedError."""
    stored = store_file(
        project=project,
        content=prepare_picture(sent, purpose),
        name=f"{name.rsplit('.', 1)[0][:80]}.png",
        content_type="image/png",
        purpose=STORED_AS.get(purpose, FilePurpose.SEAL),
        by=by,
    )
    return _propose(PrintImage(project=project, purpose=purpose, file=stored), by=by, now=now)


def propose_link(project: Project, link: str, *, by: User, now: datetime) -> PrintImage:
    """Name the address that the code for paying leads to. Raises ImageRefusedError."""
    image = PrintImage(project=project, purpose=ImagePurpose.PAYMENT, link=checked_link(link))
    return _propose(image, by=by, now=now)


@transaction.atomic
def _propose(image: PrintImage, *, by: User, now: datetime) -> PrintImage:
    Project.objects.select_for_update(no_key=True).get(pk=image.project_id)
    _retire(PrintImage.State.PROPOSED, image, by=by, now=now)
    image.uploaded_by, image.uploaded_at = by, now
    image.save()
    content = {"sha256": image.file.sha256} if image.file else {"link": image.link}
    record(action="notices.image_proposed", by=by, project=image.project, obj=image, purpose=image.purpose, **content)
    return image


@transaction.atomic
def approve_image(image: PrintImage, *, by: User, now: datetime) -> PrintImage:
    """Put a picture into use; the one in use until now is retired.

    Raises OwnImageError when ``by`` uploaded it, ImageMovedError when it does not wait for approval.
    """
    Project.objects.select_for_update(no_key=True).get(pk=image.project_id)
    image = PrintImage.objects.select_for_update().get(pk=image.pk)
    if image.state != State.PROPOSED:
        raise ImageMovedError(image)
    if image.uploaded_by_id == by.pk:
        raise OwnImageError(image)
    _retire(State.APPROVED, image, by=by, now=now)
    image.state, image.approved_by, image.approved_at = State.APPROVED, by, now
    image.save(update_fields=["state", "approved_by", "approved_at"])
    record(action="notices.image_approved", by=by, project=image.project, obj=image, purpose=image.purpose)
    return image


@transaction.atomic
def remove_image(image: PrintImage, *, by: User, now: datetime) -> None:
    """Use a picture no more, or take back what waits for approval. Letters that are out keep theirs.

    Raises ImageMovedError when it was removed before.
    """
    rows = PrintImage.objects.filter(pk=image.pk).exclude(state=State.RETIRED)
    if not rows.update(state=State.RETIRED, retired_at=now, retired_by=by):
        raise ImageMovedError(image)
    record(action="notices.image_removed", by=by, project=image.project, obj=image, purpose=image.purpose)


def _retire(state: PrintImage.State, image: PrintImage, *, by: User, now: datetime) -> None:
    others = PrintImage.objects.filter(project_id=image.project_id, purpose=image.purpose, state=state)
    others.exclude(pk=image.pk).update(state=State.RETIRED, retired_at=now, retired_by=by)


def images_in_use(project: Project, rules: KindRules) -> dict[str, str]:
    """What documents of this kind show by now, as their data freeze it: SHA-256 by purpose, and ``payment_link``."""
    if not rules.images:
        return {}
    rows = PrintImage.objects.filter(project=project, state=State.APPROVED, purpose__in=rules.images)
    found = {}
    for image in rows.select_related("file"):
        if image.file is not None:
            found[image.purpose] = image.file.sha256
        else:
            found["payment_link"] = image.link
    return found


def pictures_of(project: Project, names: Collection[str]) -> dict[str, bytes]:
    """The PNG files of these names, for the press."""
    if not names:
        return {}
    purposes = {*STORED_AS.values(), FilePurpose.SEAL}
    files = StoredFile.objects.filter(project=project, sha256__in=names, purpose__in=purposes)
    pictures = {}
    for stored in files:
        with stored.file.open("rb") as file:
            pictures[stored.sha256] = file.read()
    return pictures
