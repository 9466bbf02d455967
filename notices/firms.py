"""Law firms and their mandates."""

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from company.audit import record
from company.files import document_type, store_file
from company.models import FilePurpose, User
from notices.models import LawFirm

MANDATE_BYTES = 20 << 20


@transaction.atomic
def save_firm(firm: LawFirm, mandate: UploadedFile | None, *, by: User) -> LawFirm:
    """Save a firm, with a new mandate where one was uploaded. ``document_type`` checked the file."""
    if mandate is not None:
        firm.mandate = store_file(
            project=firm.project,
            content=mandate,
            name=mandate.name or "mandate",
            content_type=document_type(mandate) or "application/octet-stream",
            purpose=FilePurpose.MANDATE,
            by=by,
        )
    firm.save()
    record(
        action="notices.firm_saved", by=by, project=firm.project, obj=firm,
        mandate=firm.mandate.sha256 if firm.mandate else "", until=str(firm.mandated_until or ""),
    )  # fmt: skip
    return firm
