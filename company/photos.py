"""Photos made small, and rid of everything that the phone wrote into them, before they are kept."""

import hashlib
import io
import struct
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import ExifTags, Image, UnidentifiedImageError

LONGEST_SIDE = 1600
QUALITY = 82
MAX_BYTES = 15 << 20
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)
"""What Pillow raises over a file that is no picture."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned back, by the orientation that the camera wrote into it."""


class PhotoRefusedError(ValueError):
    """A file that is no photo we can keep; the text says why, for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo ready to be kept: a JPEG of at most 1,600 px, and the hash of the bytes that were sent."""

    content: bytes
    sent_sha256: str


def turned_upright(image: Image.Image) -> Image.Image:
    """The picture as it was seen. Pillow's own exif_transpose writes the camera's other words anew, which we drop, and
    fails over those of odd phones."""
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 0))
    return image if turn is None else image.transpose(turn)


def prepare_photo(sent: bytes) -> Photo:
    """Turn upright, shrink and encode anew, so that nothing but the picture is left. Raises PhotoRefusedError."""
    if len(sent) > MAX_BYTES:
        raise PhotoRefusedError(_("A photo is larger than 15 MB."))
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PhotoRefusedError(_("A photo has more than 50 million pixels."))
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = turned_upright(image).convert("RGB")
    except UNREADABLE as error:
        if isinstance(error, PhotoRefusedError):
            raise
        raise PhotoRefusedError(_("A file is no photo in JPEG, PNG or WebP.")) from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    picture = Image.new("RGB", upright.size)
    picture.paste(upright)  # a new picture carries no words about place, time or device
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return Photo(buffer.getvalue(), hashlib.sha256(sent).hexdigest())
