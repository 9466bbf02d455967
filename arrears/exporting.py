"""Workbooks that leave the house: written row by row to disk, every text as text, so that no cell computes."""

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arrears.models import Charge
from arrears.movements import AccountMovements, Movement
from arrears.queries import AGEING_BUCKETS, overdue_days
from arrears.statements import Statement
from owners.personal_data import mask_party

Cell = str | int | Decimal | date | None
SHEET_NAME_LENGTH = 31
WIDE, NARROW = 22, 13


class Sheet:
    """One sheet, written from the top down; nothing that was written stays in memory."""

    def __init__(self, book: xlsxwriter.Workbook, name: str) -> None:
        self._sheet = book.add_worksheet(name[:SHEET_NAME_LENGTH])
        self._bold = book.add_format({"bold": True})
        self._money = book.add_format({"num_format": "#,##0.00"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})
        self._next = 0

    def title(self, *texts: str) -> None:
        """Lines of text above the table."""
        for text in texts:
            self._sheet.write_string(self._next, 0, text)
            self._next += 1

    def heads(self, heads: Sequence[str]) -> None:
        """The head of the table, which stays in sight."""
        for column, head in enumerate(heads):
            self._sheet.set_column(column, column, WIDE if column == 1 else NARROW)
            self._sheet.write_string(self._next, column, head, self._bold)
        self._next += 1
        self._sheet.freeze_panes(self._next, 0)

    def row(self, cells: Iterable[Cell]) -> None:
        """One row; nothing is written for an empty cell."""
        for column, cell in enumerate(cells):
            self._write(column, cell)
        self._next += 1

    def _write(self, column: int, cell: Cell) -> None:
        match cell:
            case None | "":
                return
            case Decimal():
                self._sheet.write_number(self._next, column, float(cell), self._money)
            case int():
                self._sheet.write_number(self._next, column, cell)
            case date():
                self._sheet.write_datetime(self._next, column, datetime.combine(cell, time.min), self._date)
            case _:
                self._sheet.write_string(self._next, column, cell)


def book_in(file: IO[bytes]) -> xlsxwriter.Workbook:
    """A workbook in ``file`` in which every text stays text and computes nothing."""
    return xlsxwriter.Workbook(
        file.name,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )


def ledger_workbook(
    lines: Iterable[dict[str, Any]], *, title: str, on: date, with_names: bool
) -> tuple[IO[bytes], int]:
    """The ledger by unit as an .xlsx file, open at its start, and its number of lines. Needs lines ``with_ages``.

    Names are masked unless ``with_names``.
    """
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    count = 0
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Arrears ledger"))
        sheet.title(title, _("As of %(day)s, in CNY, principal only") % {"day": on.isoformat()})
        sheet.heads(_ledger_heads())
        for line in lines:
            sheet.row(_ledger_cells(line, on, with_names=with_names))
            count += 1
    file.seek(0)
    return file, count


def _ledger_heads() -> list[str]:
    return [
        pgettext("column", "Unit"),
        pgettext("column", "Owner"),
        _("Property fee"),
        _("Water and electricity"),
        _("Other fees"),
        _("Overdue"),
        *(str(bucket.label) for bucket in AGEING_BUCKETS),
        _("Not due yet"),
        _("Number of charges"),
        _("Oldest due day"),
        _("Days overdue"),
    ]


def _ledger_cells(line: dict[str, Any], on: date, *, with_names: bool) -> list[Cell]:
    return [
        line["unit_code"],
        line["party"] if with_names else mask_party(line["party"]),
        line["property_fee"],
        line["utilities"],
        line["others"],
        line["overdue"],
        *(line[bucket.key] for bucket in AGEING_BUCKETS),
        line["not_due"],
        line["charges"],
        line["oldest"],
        (on - line["oldest"]).days,
    ]


def statement_workbook(of: Statement, movements: AccountMovements, *, title: str, on: date) -> IO[bytes]:
    """The statement of an account as it stands, as an .xlsx file, open at its start.

    Sheets: movements with the balance after each, charges, payments, and what settled what.
    """
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        _write_movements(Sheet(book, _("Statement of account")), movements, title=title)
        charges = Sheet(book, _("Charges"))
        charges.title(title, _("As of %(day)s, in CNY, principal only") % {"day": on.isoformat()})
        _write_charges(charges, of)
        _write_payments(Sheet(book, _("Payments")), of)
        _write_allocations(Sheet(book, _("What settled what")), of)
    file.seek(0)
    return file


def past_statement_workbook(movements: AccountMovements, open_charges: Iterable[Any], *, title: str) -> IO[bytes]:
    """The statement of an account as it stood on the last day of ``movements``, as an .xlsx file, open at its start.

    ``open_charges``: rows of arrears.queries.open_on.
    """
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        _write_movements(Sheet(book, _("Statement of account")), movements, title=title)
        sheet = Sheet(book, _("Open charges"))
        sheet.title(title, _("As of %(day)s, in CNY, principal only") % {"day": movements.until.isoformat()})
        sheet.heads([
            _("Fee"), _("Period from"), _("Period to"), _("Due on"), _("Amount"), pgettext("amount", "Open"),
            _("Days overdue"),
        ])  # fmt: skip
        for charge in open_charges:
            sheet.row([
                charge.fee_type.name, charge.known_start, charge.period_end, charge.due_on, charge.amount,
                charge.open_amount, max(overdue_days(charge.due_on, movements.until), 0),
            ])  # fmt: skip
    file.seek(0)
    return file


def _write_movements(sheet: Sheet, of: AccountMovements, *, title: str) -> None:
    days = {"since": of.since.isoformat(), "until": of.until.isoformat()}
    sheet.title(title, _("%(since)s to %(until)s, in CNY, by the day on which something fell due or came in") % days)
    sheet.heads([_("Day"), _("What"), _("Period from"), _("Period to"), _("Charged"), _("Received"), _("Balance")])
    sheet.row([of.since, _("Balance brought forward"), None, None, None, None, of.opening])
    for line in of.lines:
        sheet.row(_movement_cells(line))
    sheet.row([of.until, _("Total and closing balance"), None, None, of.charged, of.received, of.closing])


def _movement_cells(line: Movement) -> list[Cell]:
    charge, payment = line.charge, line.payment
    words = [line.label, charge.fee_type.name if charge else "", payment.serial_no if payment else ""]
    return [
        line.day,
        " ".join(filter(None, words)),
        charge.known_start if charge else None,
        charge.period_end if charge else None,
        line.charged or None,
        line.received or None,
        line.balance,
    ]


def _write_charges(sheet: Sheet, of: Statement) -> None:
    sheet.heads([
        _("Fee"), _("Kind"), _("Period from"), _("Period to"), _("Due on"), _("Amount"), _("Settled"),
        pgettext("amount", "Open"), _("Days overdue"), _("Reversed on"),
    ])  # fmt: skip
    for line in of.charges:
        charge = line.charge
        live = charge.kind == Charge.Kind.CHARGE and not charge.reversed_by
        sheet.row([
            charge.fee_type.name, charge.get_kind_display(), charge.known_start, charge.period_end, charge.due_on,
            charge.amount, charge.amount - line.open if live else None, line.open if live else None,
            line.days if line.is_overdue else None, charge.reversed_by.effective_on if charge.reversed_by else None,
        ])  # fmt: skip
    sheet.row([_("Total"), None, None, None, None, of.charged, of.settled, of.outstanding])


def _write_payments(sheet: Sheet, of: Statement) -> None:
    sheet.heads([
        _("Received on"), _("Kind"), _("Method"), _("Serial number"), _("Receipt number"), _("Amount"), _("Credit"),
        _("Reversed on"),
    ])  # fmt: skip
    for line in of.payments:
        paid = line.payment
        sheet.row([
            paid.received_on, paid.get_kind_display(), paid.get_method_display(), paid.serial_no, paid.receipt_no,
            paid.amount, line.credit, paid.reversed_by.received_on if paid.reversed_by else None,
        ])  # fmt: skip


def _write_allocations(sheet: Sheet, of: Statement) -> None:
    sheet.heads([
        _("Effective on"), _("Fee"), _("Period from"), _("Period to"), _("Amount"), _("Paid by"), _("Released on"),
    ])  # fmt: skip
    for line in reversed(of.charges):
        for part in line.allocations:
            sheet.row([
                part.effective_on, line.charge.fee_type.name, line.charge.period_start, line.charge.period_end,
                part.amount, part.payment.get_kind_display(),
                part.reversed_by.effective_on if part.reversed_by else None,
            ])  # fmt: skip
