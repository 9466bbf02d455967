"""Signed scans of lawyers' letters: without one, a letter of a firm is a draft and stays in the house.

One PDF of a whole batch is cut by the known numbers of pages, in the order of the print file; an archive is sorted by
the document numbers in its names. Either all of it fits or nothing is kept.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

import pikepdf
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.posting import lock_accounts
from company.audit import record
from company.files import store_file
from company.models import FilePurpose, StoredFile, User
from notices.kinds import KINDS
from notices.models import Batch, Notice, NoticeKind, SignedScan
from notices.scan_archives import ScanRefusedError, opened_pdf, read_archive

SCAN_BYTES = 200 << 20
MOST_NAMED = 5


@dataclass(frozen=True)
class Scan:
    """The signed pages of one letter."""

    notice: Notice
    content: bytes
    pages: int


def needs_signature(kind: str) -> bool:
    """Whether letters of this kind are signed by a law firm."""
    return kind in KINDS and KINDS[NoticeKind(kind)].needs_mandate


def unsigned(batch: Batch) -> list[Notice]:
    """Made letters of a batch that wait for their scan, in the order of the print file."""
    waiting = batch.notices.filter(state=Notice.State.ISSUED).exclude(scans__withdrawn_at=None, scans__isnull=False)
    return list(waiting.defer("data", "charge_ids").order_by("position"))


def final_file(notice: Notice, scan: SignedScan | None, *, on: date) -> StoredFile | None:
    """The file that is handed out: of a firm's letter the signed scan, while its mandate holds or once it was sent.

    Until then it is the issued file, whose pages say that it is a draft. ``notice`` comes with its batch's firm.
    """
    firm = notice.batch.law_firm
    if scan is None or firm is None:
        return notice.file
    return scan.file if notice.state == Notice.State.DISPATCHED or firm.is_mandated(on=on) else notice.file


def sign_letter(notice: Notice, upload: File, *, by: User, now: datetime) -> SignedScan:
    """Keep the signed scan of one letter. Raises ScanRefusedError."""
    _check_size(upload)
    content = _read(upload)
    with opened_pdf(content, notice.number) as pdf:
        pages = len(pdf.pages)
    if pages < (notice.pages or 1):
        raise ScanRefusedError(
            _("%(number)s has %(pages)s pages, the scan has %(scanned)s: pages are missing.")
            % {"number": notice.number, "pages": notice.pages, "scanned": pages}
        )
    (kept,) = _keep([Scan(notice, content, pages)], notice.batch, by=by, now=now)
    return kept


def sign_batch(batch: Batch, upload: File, *, by: User, now: datetime) -> int:
    """Keep the scans of a batch, one PDF in the order of the print file or a ZIP; returns how many letters are signed.

    Raises ScanRefusedError, and then nothing is kept.
    """
    _check_size(upload)
    letters = unsigned(batch)
    if not letters:
        raise ScanRefusedError(_("No letter of this batch waits for a signed scan."))
    upload.seek(0)
    is_archive = upload.read(2) == b"PK"
    scans = _from_archive(upload, letters) if is_archive else _cut(_read(upload), letters)
    return len(_keep(scans, batch, by=by, now=now))


@transaction.atomic
def withdraw_scan(scan: SignedScan, *, by: User, now: datetime, reason: str) -> None:
    """Take back a scan that was uploaded by mistake, while its letter is in the house. Raises ScanRefusedError."""
    notice = scan.notice
    lock_accounts([notice.account_id])
    if notice.deliveries.standing().exists():
        raise ScanRefusedError(_("The letter has left the house; its scan stays."))
    if not SignedScan.objects.filter(pk=scan.pk, withdrawn_at=None).update(withdrawn_at=now, withdrawn_by=by):
        raise ScanRefusedError(_("Somebody has taken this scan back already."))
    record(action="notices.scan_withdrawn", by=by, project=notice.project, obj=notice, reason=reason)


def _check_size(upload: File) -> None:
    if upload.size > SCAN_BYTES:
        raise ScanRefusedError(_("The file is larger than 200 MB; upload the batch in parts, as ZIP files."))


def _read(upload: File) -> bytes:
    upload.seek(0)
    content: bytes = upload.read()
    return content


def _cut(content: bytes, letters: Sequence[Notice]) -> Iterator[Scan]:
    expected = sum(letter.pages or 0 for letter in letters)
    with opened_pdf(content, "PDF") as pdf:
        if len(pdf.pages) != expected:
            raise ScanRefusedError(
                _(
                    "The scan has %(scanned)s pages, the %(letters)s letters that wait for a signature have %(pages)s "
                    "(%(first)s to %(last)s). Scan them whole and in the order of the print file, without blank pages; "
                    "or upload single files as a ZIP, named by document number."
                )
                % {"scanned": len(pdf.pages), "letters": len(letters), "pages": expected,
                   "first": letters[0].number, "last": letters[-1].number}
            )  # fmt: skip
        start = 0
        for letter in letters:
            pages = letter.pages or 0
            yield Scan(letter, _part(pdf, start, pages), pages)
            start += pages


def _part(pdf: pikepdf.Pdf, start: int, pages: int) -> bytes:
    with pikepdf.new() as part:
        part.pages.extend(pdf.pages[start : start + pages])
        content = BytesIO()
        part.save(content, deterministic_id=True)
    return content.getvalue()


def _from_archive(upload: File, letters: Sequence[Notice]) -> list[Scan]:
    wanted = _names(letters)
    scans: dict[int, Scan] = {}
    faults = []
    for name, content in read_archive(upload):
        found = {letter.pk: letter for key, letter in wanted.items() if key in _key(name)}
        if len(found) != 1:
            faults.append(_("%(name)s: no letter that waits for a signature has this number") % {"name": name})
            continue
        (letter,) = found.values()
        with opened_pdf(content, name) as pdf:
            pages = len(pdf.pages)
        if letter.pk in scans:
            faults.append(_("%(name)s: a second file for %(number)s") % {"name": name, "number": letter.number})
        elif pages < (letter.pages or 1):
            faults.append(
                _("%(name)s: %(scanned)s pages, the letter has %(pages)s")
                % {"name": name, "scanned": pages, "pages": letter.pages}
            )
        scans[letter.pk] = Scan(letter, content, pages)
    if faults or not scans:
        raise ScanRefusedError(_refusal(faults))
    return list(scans.values())


def _refusal(faults: Sequence[str]) -> str:
    if not faults:
        return _("The archive holds no PDF.")
    more = len(faults) - MOST_NAMED
    named = "; ".join(faults[:MOST_NAMED])
    ending = _(" and %(more)s more") % {"more": more} if more > 0 else ""
    return _("Nothing was kept. %(faults)s%(ending)s.") % {"faults": named, "ending": ending}


def _names(letters: Collection[Notice]) -> Mapping[str, Notice]:
    """By what a file may be called: the document number, or what the bar code carries."""
    names = {}
    for letter in letters:
        names[_key(letter.number)] = letter
        code = KINDS[NoticeKind(letter.kind)].scan_code(year=letter.year, sequence=letter.sequence)
        names[_key(code)] = letter
    return names


def _key(name: str) -> str:
    return "".join(character for character in name.upper() if character.isalnum())


def _keep(scans: Iterator[Scan] | Sequence[Scan], batch: Batch, *, by: User, now: datetime) -> list[SignedScan]:
    firm = batch.law_firm
    if firm is None or not firm.is_mandated(on=timezone.localdate(now)):
        raise ScanRefusedError(_("The firm has no valid mandate on file. Upload it first."))
    kept = [(scan, _store(scan, by=by)) for scan in scans]  # files first, rows in one transaction
    with transaction.atomic():
        lock_accounts([scan.notice.account_id for scan, _stored in kept])
        ids = [scan.notice.pk for scan, _stored in kept]
        free = Notice.objects.filter(pk__in=ids, state=Notice.State.ISSUED)
        free = free.exclude(scans__withdrawn_at=None, scans__isnull=False)
        if len(moved := set(ids) - set(free.values_list("pk", flat=True))) > 0:
            numbers = [scan.notice.number for scan, _stored in kept if scan.notice.pk in moved]
            raise ScanRefusedError(
                _("Not waiting for a signature any more: %(numbers)s.") % {"numbers": "、".join(numbers[:MOST_NAMED])}
            )
        rows = SignedScan.objects.bulk_create(
            SignedScan(
                project_id=batch.project_id, notice=scan.notice, law_firm=firm, file=stored, pages=scan.pages,
                uploaded_at=now, uploaded_by=by,
            )
            for scan, stored in kept
        )  # fmt: skip
        record(action="notices.scans_kept", by=by, project=batch.project, obj=batch, letters=len(rows))
    return rows


def _store(scan: Scan, *, by: User) -> StoredFile:
    return store_file(
        project=scan.notice.project,
        content=scan.content,
        name=_("%(number)s signed.pdf") % {"number": scan.notice.number},
        content_type="application/pdf",
        purpose=FilePurpose.SIGNED_SCAN,
        by=by,
    )
