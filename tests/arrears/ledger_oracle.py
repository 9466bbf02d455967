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
    was_told: bool = False

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
    is_told: bool = False  # a sheet prints it as received
    is_imported: bool = False  # by a workbook of payments


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

    def replace_told(self, payment: OraclePayment, rests: list[tuple[int, dt.date | None]]) -> None:
        """Take the place of what sheets told of the fee by the day, oldest charge first; ``rests`` are what stays."""
        told = [p for p in self.payments.values() if p.live and p.is_told and p.bound_to and p.day >= payment.day]
        for row in sorted(told, key=lambda p: (self.charges[p.bound_to or 0].due_on, p.bound_to, p.pk)):
            charge = self.charges[row.bound_to or 0]
            part = min(self.free(payment), row.amount)
            if part <= 0 or payment.fee not in (None, charge.fee):
                continue
            self.drop_payment(row.pk)
            charge.parts[payment.pk] = charge.parts.get(payment.pk, ZERO) + part
            if part < row.amount:
                pk, _day = rests.pop(0)
                self.payments[pk] = OraclePayment(pk, row.day, row.amount - part, bound_to=charge.pk, is_told=True)
                charge.parts[pk] = row.amount - part

    def tell_received(self, charge: OracleCharge, received: Decimal, told: int | None) -> None:
        """A sheet tells what was received of a new charge: imported payments first, the rest as row ``told``."""
        known = [p for p in self.payments.values() if p.live and p.is_imported]
        if any(p.fee in (None, charge.fee) for p in known):
            for other in self.charges.values():
                for payment in known if not other.was_told else ():
                    other.parts.pop(payment.pk, None)
            for payment in sorted(known, key=lambda p: (p.day, p.pk)):
                part = min(self.free(payment), received)
                if part > 0 and payment.fee in (None, charge.fee):
                    charge.parts[payment.pk] = part
                    received -= part
        if received:
            assert told is not None
            self.payments[told] = OraclePayment(told, dt.date.max, received, bound_to=charge.pk, is_told=True)
            charge.parts[told] = received
            charge.was_told = True

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
