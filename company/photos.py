"""Photos made small, and rid of everything that the phone wrote into them, before they are kept."""

import datetime as dt
import hashlib
import io
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, UnidentifiedImageError

LONGEST_SIDE = 1600
QUALITY = 82
MAX_BYTES = 15 << 20
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)
"""What Pillow raises over a file that is no picture."""
CAMERA_YEARS = range(1990, 2100)
"""What may be a camera's clock; what lies outside is none."""
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
    """A photo, and the hash of the bytes that were sent. From prepare_photo it is ready to be kept: a JPEG of at most
    1,600 px; from check_photo it is still as it was sent."""

    content: bytes
    sent_sha256: str


@dataclass(frozen=True, slots=True)
class Place:
    """When and where a camera says that a picture was taken; degrees to about a metre."""

    at: dt.datetime | None
    latitude: Decimal | None
    longitude: Decimal | None


def check_photo(sent: bytes) -> Photo:
    """A photo as it was sent, after a look at its head alone: a picture of a kind and size that prepare_photo takes.

    Raises PhotoRefusedError.
    """
    if len(sent) > MAX_BYTES:
        raise PhotoRefusedError(_("A photo is larger than 15 MB."))
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            size = image.width * image.height
    except UNREADABLE as error:
        raise PhotoRefusedError(_("A file is no photo in JPEG, PNG or WebP.")) from error
    if size > MAX_PIXELS:
        raise PhotoRefusedError(_("A photo has more than 50 million pixels."))
    return Photo(sent, hashlib.sha256(sent).hexdigest())


def taken_where(sent: bytes) -> Place | None:
    """What the camera wrote of time and place; None where it wrote neither, or nothing that can be read."""
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            exif = image.getexif()
            words = exif.get_ifd(ExifTags.IFD.Exif)
            gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except UNREADABLE:
        return None
    at = _instant(words.get(ExifTags.Base.DateTimeOriginal), words.get(ExifTags.Base.OffsetTimeOriginal))
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    if latitude is None or longitude is None:
        latitude = longitude = None
    return Place(at, latitude, longitude) if at or latitude is not None else None


def _instant(text: Any, offset: Any) -> dt.datetime | None:
    """By the zone that the camera named, else by the estate's."""
    told = _parsed(f"{text}{offset}".replace("\0", ""), "%Y:%m:%d %H:%M:%S%z") or _parsed(text, "%Y:%m:%d %H:%M:%S")
    if told is None or told.year not in CAMERA_YEARS:
        return None
    return told if told.tzinfo else timezone.make_aware(told)


def _parsed(text: Any, form: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(str(text).strip("\0 "), form)  # noqa: DTZ007  most cameras know no zone
    except ValueError:
        return None


def _degrees(parts: Any, side: Any, negative: str, most: int) -> Decimal | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
        value = Decimal(degrees + minutes / 60 + seconds / 3600).quantize(Decimal("0.00001"))
        is_on_earth = 0 <= value <= most  # an ArithmeticError where it is no number: 0/0, as some write without a fix
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not is_on_earth:
        return None
    return -value if side == negative else value


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
