"""Files that prove what somebody proposes."""

import uuid
from typing import Any

from arrears.relief_forms import proof_type
from company.access import ProjectRequest
from company.files import store_file
from company.models import FilePurpose, StoredFile


def store_proof(request: ProjectRequest, upload: Any) -> StoredFile:
    """Keep an uploaded proof; two of the same content stay two, so that each proposal has its own."""
    return store_file(
        project=request.project, content=upload, name=f"{uuid.uuid4().hex[:8]} {upload.name}"[-200:],
        content_type=proof_type(upload) or "", purpose=FilePurpose.DELIVERY_PROOF, by=request.user,
    )  # fmt: skip
