"""What was charged and received on an account day by day: the statement that an owner can follow, as of any day.

A charge counts from the day it fell due, money from the day it was received; what is not due by the last day is left
out. A charge that was cancelled with effect from its own day never counted and is left out with its reversal, and so
is an amount that a sheet brought. Assessed late fees raise what is owed, waivers lower it. Money that was received
here is always shown: the payer may hold a receipt of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import Min, TextChoices
from django.utils.translation import gettext_lazy as _

from arrears.models import Account, Allocation, Charge, LateFee, Payment, Waiver

ZERO = Decimal("0.00")


class MovementKind(TextChoices):
    CHARGED = "charged", _("charge")
    CHARGE_REVERSED = "charge_reversed", _("reversal of a charge")
    RECEIVED = "received", _("received")
    IMPORTED = "imported", _("imported with the charge")
    SETTLED_OUTSIDE = "settled_outside", _("settled outside")
    REFUNDED = "refunded", _("refund")
    PAYMENT_REVERSED = "payment_reversed", _("reversal of a payment")
    LATE_FEE = "late_fee", _("late fee")
    LATE_FEE_REVERSED = "late_fee_reversed", _("reversal of a late fee")
    WAIVED = "waived", _("waiver")
    WAIVER_REVERSED = "waiver_reversed", _("waiver taken back")


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
    word: str = ""  # what the contract calls the late fee that the line is about

    @property
    def label(self) -> str:
        """What the line is, in the contract's word for late fees."""
        return self.word if self.kind is MovementKind.LATE_FEE else f"{self.kind.label} {self.word}".strip()


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
    lines = (*_charges(account), *_late_fees(account), *_waivers(account), *_payments(account))
    found = sorted(lines, key=_order)
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
            yield replace(line, balance=balance)


def _charges(account: Account) -> Iterator[Movement]:
    for charge in account.charges.select_related("fee_type", "reversed_by", "reverses"):
        if charge.kind == Charge.Kind.REVERSAL:
            if charge.effective_on > charge.reverses.effective_on:
                yield Movement(charge.effective_on, MovementKind.CHARGE_REVERSED, charge, None, -charge.amount, ZERO)
        elif charge.reversed_by is None or charge.reversed_by.effective_on > charge.effective_on:
            yield Movement(charge.effective_on, MovementKind.CHARGED, charge, None, charge.amount, ZERO)


def _late_fees(account: Account) -> Iterator[Movement]:
    for row in account.late_fees.select_related("charge__fee_type"):
        is_reversal = row.kind == LateFee.Kind.REVERSAL
        kind = MovementKind.LATE_FEE_REVERSED if is_reversal else MovementKind.LATE_FEE
        amount = -row.amount if is_reversal else row.amount
        yield Movement(row.effective_on, kind, row.charge, None, amount, ZERO, word=row.word)


def _waivers(account: Account) -> Iterator[Movement]:
    """A waiver belongs to a charge that counts: one of a charge that never was is left out with it."""
    rows = account.waivers.select_related("charge__fee_type", "charge__reversed_by", "late_fee__charge__fee_type")
    for row in rows:
        of = row.charge or (row.late_fee.charge if row.late_fee else None)
        if row.charge and row.charge.reversed_by and row.charge.reversed_by.effective_on <= row.charge.effective_on:
            continue
        is_reversal = row.kind == Waiver.Kind.REVERSAL
        kind = MovementKind.WAIVER_REVERSED if is_reversal else MovementKind.WAIVED
        amount = row.amount if is_reversal else -row.amount
        yield Movement(row.effective_on, kind, of, None, amount, ZERO, word=row.late_fee.word if row.late_fee else "")


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
