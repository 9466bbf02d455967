"""Staged charges compared with the ledger, and summed up."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.ledger_match import imports_payments, run_on_stage
from arrears.importing.lumps import lumps_replaced
from arrears.importing.outcome import Issue, Outcome
from arrears.importing.totals import ZERO
from arrears.models import Import, ImportIssue

ERROR, WARNING = ImportIssue.Severity.ERROR, ImportIssue.Severity.WARNING


def against_ledger(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> Iterator[Issue]:
    """Rows that contradict what is posted; what only looks doubtful becomes a warning."""
    workbook.as_of = workbook.as_of or _speaks_until(workbook, layouts)
    _warn_of_other_numbers(workbook, outcome, layouts)
    found = [
        (sheet, row, Field.DUE, "conflict", printed, {"posted": str(posted)})
        if posted
        else (sheet, row, Field.EXTERNAL_ID, "number_used", external_id, {})
        for sheet, row, printed, posted, external_id in _conflicts(workbook)
    ]
    if imports_payments(workbook.project_id):
        _compare_received(workbook, outcome, layouts)
    found += [
        (sheet, row, Field.RECEIVED, "received_less", printed, {"posted": str(before)})
        for sheet, row, printed, before in _decreases(workbook)
    ]
    for sheet, row, at, code, value, params in found:
        column = layouts[sheet].column_of(at) or layouts[sheet].column_of(Field.OUTSTANDING)
        params["header"] = column.header if column else str(at.label)
        yield Issue(ERROR, sheet, row, column.letter if column else "", str(value), code, params)


def _speaks_until(workbook: Import, layouts: Mapping[str, SheetLayout]) -> date:
    """Until when the file knows what was received: as printed, else the day of its upload, the latest it can be."""
    printed = next((layout.as_of for layout in layouts.values() if layout.as_of), "")
    uploaded_on = timezone.localdate(workbook.created_at)
    return min(date.fromisoformat(printed), uploaded_on) if printed else uploaded_on


def _compare_received(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> None:
    """Warn of amounts received that differ from what the project's payments have settled."""
    rows = run_on_stage(
        """
        SELECT stage.sheet, stage.row, stage.received, coalesce(settled, 0.00)
        FROM stage LEFT JOIN ({matched}) AS matched ON matched.id = stage.id
        LEFT JOIN arrears_chargebalance AS balance ON balance.charge_id = matched.charge_id
        WHERE stage.received IS NOT NULL AND stage.received <> coalesce(settled, 0)
        ORDER BY stage.id
        """,
        workbook,
    )
    for sheet, row, received, settled in rows:
        column = layouts[sheet].column_of(Field.RECEIVED)
        params = {"header": column.header if column else str(Field.RECEIVED.label), "settled": str(settled)}
        letter = column.letter if column else ""
        outcome.warn(
            Issue(WARNING, sheet, row, letter, str(received), "received_differs", params), key=f"{sheet}!{row}"
        )


def _warn_of_other_numbers(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> None:
    """Remark rows whose unit, fee and period are charged already, once with a bill's number and once without.

    By their numbers they are charges of their own, but mostly the same system printed the same bills in two lists.
    """
    found = run_on_stage(
        """
        SELECT DISTINCT sheet, row, charge.amount FROM stage
        JOIN arrears_account AS account ON account.unit_id = stage.unit_id
        JOIN arrears_charge AS charge ON charge.account_id = account.id
            AND (charge.fee_type_id, charge.period_start, charge.period_end)
              = (stage.fee_type_id, stage.period_start, stage.period_end)
            AND (charge.external_id = '') <> (stage.external_id = '')
            AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL
            AND charge.basis ->> 'list_as_of' IS NULL
        WHERE stage.amount > 0 ORDER BY sheet, row
        """,
        workbook,
    )
    for sheet, row, posted in found:
        column = layouts[sheet].column_of(Field.EXTERNAL_ID) or layouts[sheet].column_of(Field.FEE)
        params = {"posted": str(posted)}
        issue = Issue(WARNING, sheet, row, column.letter if column else "", "", "charged_otherwise", params)
        outcome.warn(issue, key=f"{sheet}!{row}")


def _conflicts(workbook: Import) -> list[Any]:
    """Sheet, row, amount, posted amount and external id of rows whose charge stands in the ledger otherwise."""
    return run_on_stage(
        "SELECT sheet, row, amount, posted, external_id FROM ({matched}) AS matched WHERE amount <> posted",
        workbook,
    )


def _decreases(workbook: Import) -> list[Any]:
    """Sheet, row, received amount and what earlier imports had received, where that was more."""
    return run_on_stage(
        """
        SELECT sheet, row, received, imported.received_before
        FROM ({matched}) AS matched
        JOIN arrears_chargebalance AS balance ON balance.charge_id = matched.charge_id
        CROSS JOIN LATERAL (
            SELECT sum(allocation.amount) AS received_before
            FROM arrears_allocation AS allocation
            JOIN arrears_payment AS payment ON payment.id = allocation.payment_id AND payment.kind = 'imported'
            WHERE allocation.charge_id = matched.charge_id
                AND allocation.kind = 'allocation' AND allocation.reversed_by_id IS NULL
        ) AS imported
        WHERE matched.amount = matched.posted AND received < balance.settled AND received < received_before
        """,
        workbook,
    )


def sum_up(workbook: Import, outcome: Outcome) -> dict[str, Any]:
    """Set the sums of what is staged, in CNY, on ``workbook``; returns what its page tells beside them."""
    [(due, waived, paid)] = run_on_stage(
        """
        SELECT coalesce(sum(amount + waived), 0.00), coalesce(sum(waived), 0.00), coalesce(sum(received), 0.00)
        FROM stage
        """,
        workbook,
    )
    workbook.due, workbook.paid, workbook.outstanding = due, paid, due - waived - paid
    [(workbook.known_rows,)] = run_on_stage("SELECT count(DISTINCT (sheet, row)) FROM ({matched}) AS matched", workbook)
    sums = {"due": str(due), "paid": str(paid), "outstanding": str(workbook.outstanding)}
    return {
        "sums": sums | _late_fee(workbook, outcome),
        "by_fee": _by_fee(workbook),
        "replaces": str(sum((lump.amount for lump in lumps_replaced(workbook)), ZERO)),
    }


def _late_fee(workbook: Import, outcome: Outcome) -> dict[str, str]:
    return {"printed_late_fee": str(workbook.printed_late_fee)} if outcome.has_late_fee else {}


def _by_fee(workbook: Import) -> list[dict[str, Any]]:
    by_fee = run_on_stage(
        """
        SELECT fee.id, fee.name, sum(rows)::bigint, sum(due), sum(received), sum(amount)
        FROM (
            SELECT fee_type_id, count(DISTINCT row) AS rows, sum(amount + waived) AS due,
                coalesce(sum(received), 0.00) AS received, sum(amount) AS amount
            FROM stage GROUP BY fee_type_id, sheet
        ) AS in_sheet JOIN arrears_feetype AS fee ON fee.id = in_sheet.fee_type_id
        GROUP BY fee.id ORDER BY fee.position, fee.id
        """,
        workbook,
    )
    known = dict(
        run_on_stage("SELECT fee_type_id, sum(amount) FROM ({matched}) AS matched GROUP BY fee_type_id", workbook)
    )
    return [
        {
            "fee": fee,
            "rows": rows,
            "due": str(due),
            "paid": str(paid),
            "outstanding": str(amount - paid),
            "new": str(amount - known.get(fee_id, 0)),
        }
        for fee_id, fee, rows, due, paid, amount in by_fee
    ]
