"""PDF files and archives of strangers, opened with limits."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import PurePosixPath

import pikepdf
from django.core.files.base import File
from django.utils.translation import gettext as _

MOST_FILES = 5000
UNPACKED_BYTES = 500 << 20
ENCRYPTED, UTF8_NAMES = 0x1, 0x800
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    NotImplementedError,  # a version or compression that zipfile does not know
    ValueError,  # offsets before the beginning, names that are no UTF-8
)  # fmt: skip

MOST_DECODED = 64 << 20
# Of the whole process: some hundred kilobytes of a stranger's PDF can unpack to gigabytes.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=MOST_DECODED, png_max_memory=MOST_DECODED, tiff_max_memory=MOST_DECODED,
    run_length_max_memory=MOST_DECODED,
)  # fmt: skip


class ScanRefusedError(ValueError):
    """The upload is not kept; the text says why and what to do, for the person who uploaded it."""


@contextmanager
def opened_pdf(content: bytes, name: str) -> Iterator[pikepdf.Pdf]:
    """A PDF of a stranger. Raises ScanRefusedError, also for damage that shows only when its pages are looked at."""
    if not content.lstrip()[:5] == b"%PDF-":
        raise ScanRefusedError(_("%(name)s is no PDF. Scan it as a PDF.") % {"name": name})
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            yield pdf
    except pikepdf.PasswordError as error:
        raise ScanRefusedError(_("%(name)s is protected by a password.") % {"name": name}) from error
    except pikepdf.PikepdfError as error:
        raise ScanRefusedError(_("%(name)s is damaged: it cannot be opened as a PDF.") % {"name": name}) from error


def read_archive(upload: File) -> Iterator[tuple[str, bytes]]:
    """The PDF files of a ZIP, by name; folders are looked through. Raises ScanRefusedError."""
    try:
        archive = zipfile.ZipFile(upload)
    except UNREADABLE as error:
        raise ScanRefusedError(_("The ZIP file is damaged.")) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and _is_pdf(_name_of(entry))]
        if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
            raise ScanRefusedError(_("The ZIP file is too large when unpacked."))
        for entry in entries:
            if entry.flag_bits & ENCRYPTED:
                raise ScanRefusedError(_("The ZIP file is protected by a password."))
            yield _name_of(entry), _content(archive, entry)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as file:
            content = file.read(entry.file_size + 1)  # a directory may lie about the size
    except UNREADABLE as error:
        raise ScanRefusedError(_("%(name)s in the ZIP file is damaged.") % {"name": _name_of(entry)}) from error
    if len(content) > entry.file_size:
        raise ScanRefusedError(_("The ZIP file is too large when unpacked."))
    return content


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name without its folder; archives made by Chinese Windows hold it in GBK."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAMES:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    return PurePosixPath(name.replace("\\", "/")).name


def _is_pdf(name: str) -> bool:
    return name.lower().endswith(".pdf") and not name.startswith(".")
