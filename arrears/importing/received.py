"""Amounts that a list of charges prints as received, where the project's payments are imported too.

The column and the payments tell of the same money. Payments received until the day of which the list speaks
(``Import.as_of``) come first: they settle what the list shows as paid, as if the list had been there before them. What
they do not explain counts as imported with the charge (arrears.importing.posting). So both orders of the two files end
with the same balances.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from arrears.allocation import free_since
from arrears.credit import Settling, settle, use_money
from arrears.importing.ledger_match import run_on_stage
from arrears.importing.posting_payments import Posted
from arrears.importing.reversing import release_allocations
from arrears.importing.totals import ZERO
from arrears.models import Import
from company.models import User

KNOWN_MONEY = """
    SELECT payment.id, payment.account_id, payment.fee_type_id, payment.received_on,
        balance.amount - balance.allocated AS left_over
    FROM arrears_payment AS payment
    JOIN arrears_import AS source ON source.id = payment.source_id AND source.kind = 'payments'
    JOIN arrears_paymentbalance AS balance ON balance.payment_id = payment.id AND balance.is_live
    WHERE payment.kind = 'received' AND payment.received_on <= %(until)s
"""
"""Imported payments that the staged list can have known."""

WANTED = """
    SELECT matched.sheet, matched.row, matched.charge_id, matched.fee_type_id, balance.account_id, balance.due_on,
        least(matched.received, balance.amount - waived.total) - (balance.settled - waived.total) AS wanted
    FROM ({matched}) AS matched JOIN arrears_chargebalance AS balance USING (charge_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(waiver.amount), 0) AS total FROM arrears_waiver AS waiver
        WHERE waiver.charge_id = matched.charge_id AND waiver.kind <> 'reversal' AND waiver.reversed_by_id IS NULL
    ) AS waived
    WHERE matched.received IS NOT NULL
"""
"""Staged charges with what of the printed amount, in CNY, the ledger does not show as settled."""


class _Wanted(NamedTuple):
    charge_id: int
    fee_type_id: int
    due_on: date


def settle_as_printed(workbook: Import, *, now: datetime, by: User | None) -> list[Posted]:
    """Have imported payments settle what the staged charges print as received; the caller applies what they leave.

    Parts of those payments that settle other charges, of which no list said that they were paid, are released for it.
    Returns sheet, row and account of each charge concerned. Callers hold the locks of the accounts.
    """
    known = {"until": workbook.as_of}
    rows = run_on_stage(
        f"""
        SELECT sheet, row, wanted.account_id FROM ({WANTED}) AS wanted
        WHERE wanted > 0 AND EXISTS (
            SELECT FROM ({KNOWN_MONEY}) AS money
            WHERE money.account_id = wanted.account_id
                AND (money.fee_type_id IS NULL OR money.fee_type_id = wanted.fee_type_id)
        )
        """,  # noqa: S608  statements of ours
        workbook,
        **known,
    )
    accounts = sorted({account_id for _sheet, _row, account_id in rows})
    if accounts:
        movable = run_on_stage(_movable(), workbook, accounts=accounts, **known)
        release_allocations([pk for (pk,) in movable], now=now, by=by)
        _designate(workbook, accounts, now=now, by=by)
    return rows


def _movable() -> str:
    """What imported payments settle of charges of the list, and of others that no list ever showed as paid."""
    return f"""
        SELECT allocation.id FROM arrears_allocation AS allocation
        JOIN ({KNOWN_MONEY}) AS money ON money.id = allocation.payment_id
        WHERE allocation.account_id = ANY(%(accounts)s)
            AND allocation.kind = 'allocation' AND allocation.reversed_by_id IS NULL
            AND (
                allocation.charge_id IN (SELECT charge_id FROM ({{matched}}) AS matched WHERE received IS NOT NULL)
                OR NOT EXISTS (
                    SELECT FROM arrears_allocation AS told
                    JOIN arrears_payment AS imported ON imported.id = told.payment_id AND imported.kind = 'imported'
                    WHERE told.charge_id = allocation.charge_id
                )
            )
            AND allocation.charge_id IS NOT NULL
    """  # noqa: S608  statements of ours


def _designate(workbook: Import, accounts: Collection[int], *, now: datetime, by: User | None) -> None:
    """Oldest money to the oldest charge that prints it, as payments replace imported amounts."""
    known = {"until": workbook.as_of, "accounts": list(accounts)}
    wanted: dict[int, dict[_Wanted, Decimal]] = defaultdict(dict)
    for account_id, amount, *charge in run_on_stage(
        f"""
        SELECT account_id, wanted, charge_id, fee_type_id, due_on FROM ({WANTED}) AS wanted
        WHERE wanted > 0 AND account_id = ANY(%(accounts)s) ORDER BY due_on, charge_id
        """,  # noqa: S608  statements of ours
        workbook,
        **known,
    ):
        wanted[account_id][_Wanted(*charge)] = amount
    money = run_on_stage(
        f"""
        SELECT id, account_id, fee_type_id, received_on, left_over FROM ({KNOWN_MONEY}) AS money
        WHERE left_over > 0 AND account_id = ANY(%(accounts)s) ORDER BY received_on, id
        """,  # noqa: S608  statements of ours
        workbook,
        **known,
    )
    free, settlings, used = free_since(*accounts), list[Settling](), dict[int, Decimal]()
    for payment_id, account_id, fee_type_id, received_on, left in money:
        for charge, amount in wanted[account_id].items():
            part = min(amount, left) if fee_type_id in (None, charge.fee_type_id) else ZERO
            if part > 0:
                left -= part
                wanted[account_id][charge] -= part
                used[payment_id] = used.get(payment_id, ZERO) + part
                since = free.earliest(payment_id, charge.charge_id, received_on, charge.due_on)
                settlings.append(Settling(account_id, payment_id, charge.charge_id, part, since))
    settle(workbook.project_id, settlings, now=now, by=by)
    use_money(used)
