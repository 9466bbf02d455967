"""Which staged rows are in the ledger already: the same charge by its external id, else by unit, fee and period."""

from typing import Any

from django.db import connection
from django.db.models import Manager
from psycopg import sql

from arrears.models import Import

TABLES = {
    Import.Kind.CHARGES: "arrears_stagedcharge",
    Import.Kind.PAYMENTS: "arrears_stagedpayment",
    Import.Kind.ARREARS_LIST: "arrears_listedamount",
    Import.Kind.OWNERS: "arrears_stagedowner",
}
"""Where the checked rows of a kind of list are staged."""

FREE_LUMP = """
    charge.basis ->> 'list_as_of' IS NOT NULL
    AND NOT EXISTS (SELECT FROM arrears_latefee AS late_fee WHERE late_fee.charge_id = charge.id)
    AND NOT EXISTS (SELECT FROM arrears_provedcharge AS proved WHERE proved.charge_id = charge.id)
    AND NOT EXISTS (
        SELECT FROM arrears_waiver AS waiver
        WHERE waiver.charge_id = charge.id AND waiver.kind <> 'reversal' AND waiver.reversed_by_id IS NULL
    )
    AND NOT EXISTS (
        SELECT FROM arrears_allocation AS settled
        JOIN arrears_payment AS bound ON bound.id = settled.payment_id AND bound.kind <> 'received'
        WHERE settled.charge_id = charge.id AND settled.kind = 'allocation' AND settled.reversed_by_id IS NULL
    )
"""
"""The condition under which a charge is what a list lumped together, and gives way to the charges of that time."""

MATCHED = sql.SQL(
    f"""
    SELECT stage.*, charge.id AS charge_id, charge.amount AS posted
    FROM stage
    JOIN arrears_charge AS charge
        ON (charge.unit_id, charge.fee_type_id, charge.period_start, charge.period_end)
         = (stage.unit_id, stage.fee_type_id, stage.period_start, stage.period_end)
        AND charge.external_id = '' AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL
    WHERE stage.external_id = ''
        AND NOT ((charge.amount <> stage.amount OR stage.received > 0) AND {FREE_LUMP})
    UNION ALL
    SELECT stage.*, charge.id,
        CASE WHEN (charge.unit_id, charge.fee_type_id, charge.period_start, charge.period_end)
            = (stage.unit_id, stage.fee_type_id, stage.period_start, stage.period_end)
        THEN charge.amount ELSE 0 END
    FROM stage
    JOIN arrears_charge AS charge
        ON charge.project_id = %(project)s AND charge.external_id = stage.external_id
        AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL
    WHERE stage.external_id <> ''
    """  # noqa: S608  a condition of ours
)
"""Staged rows with their live charge. ``posted`` is its amount, 0 where the external id stands on another charge."""


MATCHED_PAYMENTS = sql.SQL(
    """
    SELECT stage.*, payment.id AS payment_id, payment.amount AS posted, account.unit_id AS posted_unit_id
    FROM stage
    JOIN arrears_payment AS payment
        ON payment.project_id = %(project)s AND payment.serial_no = stage.serial_no
        AND payment.kind = 'received' AND payment.reversed_by_id IS NULL
    JOIN arrears_account AS account ON account.id = payment.account_id
    WHERE stage.serial_no <> ''
    UNION ALL
    SELECT stage.*, same.id, same.amount, stage.unit_id
    FROM stage
    CROSS JOIN LATERAL (
        SELECT payment.id, payment.amount
        FROM arrears_account AS account JOIN arrears_payment AS payment ON payment.account_id = account.id
        WHERE account.unit_id = stage.unit_id AND payment.received_on = stage.received_on
            AND payment.amount = stage.amount AND payment.receipt_no = stage.receipt_no
            AND payment.fee_type_id IS NOT DISTINCT FROM stage.fee_type_id AND payment.serial_no = ''
            AND payment.kind = 'received' AND payment.reversed_by_id IS NULL
        ORDER BY payment.id LIMIT 1
    ) AS same
    WHERE stage.serial_no = ''
    """
)
"""Staged payments with the live payment that they are, by serial number, else by all that they say."""


def staged_table(workbook: Import) -> sql.Identifier:
    """The table in which the rows of the workbook are staged."""
    return sql.Identifier(TABLES[Import.Kind(workbook.kind)])


def staged_rows(workbook: Import) -> tuple["Manager[Any]", ...]:
    """Everything that is staged for a workbook, of whatever kind."""
    return workbook.staged, workbook.staged_payments, workbook.staged_owners, workbook.listed, workbook.staged_units


def imports_payments(project_id: int) -> bool:
    """Whether the project's payments are imported: then amounts received beside charges are only compared."""
    posted = Import.objects.filter(kind=Import.Kind.PAYMENTS, state__in=Import.IN_LEDGER_STATES)
    return posted.filter(project_id=project_id).exists()


def set_stage(workbook: Import) -> None:
    """Give this transaction the workbook's rows as the table ``stage``, counted for the planner.

    Of rows that were copied a moment ago the planner knows nothing and takes them for few, which makes its plans
    quadratic; only the owner of a table may have it counted, and of a temporary one that is us. Owners are compared
    with the register in memory and need no such table.
    """
    if workbook.kind == Import.Kind.OWNERS:
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.stage")
        copied = sql.SQL("CREATE TEMPORARY TABLE stage ON COMMIT DROP AS SELECT * FROM {} WHERE import_id = %s")
        cursor.execute(copied.format(staged_table(workbook)), [workbook.pk])
        cursor.execute("ANALYZE stage (unit_id, fee_type_id)")


def run_on_stage(statement: str, workbook: Import, **params: Any) -> list[Any]:
    """Run a statement that may name ``stage`` and ``{matched}``; returns its rows. ``set_stage`` comes first."""
    matched = MATCHED_PAYMENTS if workbook.kind == Import.Kind.PAYMENTS else MATCHED
    composed = sql.SQL(statement).format(matched=matched)
    with connection.cursor() as cursor:
        cursor.execute(composed, {"workbook": workbook.pk, "project": workbook.project_id, **params})
        return list(cursor.fetchall())
