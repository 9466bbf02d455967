"""Staged rows become charges and payments, all in one transaction and set-wise.

Order: units, accounts, the locks of all accounts in the order of their ids, the rows of the kind at hand with their
balances (of charges: then what was received), credit, versions. Unique keys make a second import of the same rows add
nothing, also at the same moment: who comes second waits for the locks or for the keys, and finds the rows there.
"""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import connection, transaction
from psycopg import sql

from arrears.accounts import make_accounts
from arrears.credit import apply_credit
from arrears.importing.ledger_match import imports_payments, run_on_stage, set_stage, staged_rows, staged_table
from arrears.importing.lumps import replace_lumps
from arrears.importing.outcome import LedgerMovedError
from arrears.importing.posting_lists import post_list
from arrears.importing.posting_owners import known_register, lock_project, post_owners
from arrears.importing.posting_payments import Posted, post_payments
from arrears.importing.received import settle_as_printed
from arrears.models import Import, ListedAmount
from arrears.posting import raise_versions
from company.models import User
from owners.models import Unit
from owners.registering import NewUnit, register_units
from owners.unit_codes import parse_unit


@transaction.atomic
def post_staged(workbook: Import, *, now: datetime, by: User | None) -> int:
    """Post every staged row of ``workbook`` and empty the stage; returns how many rows brought something new.

    Raises LedgerMovedError, and then nothing is written.
    """
    if workbook.kind == Import.Kind.OWNERS:
        return _post_owners(workbook, now=now)
    _name_units(workbook, _register_units(workbook))
    set_stage(workbook)
    make_accounts(workbook.project, _unit_days(workbook))
    _lock_accounts(workbook)
    touched = replace_lumps(workbook, now=now, by=by) if workbook.kind == Import.Kind.CHARGES else set()
    posted = _post_rows(workbook, now=now, by=by)
    touched |= {account_id for _sheet, _row, account_id in posted}
    apply_credit(touched, now=now, by=by)
    raise_versions(touched, now=now)
    clear_stage(workbook)
    return len({(sheet, row) for sheet, row, _account_id in posted})


def _post_owners(workbook: Import, *, now: datetime) -> int:
    """Lists of owners touch no ledger: no account is made or locked, no version raised."""
    lock_project(workbook)
    known = known_register(workbook)
    posted = post_owners(workbook, _register_units(workbook), known=known, now=now)
    clear_stage(workbook)
    return posted


def clear_stage(workbook: Import) -> None:
    """Forget staged rows and units, keeping the issues that the check found, and what a posted list has said."""
    for rows in staged_rows(workbook):
        if rows.model is not ListedAmount or workbook.state in Import.NOTHING_POSTED_STATES:
            rows.all().delete()


def _post_rows(workbook: Import, *, now: datetime, by: User | None) -> list[Posted]:
    match workbook.kind:
        case Import.Kind.PAYMENTS:
            return post_payments(workbook, now=now, by=by)
        case Import.Kind.ARREARS_LIST:
            return post_list(workbook, now=now, by=by)
    beside_payments = imports_payments(workbook.project_id)
    posted = _post_charges(workbook, now=now, by=by, with_received=not beside_payments)
    [(staged,)] = run_on_stage("SELECT count(*) FROM stage WHERE amount > 0", workbook)
    is_all_new = len(posted) == staged
    if not is_all_new:
        _make_sure_of_every_row(workbook, staged)
    if beside_payments:
        posted += settle_as_printed(workbook, now=now, by=by)
    if beside_payments or not is_all_new:
        posted += _post_increases(workbook, now=now, by=by)
    return posted


def _register_units(workbook: Import) -> dict[str, int]:
    """Make the units that the workbook brings; returns their ids by code."""
    staged = list(workbook.staged_units.all())
    if not staged:
        return {}
    return register_units(
        workbook.project,
        [
            NewUnit(name, unit.building, Unit.Usage(unit.usage), unit.area, unit.owners)
            for unit in staged
            if (name := parse_unit(unit.code))
        ],
    )


def _name_units(workbook: Import, ids: Mapping[str, int]) -> None:
    """Write the ids of units that were made into the staged rows.

    They are handed over and not joined from the table of units, of whose new rows the planner knows nothing.
    """
    if not ids:
        return
    statement = sql.SQL(
        """
        UPDATE {} AS staged SET unit_id = made.id FROM unnest(%s::text[], %s::bigint[]) AS made (code, id)
        WHERE made.code = staged.unit_code AND staged.import_id = %s AND staged.unit_id IS NULL
        """
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.format(staged_table(workbook)), [list(ids), list(ids.values()), workbook.pk])


def _unit_days(workbook: Import) -> list[tuple[int, date]]:
    """The days for which accounts are needed: one a unit where one party owned it all the time, else each."""
    day = "received_on" if workbook.kind == Import.Kind.PAYMENTS else "period_end"
    return run_on_stage(
        f"""
        WITH needed AS (
            SELECT unit_id, min({day}) AS first_on, max({day}) AS last_on
            FROM stage GROUP BY unit_id
        ), sole AS (
            SELECT unit_id, first_on FROM needed WHERE EXISTS (
                SELECT FROM owners_ownership AS owned
                WHERE owned.unit_id = needed.unit_id AND owned.period @> daterange(first_on, last_on, '[]')
            )
        )
        SELECT unit_id, first_on FROM sole
        UNION
        SELECT unit_id, {day} FROM stage WHERE unit_id NOT IN (SELECT unit_id FROM sole)
        """,  # noqa: S608  names of this file
        workbook,
    )


def _lock_accounts(workbook: Import) -> None:
    """Lock every account of the workbook's units before anything is posted on them, as all posting does."""
    run_on_stage(
        """
        SELECT FROM arrears_account
        WHERE unit_id IN (SELECT unit_id FROM stage)
        ORDER BY id FOR NO KEY UPDATE
        """,
        workbook,
    )


def _post_charges(workbook: Import, *, now: datetime, by: User | None, with_received: bool) -> list[Posted]:
    """Insert the charges that the ledger lacks, with their balances; returns sheet, row and account of each.

    ``with_received``: what the sheet says was received is posted with them. Such a payment settles its own charge only,
    from the due date on.
    """
    return run_on_stage(
        """
        WITH fresh AS MATERIALIZED (
            SELECT stage.*, account.id AS account_id,
                CASE WHEN %(with_received)s THEN least(coalesce(received, 0), amount) ELSE 0 END AS paid,
                nextval((SELECT pg_get_serial_sequence('arrears_charge', 'id')::regclass)) AS charge_id
            FROM stage
            JOIN owners_ownership AS owned ON owned.unit_id = stage.unit_id AND owned.period @> stage.period_end
            JOIN arrears_account AS account ON account.ownership_id = owned.id
            WHERE stage.amount > 0
            ORDER BY stage.id
        ), posted AS (
            INSERT INTO arrears_charge (
                id, project_id, account_id, unit_id, fee_type_id, kind, period_start, period_end, due_on, effective_on,
                amount, external_id, basis, source_id, source_sheet, source_row, posted_at, posted_by_id
            )
            SELECT charge_id, %(project)s, account_id, unit_id, fee_type_id, 'charge', period_start, period_end, due_on,
                due_on, amount, external_id,
                CASE WHEN waived > 0 THEN jsonb_build_object('due', amount + waived, 'waived', waived) END,
                %(workbook)s, sheet, row, %(now)s, %(by)s FROM fresh
            ON CONFLICT DO NOTHING
            RETURNING id
        ), made AS MATERIALIZED (
            SELECT sheet, row, account_id, due_on, amount, paid, charge_id
            FROM fresh JOIN posted ON posted.id = fresh.charge_id
        ), balances AS (
            INSERT INTO arrears_chargebalance (charge_id, project_id, account_id, due_on, amount, settled, is_live)
            SELECT charge_id, %(project)s, account_id, due_on, amount, paid, TRUE FROM made
        ), numbered AS MATERIALIZED (
            SELECT *, nextval((SELECT pg_get_serial_sequence('arrears_payment', 'id')::regclass)) AS payment_id
            FROM made WHERE paid > 0
        ), payments AS (
            INSERT INTO arrears_payment (
                id, project_id, account_id, kind, amount, source_id, source_sheet, source_row, posted_at, posted_by_id
            )
            SELECT payment_id, %(project)s, account_id, 'imported', paid, %(workbook)s, sheet, row, %(now)s, %(by)s
            FROM numbered
        ), payment_balances AS (
            INSERT INTO arrears_paymentbalance (payment_id, project_id, account_id, amount, allocated, is_live)
            SELECT payment_id, %(project)s, account_id, paid, paid, TRUE FROM numbered
        ), allocations AS (
            INSERT INTO arrears_allocation (
                project_id, account_id, payment_id, charge_id, kind, amount, effective_on, posted_at, posted_by_id
            )
            SELECT %(project)s, account_id, payment_id, charge_id, 'allocation', paid, due_on, %(now)s, %(by)s
            FROM numbered
        )
        SELECT sheet, row, account_id FROM made
        """,
        workbook,
        now=now,
        by=by and by.pk,
        with_received=with_received,
    )


def _make_sure_of_every_row(workbook: Import, staged: int) -> None:
    """Every staged charge must be in the ledger now, with its amount. Raises LedgerMovedError."""
    [(in_ledger,)] = run_on_stage(
        "SELECT count(*) FROM ({matched}) AS matched WHERE amount = posted",
        workbook,
    )
    if in_ledger != staged:
        raise LedgerMovedError


def _post_increases(workbook: Import, *, now: datetime, by: User | None) -> list[Posted]:
    """Post what the sheet says was received beyond what is settled; returns sheet, row and account of each.

    It settles its own charge from the due date on; where other money settled the charge for a while and was taken back,
    from that day on, so that on no past day more is settled than was owed.
    """
    return run_on_stage(
        """
        WITH increases AS MATERIALIZED (
            SELECT matched.sheet, matched.row, matched.charge_id, balance.account_id, balance.due_on,
                least(matched.received, balance.amount - waived.total) - (balance.settled - waived.total) AS amount
            FROM ({matched}) AS matched JOIN arrears_chargebalance AS balance USING (charge_id)
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(waiver.amount), 0) AS total FROM arrears_waiver AS waiver
                WHERE waiver.charge_id = matched.charge_id
                    AND waiver.kind <> 'reversal' AND waiver.reversed_by_id IS NULL
            ) AS waived
            WHERE matched.received IS NOT NULL  -- which least() would pass over, and settle the whole charge
                AND least(matched.received, balance.amount - waived.total) > balance.settled - waived.total
        ), numbered AS MATERIALIZED (
            SELECT *, nextval((SELECT pg_get_serial_sequence('arrears_payment', 'id')::regclass)) AS payment_id
            FROM increases
        ), payments AS (
            INSERT INTO arrears_payment (
                id, project_id, account_id, kind, amount, source_id, source_sheet, source_row, posted_at, posted_by_id
            )
            SELECT payment_id, %(project)s, account_id, 'imported', amount, %(workbook)s, sheet, row, %(now)s, %(by)s
            FROM numbered
        ), payment_balances AS (
            INSERT INTO arrears_paymentbalance (payment_id, project_id, account_id, amount, allocated, is_live)
            SELECT payment_id, %(project)s, account_id, amount, amount, TRUE FROM numbered
        ), settled AS (
            UPDATE arrears_chargebalance AS balance SET settled = balance.settled + numbered.amount
            FROM numbered WHERE balance.charge_id = numbered.charge_id
        ), allocations AS (
            INSERT INTO arrears_allocation (
                project_id, account_id, payment_id, charge_id, kind, amount, effective_on, posted_at, posted_by_id
            )
            SELECT %(project)s, account_id, payment_id, charge_id, 'allocation', amount,
                greatest(due_on, (
                    SELECT max(release.effective_on)
                    FROM arrears_allocation AS earlier JOIN arrears_allocation AS release
                        ON release.id = earlier.reversed_by_id AND release.effective_on > earlier.effective_on
                    WHERE earlier.charge_id = numbered.charge_id
                ), (
                    SELECT max(ended.effective_on)
                    FROM arrears_waiver AS waiver JOIN arrears_waiver AS ended
                        ON ended.id = waiver.reversed_by_id AND ended.effective_on > waiver.effective_on
                    WHERE waiver.charge_id = numbered.charge_id
                )), %(now)s, %(by)s
            FROM numbered
        )
        SELECT sheet, row, account_id FROM numbered
        """,
        workbook,
        now=now,
        by=by and by.pk,
    )
