"""Many rows of the ledger reversed at once, as if they had never been. Callers hold the locks of their accounts.

Each reversal counts from the day of the row that it cancels, so that no past day keeps a trace of it. Balances follow
in the same statements; versions are raised by the caller.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from arrears.models import Import
from company.models import User


def release_allocations(ids: Collection[int], *, now: datetime, by: User | None) -> None:
    """Take live allocations back; what they settled is open again, and their money free."""
    _run(
        """
        WITH gone AS MATERIALIZED (
            SELECT *, nextval((SELECT pg_get_serial_sequence('arrears_allocation', 'id')::regclass)) AS release_id
            FROM arrears_allocation
            WHERE id = ANY(%(ids)s) AND kind = 'allocation' AND reversed_by_id IS NULL
        ), released AS (
            INSERT INTO arrears_allocation (
                id, project_id, account_id, payment_id, charge_id, late_fee_id, refund_id, kind, amount, effective_on,
                posted_at, posted_by_id
            )
            SELECT release_id, project_id, account_id, payment_id, charge_id, late_fee_id, refund_id, 'release', amount,
                effective_on, %(now)s, %(by)s
            FROM gone
        ), marked AS (
            UPDATE arrears_allocation AS allocation SET reversed_by_id = gone.release_id
            FROM gone WHERE gone.id = allocation.id
        ), charges AS (
            UPDATE arrears_chargebalance AS balance SET settled = settled - freed.amount
            FROM (SELECT charge_id, sum(amount) AS amount FROM gone GROUP BY charge_id) AS freed
            WHERE freed.charge_id = balance.charge_id
        ), late_fees AS (
            UPDATE arrears_latefeebalance AS balance SET settled = settled - freed.amount
            FROM (SELECT late_fee_id, sum(amount) AS amount FROM gone GROUP BY late_fee_id) AS freed
            WHERE freed.late_fee_id = balance.late_fee_id
        )
        UPDATE arrears_paymentbalance AS balance SET allocated = allocated - freed.amount
        FROM (SELECT payment_id, sum(amount) AS amount FROM gone GROUP BY payment_id) AS freed
        WHERE freed.payment_id = balance.payment_id
        """,
        ids,
        now=now,
        by=by,
    )


def cancel_payments(
    ids: Collection[int], *, now: datetime, by: User | None, source: Import | None = None, note: str = ""
) -> None:
    """Cancel live payments, whose allocations are released first. ``source``: the import that does it."""
    _run(
        """
        WITH gone AS MATERIALIZED (
            SELECT *, nextval((SELECT pg_get_serial_sequence('arrears_payment', 'id')::regclass)) AS reversal_id
            FROM arrears_payment
            WHERE id = ANY(%(ids)s) AND kind <> 'reversal' AND reversed_by_id IS NULL
        ), reversals AS (
            INSERT INTO arrears_payment (
                id, project_id, account_id, kind, amount, received_on, method, note, source_id, posted_at, posted_by_id
            )
            SELECT reversal_id, project_id, account_id, 'reversal', amount, received_on, method, %(note)s, %(source)s,
                %(now)s, %(by)s
            FROM gone
        ), marked AS (
            UPDATE arrears_payment AS payment SET reversed_by_id = gone.reversal_id
            FROM gone WHERE gone.id = payment.id
        )
        UPDATE arrears_paymentbalance AS balance SET is_live = FALSE FROM gone WHERE gone.id = balance.payment_id
        """,
        ids,
        now=now,
        by=by,
        source=source and source.pk,
        note=note,
    )


def cancel_charges(ids: Collection[int], *, now: datetime, by: User | None, source: Import | None = None) -> None:
    """Cancel live charges, whose allocations are released first. ``source``: the import that does it."""
    _run(
        """
        WITH gone AS MATERIALIZED (
            SELECT *, nextval((SELECT pg_get_serial_sequence('arrears_charge', 'id')::regclass)) AS reversal_id
            FROM arrears_charge
            WHERE id = ANY(%(ids)s) AND kind = 'charge' AND reversed_by_id IS NULL
        ), reversals AS (
            INSERT INTO arrears_charge (
                id, project_id, account_id, unit_id, fee_type_id, kind, period_start, period_end, due_on, effective_on,
                amount, source_id, posted_at, posted_by_id
            )
            SELECT reversal_id, project_id, account_id, unit_id, fee_type_id, 'reversal', period_start, period_end,
                due_on, effective_on, amount, %(source)s, %(now)s, %(by)s
            FROM gone
        ), marked AS (
            UPDATE arrears_charge AS charge SET reversed_by_id = gone.reversal_id
            FROM gone WHERE gone.id = charge.id
        )
        UPDATE arrears_chargebalance AS balance SET is_live = FALSE FROM gone WHERE gone.id = balance.charge_id
        """,
        ids,
        now=now,
        by=by,
        source=source and source.pk,
    )


def _run(statement: str, ids: Collection[int], *, by: User | None, **params: Any) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"ids": list(ids), "by": by.pk if by else None, **params})
