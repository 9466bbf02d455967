"""Files outside the database: stored once by content, handed out by right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from company.models import FilePurpose, StoredFile
from company.rights import Right

if TYPE_CHECKING:
    from company.models import Project, User

# A purpose that is not listed is handed out by the page that knows the case, and nowhere else.
DOWNLOAD_RIGHTS: dict[FilePurpose, Right] = {
    FilePurpose.IMPORT_UPLOAD: Right.POST_MONEY,
    FilePurpose.IMPORT_ERRORS: Right.POST_MONEY,
    FilePurpose.LEDGER_EXPORT: Right.EXPORT_LEDGER,
    FilePurpose.CASE_EXPORT: Right.EXPORT_CASES,
    FilePurpose.CONTRACT_SCAN: Right.SEE_LEDGER,
    FilePurpose.LETTERHEAD: Right.EDIT_TEMPLATES,
    FilePurpose.SEAL: Right.EDIT_TEMPLATES,
    FilePurpose.MANDATE: Right.ISSUE_NOTICES,
    FilePurpose.NOTICE: Right.ISSUE_NOTICES,
    FilePurpose.NOTICE_BUNDLE: Right.ISSUE_NOTICES,
    FilePurpose.PAPER: Right.EXPORT_LEDGER,
    FilePurpose.TRACKING_LIST: Right.ISSUE_NOTICES,
    FilePurpose.DELIVERY_PROOF: Right.ISSUE_NOTICES,
}

CHUNK_BYTES = 1 << 20
DOCUMENT_TYPES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def document_type(upload: File) -> str | None:
    """The content type that the file's first bytes show; None for what is neither PDF, JPEG nor PNG."""
    upload.seek(0)
    start = upload.read(16)
    return next((name for mark, name in DOCUMENT_TYPES.items() if start.startswith(mark)), None)


def store_file(
    *,
    project: Project,
    content: bytes | File,
    name: str,
    content_type: str,
    purpose: FilePurpose,
    by: User | None,
) -> StoredFile:
    """Keeps `content` under the hash of its bytes and returns its row.

    The same bytes with the same name and purpose are kept once. The file is written before the
    row, so a row always has its file.
    """
    file = ContentFile(content) if isinstance(content, bytes) else content
    digest, path = _write(project, file)
    stored, _created = StoredFile.objects.get_or_create(
        project=project,
        purpose=purpose,
        sha256=digest,
        name=name[:200],
        defaults={
            "content_type": content_type,
            "size": file.size,
            "file": path,
            "created_by": by,
        },
    )
    return stored


def store_files(
    *,
    project: Project,
    contents: Mapping[str, bytes],
    content_type: str,
    purpose: FilePurpose,
    by: User | None,
) -> dict[str, StoredFile]:
    """As `store_file` for many at once, by their names; two queries."""
    rows = []
    for name, content in contents.items():
        digest, path = _write(project, ContentFile(content))
        rows.append(
            StoredFile(
                project=project, purpose=purpose, sha256=digest, name=name[:200], content_type=content_type,
                size=len(content), file=path, created_by=by,
            )
        )  # fmt: skip
    StoredFile.objects.bulk_create(rows, ignore_conflicts=True)
    hashes = [row.sha256 for row in rows]
    kept = StoredFile.objects.filter(project=project, purpose=purpose, sha256__in=hashes)
    found = {(stored.sha256, stored.name): stored for stored in kept}
    return {name: found[row.sha256, row.name] for name, row in zip(contents, rows, strict=True)}


def _write(project: Project, file: File) -> tuple[str, str]:
    """Keep the file's bytes unless they are kept already; returns their hash and where they are."""
    digest = _sha256(file)
    path = f"files/{project.code}/{digest[:2]}/{digest}"
    if not _is_whole(path, file.size):
        default_storage.delete(path)
        file.seek(0)
        path = default_storage.save(path, file)
    return digest, path


def _is_whole(path: str, size: int) -> bool:
    """Whether the file is there to its last byte; a process killed while writing leaves a shorter one."""
    return default_storage.exists(path) and default_storage.size(path) == size


def may_download(rights: frozenset[Right], stored: StoredFile) -> bool:
    """Whether holders of `rights` in the file's project get it from the general download page."""
    needed = DOWNLOAD_RIGHTS.get(FilePurpose(stored.purpose))
    return needed is not None and needed in rights


def _sha256(file: File) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: File) -> Iterator[bytes]:
    file.seek(0)
    yield from file.chunks(CHUNK_BYTES)
