"""Proves that every balance is the sum of its rows, and that no row says what another denies.

Each check is one statement over whole tables. All of them read one snapshot, so that postings meanwhile do no harm.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from company.models import Project


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the ledger contradicts itself. ``expected`` is what the rows say."""

    check: str
    project: str
    unit: str
    account_id: int
    row: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.project} {self.unit}: {self.check}, {self.row}: {self.actual}, the rows say {self.expected}"


# Each yields account id, row, what the rows say, what stands there.
CHECKS: dict[str, str] = {
    "settled of a charge": """
        SELECT b.account_id, 'charge ' || b.charge_id, COALESCE(s.total, 0) + COALESCE(w.total, 0), b.settled
        FROM arrears_chargebalance b
        LEFT JOIN (SELECT a.charge_id, sum(a.amount) AS total FROM arrears_allocation a
                   WHERE a.kind = 'allocation' AND a.reversed_by_id IS NULL AND a.charge_id IS NOT NULL
                   GROUP BY 1) s ON s.charge_id = b.charge_id
        LEFT JOIN (SELECT w.charge_id, sum(w.amount) AS total FROM arrears_waiver w
                   WHERE w.kind <> 'reversal' AND w.reversed_by_id IS NULL AND w.charge_id IS NOT NULL
                   GROUP BY 1) w ON w.charge_id = b.charge_id
        WHERE b.settled <> COALESCE(s.total, 0) + COALESCE(w.total, 0)
    """,
    "used of a payment": """
        SELECT b.account_id, 'payment ' || b.payment_id, COALESCE(s.total, 0), b.allocated
        FROM arrears_paymentbalance b
        LEFT JOIN (SELECT a.payment_id, sum(a.amount) AS total FROM arrears_allocation a
                   WHERE a.kind = 'allocation' AND a.reversed_by_id IS NULL GROUP BY 1) s ON s.payment_id = b.payment_id
        WHERE b.allocated <> COALESCE(s.total, 0)
    """,
    "balance of a charge": """
        SELECT c.account_id, 'charge ' || c.id,
               concat_ws(' ', c.amount, c.due_on, CASE WHEN c.reversed_by_id IS NULL THEN 'live' ELSE 'reversed' END),
               CASE WHEN b.charge_id IS NULL THEN 'missing' ELSE concat_ws(' ', b.amount, b.due_on,
                    CASE WHEN b.is_live THEN 'live' ELSE 'reversed' END) END
        FROM arrears_charge c LEFT JOIN arrears_chargebalance b ON b.charge_id = c.id
        WHERE c.kind = 'charge' AND (b.charge_id IS NULL OR (b.amount, b.due_on, b.account_id, b.project_id, b.is_live)
              <> (c.amount, c.due_on, c.account_id, c.project_id, c.reversed_by_id IS NULL))
    """,
    "settled of a late fee": """
        SELECT b.account_id, 'late fee ' || b.late_fee_id, COALESCE(s.total, 0) + COALESCE(w.total, 0), b.settled
        FROM arrears_latefeebalance b
        LEFT JOIN (SELECT a.late_fee_id, sum(a.amount) AS total FROM arrears_allocation a
                   WHERE a.kind = 'allocation' AND a.reversed_by_id IS NULL AND a.late_fee_id IS NOT NULL
                   GROUP BY 1) s ON s.late_fee_id = b.late_fee_id
        LEFT JOIN (SELECT w.late_fee_id, sum(w.amount) AS total FROM arrears_waiver w
                   WHERE w.kind <> 'reversal' AND w.reversed_by_id IS NULL AND w.late_fee_id IS NOT NULL
                   GROUP BY 1) w ON w.late_fee_id = b.late_fee_id
        WHERE b.settled <> COALESCE(s.total, 0) + COALESCE(w.total, 0)
    """,
    "balance of a late fee": """
        SELECT f.account_id, 'late fee ' || f.id,
               concat_ws(' ', f.amount, CASE WHEN f.reversed_by_id IS NULL THEN 'live' ELSE 'reversed' END),
               CASE WHEN b.late_fee_id IS NULL THEN 'missing' ELSE concat_ws(' ', b.amount,
                    CASE WHEN b.is_live THEN 'live' ELSE 'reversed' END) END
        FROM arrears_latefee f LEFT JOIN arrears_latefeebalance b ON b.late_fee_id = f.id
        WHERE f.kind = 'late_fee' AND (b.late_fee_id IS NULL OR (b.amount, b.account_id, b.project_id, b.is_live)
              <> (f.amount, f.account_id, f.project_id, f.reversed_by_id IS NULL))
    """,
    "late fee of a live charge": """
        SELECT f.account_id, 'late fee ' || f.id, 'account ' || c.account_id,
               concat_ws(' ', 'account', f.account_id, 'charge', c.kind,
                         CASE WHEN c.reversed_by_id IS NULL THEN 'live' ELSE 'reversed' END)
        FROM arrears_latefee f JOIN arrears_charge c ON c.id = f.charge_id
        WHERE (f.account_id, f.project_id) <> (c.account_id, c.project_id) OR c.kind <> 'charge'
           OR (f.kind = 'late_fee' AND f.reversed_by_id IS NULL AND c.reversed_by_id IS NOT NULL)
    """,
    "balance of a payment": """
        SELECT p.account_id, 'payment ' || p.id,
               concat_ws(' ', p.amount, CASE WHEN p.reversed_by_id IS NULL THEN 'live' ELSE 'reversed' END),
               CASE WHEN b.payment_id IS NULL THEN 'missing' ELSE concat_ws(' ', b.amount,
                    CASE WHEN b.is_live THEN 'live' ELSE 'reversed' END) END
        FROM arrears_payment p LEFT JOIN arrears_paymentbalance b ON b.payment_id = p.id
        WHERE p.kind NOT IN ('reversal', 'refund') AND (b.payment_id IS NULL
              OR (b.amount, b.account_id, b.project_id, b.is_live)
              <> (p.amount, p.account_id, p.project_id, p.reversed_by_id IS NULL))
    """,
    "balance of a row that has none": """
        SELECT c.account_id, 'charge ' || c.id, 'none', b.amount::text
        FROM arrears_charge c JOIN arrears_chargebalance b ON b.charge_id = c.id WHERE c.kind <> 'charge'
        UNION ALL
        SELECT p.account_id, 'payment ' || p.id, 'none', b.amount::text
        FROM arrears_payment p JOIN arrears_paymentbalance b ON b.payment_id = p.id
        WHERE p.kind IN ('reversal', 'refund')
    """,
    "refund covered by credit": """
        SELECT p.account_id, 'payment ' || p.id,
               CASE WHEN p.reversed_by_id IS NULL THEN p.amount ELSE 0 END, COALESCE(s.total, 0)
        FROM arrears_payment p
        LEFT JOIN (SELECT a.refund_id, sum(a.amount) AS total FROM arrears_allocation a
                   WHERE a.kind = 'allocation' AND a.reversed_by_id IS NULL AND a.refund_id IS NOT NULL
                   GROUP BY 1) s ON s.refund_id = p.id
        WHERE p.kind = 'refund'
          AND COALESCE(s.total, 0) <> CASE WHEN p.reversed_by_id IS NULL THEN p.amount ELSE 0 END
    """,
    "amount bound to a charge": """
        SELECT b.account_id, 'payment ' || b.payment_id, b.amount, b.allocated
        FROM arrears_paymentbalance b JOIN arrears_payment p ON p.id = b.payment_id
        WHERE p.kind IN ('imported', 'settled_outside') AND b.is_live AND b.allocated <> b.amount
    """,
    "credit beside open charges": """
        SELECT b.account_id, 'payment ' || b.payment_id, 'used', b.amount - b.allocated || ' left'
        FROM arrears_paymentbalance b JOIN arrears_payment p ON p.id = b.payment_id
        WHERE p.kind = 'received' AND b.is_live AND b.allocated < b.amount
          AND (EXISTS (SELECT FROM arrears_chargebalance c
                       WHERE c.account_id = b.account_id AND c.is_live AND c.settled < c.amount)
               OR EXISTS (SELECT FROM arrears_latefeebalance f
                          WHERE f.account_id = b.account_id AND f.is_live AND f.settled < f.amount))
    """,
    "allocation within one account": """
        SELECT a.account_id, 'allocation ' || a.id, 'account ' || a.account_id,
               concat_ws(' ', 'payment on', p.account_id, 'charge on', c.account_id, 'refund on', r.account_id,
                         'late fee on', f.account_id)
        FROM arrears_allocation a JOIN arrears_payment p ON p.id = a.payment_id
        LEFT JOIN arrears_charge c ON c.id = a.charge_id LEFT JOIN arrears_payment r ON r.id = a.refund_id
        LEFT JOIN arrears_latefee f ON f.id = a.late_fee_id
        WHERE (p.account_id, p.project_id) <> (a.account_id, a.project_id)
           OR c.account_id <> a.account_id OR r.account_id <> a.account_id OR f.account_id <> a.account_id
           OR r.kind <> 'refund' OR p.kind IN ('refund', 'reversal') OR c.kind <> 'charge' OR f.kind <> 'late_fee'
    """,
    "reversal of a charge": """
        SELECT c.account_id, 'charge ' || c.id, 'reversed by its like',
               concat_ws(' ', r.kind, r.id, 'account', r.account_id, r.amount)
        FROM arrears_charge c JOIN arrears_charge r ON r.id = c.reversed_by_id
        WHERE r.kind <> 'reversal' OR (r.account_id, r.project_id, r.unit_id, r.fee_type_id, r.amount)
              <> (c.account_id, c.project_id, c.unit_id, c.fee_type_id, c.amount)
        UNION ALL
        SELECT r.account_id, 'charge ' || r.id, 'reverses one row', 'reverses none'
        FROM arrears_charge r WHERE r.kind = 'reversal'
          AND NOT EXISTS (SELECT FROM arrears_charge c WHERE c.reversed_by_id = r.id)
    """,
    "reversal of a late fee": """
        SELECT f.account_id, 'late fee ' || f.id, 'reversed by its like',
               concat_ws(' ', r.kind, r.id, 'account', r.account_id, r.amount)
        FROM arrears_latefee f JOIN arrears_latefee r ON r.id = f.reversed_by_id
        WHERE r.kind <> 'reversal' OR (r.account_id, r.charge_id, r.number, r.amount)
              <> (f.account_id, f.charge_id, f.number, f.amount)
        UNION ALL
        SELECT r.account_id, 'late fee ' || r.id, 'reverses one row', 'reverses none'
        FROM arrears_latefee r WHERE r.kind = 'reversal'
          AND NOT EXISTS (SELECT FROM arrears_latefee f WHERE f.reversed_by_id = r.id)
    """,
    "waiver that was approved": """
        SELECT w.account_id, 'waiver ' || w.id, 'approved', concat_ws(' ', r.state, 'account', r.account_id)
        FROM arrears_waiver w JOIN arrears_relief r ON r.id = w.relief_id
        LEFT JOIN arrears_charge c ON c.id = w.charge_id LEFT JOIN arrears_latefee f ON f.id = w.late_fee_id
        WHERE w.account_id <> r.account_id OR c.account_id <> w.account_id OR f.account_id <> w.account_id
           OR c.kind <> 'charge' OR f.kind <> 'late_fee'
           OR (w.kind <> 'reversal' AND w.reversed_by_id IS NULL AND r.state <> 'approved')
    """,
    "reversal of a waiver": """
        SELECT w.account_id, 'waiver ' || w.id, 'reversed by its like',
               concat_ws(' ', r.kind, r.id, 'account', r.account_id, r.amount)
        FROM arrears_waiver w JOIN arrears_waiver r ON r.id = w.reversed_by_id
        WHERE r.kind <> 'reversal' OR (r.account_id, r.relief_id, r.amount) <> (w.account_id, w.relief_id, w.amount)
           OR r.charge_id IS DISTINCT FROM w.charge_id OR r.late_fee_id IS DISTINCT FROM w.late_fee_id
           OR r.effective_on < w.effective_on
        UNION ALL
        SELECT r.account_id, 'waiver ' || r.id, 'reverses one row', 'reverses none'
        FROM arrears_waiver r WHERE r.kind = 'reversal'
          AND NOT EXISTS (SELECT FROM arrears_waiver w WHERE w.reversed_by_id = r.id)
    """,
    "reversal of a payment": """
        SELECT p.account_id, 'payment ' || p.id, 'reversed by its like',
               concat_ws(' ', r.kind, r.id, 'account', r.account_id, r.amount)
        FROM arrears_payment p JOIN arrears_payment r ON r.id = p.reversed_by_id
        WHERE r.kind <> 'reversal' OR (r.account_id, r.project_id, r.amount) <> (p.account_id, p.project_id, p.amount)
        UNION ALL
        SELECT r.account_id, 'payment ' || r.id, 'reverses one row', 'reverses none'
        FROM arrears_payment r WHERE r.kind = 'reversal'
          AND NOT EXISTS (SELECT FROM arrears_payment p WHERE p.reversed_by_id = r.id)
    """,
    "release of an allocation": """
        SELECT a.account_id, 'allocation ' || a.id, 'released by its like',
               concat_ws(' ', r.kind, r.id, 'payment', r.payment_id, r.amount)
        FROM arrears_allocation a JOIN arrears_allocation r ON r.id = a.reversed_by_id
        WHERE r.kind <> 'release' OR (r.account_id, r.payment_id, r.amount) <> (a.account_id, a.payment_id, a.amount)
           OR r.charge_id IS DISTINCT FROM a.charge_id OR r.refund_id IS DISTINCT FROM a.refund_id
           OR r.late_fee_id IS DISTINCT FROM a.late_fee_id
           OR r.effective_on < a.effective_on
        UNION ALL
        SELECT r.account_id, 'allocation ' || r.id, 'releases one row', 'releases none'
        FROM arrears_allocation r WHERE r.kind = 'release'
          AND NOT EXISTS (SELECT FROM arrears_allocation a WHERE a.reversed_by_id = r.id)
    """,
    "unit and project of an account": """
        SELECT t.id, 'account ' || t.id, concat_ws(' ', 'unit', t.unit_id, 'project', t.project_id),
               concat_ws(' ', 'unit', o.unit_id, 'project', u.project_id)
        FROM arrears_account t JOIN owners_unit u ON u.id = t.unit_id JOIN owners_ownership o ON o.id = t.ownership_id
        WHERE (u.project_id, o.unit_id, o.project_id) <> (t.project_id, t.unit_id, t.project_id)
        UNION ALL
        SELECT c.account_id, 'charge ' || c.id, concat_ws(' ', 'unit', t.unit_id, 'project', t.project_id),
               concat_ws(' ', 'unit', c.unit_id, 'project', c.project_id, 'fee of', f.project_id)
        FROM arrears_charge c JOIN arrears_account t ON t.id = c.account_id
        JOIN arrears_feetype f ON f.id = c.fee_type_id
        WHERE (c.unit_id, c.project_id, f.project_id) <> (t.unit_id, t.project_id, t.project_id)
        UNION ALL
        SELECT p.account_id, 'payment ' || p.id, 'project ' || t.project_id, 'project ' || p.project_id
        FROM arrears_payment p JOIN arrears_account t ON t.id = p.account_id WHERE p.project_id <> t.project_id
    """,
}


def check_ledger(*, project: Project | None = None) -> list[Difference]:
    """Every contradiction in the ledger of ``project``, of all projects for None, by unit. Reads only."""
    found: list[Difference] = []
    with _one_snapshot(), connection.cursor() as cursor, _whole_tables(cursor):
        for check, statement in CHECKS.items():
            cursor.execute(
                f"""
                SELECT j.code, u.code, d.account_id, d.subject, d.expected::text, d.actual::text
                FROM ({statement}) AS d (account_id, subject, expected, actual)
                JOIN arrears_account t ON t.id = d.account_id
                JOIN owners_unit u ON u.id = t.unit_id JOIN company_project j ON j.id = t.project_id
                WHERE %(project)s::bigint IS NULL OR t.project_id = %(project)s
                """,  # noqa: S608  statements of this file
                {"project": project.pk if project else None},
            )
            found.extend(Difference(check, *row) for row in cursor.fetchall())
    return sorted(found, key=lambda d: (d.project, d.unit, d.check, d.row))


@dataclass(frozen=True, slots=True)
class Totals:
    """What the ledger adds up to, in CNY: principal due, settled, still open, and credit."""

    charges: int
    due: Decimal
    settled: Decimal
    outstanding: Decimal
    credit: Decimal


def totals(*, project: Project | None = None) -> Totals:
    """Sums over the live balances of ``project``, of all projects for None."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), COALESCE(sum(amount), 0), COALESCE(sum(settled), 0), COALESCE(sum(amount - settled), 0),
                   (SELECT COALESCE(sum(amount - allocated), 0) FROM arrears_paymentbalance
                    WHERE is_live AND (%(project)s::bigint IS NULL OR project_id = %(project)s))
            FROM arrears_chargebalance WHERE is_live AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
            """,
            {"project": project.pk if project else None},
        )
        return Totals(*cursor.fetchone())


@contextmanager
def _whole_tables(cursor: CursorWrapper) -> Iterator[None]:
    """Join by hash, as suits reading a whole ledger.

    Statistics that were taken while a large import was not committed yet say that the tables are empty; loops within
    loops over them would take hours.
    """
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """All checks see the ledger of one moment; within a caller's transaction they see that one's."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
