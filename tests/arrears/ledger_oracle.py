"""The rules of settling, written down a second time in the plainest way, for test_ledger_machine."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)


@dataclass
class OracleCharge:
    pk: int
    fee: int
    due_on: dt.date
    amount: Decimal
    live: bool = True
    parts: dict[int, Decimal] = field(default_factory=dict)
    waived: dict[int, Decimal] = field(default_factory=dict)

    @property
    def settled(self) -> Decimal:
        return sum(self.parts.values(), ZERO) + sum(self.waived.values(), ZERO)

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled if self.live else ZERO


@dataclass
class OraclePayment:
    pk: int
    day: dt.date
    amount: Decimal
    bound_to: int | None = None
    live: bool = True
    refunds: dict[int, Decimal] = field(default_factory=dict)
    fee: int | None = None


@dataclass
class OracleLateFee:
    charge: int
    day: dt.date
    amount: Decimal
    live: bool = True
    parts: dict[int, Decimal] = field(default_factory=dict)
    waived: dict[int, Decimal] = field(default_factory=dict)

    @property
    def settled(self) -> Decimal:
        return sum(self.parts.values(), ZERO) + sum(self.waived.values(), ZERO)

    @property
    def open(self) -> Decimal:
        return self.amount - self.settled if self.live else ZERO


class Oracle:
    """The rules of settling, written down a second time in the plainest way."""

    def __init__(self) -> None:
        self.charges: dict[int, OracleCharge] = {}
        self.payments: dict[int, OraclePayment] = {}
        self.refunds: set[int] = set()
        self.late_fees: dict[int, OracleLateFee] = {}

    def free(self, payment: OraclePayment) -> Decimal:
        if not payment.live or payment.bound_to:
            return ZERO
        settled = [*self.charges.values(), *self.late_fees.values()]
        used = sum((row.parts.get(payment.pk, ZERO) for row in settled), ZERO)
        return payment.amount - used - sum(payment.refunds.values(), ZERO)

    @property
    def credit(self) -> Decimal:
        return sum((self.free(payment) for payment in self.payments.values()), ZERO)

    def settle(self, payment: OraclePayment) -> None:
        """The fee that the payer named comes first, also when the money is used later as credit."""
        for charge in sorted(self.charges.values(), key=lambda c: (c.fee != payment.fee, c.due_on, c.pk)):
            part = min(charge.open, self.free(payment))
            if part > 0:
                charge.parts[payment.pk] = charge.parts.get(payment.pk, ZERO) + part
        for _pk, late_fee in sorted(self.late_fees.items(), key=lambda f: (f[1].day, f[0])):
            part = min(late_fee.open, self.free(payment))
            if part > 0:
                late_fee.parts[payment.pk] = late_fee.parts.get(payment.pk, ZERO) + part

    def use_credit(self) -> None:
        for payment in sorted(self.payments.values(), key=lambda p: (p.day, p.pk)):
            self.settle(payment)

    def drop_late_fee(self, pk: int) -> None:
        late_fee = self.late_fees[pk]
        late_fee.live, late_fee.parts, late_fee.waived = False, {}, {}

    def drop_payment(self, pk: int) -> None:
        self.payments[pk].live = False
        for row in [*self.charges.values(), *self.late_fees.values()]:
            row.parts.pop(pk, None)

    def drop_charge(self, pk: int) -> None:
        charge = self.charges[pk]
        for payment_pk in list(charge.parts):
            if self.payments[payment_pk].bound_to:
                self.drop_payment(payment_pk)
        charge.live, charge.parts, charge.waived = False, {}, {}
        for late_fee_pk, late_fee in self.late_fees.items():
            if late_fee.charge == pk and late_fee.live:
                self.drop_late_fee(late_fee_pk)
