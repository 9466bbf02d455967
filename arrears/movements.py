"""What was charged and received on an account day by day: the statement that an owner can follow, as of any day.

A charge counts from the day it fell due, money from the day it was received; what is not due by the last day is left
out. A charge that was cancelled with effect from its own day never counted and is left out with its reversal, and so
is an amount that a sheet brought. Money that was received here is always shown: the payer may hold a receipt of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Min, TextChoices
from django.utils.translation import gettext_lazy as _

from arrears.models import Account, Allocation, Charge, Payment

ZERO = Decimal("0.00")


class MovementKind(TextChoices):
    CHARGED = "charged", _("charge")
    CHARGE_REVERSED = "charge_reversed", _("reversal of a charge")
    RECEIVED = "received", _("received")
    IMPORTED = "imported", _("imported with the charge")
    SETTLED_OUTSIDE = "settled_outside", _("settled outside")
    REFUNDED = "refunded", _("refund")
    PAYMENT_REVERSED = "payment_reversed", _("reversal of a payment")


@dataclass(frozen=True, slots=True)
class Movement:
    """One line. ``charged`` raises what is owed and ``received`` lowers it, in CNY; both can be negative.

    ``balance`` is what is owed after it, negative for money paid ahead.
    """

    day: date
    kind: MovementKind
    charge: Charge | None
    payment: Payment | None
    charged: Decimal
    received: Decimal
    balance: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class AccountMovements:
    """The lines from ``since`` to ``until``, both included, and the balances before and after them, in CNY."""

    account: Account
    since: date
    until: date
    opening: Decimal
    lines: list[Movement]

    @property
    def charged(self) -> Decimal:
        return sum((line.charged for line in self.lines), ZERO)

    @property
    def received(self) -> Decimal:
        return sum((line.received for line in self.lines), ZERO)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.charged - self.received


def account_movements(account: Account, *, until: date, since: date | None = None) -> AccountMovements:
    """The movements of ``account``; without ``since`` from its first one. A fixed number of queries."""
    found = sorted((*_charges(account), *_payments(account)), key=_order)
    found = [line for line in found if line.day <= until]
    since = since or (found[0].day if found else until)
    opening = sum((line.charged - line.received for line in found if line.day < since), ZERO)
    return AccountMovements(account, since, until, opening, list(_balanced(found, since, opening)))


def _order(line: Movement) -> tuple[date, bool, int]:
    row = line.charge or line.payment
    return line.day, line.charge is None, row.pk if row else 0


def _balanced(found: list[Movement], since: date, opening: Decimal) -> Iterator[Movement]:
    balance = opening
    for line in found:
        if line.day >= since:
            balance += line.charged - line.received
            yield Movement(line.day, line.kind, line.charge, line.payment, line.charged, line.received, balance)


def _charges(account: Account) -> Iterator[Movement]:
    for charge in account.charges.select_related("fee_type", "reversed_by", "reverses"):
        if charge.kind == Charge.Kind.REVERSAL:
            if charge.effective_on > charge.reverses.effective_on:
                yield Movement(charge.effective_on, MovementKind.CHARGE_REVERSED, charge, None, -charge.amount, ZERO)
        elif charge.reversed_by is None or charge.reversed_by.effective_on > charge.effective_on:
            yield Movement(charge.effective_on, MovementKind.CHARGED, charge, None, charge.amount, ZERO)


def _payments(account: Account) -> Iterator[Movement]:
    undated = dict(
        Allocation.objects.filter(account=account, payment__received_on=None, kind=Allocation.Kind.ALLOCATION)
        .values_list("payment_id")
        .annotate(Min("effective_on"))
    )
    for payment in account.payments.select_related("reversed_by", "reverses"):
        day = payment.received_on or undated.get(payment.pk)
        if day is None:
            continue
        if payment.kind == Payment.Kind.REVERSAL:
            if _is_shown(payment.reverses, undated.get(payment.reverses.pk), reversed_on=day):
                amount = -_signed(payment.reverses)
                yield Movement(day, MovementKind.PAYMENT_REVERSED, None, payment, ZERO, amount)
        elif payment.reversed_by is None or _is_shown(payment, day, reversed_on=payment.reversed_by.received_on):
            yield Movement(day, KINDS[Payment.Kind(payment.kind)], None, payment, ZERO, _signed(payment))


def _is_shown(cancelled: Payment, day: date | None, *, reversed_on: date | None) -> bool:
    """Whether a cancelled payment and its reversal stand in a statement."""
    day = cancelled.received_on or day
    if cancelled.kind in Payment.Kind.BOUND:
        return day is not None and reversed_on is not None and reversed_on > day
    return True


def _signed(payment: Payment) -> Decimal:
    return -payment.amount if payment.kind == Payment.Kind.REFUND else payment.amount


KINDS = {
    Payment.Kind.RECEIVED: MovementKind.RECEIVED,
    Payment.Kind.IMPORTED: MovementKind.IMPORTED,
    Payment.Kind.SETTLED_OUTSIDE: MovementKind.SETTLED_OUTSIDE,
    Payment.Kind.REFUND: MovementKind.REFUNDED,
}
