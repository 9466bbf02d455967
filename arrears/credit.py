"""Money and what it settles, for many accounts at once: allocations by COPY, and credit that meets what is owed.

Callers hold the locks of the accounts and raise their versions.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, F, OuterRef

from arrears.allocation import ZERO, OpenCharge, free_since, less, plan_allocation, settle_late_fees
from arrears.importing.copying import copy_rows
from arrears.models import ChargeBalance, LateFeeBalance, Payment, PaymentBalance
from company.models import User


class Settling(NamedTuple):
    """Part of a payment, in CNY, that settles a charge from a day on."""

    account_id: int
    payment_id: int
    charge_id: int
    amount: Decimal
    effective_on: date


def settle(project_id: int, settlings: Collection[Settling], *, now: datetime, by: User | None) -> None:
    """Write allocations and raise the balances of their charges; those of the payments are the caller's."""
    copy_rows(
        "arrears_allocation",
        ("project_id", "account_id", "payment_id", "charge_id", "amount", "effective_on", "posted_at", "posted_by_id"),
        (
            (project_id, one.account_id, one.payment_id, one.charge_id, one.amount, one.effective_on, now,
             by and by.pk)
            for one in settlings
        ),
    )  # fmt: skip
    by_charge: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for one in settlings:
        by_charge[one.charge_id] += one.amount
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arrears_chargebalance AS balance SET settled = settled + more.amount
            FROM unnest(%s::bigint[], %s::numeric[]) AS more (charge_id, amount)
            WHERE balance.charge_id = more.charge_id
            """,
            [list(by_charge), list(by_charge.values())],
        )


def open_by_account(account_ids: Iterable[int]) -> dict[int, list[OpenCharge]]:
    """What is not settled on these accounts, oldest due first. One query."""
    rows = (
        ChargeBalance.objects.filter(account_id__in=list(account_ids), is_live=True, settled__lt=F("amount"))
        .order_by("account_id", "due_on", "charge_id")
        .values_list("account_id", "charge_id", "charge__fee_type_id", "due_on", F("amount") - F("settled"))
    )
    found = defaultdict(list)
    for account_id, *row in rows.iterator(chunk_size=20_000):
        found[account_id].append(OpenCharge(*row))
    return found


def apply_credit(account_ids: Collection[int], *, now: datetime, by: User | None) -> None:
    """Use what was paid ahead on these accounts for open charges and then for late fees, oldest money first.

    Money settles the fee that it named first, then the oldest charge. It counts from the day on which both the money
    and the due date were there.
    """
    credits = (
        PaymentBalance.objects.filter(account_id__in=list(account_ids), is_live=True, allocated__lt=F("amount"))
        .filter(payment__kind=Payment.Kind.RECEIVED)
        .order_by("payment__received_on", "payment_id")
        .values_list(
            *("payment_id", "project_id", "account_id", "payment__fee_type_id", "payment__received_on"),
            F("amount") - F("allocated"),
        )
    )
    rows = list(credits)
    if not rows:
        return
    with_credit = {account_id for _payment, _project, account_id, *_rest in rows}
    open_of = open_by_account(with_credit)
    free = free_since(*with_credit)
    settlings: dict[int, list[Settling]] = defaultdict(list)
    used: dict[int, Decimal] = {}
    for payment_id, project_id, account_id, fee_type_id, received_on, left in rows:
        charges = open_of.get(account_id, [])
        due = {charge.charge_id: charge.due_on for charge in charges}
        plan = plan_allocation(charges, left, fee_type_id=fee_type_id)
        open_of[account_id] = less(charges, plan)
        used[payment_id] = sum(plan.values(), ZERO)
        settlings[project_id] += [
            Settling(account_id, payment_id, charge_id, amount,
                     free.earliest(payment_id, charge_id, received_on, due[charge_id]))
            for charge_id, amount in plan.items()
        ]  # fmt: skip
    for project_id, of_project in settlings.items():
        settle(project_id, of_project, now=now, by=by)
    use_money(used)
    _settle_late_fees(with_credit, now=now, by=by)


def use_money(used: Mapping[int, Decimal]) -> None:
    """Raise what is used of payments by so many CNY. Callers write the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arrears_paymentbalance AS balance SET allocated = allocated + more.amount
            FROM unnest(%s::bigint[], %s::numeric[]) AS more (payment_id, amount)
            WHERE balance.payment_id = more.payment_id
            """,
            [list(used), list(used.values())],
        )


def _settle_late_fees(account_ids: Collection[int], *, now: datetime, by: User | None) -> None:
    """What no charge could use settles assessed late fees, on the few accounts that have both."""
    still_open = {"account_id": OuterRef("account_id"), "is_live": True, "settled__lt": F("amount")}
    with_both = PaymentBalance.objects.filter(
        Exists(LateFeeBalance.objects.filter(**still_open)),
        account_id__in=list(account_ids),
        is_live=True,
        allocated__lt=F("amount"),
    )
    for account_id in sorted(set(with_both.values_list("account_id", flat=True))):
        settle_late_fees(account_id, now=now, by=by)
