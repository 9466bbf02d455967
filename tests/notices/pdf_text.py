"""What stands in a PDF file, for comparing letters with what they should say."""

import io
from collections.abc import Sequence
from typing import Any

import pypdf
from pypdf.generic import NameObject


def pages_of(pdf: bytes, *, among: Sequence[int] | None = None) -> list[str]:
    """The text of each page, or of those ``among`` them."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    pages = reader.pages if among is None else [reader.pages[number] for number in among]
    for page in pages:
        _make_readable(page["/Resources"])
    return [page.extract_text() for page in pages]


def text_of(pdf: bytes) -> str:
    """All text without white space, so that line breaks do not matter."""
    return "".join("".join(pages_of(pdf)).split())


def _make_readable(resources: Any) -> None:
    """In a print file a table stands as encoding. It names signs, not letters, and pypdf cannot read it."""
    for font in resources.get("/Font", {}).values():
        font.get_object()[NameObject("/Encoding")] = NameObject("/Identity-H")
    for drawn in resources.get("/XObject", {}).values():
        if "/Resources" in drawn.get_object():
            _make_readable(drawn.get_object()["/Resources"])
