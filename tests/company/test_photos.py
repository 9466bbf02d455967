"""Photos from phones whose words about themselves are odd or broken."""

import io
import struct

import pytest
from PIL import Image

from company.photos import prepare_photo

ORIENTATION, X_RESOLUTION, WIDTH = 0x0112, 0x011A, 0x0100
SHORT, ASCII, UNDEFINED = 3, 2, 7


def photo(orientation: int, *others: tuple[int, int, bytes]) -> bytes:
    """A wide picture, upper half red, with entries of EXIF as they stand: tag, type, value."""
    entries = [(ORIENTATION, SHORT, struct.pack(">H", orientation)), *others]
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries))
    for tag, kind, value in entries:
        number = 1 if kind == SHORT else len(value)
        exif += struct.pack(">HHI", tag, kind, number) + value.ljust(4, b"\0")
    image = Image.new("RGB", (80, 40), "white")
    image.paste("red", (0, 0, 80, 20))
    content = io.BytesIO()
    image.save(content, "JPEG", exif=exif + b"\0\0\0\0")
    return content.getvalue()


def shown(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    "odd", [(X_RESOLUTION, ASCII, b"ab"), (X_RESOLUTION, UNDEFINED, b"abcd"), (WIDTH, ASCII, b"abc\0")]
)
def test_odd_words_of_a_phone_do_not_matter(odd: tuple[int, int, bytes]) -> None:
    assert shown(prepare_photo(photo(6, odd)).content).size == (40, 80)


@pytest.mark.parametrize(
    ("orientation", "red"),
    [
        (1, (40, 5)),
        (2, (40, 5)),
        (3, (40, 35)),
        (4, (40, 35)),
        (5, (5, 40)),
        (6, (35, 40)),
        (7, (35, 40)),
        (8, (5, 40)),
    ],
)
def test_the_upper_half_comes_to_where_it_was_seen(orientation: int, red: tuple[int, int]) -> None:
    colour = shown(prepare_photo(photo(orientation)).content).getpixel(red)
    assert isinstance(colour, tuple)
    assert colour[0] > 200
    assert colour[1] < 60
