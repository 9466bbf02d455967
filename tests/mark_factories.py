"""Marks for tests."""

import datetime as dt
import uuid

from collection.marks import approve_mark, propose_mark
from collection.models import Case, CaseMark
from company.files import store_file
from company.models import FilePurpose, Role, StoredFile, User
from tests.factories import NOW, create_user


def create_proof(*, case: Case) -> StoredFile:
    return store_file(
        project=case.project, content=b"%PDF-1.7", name=f"{uuid.uuid4()}.pdf", content_type="application/pdf",
        purpose=FilePurpose.DELIVERY_PROOF, by=None,
    )  # fmt: skip


def create_mark(
    *,
    case: Case,
    by: User | None = None,
    kind: CaseMark.Kind = CaseMark.Kind.HISTORICAL,
    approved_on: dt.date | None = None,
) -> CaseMark:
    """Proposed by somebody; with ``approved_on`` in force from that day."""
    mark = propose_mark(
        case, kind, "开发商遗留漏水", proof=create_proof(case=case), by=by or create_user(name="提议人"), now=NOW,
        submission=uuid.uuid4(),
    )  # fmt: skip
    if approved_on is None:
        return mark
    leader = create_user(name="顾伟")
    return approve_mark(mark.pk, by=leader, roles=frozenset({Role.COMPANY_LEADER}), now=NOW, today=approved_on)
