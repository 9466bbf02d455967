"""The pages of a visit pack: the list of the round, the notices to hand over, the blank receipts, as one PDF."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pikepdf
from django.utils import timezone

from arrears.verification import payments_known_until
from collection.models import ArrearsReason, Case, VisitPack
from collection.rounds import RoundRow
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.amounts import figures, written_date
from notices.fields import one_line
from notices.grid import Column, Grid, Page, filled
from notices.imposing import impose, is_slip
from notices.kinds import KINDS
from notices.models import Notice, NoticeKind
from notices.paper_data import written_instant
from notices.press import Printed, press
from notices.scan_codes import code128

TITLE, FORM_TITLE = "上门清单", "收款凭据"
LIST = Grid(
    (
        Column("房号", 18, "l"),
        Column("业主", 14, "l"),
        Column("逾期(元)", 13, "r"),
        Column("最早应缴日", 14, "c"),
        Column("欠费原因", 18, "l"),
        Column("上次联系", 14, "c"),
        Column("上门结果", 22, "l"),
    ),
    half_width=1.375,
    line=9,
    spare=2,
)
FIRST_PAGE, NEXT_PAGE = 20, 26  # lines without the head
CLOSING = 2


def list_data(
    rows: Sequence[RoundRow], *, project: Project, member: User, now: datetime, last: Mapping[int, date]
) -> dict[str, Any]:
    """Everything that the list says, as text (Chinese): owners masked, no phone; ``last``: by case the last contact."""
    return {
        "fields": {
            "项目名称": one_line(project.name),
            "物业公司": one_line(project.company_name),
            "上门人": one_line(member.name),
            "日期": written_date(timezone.localdate(now)),
            "数据截至": written_instant(payments_known_until(project)),
            "户数": str(len(rows)),
            "合计": figures(sum((row.owed for row in rows), start=rows[0].owed - rows[0].owed)),
        },
        "lines": [_line(row, last.get(row.case.pk)) for row in rows],
    }


def file_of(pack: VisitPack) -> StoredFile:
    """The PDF of a pack, made when it is first asked for; every later call is that file.

    Not for use inside a transaction. Raises notices.press.PressError.
    """
    if pack.file is not None:
        return pack.file
    printed = print_pack(pack)
    stored = store_file(
        project=pack.project,
        content=printed.pdf,
        name=f"{TITLE} {pack.number}.pdf",
        content_type="application/pdf",
        purpose=FilePurpose.VISIT_PACK,
        by=pack.made_by,
    )
    VisitPack.objects.filter(pk=pack.pk, file=None).update(file=stored, pages=printed.pages)
    pack.refresh_from_db(fields=["file", "pages"])
    return pack.file or stored


def print_pack(pack: VisitPack) -> Printed:
    """The list, then the notices with as many copies as their kind needs, slips on common sheets, then the receipts.

    Raises notices.press.PressError.
    """
    letters = [packed.notice for packed in pack.letters.select_related("notice__file")]
    forms = [form.number for form in pack.forms.all()]
    parts = press().print("visit_list.typ", [_list_content(pack, letters, forms)])
    if forms:
        parts += press().print("receipt_form.typ", [_form_content(pack, number) for number in forms])
    (first, *receipts) = [part.pdf for part in parts]
    return _bound([first, *_letter_files(letters), *_slip_files(letters), *receipts])


def _bound(files: Sequence[bytes | pikepdf.Pdf]) -> Printed:
    whole = pikepdf.new()
    for file in files:
        whole.pages.extend((file if isinstance(file, pikepdf.Pdf) else pikepdf.open(BytesIO(file))).pages)
    buffer = BytesIO()
    whole.save(buffer, deterministic_id=True)
    return Printed(buffer.getvalue(), len(whole.pages))


def _letter_files(letters: Sequence[Notice]) -> list[bytes]:
    return [
        content
        for letter in letters
        if letter.kind != NoticeKind.DOOR_SLIP
        for content in [_read(letter)] * KINDS[NoticeKind(letter.kind)].copies
    ]


def _slip_files(letters: Sequence[Notice]) -> list[pikepdf.Pdf]:
    small = pikepdf.new()
    for letter in letters:
        if letter.kind == NoticeKind.DOOR_SLIP:
            small.pages.extend(pikepdf.open(BytesIO(_read(letter))).pages)
    if not small.pages:
        return []
    return [impose(small) if is_slip(small) else small]


def _read(letter: Notice) -> bytes:
    assert letter.file is not None  # noqa: S101  only made letters are packed
    with letter.file.file.open("rb") as file:
        content: bytes = file.read()
    return content


def _line(row: RoundRow, last: date | None) -> list[str]:
    case = row.case
    return [
        case.account.unit.code, one_line(row.party), figures(row.owed),
        case.oldest_due_on.isoformat() if case.oldest_due_on else "", printed_reason(case),
        last.isoformat() if last else "", "",
    ]  # fmt: skip


def printed_reason(case: Case) -> str:
    """How the reason of a case stands on paper: that somebody refuses without cause is never printed."""
    if case.reason in (ArrearsReason.MALICIOUS, ArrearsReason.UNKNOWN):
        return ""
    return str(case.get_sub_reason_display() or case.get_reason_display())


def _list_content(pack: VisitPack, letters: Sequence[Notice], forms: Sequence[str]) -> dict[str, Any]:
    rows = [LIST.row(line) for line in pack.data["lines"]]
    fields = pack.data["fields"]
    foot = LIST.row(["合计", f"{fields['户数']}户", fields["合计"], "", "", "", ""])
    more = LIST.row(["", "接下页", "", "", "", "", ""])
    sheets = filled(rows, first=FIRST_PAGE, following=NEXT_PAGE, closing=CLOSING)
    pages = [*(Page(sheet, more) for sheet in sheets[:-1]), Page(sheets[-1], foot)]
    kinds = [KINDS[NoticeKind(letter.kind)].title for letter in letters]
    return {
        "title": TITLE,
        "number": pack.number,
        "scan": {"text": pack.number, "svg": code128(pack.number)},
        "fields": fields,
        "again": pack.reprint_of.number if pack.reprint_of else "",
        "letters": [f"{kind}{kinds.count(kind)}份" for kind in dict.fromkeys(kinds)],
        "forms": [forms[0], forms[-1], str(len(forms))] if forms else [],
        "table": LIST.as_data(pages),
    }


def _form_content(pack: VisitPack, number: str) -> dict[str, Any]:
    fields = pack.data["fields"]
    return {
        "title": FORM_TITLE,
        "number": number,
        "pack": pack.number,
        "scan": {"text": number, "svg": code128(number)},
        "fields": {key: fields[key] for key in ("项目名称", "物业公司", "上门人")},
    }
