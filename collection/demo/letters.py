"""Lawyers' letters of the campaign: a batch that was made and partly sent, one whose files the worker still makes."""

from datetime import date, datetime, timedelta
from io import BytesIO

import pikepdf

from collection.letters import LetterOrder, issue_letters, usual_occasion
from collection.models import Case, Measure, Stage
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.batch_preview import Terms
from notices.bundling import bundle
from notices.default_texts import install_default_templates
from notices.editing import approve_text
from notices.images import approve_image, propose_link, propose_picture
from notices.issuing import NothingToSendError
from notices.making import claim_chunk, print_claim, settle_claim
from notices.models import Batch, Channel, ImagePurpose, LawFirm, NoticeKind
from notices.samples import sample_seal
from owners.models import ServiceContract


def prepare(project: Project, *, writer: User, approver: User, now: datetime, today: date) -> None:
    """The approved texts, a sample seal and a code for paying, a firm with a mandate and the scan of the contract."""
    for template in install_default_templates(project):
        approve_text(template, by=approver, now=now)
    seal = propose_picture(project, ImagePurpose.SEAL, sample_seal(), name="样章.png", by=writer, now=now)
    pay_code = propose_link(project, f"https://pay.example.com/{project.code.lower()}", by=writer, now=now)
    for image in (seal, pay_code):
        approve_image(image, by=approver, now=now)
    mandate = scan(project, "律师事务所委托书.pdf", FilePurpose.MANDATE, by=writer)
    LawFirm.objects.create(
        project=project,
        name="云州衡正律师事务所",
        lawyer="陆明远",
        lawyer_phone="0599-1550088",
        mandate=mandate,
        mandated_until=today + timedelta(days=400),
    )
    contract_scan = scan(project, "物业服务合同.pdf", FilePurpose.CONTRACT_SCAN, by=writer)
    ServiceContract.objects.filter(project=project).update(scan=contract_scan)


def issue(project: Project, *, by: User, now: datetime, today: date, most: int | None = None) -> Batch | None:
    """Confirm letters for cases that have come to legal means, ``most`` at most; None where nobody gets one."""
    due = Case.objects.filter(project=project, stage=Stage.LEGAL, next_measure=Measure.LAWYER_LETTER).open()
    cases = list(due.in_round_order().select_related("project", "account")[:most])
    order = LetterOrder(
        project, NoticeKind.LAWYER_LETTER, usual_occasion(project, today=today), today + timedelta(days=21), cases,
        terms=Terms(channel=Channel.EMS),
    )  # fmt: skip
    try:
        return issue_letters(order, by=by, now=now)
    except NothingToSendError:
        return None


def make(batch: Batch, *, now: datetime) -> None:
    """What the worker does: print the letters, keep their files, put the batch together."""
    while claim := claim_chunk(batch.pk, now=now):
        settle_claim(claim, print_claim(claim), now=now)
    bundle(batch.pk, clock=lambda: now)


def blank_pdf(pages: int = 1) -> bytes:
    """So many empty pages, in place of what people would scan."""
    pdf = pikepdf.new()
    for _page in range(pages):
        pdf.add_blank_page(page_size=(595, 842))
    content = BytesIO()
    pdf.save(content, deterministic_id=True)
    return content.getvalue()


def scan(project: Project, name: str, purpose: FilePurpose, *, by: User) -> StoredFile:
    """A sheet without anything on it, kept as if it had been scanned."""
    return store_file(
        project=project, content=blank_pdf(), name=name, content_type="application/pdf", purpose=purpose, by=by
    )
