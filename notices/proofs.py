"""Files that prove something: checked, rid of what a phone wrote into them, kept by the hash of their content."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from company.files import document_type, store_file
from company.models import FilePurpose, Project, StoredFile, User
from company.photos import PhotoRefusedError, prepare_photo
from notices.scan_archives import ScanRefusedError, opened_pdf

PROOF_BYTES = 20 << 20
PDF = "application/pdf"


class ProofRefusedError(ValueError):
    """The file cannot be kept as a proof; the text says why, for the person who uploaded it."""


def keep_proof(upload: UploadedFile, *, project: Project, by: User) -> StoredFile:
    """Keep a PDF as it is, a photo turned upright and without its metadata. Raises ProofRefusedError.

    Call it before the transaction that refers to the file.
    """
    name = Path(upload.name or _("proof")).name
    if (upload.size or 0) > PROOF_BYTES:
        raise ProofRefusedError(_("%(name)s is larger than 20 MB.") % {"name": name})
    kind = document_type(upload)
    if kind is None:
        raise ProofRefusedError(_("%(name)s is neither PDF nor JPEG nor PNG.") % {"name": name})
    upload.seek(0)
    content = upload.read()
    if kind == PDF:
        _check_pdf(content, name)
    else:
        content, kind, name = _photo(content, name), "image/jpeg", f"{Path(name).stem}.jpg"
    return store_file(
        project=project, content=content, name=name, content_type=kind, purpose=FilePurpose.DELIVERY_PROOF, by=by
    )


def _check_pdf(content: bytes, name: str) -> None:
    try:
        with opened_pdf(content, name) as pdf:
            pages = len(pdf.pages)
    except ScanRefusedError as error:
        raise ProofRefusedError(str(error)) from error
    if not pages:
        raise ProofRefusedError(_("%(name)s has no pages.") % {"name": name})


def _photo(content: bytes, name: str) -> bytes:
    try:
        return prepare_photo(content).content
    except PhotoRefusedError as error:
        raise ProofRefusedError(f"{name}: {error}") from error


@dataclass(frozen=True)
class Sorted:
    """Uploads by the number that stands in their names; ``unmatched`` name no known number, or two."""

    by_number: dict[str, UploadedFile] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


def sort_by_number(uploads: Iterable[UploadedFile], numbers: Sequence[str]) -> Sorted:
    """Which upload is for which tracking number, by its file name: ``1099001234216_签收.jpg``."""
    found = Sorted()
    for upload in uploads:
        plain = "".join(character for character in (upload.name or "").upper() if character.isalnum())
        named = [number for number in numbers if number in plain]
        if len(named) != 1:
            found.unmatched.append(upload.name or "")
        elif named[0] in found.by_number:
            found.twice.append(upload.name or "")
        else:
            found.by_number[named[0]] = upload
    return found
