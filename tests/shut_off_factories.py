"""Safety shut-offs for tests."""

import uuid

from company.files import store_file
from company.models import FilePurpose, Role, User
from owners.models import SafetyShutOff, Unit
from owners.shut_offs import Finding, decide_shut_off, propose_shut_off
from tests.factories import NOW, TODAY, create_user


def create_shut_off(
    *,
    unit: Unit,
    by: User | None = None,
    service: SafetyShutOff.Service = SafetyShutOff.Service.WATER,
    approved: bool = False,
) -> SafetyShutOff:
    """Proposed by somebody because of a danger; with ``approved`` in force."""
    submission = uuid.uuid4()
    proof = store_file(
        project=unit.project, content=b"%PDF-1.7", name=f"{submission}.pdf", content_type="application/pdf",
        purpose=FilePurpose.SHUT_OFF_PROOF, by=None,
    )  # fmt: skip
    row = propose_shut_off(
        unit, Finding(service, SafetyShutOff.Ground.DANGER, "空置，厨房水管爆裂", TODAY), proof=proof,
        by=by or create_user(name="提议人"), now=NOW, submission=submission,
    )  # fmt: skip
    if not approved:
        return row
    manager = create_user(name="沈静宜")
    return decide_shut_off(row.pk, approve=True, by=manager, roles=frozenset({Role.PROJECT_MANAGER}), now=NOW)
