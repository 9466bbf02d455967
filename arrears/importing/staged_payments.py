"""Staged payments compared with the ledger, and summed up."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from arrears.importing.covering import Covered, cover_staged
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.ledger_match import run_on_stage
from arrears.importing.outcome import Issue, Outcome, PaidBack
from arrears.importing.totals import ZERO
from arrears.models import Import, ImportIssue

ERROR, WARNING = ImportIssue.Severity.ERROR, ImportIssue.Severity.WARNING


def against_ledger(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> Iterator[Issue]:
    """Payments whose serial number stands in the ledger with another amount or on another unit."""
    conflicts = run_on_stage(
        """
        SELECT sheet, row, serial_no, amount, posted, posted_unit_id IS DISTINCT FROM unit_id
        FROM ({matched}) AS matched WHERE amount <> posted OR posted_unit_id IS DISTINCT FROM unit_id
        ORDER BY row
        """,
        workbook,
    )
    for sheet, row, serial_no, _amount, posted, is_elsewhere in conflicts:
        code = "serial_on_another_unit" if is_elsewhere else "serial_conflict"
        yield _issue(ERROR, layouts[sheet], row, Field.SERIAL_NO, code, str(serial_no), {"posted": str(posted)})
    yield from _paid_back(workbook, outcome)
    covered = cover_staged(workbook)
    for held in covered.held:
        params = {"as_of": held.as_of.isoformat(), "left": str(held.left)}
        issue = _issue(WARNING, layouts[held.sheet], held.row, Field.RECEIVED, "in_list", str(held.amount), params)
        outcome.warn(issue, key=f"{held.sheet}!{held.row}")
    for sheet, row, unit, amount in _ahead(workbook, covered, outcome.cancelled):
        params = {"unit": unit, "amount": str(amount)}
        outcome.warn(_issue(WARNING, layouts[sheet], row, Field.RECEIVED, "ahead", "", params), key=unit)


def _ahead(workbook: Import, covered: Covered, cancelled: list[int]) -> list[tuple[str, int, str, Decimal]]:
    """By account what the payments bring beyond what it owes, in CNY, at its last row in the sheet."""
    off = {held.staged_id for held in covered.held} | set(cancelled)
    replaced = {paid_at: sum((cover.amount for cover in covers), ZERO) for paid_at, covers in covered.covers.items()}
    rows = run_on_stage(
        """
        SELECT stage.id, stage.sheet, stage.row, stage.fee_type_id, stage.unit_code, account.id, stage.amount,
            coalesce(owed.amount, 0.00)
        FROM stage
        LEFT JOIN owners_ownership AS owned ON owned.unit_id = stage.unit_id AND owned.period @> stage.received_on
        LEFT JOIN arrears_account AS account ON account.ownership_id = owned.id
        LEFT JOIN LATERAL (
            SELECT coalesce((
                SELECT sum(amount - settled) FROM arrears_chargebalance WHERE account_id = account.id AND is_live
            ), 0) + coalesce((
                SELECT sum(amount - settled) FROM arrears_latefeebalance WHERE account_id = account.id AND is_live
            ), 0) AS amount
        ) AS owed ON TRUE
        WHERE stage.id NOT IN (SELECT id FROM ({matched}) AS matched)
        ORDER BY stage.id
        """,
        workbook,
    )
    last: dict[tuple[str, int | None], tuple[str, int]] = {}
    ahead: dict[tuple[str, int | None], Decimal] = {}
    for staged_id, sheet, row, fee_type_id, unit, account_id, amount, owed in rows:
        if staged_id not in off:
            key = unit, account_id
            last[key] = sheet, row
            ahead[key] = ahead.get(key, -owed) + amount - replaced.get((sheet, row, fee_type_id), ZERO)
    return [(*last[key], key[0], amount) for key, amount in ahead.items() if amount > 0]


def _paid_back(workbook: Import, outcome: Outcome) -> Iterator[Issue]:
    """Let rows of money paid back cancel the payment of this workbook that they mean; the others are errors.

    One that the ledger holds already has to be reversed there first.
    """
    if not outcome.paid_back:
        return
    payments = run_on_stage(
        """
        SELECT stage.unit_code, stage.amount, stage.id, stage.row, stage.fee_type_id, stage.received_on,
            stage.serial_no, stage.receipt_no
        FROM stage WHERE stage.unit_code = ANY(%(codes)s) AND stage.id NOT IN (SELECT id FROM ({matched}) AS matched)
        ORDER BY stage.received_on DESC, stage.id DESC
        """,
        workbook,
        codes=[row.unit_code for row in outcome.paid_back],
    )
    for back in outcome.paid_back:
        alike = [payment for payment in payments if _may_be_cancelled(payment, back)]
        if not alike:
            yield back.issue
            continue
        payment = max(alike, key=lambda one: _likeness(one, back))
        payments.remove(payment)
        outcome.cancelled.append(payment[2])
        params = {**back.issue.params, "row": payment[3]}
        outcome.warn(replace(back.issue, severity=WARNING, code="cancels", params=params), key=back.issue.sheet)


def _may_be_cancelled(payment: Any, back: PaidBack) -> bool:
    unit_code, amount, _staged_id, _row, fee_type_id, received_on, *_numbers = payment
    is_same_fee = None in (fee_type_id, back.fee_type_id) or fee_type_id == back.fee_type_id
    return (unit_code, amount) == (back.unit_code, back.amount) and is_same_fee and received_on <= back.received_on


def _likeness(payment: Any, back: PaidBack) -> tuple[bool, bool]:
    serial_no, receipt_no = payment[6:]
    return bool(back.serial_no) and serial_no == back.serial_no, bool(receipt_no) and receipt_no == back.receipt_no


def sum_up(workbook: Import, outcome: Outcome) -> dict[str, Any]:
    """Set the sum of what is staged, in CNY, on ``workbook``; returns what its page tells beside it."""
    [(amount,)] = run_on_stage("SELECT coalesce(sum(amount), 0.00) FROM stage", workbook)
    [(known, known_amount)] = run_on_stage(
        "SELECT count(*), coalesce(sum(amount), 0.00) FROM ({matched}) AS matched", workbook
    )
    workbook.paid, workbook.known_rows = amount, known
    covered = cover_staged(workbook)
    ahead = sum((amount for _sheet, _row, _unit, amount in _ahead(workbook, covered, outcome.cancelled)), ZERO)
    by_method = run_on_stage(
        "SELECT method, count(*), sum(amount) FROM stage GROUP BY method ORDER BY sum(amount) DESC, method", workbook
    )
    return {
        "sums": {"amount": str(amount)},
        "by_method": [{"method": method, "rows": rows, "amount": str(total)} for method, rows, total in by_method],
        "new": str(amount - known_amount - covered.held_amount),
        "replaces": str(covered.replaced),
        "ahead": str(ahead),
        "held_rows": len({(held.sheet, held.row) for held in covered.held}),
        "held": str(covered.held_amount),
        "held_left": str(covered.held_left),
    }


def _issue(
    severity: ImportIssue.Severity,
    layout: SheetLayout,
    row: int,
    at: Field,
    code: str,
    value: str,
    params: dict[str, Any],
) -> Issue:
    column = layout.column_of(at)
    header = column.header if column else str(at.label)
    return Issue(severity, layout.name, row, column.letter if column else "", value, code, {"header": header, **params})
