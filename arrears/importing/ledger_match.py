"""Which staged rows are in the ledger already: the same charge by its external id, else by unit, fee and period."""

from typing import Any

from django.db import connection
from psycopg import sql

from arrears.models import Import

MATCHED = sql.SQL(
    """
    SELECT stage.*, charge.id AS charge_id, charge.amount AS posted
    FROM stage
    JOIN arrears_charge AS charge
        ON (charge.unit_id, charge.fee_type_id, charge.period_start, charge.period_end)
         = (stage.unit_id, stage.fee_type_id, stage.period_start, stage.period_end)
        AND charge.external_id = '' AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL
    WHERE stage.external_id = ''
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
    """
)
"""Staged rows with their live charge. ``posted`` is its amount, 0 where the external id stands on another charge."""


def set_stage(workbook: Import) -> None:
    """Give this transaction the workbook's rows as the table ``stage``, counted for the planner.

    Of rows that were copied a moment ago the planner knows nothing and takes them for few, which makes its plans
    quadratic; only the owner of a table may have it counted, and of a temporary one that is us.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.stage")
        cursor.execute(
            "CREATE TEMPORARY TABLE stage ON COMMIT DROP AS SELECT * FROM arrears_stagedcharge WHERE import_id = %s",
            [workbook.pk],
        )
        cursor.execute("ANALYZE stage")


def run_on_stage(statement: str, workbook: Import, **params: Any) -> list[Any]:
    """Run a statement that may name ``stage`` and ``{matched}``; returns its rows. ``set_stage`` comes first."""
    composed = sql.SQL(statement).format(matched=MATCHED)
    with connection.cursor() as cursor:
        cursor.execute(composed, {"workbook": workbook.pk, "project": workbook.project_id, **params})
        return list(cursor.fetchall())
