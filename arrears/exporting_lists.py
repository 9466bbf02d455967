"""Workbooks of ages, of statements of groups, and of limitation dates. Names are masked."""

import tempfile
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arrears.aged import GroupBy
from arrears.expiry import EndingAccount
from arrears.exporting import Cell, Sheet, book_in
from arrears.group_statements import GroupStatement
from arrears.models import Payment
from arrears.payment_list import KindSum
from arrears.queries import AGEING_BUCKETS
from owners.personal_data import mask_party


def ageing_workbook(
    lines: Iterable[dict[str, Any]], totals: dict[str, Any], *, by: GroupBy, title: str, on: date
) -> IO[bytes]:
    """Open amounts by age as an .xlsx file, open at its start."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    of_charge = [_("Fee"), _("Period from"), _("Period to"), _("Due on")] if by is GroupBy.CHARGE else []
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Ageing"))
        sheet.title(title, _("As of %(day)s, in CNY, principal only") % {"day": on.isoformat()})
        sheet.heads([
            str(by.label), *of_charge, _("Overdue"), *(str(bucket.label) for bucket in AGEING_BUCKETS),
            _("Not due yet"), _("Oldest due day"),
        ])  # fmt: skip
        for line in lines:
            sheet.row([_label(line, by), *_of_charge(line, by), *_amounts(line), line["oldest"]])
        sheet.row([_("Total"), *([None] * len(of_charge)), *_amounts(totals)])
    file.seek(0)
    return file


def _label(line: dict[str, Any], by: GroupBy) -> str:
    return mask_party(line["label"] or "") or "—" if by is GroupBy.OWNER else line["label"]


def _of_charge(line: dict[str, Any], by: GroupBy) -> list[Cell]:
    if by is not GroupBy.CHARGE:
        return []
    start = None if (line["computed_from"] or {}).get("start_unknown") else line["starts_on"]
    return [line["fee"], start, line["ends_on"], line["due"]]


def _amounts(line: dict[str, Any]) -> list[Cell]:
    return [line["overdue"], *(line[bucket.key] for bucket in AGEING_BUCKETS), line["not_due"]]


def group_workbook(of: GroupStatement, *, title: str) -> IO[bytes]:
    """The statement of a unit, owner, building or project as an .xlsx file, open at its start."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    days = {"since": of.since.isoformat(), "until": of.until.isoformat()}
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Statement of account"))
        sheet.title(
            title, _("%(since)s to %(until)s, in CNY, by the day on which something fell due or came in") % days
        )
        sheet.heads([
            pgettext("column", "Unit"), pgettext("column", "Owner"), _("Balance brought forward"), _("Charged"),
            _("Received"), _("Balance"), _("Overdue"), *(str(bucket.label) for bucket in AGEING_BUCKETS),
        ])  # fmt: skip
        for line in of.lines:
            sheet.row([
                line.account.unit.code, mask_party(line.account.ownership.party_name), line.opening, line.charged,
                line.received, line.closing, line.aged.overdue,
                *(line.aged.buckets.get(bucket.key) for bucket in AGEING_BUCKETS),
            ])  # fmt: skip
        sheet.row([_("Total"), None, of.opening, of.charged, of.received, of.closing, of.overdue])
    file.seek(0)
    return file


def ending_workbook(lines: Iterable[EndingAccount], *, title: str, on: date) -> IO[bytes]:
    """Charges whose limitation period ends soon as an .xlsx file, open at its start, a row each."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Limitation dates"))
        sheet.title(title, _("As of %(day)s, in CNY, principal only") % {"day": on.isoformat()})
        sheet.heads([
            pgettext("column", "Unit"), pgettext("column", "Owner"), _("Fee"), _("Period from"), _("Period to"),
            _("Due on"), _("Limitation"), _("Days left"), _("State"), pgettext("amount", "Open"),
        ])  # fmt: skip
        for account in lines:
            for line in account.charges:
                charge, limitation = line.charge, line.limitation
                sheet.row([
                    account.account.unit.code, mask_party(account.account.ownership.party_name), charge.fee_type.name,
                    charge.known_start, charge.period_end, charge.due_on,
                    limitation.expires_on, limitation.days_left, str(line.urgency.label), line.open,
                ])  # fmt: skip
    file.seek(0)
    return file


def payments_workbook(payments: Iterable[Payment], sums: Iterable[KindSum], *, title: str) -> IO[bytes]:
    """Payments as an .xlsx file, open at its start: a row each, below what those that stand add up to."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Payments"))
        sheet.title(title, _("In CNY; what is paid back or reversed is negative"))
        sheet.heads([
            pgettext("column", "Unit"), pgettext("column", "Owner"), _("Received on"), _("Kind"), _("Method"),
            _("Amount"), _("Serial number"), _("Receipt number"), _("Posted"), _("Reversed"), _("Note"),
        ])  # fmt: skip
        for payment in payments:
            sheet.row(_of_payment(payment))
        for kind, number, amount in sums:
            sheet.row([_("Total"), None, None, str(kind.label), number, amount])
    file.seek(0)
    return file


def _of_payment(payment: Payment) -> list[Cell]:
    takes_away = payment.kind in (Payment.Kind.REVERSAL, Payment.Kind.REFUND)
    return [
        payment.account.unit.code, mask_party(payment.account.ownership.party_name), payment.received_on,
        payment.get_kind_display(), payment.get_method_display(), -payment.amount if takes_away else payment.amount,
        payment.serial_no, payment.receipt_no, timezone.localtime(payment.posted_at).date(),
        _("yes") if payment.reversed_by_id else "", payment.note,
    ]  # fmt: skip
