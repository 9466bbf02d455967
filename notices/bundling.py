"""The files of a whole batch: one PDF in round order for the printer, one ZIP with a list of SHA-256 sums."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from io import BytesIO
from typing import IO, BinaryIO, cast

import pikepdf
from django.core.files.base import File
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from company.files import store_file
from company.models import FilePurpose, StoredFile
from company.notifying import notify
from notices import print_parts
from notices.font_pool import FontPool
from notices.image_pool import share_images
from notices.imposing import impose, is_slip
from notices.labels import labels_of, print_labels
from notices.models import Batch, Notice
from notices.rendering import CHUNK

STALE_AFTER = timedelta(seconds=90)
RENEW_AFTER = timedelta(seconds=3)
MANIFEST = "SHA256SUMS.txt"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same letters make the same archive


class ClaimLostError(Exception):
    """Another worker puts this batch together, or somebody stopped it."""


class Claim:
    """The right to put a batch together, known by the instant at which it was last renewed."""

    def __init__(self, batch_id: int, clock: Callable[[], datetime]) -> None:
        self.batch_id, self.clock, self.at = batch_id, clock, clock()

    def take(self) -> bool:
        """Whether the batch was free."""
        free = Q(bundling_at__isnull=True) | Q(bundling_at__lt=self.at - STALE_AFTER)
        batches = Batch.objects.filter(free, pk=self.batch_id, state=Batch.State.RENDERING)
        return bool(batches.update(bundling_at=self.at))

    def renew(self) -> None:
        """Say now and then that the work goes on. Raises ClaimLostError."""
        renewed = self.clock()
        if renewed - self.at < RENEW_AFTER:
            return
        if not Batch.objects.filter(pk=self.batch_id, bundling_at=self.at).update(bundling_at=renewed):
            raise ClaimLostError(self.batch_id)
        self.at = renewed


def bundle(batch_id: int, *, clock: Callable[[], datetime]) -> bool:
    """Put the files of a batch together once all its letters are made; False when that is not to be done now.

    The files are made outside of a transaction. If a letter was voided meanwhile they are thrown away, and the batch
    stays unfinished for the next call.
    """
    claim = Claim(batch_id, clock)
    if Notice.objects.filter(batch_id=batch_id).unfinished().exists():
        return False
    # Stopped while the last letters were under way: there is nothing left to go on with or to leave out.
    Batch.objects.filter(pk=batch_id, state=Batch.State.STOPPED, bundling_at=None).update(state=Batch.State.RENDERING)
    if not claim.take():
        return False
    batch = Batch.objects.select_related("project", "confirmed_by").get(pk=batch_id)
    letters = _issued(batch)
    try:
        files = _files(batch, letters, claim)
    except ClaimLostError:
        return False
    is_finished = _finish(batch, letters, files, claim=claim, now=clock())
    if is_finished:
        print_parts.forget_parts(batch)
    return is_finished


def _files(batch: Batch, letters: Sequence[Notice], claim: Claim) -> dict[str, StoredFile | None]:
    """By field of the batch; nothing where no letter was made."""
    makers = {"merged_file": _merged_file, "zip_file": _zip_file, "labels_file": _labels_file}
    return {field: make(batch, letters, claim) if letters else None for field, make in makers.items()}


@transaction.atomic
def _finish(
    batch: Batch,
    letters: Sequence[Notice],
    files: Mapping[str, StoredFile | None],
    *,
    claim: Claim,
    now: datetime,
) -> bool:
    current = Batch.objects.select_for_update().get(pk=batch.pk)
    if current.state != Batch.State.RENDERING or current.bundling_at != claim.at:
        return False
    current.bundling_at = None
    complete = [n.pk for n in _issued(batch)] == [n.pk for n in letters] and not batch.notices.unfinished().exists()
    if complete:
        current.state, current.finished_at = Batch.State.READY, now
        for field, stored in files.items():
            setattr(current, field, stored)
    current.save(update_fields=["bundling_at", "state", "finished_at", *files])
    if complete:
        _tell(current, len(letters))
    return complete


def _tell(batch: Batch, letters: int) -> None:
    notify(
        user=batch.confirmed_by,
        project=batch.project,
        key=f"notices.batch.{batch.pk}.ready",
        title=_("%(batch)s: %(letters)s letters are ready to print.") % {"batch": batch, "letters": letters},
        url=reverse("notices:batch_detail", args=[batch.project.code, batch.pk]),
    )


def _issued(batch: Batch) -> list[Notice]:
    rows = batch.notices.filter(state__in=[Notice.State.ISSUED, Notice.State.DISPATCHED])
    return list(rows.select_related("file", "account__unit").defer("data").order_by("position"))


def _merged_file(batch: Batch, letters: Sequence[Notice], claim: Claim) -> StoredFile:
    with tempfile.TemporaryFile() as content:
        _merge(batch, letters, cast("BinaryIO", content), claim)
        return _keep(batch, content, f"{batch}.pdf", "application/pdf")


def _labels_file(batch: Batch, letters: Sequence[Notice], claim: Claim) -> StoredFile | None:
    """A label for each envelope, for a printer of labels; None where nothing goes by post."""
    labels = labels_of(batch, letters)
    if not labels:
        return None
    with tempfile.TemporaryFile() as content, pikepdf.new() as whole:
        pool = FontPool()
        for printed in print_labels(labels):
            for label in printed:
                with pikepdf.open(BytesIO(label.pdf)) as page:
                    pool.share(page)
                    whole.pages.extend(page.pages)
            claim.renew()
        pool.embed(whole)
        whole.save(content, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        name = _("%(batch)s, envelope labels") % {"batch": batch}
        return _keep(batch, content, f"{name}.pdf", "application/pdf")


def _zip_file(batch: Batch, letters: Sequence[Notice], claim: Claim) -> StoredFile:
    with tempfile.TemporaryFile() as content:
        sums = []
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for number, letter in enumerate(letters, start=1):
                name = f"{letter.position:04d}_{letter.account.unit.code}_{letter.number}.pdf".replace("/", "-")
                with letter.file.file.open("rb") as file:  # type: ignore[union-attr]
                    pdf = file.read()
                archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), pdf)
                sums.append(f"{hashlib.sha256(pdf).hexdigest()}  {name}\n")
                if number % CHUNK == 0:
                    claim.renew()
            archive.writestr(zipfile.ZipInfo(MANIFEST, ZIP_TIME), "".join(sums))
        return _keep(batch, content, f"{batch}.zip", "application/zip")


def _keep(batch: Batch, content: IO[bytes], name: str, content_type: str) -> StoredFile:
    return store_file(
        project=batch.project,
        content=File(content),
        name=name,
        content_type=content_type,
        purpose=FilePurpose.NOTICE_BUNDLE,
        by=batch.confirmed_by,
    )


def _merge(batch: Batch, letters: Sequence[Notice], target: BinaryIO, claim: Claim) -> None:
    """One PDF of all letters in order; slips stand side by side on sheets of A4."""
    with pikepdf.new() as whole:
        for run in print_parts.runs(letters):
            with pikepdf.open(BytesIO(print_parts.part_of(batch, run))) as part:
                whole.pages.extend(part.pages)
            claim.renew()
        share_images(whole)
        with impose(whole) if is_slip(whole) else nullcontext(whole) as sheets:
            sheets.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
