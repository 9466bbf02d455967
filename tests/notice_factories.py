"""Letters and their sendings for tests, without the work of printing them."""

import datetime as dt
import io
from collections.abc import Sequence
from itertools import count
from typing import Any

import pikepdf

from arrears.models import Account
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.default_texts import usual_paper
from notices.dispatching import Order, dispatch
from notices.facts import read_facts
from notices.models import Batch, Channel, Delivery, Notice, NoticeKind, NoticeTemplate, SignedScan
from tests.factories import NOW, TODAY, create_debtor, create_law_firm, create_user

CODES = {
    "lawyer_letter": ("律函", "LL"),
    "ems_notice": ("物通", "EN"),
    "fee_notice": ("收费", "FN"),
    "door_slip": ("留言", "DS"),
}
_numbers = count(1)


def pdf_of(pages: int = 1, *, mark: str = "") -> bytes:
    """A PDF of blank pages; ``mark`` makes it another file."""
    pdf = pikepdf.new()
    for _page in range(pages):
        pdf.add_blank_page(page_size=(595, 842))
    if mark:
        pdf.docinfo["/Title"] = mark
    content = io.BytesIO()
    pdf.save(content, deterministic_id=True)
    return content.getvalue()


def create_file(
    *,
    project: Project,
    name: str = "凭证.pdf",
    content: bytes = b"",
    purpose: FilePurpose = FilePurpose.DELIVERY_PROOF,
) -> StoredFile:
    return store_file(
        project=project, content=content or pdf_of(mark=name), name=name, content_type="application/pdf",
        purpose=purpose, by=None,
    )  # fmt: skip


def create_letter_batch(
    *, project: Project, kind: NoticeKind = NoticeKind.EMS_NOTICE, issue_on: dt.date = TODAY, **fields: Any
) -> Batch:
    number = next(_numbers)
    template, _made = NoticeTemplate.objects.get_or_create(
        project=project, kind=kind, version=1, defaults={"body": "{业主}", "paper": usual_paper(kind)}
    )
    if kind == NoticeKind.LAWYER_LETTER:
        fields.setdefault("law_firm", create_law_firm(project=project, name=f"律所{number}"))
    return Batch.objects.create(
        project=project, kind=kind, sequence=number, occasion=f"2025-11-{number}", template=template, data_until=TODAY,
        issue_on=issue_on, deadline_on=TODAY + dt.timedelta(days=21), confirmed_at=NOW, finished_at=NOW,
        state=Batch.State.READY, confirmed_by=create_user(name="贺兰"), **fields,
    )  # fmt: skip


def create_letter(
    *,
    project: Project,
    kind: NoticeKind = NoticeKind.EMS_NOTICE,
    account: Account | None = None,
    batch: Batch | None = None,
    pages: int = 1,
    state: Notice.State = Notice.State.ISSUED,
    **debtor: Any,
) -> Notice:
    """A made letter that demands what its account owes, two months of 100.00 unless told."""
    account = account or create_debtor(project=project, **{"months": 2} | debtor)
    batch = batch or create_letter_batch(project=project, kind=kind)
    (facts,) = read_facts(Account.objects.filter(pk=account.pk), on=TODAY).values()
    sequence = next(_numbers)
    word, code = CODES[batch.kind]
    stored = store_file(
        project=project, content=pdf_of(pages, mark=f"issued {sequence}"), name=f"{sequence}.pdf",
        content_type="application/pdf", purpose=FilePurpose.NOTICE, by=None,
    )  # fmt: skip
    number = f"凤一{word}〔2025〕第{sequence:04d}号"
    data = {
        "fields": {"业主": facts.owner, "函号": number},
        "charges": [charge.as_data() for charge in facts.charges],
        "scan_code": f"{code}2025{sequence:06d}",
    }
    return Notice.objects.create(
        project=project, batch=batch, account=account, kind=batch.kind, occasion=batch.occasion, year=2025,
        sequence=sequence, number=number, position=batch.notices.count() + 1, data=data, principal=facts.principal,
        charge_ids=[charge.charge_id for charge in facts.charges], content_sha256="0" * 64,
        seen_version=facts.version, state=state, file=stored, file_sha256=stored.sha256, pages=pages, issued_at=NOW,
    )  # fmt: skip


def create_scan(*, notice: Notice, by: User | None = None) -> SignedScan:
    return SignedScan.objects.create(
        project=notice.project, notice=notice, law_firm=notice.batch.law_firm, pages=notice.pages or 1,
        file=create_file(project=notice.project, name=f"{notice.number}签章.pdf", purpose=FilePurpose.SIGNED_SCAN),
        uploaded_at=NOW, uploaded_by=by or create_user(name="贺兰"),
    )  # fmt: skip


def send(
    *notices: Notice,
    channel: Channel = Channel.EMS,
    on: dt.date = TODAY,
    by: User | None = None,
    now: dt.datetime = NOW,
) -> list[Delivery]:
    """Dispatch letters; a lawyer's is signed first."""
    for notice in notices:
        if notice.kind == NoticeKind.LAWYER_LETTER and not notice.scans.exists():
            create_scan(notice=notice)
    by = by or create_user(name="贺兰")
    done = dispatch(notices[0].project, [n.pk for n in notices], Order(channel, on), by=by, now=now)
    assert not done.kept_back
    return done.sent


def create_sendings(*, project: Project, number: int, **fields: Any) -> Sequence[Delivery]:
    """So many EMS notices, each sent today."""
    batch = create_letter_batch(project=project)
    return send(*[create_letter(project=project, batch=batch, **fields) for _ in range(number)])
