"""The statement of one account: every charge and payment, what settles what, and how the balance comes about."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from arrears.models import Account, Allocation, Charge, Payment, Waiver
from arrears.queries import Bucket, bucket_of, overdue_days

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A charge with what settled it; ``open`` in CNY, ``days`` past its due day (0 or less: not overdue)."""

    charge: Charge
    open: Decimal
    days: int
    bucket: Bucket | None
    allocations: list[Allocation]
    waivers: list[Waiver] = field(default_factory=list)

    @property
    def reduced(self) -> Decimal:
        """What of ``settled`` nobody paid."""
        return _total(waiver.amount for waiver in self.waivers if not waiver.reversed_by_id)

    @property
    def is_overdue(self) -> bool:
        return self.open > 0 and self.days > 0


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment with what it settled; ``credit`` in CNY is not used yet."""

    payment: Payment
    credit: Decimal
    allocations: list[Allocation]


@dataclass(frozen=True, slots=True)
class Statement:
    """All rows of an account, newest first, and what they add up to in CNY."""

    account: Account
    charges: list[ChargeLine] = field(default_factory=list)
    payments: list[PaymentLine] = field(default_factory=list)
    charged: Decimal = ZERO
    settled: Decimal = ZERO
    reduced: Decimal = ZERO
    overdue: Decimal = ZERO
    not_due: Decimal = ZERO
    credit: Decimal = ZERO

    @property
    def outstanding(self) -> Decimal:
        return self.overdue + self.not_due

    @property
    def oldest(self) -> ChargeLine | None:
        """The charge that has been overdue longest."""
        return max((line for line in self.charges if line.is_overdue), key=lambda line: line.days, default=None)


def statement(account: Account, *, on: date) -> Statement:
    """The statement of ``account`` as it stands, ages counted to ``on``; a fixed number of queries."""
    charges = account.charges.select_related("fee_type", "balance", "reversed_by", "source", "posted_by", "reverses")
    payments = account.payments.select_related("balance", "reversed_by", "source", "posted_by", "taken_by", "reverses")
    allocations = list(
        account.allocations.select_related("payment", "charge__fee_type", "refund", "reversed_by")
        .filter(kind=Allocation.Kind.ALLOCATION)
        .order_by("effective_on", "pk")
    )
    of_charge, of_payment = _grouped(allocations)
    waivers = _waivers_by_charge(account)
    charge_lines = [
        _charge_line(charge, on, of_charge[charge.pk], waivers[charge.pk])
        for charge in charges.order_by("-due_on", "-pk")
    ]
    payment_lines = [
        _payment_line(payment, of_payment[payment.pk]) for payment in payments.order_by("-posted_at", "-pk")
    ]
    live = [line for line in charge_lines if line.charge.kind == Charge.Kind.CHARGE and not line.charge.reversed_by_id]
    return Statement(
        account=account,
        charges=charge_lines,
        payments=payment_lines,
        charged=_total(line.charge.amount for line in live),
        settled=_total(line.charge.amount - line.open for line in live),
        reduced=_total(line.reduced for line in live),
        overdue=_total(line.open for line in live if line.days > 0),
        not_due=_total(line.open for line in live if line.days <= 0),
        credit=_total(line.credit for line in payment_lines),
    )


def _grouped(
    allocations: Iterable[Allocation],
) -> tuple[defaultdict[int, list[Allocation]], defaultdict[int, list[Allocation]]]:
    of_charge, of_payment = defaultdict[int, list[Allocation]](list), defaultdict[int, list[Allocation]](list)
    for allocation in allocations:
        of_payment[allocation.payment_id].append(allocation)
        if allocation.charge_id:
            of_charge[allocation.charge_id].append(allocation)
        if allocation.refund_id:
            of_payment[allocation.refund_id].append(allocation)
    return of_charge, of_payment


def _waivers_by_charge(account: Account) -> defaultdict[int, list[Waiver]]:
    found = defaultdict[int, list[Waiver]](list)
    rows = account.waivers.filter(charge__isnull=False).exclude(kind=Waiver.Kind.REVERSAL)
    for waiver in rows.select_related("reversed_by", "relief").order_by("effective_on", "pk"):
        found[waiver.charge_id or 0].append(waiver)
    return found


def _charge_line(charge: Charge, on: date, allocations: list[Allocation], waivers: list[Waiver]) -> ChargeLine:
    is_live = charge.kind == Charge.Kind.CHARGE and not charge.reversed_by_id
    left = charge.balance.amount - charge.balance.settled if is_live else ZERO
    days = overdue_days(charge.due_on, on)
    return ChargeLine(charge, left, days, bucket_of(days) if left else None, allocations, waivers)


def _payment_line(payment: Payment, allocations: list[Allocation]) -> PaymentLine:
    has_balance = payment.kind not in {Payment.Kind.REFUND, Payment.Kind.REVERSAL}
    is_live = has_balance and not payment.reversed_by_id
    credit = payment.balance.amount - payment.balance.allocated if is_live else ZERO
    return PaymentLine(payment, credit, allocations)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
