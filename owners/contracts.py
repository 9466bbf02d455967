"""The service contract of a project: what letters cite."""

from datetime import date

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from company.audit import record
from company.files import document_type, store_file
from company.models import FilePurpose, Project, User
from owners.models import ServiceContract

SCAN_BYTES = 20 << 20


def contract_on(project: Project, day: date) -> ServiceContract | None:
    """The contract in force on a day: the one that began last, even where its term is over."""
    return ServiceContract.objects.filter(project=project, starts_on__lte=day).order_by("-starts_on", "-pk").first()


@transaction.atomic
def save_contract(
    contract: ServiceContract, scan: UploadedFile | None, *, changed: list[str], by: User
) -> ServiceContract:
    """Save a contract, with a new scan where one was uploaded (checked by ``company.files.document_type``).

    Writes the names of the ``changed`` fields into the audit trail. Letters that are out keep what they say.
    """
    is_new = contract.pk is None
    if scan is not None:
        contract.scan = store_file(
            project=contract.project,
            content=scan,
            name=scan.name or "contract",
            content_type=document_type(scan) or "application/octet-stream",
            purpose=FilePurpose.CONTRACT_SCAN,
            by=by,
        )
    contract.save()
    action = "owners.contract_created" if is_new else "owners.contract_edited"
    record(action=action, by=by, project=contract.project, obj=contract, fields=changed)
    return contract
