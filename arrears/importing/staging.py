"""Checked rows on their way into the ledger: copied into the staging table, compared with what is posted, summed up."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

from django.db import connection, transaction
from psycopg import sql

from arrears.importing.checking import Check
from arrears.importing.copying import copy_rows
from arrears.importing.fields import Field
from arrears.importing.formulas import explain_empty_cells
from arrears.importing.kinds import KINDS
from arrears.importing.layout import SheetLayout
from arrears.importing.ledger_match import set_stage, staged_rows, staged_table
from arrears.importing.outcome import Outcome, Staged
from arrears.importing.reading import Sheet
from arrears.importing.register import Register
from arrears.models import Import, ImportIssue, StagedUnit
from owners.personal_data import mask_numbers_within

BATCH = 2000
Laid = tuple[Sheet, SheetLayout]


@transaction.atomic
def stage(workbook: Import, path: Path, sheets: Iterable[Laid], *, register: Register, today: date) -> Outcome:
    """Check and stage every row of ``sheets`` of the file at ``path``, replacing what was staged before.

    Keeps the issues; sets counts and sums on ``workbook``, which is not saved. Raises Refusal when the file cannot be
    read.
    """
    _clear(workbook)
    kind = KINDS[Import.Kind(workbook.kind)]
    check = kind.check(workbook, register, today)
    layouts: dict[str, SheetLayout] = {}
    with _collector_at_rest():
        _copy(workbook, _rows(check, sheets, layouts))
    outcome = check.outcome
    _unstage(workbook, explain_empty_cells(path, outcome, layouts))
    set_stage(workbook)
    issues = list(kind.against_ledger(workbook, outcome, layouts))
    if issues or outcome.cancelled:
        outcome.issues += issues
        _unstage(workbook, ((issue.sheet, issue.row) for issue in issues))
        _unstage_payments(workbook, outcome.cancelled)
        set_stage(workbook)  # what is summed up after this are the rows that can be posted
    outcome.bad_rows = len({(issue.sheet, issue.row) for issue in outcome.issues})
    StagedUnit.objects.bulk_create(_staged_units(workbook, outcome), batch_size=BATCH)
    workbook.rows, workbook.bad_rows = outcome.rows, outcome.bad_rows
    workbook.good_rows = outcome.rows - outcome.bad_rows
    workbook.skipped_total_rows, workbook.printed_late_fee = outcome.total_rows, outcome.printed_late_fee
    workbook.findings = _findings(outcome, layouts) | kind.sum_up(workbook, outcome)
    _save_issues(workbook, outcome, order=layouts)
    return outcome


def _clear(workbook: Import) -> None:
    """Forget rows, units and issues of an earlier check."""
    for rows in (*staged_rows(workbook), workbook.issues):
        rows.all().delete()


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
    statement = sql.SQL("DELETE FROM {} WHERE import_id = %s AND sheet = %s AND row = %s")
    with connection.cursor() as cursor:
        cursor.executemany(
            statement.format(staged_table(workbook)), [(workbook.pk, sheet, row) for sheet, row in set(rows)]
        )


def _unstage_payments(workbook: Import, staged_ids: Iterable[int]) -> None:
    """Take payments back that other rows of the workbook cancel; the other fees of their rows stay."""
    workbook.staged_payments.filter(pk__in=staged_ids).delete()


def _rows(check: Check, sheets: Iterable[Laid], layouts: dict[str, SheetLayout]) -> Iterator[Staged]:
    for sheet, layout in sheets:
        layouts[layout.name] = layout
        yield from check.sheet(sheet, layout)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Hundreds of thousands of rows make no cycles; looking for some takes a fifth of the check's time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _copy(workbook: Import, rows: Iterable[Staged]) -> None:
    columns = KINDS[Import.Kind(workbook.kind)].columns
    copy_rows(
        staged_table(workbook), ("import_id", *columns), ((workbook.pk, *cast(tuple[Any, ...], row)) for row in rows)
    )


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


def _findings(outcome: Outcome, layouts: dict[str, SheetLayout]) -> dict[str, Any]:
    """What the page of the check tells of every kind of list, ready for JSON. ``sums`` is added by the kind."""
    return {
        "totals": [
            {
                "sheet": sheet,
                "row": comparison.row,
                "is_subtotal": comparison.is_subtotal,
                "lines": [
                    {
                        "field": at if isinstance(at, Field) else "",
                        "header": "" if isinstance(at, Field) else layouts[sheet].columns[at].header,
                        "ours": str(comparison.ours[at]),
                        "printed": str(printed),
                    }
                    for at, printed in comparison.printed.items()
                ],
            }
            for sheet, comparison in outcome.comparisons
        ],
        "new_units": len(outcome.new_units),
        "empty_rows": outcome.empty_rows,
        "split_rows": outcome.split_rows,
        "has_late_fee": outcome.has_late_fee,
    }
