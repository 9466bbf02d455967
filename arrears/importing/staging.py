"""Checked rows on their way into the ledger: copied into the staging table, compared with what is posted, summed up."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from arrears.importing.checking import Check
from arrears.importing.fields import Field
from arrears.importing.formulas import explain_empty_cells
from arrears.importing.layout import SheetLayout
from arrears.importing.ledger_match import run_on_stage, set_stage
from arrears.importing.outcome import Issue, Outcome, StagedRow
from arrears.importing.reading import Sheet
from arrears.importing.register import Register
from arrears.models import Import, ImportIssue, StagedUnit
from owners.personal_data import mask_numbers_within

BATCH = 2000
ERROR, WARNING = ImportIssue.Severity.ERROR, ImportIssue.Severity.WARNING
COPY = sql.SQL("COPY arrears_stagedcharge (import_id, {columns}) FROM STDIN").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, StagedRow._fields))
)
Laid = tuple[Sheet, SheetLayout]


@transaction.atomic
def stage(workbook: Import, path: Path, sheets: Iterable[Laid], *, register: Register, today: date) -> Outcome:
    """Check and stage every row of ``sheets`` of the file at ``path``, replacing what was staged before.

    Keeps the issues; sets counts and sums on ``workbook``, which is not saved. Raises Refusal when the file cannot be
    read.
    """
    _clear(workbook)
    check = Check(register, latest=latest_day(today), create_units=workbook.create_units)
    layouts: dict[str, SheetLayout] = {}
    _copy(workbook, _rows(check, sheets, layouts))
    outcome = check.outcome
    _unstage(workbook, explain_empty_cells(path, outcome, layouts))
    set_stage(workbook)
    outcome.issues += _against_the_ledger(workbook, layouts)
    _warn_of_other_numbers(workbook, outcome, layouts)
    outcome.bad_rows = len({(issue.sheet, issue.row) for issue in outcome.issues})
    _save_issues(workbook, outcome, order=layouts)
    StagedUnit.objects.bulk_create(_staged_units(workbook, outcome), batch_size=BATCH)
    _sum_up(workbook, outcome)
    return outcome


def _clear(workbook: Import) -> None:
    """Forget rows, units and issues of an earlier check."""
    for rows in (workbook.staged, workbook.staged_units, workbook.issues):
        rows.all().delete()


def latest_day(today: date) -> date:
    """The last day that a sheet may name: two years ahead."""
    return today.replace(year=today.year + 2, day=min(today.day, 28) if today.month == 2 else today.day)


def _save_issues(workbook: Import, outcome: Outcome, *, order: Iterable[str]) -> None:
    """Keep errors and warnings, in the order of the workbook; phones in the wrong column are not kept in clear."""
    places = {name: place for place, name in enumerate(order)}
    issues = sorted(outcome.issues + outcome.warnings, key=lambda issue: (places.get(issue.sheet, 0), issue.row))
    ImportIssue.objects.bulk_create(
        (
            ImportIssue(
                workbook=workbook,
                severity=issue.severity,
                sheet=issue.sheet,
                row=issue.row,
                column=issue.column,
                value=issue.value if issue.code == "number_used" else mask_numbers_within(issue.value),
                code=issue.code,
                params={name: mask_numbers_within(v) if isinstance(v, str) else v for name, v in issue.params.items()},
            )
            for issue in issues
        ),
        batch_size=BATCH,
    )


def _unstage(workbook: Import, rows: Iterable[tuple[str, int]]) -> None:
    """Take rows back that turned out to be wrong after they were staged."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM arrears_stagedcharge WHERE import_id = %s AND sheet = %s AND row = %s",
            [(workbook.pk, sheet, row) for sheet, row in set(rows)],
        )


def _rows(check: Check, sheets: Iterable[Laid], layouts: dict[str, SheetLayout]) -> Iterator[StagedRow]:
    for sheet, layout in sheets:
        layouts[layout.name] = layout
        yield from check.sheet(sheet, layout)


def _copy(workbook: Import, rows: Iterable[StagedRow]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in rows:
            copy.write_row((workbook.pk, *row))


def _against_the_ledger(workbook: Import, layouts: dict[str, SheetLayout]) -> Iterator[Issue]:
    """Rows that contradict what is posted; they are taken off the stage."""
    found = [
        (sheet, row, Field.DUE, "conflict", printed, {"posted": str(posted)})
        if posted
        else (sheet, row, Field.EXTERNAL_ID, "number_used", external_id, {})
        for sheet, row, printed, posted, external_id in _conflicts(workbook)
    ]
    found += [
        (sheet, row, Field.RECEIVED, "received_less", printed, {"posted": str(before)})
        for sheet, row, printed, before in _decreases(workbook)
    ]
    if found:
        _unstage(workbook, ((sheet, row) for sheet, row, *_rest in found))
        set_stage(workbook)  # what is summed up after this are the rows that can be posted
    for sheet, row, at, code, value, params in found:
        column = layouts[sheet].column_of(at) or layouts[sheet].column_of(Field.OUTSTANDING)
        params["header"] = column.header if column else str(at.label)
        yield Issue(ERROR, sheet, row, column.letter if column else "", str(value), code, params)


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


def _warn_of_other_numbers(workbook: Import, outcome: Outcome, layouts: dict[str, SheetLayout]) -> None:
    """Remark rows whose unit, fee and period are charged already, once with a bill's number and once without.

    By their numbers they are charges of their own, but mostly the same system printed the same bills in two lists.
    """
    found = run_on_stage(
        """
        SELECT DISTINCT sheet, row, charge.amount FROM stage
        JOIN arrears_charge AS charge
            ON (charge.unit_id, charge.fee_type_id, charge.period_start, charge.period_end)
             = (stage.unit_id, stage.fee_type_id, stage.period_start, stage.period_end)
            AND (charge.external_id = '') <> (stage.external_id = '')
            AND charge.project_id = %(project)s AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL
        WHERE stage.amount > 0 ORDER BY sheet, row
        """,
        workbook,
    )
    for sheet, row, posted in found:
        column = layouts[sheet].column_of(Field.EXTERNAL_ID) or layouts[sheet].column_of(Field.FEE)
        params = {"posted": str(posted)}
        issue = Issue(WARNING, sheet, row, column.letter if column else "", "", "charged_otherwise", params)
        outcome.warn(issue, key=f"{sheet}!{row}")


def _sum_up(workbook: Import, outcome: Outcome) -> None:
    workbook.rows, workbook.bad_rows = outcome.rows, outcome.bad_rows
    workbook.good_rows = outcome.rows - outcome.bad_rows
    workbook.skipped_total_rows = outcome.total_rows
    workbook.printed_late_fee = outcome.printed_late_fee
    [(due, waived, paid)] = run_on_stage(
        """
        SELECT coalesce(sum(amount + waived), 0.00), coalesce(sum(waived), 0.00), coalesce(sum(received), 0.00)
        FROM stage
        """,
        workbook,
    )
    workbook.due, workbook.paid, workbook.outstanding = due, paid, due - waived - paid
    [(workbook.known_rows,)] = run_on_stage("SELECT count(DISTINCT (sheet, row)) FROM ({matched}) AS matched", workbook)
    workbook.findings = _findings(workbook, outcome)


def _findings(workbook: Import, outcome: Outcome) -> dict[str, Any]:
    """What the page of the check tells beside counts and errors, ready for JSON."""
    by_fee = run_on_stage(
        """
        SELECT fee.id, fee.name, count(DISTINCT (sheet, row)), sum(amount + waived), coalesce(sum(received), 0.00),
            sum(amount)
        FROM stage JOIN arrears_feetype AS fee ON fee.id = stage.fee_type_id
        GROUP BY fee.id ORDER BY fee.position, fee.id
        """,
        workbook,
    )
    known = dict(
        run_on_stage("SELECT fee_type_id, sum(amount) FROM ({matched}) AS matched GROUP BY fee_type_id", workbook)
    )
    return {
        "by_fee": [
            {
                "fee": fee,
                "rows": rows,
                "due": str(due),
                "paid": str(paid),
                "outstanding": str(amount - paid),
                "new": str(amount - known.get(fee_id, 0)),
            }
            for fee_id, fee, rows, due, paid, amount in by_fee
        ],
        "totals": [
            {
                "sheet": sheet,
                "row": comparison.row,
                "is_subtotal": comparison.is_subtotal,
                "printed": {str(at): str(amount) for at, amount in comparison.printed.items()},
                "ours": {str(at): str(amount) for at, amount in comparison.ours.items()},
            }
            for sheet, comparison in outcome.comparisons
        ],
        "new_units": len(outcome.new_units),
        "empty_rows": outcome.empty_rows,
        "split_rows": outcome.split_rows,
        "has_late_fee": outcome.has_late_fee,
    }


def _staged_units(workbook: Import, outcome: Outcome) -> Iterator[StagedUnit]:
    for code, unit in outcome.new_units.items():
        yield StagedUnit(
            workbook=workbook,
            code=code,
            building=unit.building[:40],
            entrance=unit.name.entrance,
            room=unit.name.room,
            usage=unit.usage,
            area=unit.area,
            owners=unit.owners,
        )
