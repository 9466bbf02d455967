"""What stands in a PDF file, for comparing letters with what they should say."""

import io

import pypdf


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    """All text without white space, so that line breaks do not matter."""
    return "".join("".join(pages_of(pdf)).split())
