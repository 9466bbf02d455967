"""Parts of a print file, put together by whoever made their letters, so that little is left to do at the end.

A part is found by the files that it is made of, so a letter that is void or made anew leads to another part. None has
to be there: what is missing, or was left half written, is put together when the print file is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from itertools import groupby

import pikepdf
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from company.models import StoredFile
from notices.font_pool import FontPool
from notices.image_pool import share_images
from notices.kinds import KINDS
from notices.models import Batch, Notice, NoticeKind

LETTERS = 25
LEFT_BEHIND = timedelta(days=1)  # for so long after its end a batch is looked at again
DIGEST_BYTES = hashlib.sha256().digest_size


def runs(letters: Sequence[Notice]) -> Iterator[list[Notice]]:
    """``letters``, in the order of their positions, as they stand together in parts."""
    for _number, run in groupby(letters, key=lambda letter: (letter.position - 1) // LETTERS):
        yield list(run)


def prepare_parts(batch: Batch, letters: Sequence[Notice]) -> None:
    """Keep the parts of ``letters``, which have their files."""
    for run in runs(letters):
        _keep(batch, _files(run))


def part_of(batch: Batch, letters: Sequence[Notice]) -> bytes:
    """A PDF of all the letters of a run, with as many copies as their kind needs, which share fonts and pictures."""
    files = _files(letters)
    return _kept(batch, files) or _put_together(batch, files)


def forget_parts(batch: Batch) -> None:
    """Delete what was kept; the batch has its print file, or needs none."""
    folder = _folder(batch)
    try:
        _folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{folder}/{name}")


def forget_those_of_finished(*, now: datetime) -> None:
    """Delete what a worker that was killed, or was late, left of batches that are finished."""
    for batch in Batch.objects.filter(finished_at__gte=now - LEFT_BEHIND).select_related("project"):
        forget_parts(batch)


def _files(letters: Sequence[Notice]) -> list[StoredFile]:
    return [letter.file for letter in letters if letter.file]


def _put_together(batch: Batch, files: Sequence[StoredFile]) -> bytes:
    pool, content, copies = FontPool(), BytesIO(), KINDS[NoticeKind(batch.kind)].copies
    with pikepdf.new() as part:
        for stored in files:
            with stored.file.open("rb") as file, pikepdf.open(BytesIO(file.read())) as letter:
                pool.share(letter)
                for _copy in range(copies):
                    part.pages.extend(letter.pages)
        pool.embed(part)
        share_images(part)
        part.save(content, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return content.getvalue()


def _keep(batch: Batch, files: Sequence[StoredFile]) -> None:
    path = _path(batch, files)
    if not default_storage.exists(path):
        part = _put_together(batch, files)
        default_storage.save(path, ContentFile(hashlib.sha256(part).digest() + part))


def _kept(batch: Batch, files: Sequence[StoredFile]) -> bytes | None:
    """The part if it is there, to its last byte."""
    try:
        with default_storage.open(_path(batch, files)) as file:
            content = file.read()
    except FileNotFoundError:
        return None
    part = content[DIGEST_BYTES:]
    return part if hashlib.sha256(part).digest() == content[:DIGEST_BYTES] else None


def _path(batch: Batch, files: Sequence[StoredFile]) -> str:
    return f"{_folder(batch)}/{hashlib.sha256(''.join(file.sha256 for file in files).encode()).hexdigest()}"


def _folder(batch: Batch) -> str:
    return f"parts/{batch.project.code}/{batch.pk}"
