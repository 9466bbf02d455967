"""Receipts and statements: given a number once, frozen, and printed from what was frozen.

A receipt belongs to one payment. The same statement twice is one statement: asked for again, the earlier one is
returned.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from arrears.models import Account, Payment
from arrears.movements import account_movements
from arrears.posting import lock_account
from arrears.verification import payments_known_until
from company.audit import record
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.fonts import missing_glyphs
from notices.models import Paper, PaperKind
from notices.numbering import take_numbers
from notices.paper_data import content_sha256, receipt_data, statement_data, texts_of
from notices.paper_layout import print_paper

CODES = {PaperKind.RECEIPT: "RC", PaperKind.STATEMENT: "ST"}
TITLES = {PaperKind.RECEIPT: "收据", PaperKind.STATEMENT: "对账单"}


class PaperRefusedError(Exception):
    """Nothing was issued; the subclass says why."""


class NoReceiptError(PaperRefusedError):
    """Only money that was received here and not reversed is receipted."""


class NoCompanyError(PaperRefusedError):
    """The project does not say which company issues its papers."""


class UnprintableError(PaperRefusedError):
    """The fonts lack characters: ``args[0]`` names them."""


class EmptyPeriodError(PaperRefusedError):
    """The first day lies after the last one, or the last one in the future."""


@transaction.atomic
def issue_receipt(payment_id: int, *, by: User, now: datetime) -> Paper:
    """The receipt of a payment: the one it has, else a new one with the next number, under the account's lock.

    Writes the audit trail. Raises NoReceiptError, NoCompanyError, UnprintableError.
    """
    lock_account(Payment.objects.values_list("account_id", flat=True).get(pk=payment_id))
    rows = Payment.objects.select_related(
        "project", "account__unit__building", "account__ownership", "taken_by", "posted_by"
    )
    payment = rows.get(pk=payment_id)
    if earlier := Paper.objects.filter(payment=payment).select_related("payment").first():
        return earlier
    if payment.kind != Payment.Kind.RECEIVED or payment.reversed_by_id or payment.received_on is None:
        raise NoReceiptError(payment)
    today = timezone.localdate(now)
    data = receipt_data(payment, today=today)
    paper = Paper(
        kind=PaperKind.RECEIPT, payment=payment, ends_on=payment.received_on, amount=payment.amount, data=data
    )
    return _issue(paper, payment.account, by=by, now=now)


@transaction.atomic
def issue_statement(account_id: int, *, since: date | None, until: date, by: User, now: datetime) -> Paper:
    """A statement of the account from ``since`` (its first movement unless told) to ``until``, both included.

    Where nothing it says has changed, the one issued before is returned. Writes the audit trail. Raises
    EmptyPeriodError, NoCompanyError, UnprintableError.
    """
    lock_account(account_id)
    account = Account.objects.select_related("project", "unit__building", "ownership").get(pk=account_id)
    today = timezone.localdate(now)
    if until > today or (since is not None and since > until):
        raise EmptyPeriodError
    movements = account_movements(account, since=since, until=until)
    paper = Paper(
        kind=PaperKind.STATEMENT,
        starts_on=movements.since,
        ends_on=until,
        amount=movements.closing,
        data=statement_data(
            movements,
            numbers=receipt_numbers(account),
            known_until=payments_known_until(account.project),
            today=today,
        ),
    )
    same = Paper.objects.filter(
        account=account, kind=PaperKind.STATEMENT, content_sha256=content_sha256(paper.data)
    ).first()
    return same or _issue(paper, account, by=by, now=now)


def receipt_numbers(account: Account) -> dict[int, str]:
    """The receipts of an account, by payment id."""
    return dict(Paper.objects.filter(account=account, payment__isnull=False).values_list("payment_id", "number"))


def file_of(paper: Paper) -> StoredFile:
    """The PDF of ``paper``, printed from its frozen data when it is first asked for; every later call is that file.

    Not for use inside a transaction. Raises notices.press.PressError.
    """
    if paper.file is not None:
        return paper.file
    printed = print_paper(paper.kind, paper.data, paper.number)
    stored = store_file(
        project=paper.project,
        content=printed.pdf,
        name=f"{TITLES[PaperKind(paper.kind)]} {paper.number}.pdf",
        content_type="application/pdf",
        purpose=FilePurpose.PAPER,
        by=paper.issued_by,
    )
    Paper.objects.filter(pk=paper.pk, file=None).update(file=stored, file_sha256=stored.sha256, pages=printed.pages)
    paper.refresh_from_db(fields=["file", "file_sha256", "pages"])
    return paper.file or stored


def _issue(paper: Paper, account: Account, *, by: User, now: datetime) -> Paper:
    project = account.project
    _refuse(project, texts_of(paper.data))
    kind = PaperKind(paper.kind)
    paper.project, paper.account = project, account
    paper.year = timezone.localdate(now).year
    paper.sequence = take_numbers(project, kind, paper.year)
    paper.number = f"{CODES[kind]}{paper.year}{paper.sequence:06d}"
    paper.content_sha256 = content_sha256(paper.data)
    paper.issued_at, paper.issued_by = now, by
    paper.save(force_insert=True)
    record(
        action=f"papers.{kind}_issued", by=by, project=project, obj=paper, number=paper.number,
        unit=account.unit.code, amount=str(paper.amount),
    )  # fmt: skip
    return paper


def _refuse(project: Project, text: str) -> None:
    if not project.company_name.strip():
        raise NoCompanyError
    if missing := missing_glyphs(text):
        raise UnprintableError(missing)
