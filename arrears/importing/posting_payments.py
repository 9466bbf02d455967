"""Staged payments become payments with their allocations, set-wise; callers hold the locks of their accounts."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.allocation import free_since, less, plan_allocation
from arrears.credit import Settling, open_by_account, settle
from arrears.importing.copying import copy_rows, next_ids
from arrears.importing.covering import Cover, Covered, PaidAt, cover_staged
from arrears.importing.ledger_match import run_on_stage
from arrears.importing.outcome import LedgerMovedError
from arrears.importing.reversing import cancel_payments, release_allocations
from arrears.importing.totals import ZERO
from arrears.models import Allocation, Import, Payment
from company.models import User

Posted = tuple[str, int, int]
"""Sheet, row and account of a row that brought something new."""


class _Money(NamedTuple):
    payment_id: int
    sheet: str
    row: int
    account_id: int
    fee_type_id: int | None
    amount: Decimal
    received_on: date


def post_payments(workbook: Import, *, now: datetime, by: User | None) -> list[Posted]:
    """Post the staged payments that the ledger lacks and settle charges with them; what is left is credit.

    What an earlier sheet had recorded as settled outside or received is replaced. Raises LedgerMovedError when the
    ledger holds one of the serial numbers otherwise by now.
    """
    covered = cover_staged(workbook)
    _take_off(workbook, covered)
    posted = [_Money(*row) for row in _insert(workbook, now=now, by=by)]
    _make_sure_of_every_row(workbook)
    kept = _give_way(covered, workbook, now=now, by=by)
    settlings = _settle(posted, covered.covers, kept)
    used: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for settling in settlings:
        used[settling.payment_id] += settling.amount
    copy_rows(
        "arrears_paymentbalance",
        ("payment_id", "project_id", "account_id", "amount", "allocated", "is_live"),
        (
            (money.payment_id, workbook.project_id, money.account_id, money.amount, used[money.payment_id], True)
            for money in posted
        ),
    )
    settle(workbook.project_id, settlings, now=now, by=by)
    return [(money.sheet, money.row, money.account_id) for money in posted]


class Settled(NamedTuple):
    """A row settled outside or imported that is to be posted, in CNY; bound to its charge, which it settles ``since``.

    One that is imported has no day on which it was ``listed_on``.
    """

    account_id: int
    charge_id: int
    amount: Decimal
    listed_on: date | None
    source_id: int | None
    sheet: str
    row: int | None
    since: date
    kind: str = "settled_outside"


def post_settled(workbook: Import, rows: Collection[Settled], *, now: datetime, by: User | None) -> None:
    """Post rows settled outside or imported with their balances and allocations."""
    ids = next_ids("arrears_payment", len(rows))
    copy_rows(
        "arrears_payment",
        ("id", "project_id", "account_id", "kind", "amount", "received_on", "source_id", "source_sheet", "source_row",
         "posted_at", "posted_by_id"),
        (
            (pk, workbook.project_id, row.account_id, row.kind, row.amount, row.listed_on, row.source_id,
             row.sheet, row.row, now, by and by.pk)
            for pk, row in zip(ids, rows, strict=True)
        ),
    )  # fmt: skip
    copy_rows(
        "arrears_paymentbalance",
        ("payment_id", "project_id", "account_id", "amount", "allocated", "is_live"),
        (
            (pk, workbook.project_id, row.account_id, row.amount, row.amount, True)
            for pk, row in zip(ids, rows, strict=True)
        ),
    )
    free = free_since(*{row.account_id for row in rows})
    settle(
        workbook.project_id,
        [
            Settling(row.account_id, pk, row.charge_id, row.amount, free.earliest(pk, row.charge_id, row.since))
            for pk, row in zip(ids, rows, strict=True)
        ],
        now=now,
        by=by,
    )


def _take_off(workbook: Import, covered: Covered) -> None:
    """Take payments that are held back off the stage of this transaction."""
    run_on_stage(
        "DELETE FROM stage WHERE id = ANY(%(held)s) RETURNING 1",
        workbook,
        held=[held.staged_id for held in covered.held],
    )


def _insert(workbook: Import, *, now: datetime, by: User | None) -> list[tuple[Any, ...]]:
    return run_on_stage(
        """
        INSERT INTO arrears_payment (
            project_id, account_id, kind, amount, received_on, method, serial_no, receipt_no, fee_type_id, note,
            source_id, source_sheet, source_row, posted_at, posted_by_id
        )
        SELECT %(project)s, account.id, 'received', stage.amount, received_on, method, serial_no, receipt_no,
            fee_type_id, note, %(workbook)s, sheet, row, %(now)s, %(by)s
        FROM stage
        JOIN owners_ownership AS owned ON owned.unit_id = stage.unit_id AND owned.period @> stage.received_on
        JOIN arrears_account AS account ON account.ownership_id = owned.id
        WHERE stage.id NOT IN (SELECT id FROM ({matched}) AS matched)
        ORDER BY received_on, stage.id
        ON CONFLICT DO NOTHING
        RETURNING id, source_sheet, source_row, account_id, fee_type_id, amount, received_on
        """,
        workbook,
        now=now,
        by=by and by.pk,
    )


def _make_sure_of_every_row(workbook: Import) -> None:
    """Every staged payment must be in the ledger now, on its unit. Raises LedgerMovedError."""
    [(in_ledger, staged)] = run_on_stage(
        """
        SELECT
            (SELECT count(*) FROM ({matched}) AS matched WHERE amount = posted AND posted_unit_id = unit_id),
            (SELECT count(*) FROM stage)
        """,
        workbook,
    )
    if in_ledger != staged:
        raise LedgerMovedError


def _give_way(covered: Covered, workbook: Import, *, now: datetime, by: User | None) -> dict[int, Decimal]:
    """Cancel the rows of sheets that payments replace, and post anew what is left of each.

    Returns by charge, in CNY, what the payments are to settle there.
    """
    replaced: dict[int, Decimal] = defaultdict(lambda: ZERO)
    by_charge: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for covers in covered.covers.values():
        for cover in covers:
            replaced[cover.settled_id] += cover.amount
            by_charge[cover.charge_id] += cover.amount
    old = Payment.objects.in_bulk(replaced)
    allocations = Allocation.objects.filter(payment_id__in=replaced, kind="allocation", reversed_by=None)
    settled = {
        pk: (charge_id or 0, since)
        for pk, charge_id, since in allocations.values_list("payment_id", "charge_id", "effective_on")
    }
    release_allocations(list(allocations.values_list("pk", flat=True)), now=now, by=by)
    cancel_payments(replaced, now=now, by=by, source=workbook)
    rests = [
        Settled(
            payment.account_id,
            settled[pk][0],
            payment.amount - replaced[pk],
            payment.received_on,
            payment.source_id,
            payment.source_sheet,
            payment.source_row,
            settled[pk][1],
            payment.kind,
        )
        for pk, payment in sorted(old.items())
        if payment.amount > replaced[pk]
    ]
    post_settled(workbook, rests, now=now, by=by)
    return by_charge


def _settle(posted: list[_Money], covers: Mapping[PaidAt, list[Cover]], kept: Mapping[int, Decimal]) -> list[Settling]:
    """Which charges the new payments settle: what they replace, then the named fee, then the oldest."""
    accounts = {money.account_id for money in posted}
    free, settlings = free_since(*accounts), list[Settling]()
    open_of = {account_id: less(charges, kept) for account_id, charges in open_by_account(accounts).items()}
    for money in sorted(posted, key=lambda m: (m.received_on, m.payment_id)):
        plan: dict[int, Decimal] = defaultdict(lambda: ZERO)
        for cover in covers.get((money.sheet, money.row, money.fee_type_id), []):
            plan[cover.charge_id] += cover.amount
        charges = open_of.get(money.account_id, [])
        rest = plan_allocation(charges, money.amount - sum(plan.values(), ZERO), fee_type_id=money.fee_type_id)
        open_of[money.account_id] = less(charges, rest)
        for charge_id, amount in rest.items():
            plan[charge_id] += amount
        settlings += [
            Settling(money.account_id, money.payment_id, charge_id, amount,
                     free.earliest(money.payment_id, charge_id, money.received_on))
            for charge_id, amount in plan.items()
        ]  # fmt: skip
    return settlings
