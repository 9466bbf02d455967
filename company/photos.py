"""Photos made small, and rid of everything that the phone wrote into them, before they are kept."""

import hashlib
import io
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

LONGEST_SIDE = 1600
QUALITY = 82
MAX_BYTES = 15 << 20
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")


class PhotoRefusedError(ValueError):
    """A file that is no photo we can keep; the text says why, for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo ready to be kept: a JPEG of at most 1,600 px, and the hash of the bytes that were sent."""

    content: bytes
    sent_sha256: str


def prepare_photo(sent: bytes) -> Photo:
    """Turn upright, shrink and encode anew, so that nothing but the picture is left. Raises PhotoRefusedError."""
    if len(sent) > MAX_BYTES:
        raise PhotoRefusedError(_("A photo is larger than 15 MB."))
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PhotoRefusedError(_("A photo has more than 50 million pixels."))
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, PhotoRefusedError):
            raise
        raise PhotoRefusedError(_("A file is no photo in JPEG, PNG or WebP.")) from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    picture = Image.new("RGB", upright.size)
    picture.paste(upright)  # a new picture carries no words about place, time or device
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return Photo(buffer.getvalue(), hashlib.sha256(sent).hexdigest())
