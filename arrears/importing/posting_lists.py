"""A staged arrears list becomes charges and rows settled outside; callers hold the locks of its accounts."""

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from arrears.accounts import make_accounts
from arrears.importing.checking_lists import TAKES_CREDIT, newest_list
from arrears.importing.comparing import ListPlan, NewCharge, Position, compare_list
from arrears.importing.copying import copy_rows, next_ids
from arrears.importing.outcome import LedgerMovedError
from arrears.importing.posting_payments import Posted, Settled, post_settled
from arrears.models import Import
from company.models import User


def post_list(workbook: Import, *, now: datetime, by: User | None) -> list[Posted]:
    """Post what the list says beyond the ledger, and what it shows as settled; credit only where a person agreed.

    Raises LedgerMovedError when a newer list was posted meanwhile, or more would be posted than was shown.
    """
    plan, as_of = compare_list(workbook), workbook.as_of or date.min
    if (newest_list(workbook) or as_of) > as_of or _is_more_than_shown(plan, workbook):
        raise LedgerMovedError
    make_accounts(workbook.project, _unit_days(plan, workbook))
    posted = _post_charges(workbook, plan.charges, now=now, by=by)
    settled = [
        Settled(s.account_id, s.charge_id, s.amount, as_of, workbook.pk, s.position.sheet, s.position.row or None,
                as_of)
        for s in plan.settled
    ]  # fmt: skip
    post_settled(workbook, settled, now=now, by=by)
    posted += [(row.sheet, row.row or 0, row.account_id) for row in settled]
    if workbook.options.get(TAKES_CREDIT):
        posted += _post_credit(workbook, plan.owed, now=now, by=by)
    return posted


def _unit_days(plan: ListPlan, workbook: Import) -> set[tuple[int, date]]:
    """Whose accounts the new rows need."""
    days = {(charge.position.unit_id or 0, charge.period_end) for charge in plan.charges}
    return days | {(position.unit_id or 0, position_day(workbook)) for position, _amount in plan.owed}


def _is_more_than_shown(plan: ListPlan, workbook: Import) -> bool:
    shown: Mapping[str, Any] = workbook.findings
    return plan.new > Decimal(shown["new"]) or plan.settled_amount > Decimal(shown["settled"])


def _post_charges(workbook: Import, charges: Collection[NewCharge], *, now: datetime, by: User | None) -> list[Posted]:
    """Write the new charges with their balances."""
    accounts = _accounts_of({(c.position.unit_id or 0, c.period_end) for c in charges})
    ids = next_ids("arrears_charge", len(charges))
    rows = [
        (pk, charge, accounts[charge.position.unit_id or 0, charge.period_end])
        for pk, charge in zip(ids, charges, strict=True)
    ]
    copy_rows(
        "arrears_charge",
        ("id", "project_id", "account_id", "unit_id", "fee_type_id", "period_start", "period_end", "due_on",
         "effective_on", "amount", "external_id", "basis", "source_id", "source_sheet", "source_row", "posted_at",
         "posted_by_id"),
        (
            (pk, workbook.project_id, account_id, charge.position.unit_id, charge.position.fee_type_id,
             charge.period_start, charge.period_end, charge.due_on, charge.due_on, charge.amount,
             _external_id(workbook, charge), json.dumps(_basis(workbook, charge)), workbook.pk,
             charge.position.sheet, charge.position.row or None, now, by and by.pk)
            for pk, charge, account_id in rows
        ),
    )  # fmt: skip
    copy_rows(
        "arrears_chargebalance",
        ("charge_id", "project_id", "account_id", "due_on", "amount", "settled", "is_live"),
        (
            (pk, workbook.project_id, account_id, charge.due_on, charge.amount, 0, True)
            for pk, charge, account_id in rows
        ),
    )
    return [(charge.position.sheet, charge.position.row, account_id) for _pk, charge, account_id in rows]


def _external_id(workbook: Import, charge: NewCharge) -> str:
    """A difference stands beside the charge of the same period, so it needs a number of its own."""
    if charge.is_whole_period:
        return ""
    position = charge.position
    return f"list-{workbook.pk}-{position.unit_id}-{position.fee_type_id}-{position.window}"


def _basis(workbook: Import, charge: NewCharge) -> dict[str, Any]:
    basis: dict[str, Any] = {"list_as_of": f"{workbook.as_of:%Y-%m-%d}", "window": charge.position.window}
    return basis | ({"start_unknown": True} if charge.is_start_unknown else {})


def _accounts_of(unit_days: Collection[tuple[int, date]]) -> dict[tuple[int, date], int]:
    """The account of whoever owned a unit on a day."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.unit_id, wanted.day, account.id
            FROM unnest(%s::bigint[], %s::date[]) AS wanted (unit_id, day)
            JOIN owners_ownership AS owned ON owned.unit_id = wanted.unit_id AND owned.period @> wanted.day
            JOIN arrears_account AS account ON account.ownership_id = owned.id
            """,
            [[unit_id for unit_id, _day in unit_days], [day for _unit_id, day in unit_days]],
        )
        return {(unit_id, day): account_id for unit_id, day, account_id in cursor.fetchall()}


def _post_credit(
    workbook: Import, owed: Collection[tuple[Position, Decimal]], *, now: datetime, by: User | None
) -> list[Posted]:
    """Write credit that the list prints as money received on its day; the caller applies it."""
    as_of = workbook.as_of or date.min
    accounts = _accounts_of({(position.unit_id or 0, position_day(workbook)) for position, _amount in owed})
    ids = next_ids("arrears_payment", len(owed))
    rows = [
        (pk, position, amount, accounts[position.unit_id or 0, position_day(workbook)])
        for pk, (position, amount) in zip(ids, owed, strict=True)
    ]
    note = _("credit in the arrears list")
    copy_rows(
        "arrears_payment",
        ("id", "project_id", "account_id", "kind", "amount", "received_on", "fee_type_id", "note", "source_id",
         "source_sheet", "source_row", "posted_at", "posted_by_id"),
        (
            (pk, workbook.project_id, account_id, "received", amount, as_of, position.fee_type_id, note, workbook.pk,
             position.sheet, position.row or None, now, by and by.pk)
            for pk, position, amount, account_id in rows
        ),
    )  # fmt: skip
    copy_rows(
        "arrears_paymentbalance",
        ("payment_id", "project_id", "account_id", "amount", "allocated", "is_live"),
        ((pk, workbook.project_id, account_id, amount, 0, True) for pk, _position, amount, account_id in rows),
    )
    return [(position.sheet, position.row, account_id) for _pk, position, _amount, account_id in rows]


def position_day(workbook: Import) -> date:
    """The day whose owner a credit of the list belongs to."""
    return workbook.as_of or date.min
