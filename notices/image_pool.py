"""The pictures of a print file: every letter carries the seal; here they share one."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name


def share_images(pdf: pikepdf.Pdf) -> None:
    """Let the pages of ``pdf`` use the first of pictures that are the same; the others are not saved then."""
    first: dict[bytes, Any] = {}
    for images in _images_of(pdf):
        for key, image in list(images.items()):
            if image.get("/Subtype") == Name.Image:
                images[key] = first.setdefault(_fingerprint(image), image)


def _images_of(pdf: pikepdf.Pdf) -> Iterator[Any]:
    for page in pdf.pages:
        yield page.obj.get("/Resources", Dictionary()).get("/XObject", Dictionary())


def _fingerprint(image: Any) -> bytes:
    digest = hashlib.sha256(image.read_raw_bytes())
    digest.update(f"{image.Width}x{image.Height}".encode())
    mask = image.get("/SMask")
    if mask is not None:
        digest.update(mask.read_raw_bytes())
    return digest.digest()
