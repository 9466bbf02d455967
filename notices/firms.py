"""Law firms and their mandates."""

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from company.audit import record
from company.files import store_file
from company.models import FilePurpose, User
from notices.models import LawFirm

MANDATE_TYPES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
MANDATE_BYTES = 20 << 20


def mandate_type(upload: UploadedFile) -> str | None:
    """The content type that the file's first bytes show; None for what is neither PDF, JPEG nor PNG."""
    upload.seek(0)
    start = upload.read(16)
    return next((name for mark, name in MANDATE_TYPES.items() if start.startswith(mark)), None)


@transaction.atomic
def save_firm(firm: LawFirm, mandate: UploadedFile | None, *, by: User) -> LawFirm:
    """Save a firm, with a new mandate where one was uploaded. The file was checked by ``mandate_type``."""
    if mandate is not None:
        firm.mandate = store_file(
            project=firm.project,
            content=mandate,
            name=mandate.name or "mandate",
            content_type=mandate_type(mandate) or "application/octet-stream",
            purpose=FilePurpose.MANDATE,
            by=by,
        )
    firm.save()
    record(
        action="notices.firm_saved", by=by, project=firm.project, obj=firm,
        mandate=firm.mandate.sha256 if firm.mandate else "", until=str(firm.mandated_until or ""),
    )  # fmt: skip
    return firm
