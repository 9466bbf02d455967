"""Months of bills and what was paid for them, computed account by account as the ledger would, written by COPY."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Field, Model

from arrears.allocation import OpenCharge, plan_allocation
from arrears.models import Account, Allocation, Charge, ChargeBalance, FeeType, Import, Payment, PaymentBalance
from collection.demo.estate import Estate, Holding
from collection.demo.payers import Intent, habit_of, intents
from collection.demo.plan import DemoPlan, ProjectPlan
from company.models import User
from owners.models import Owner, Unit

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACCOUNTS_AT_ONCE = 500
ZERO, CENT = Decimal("0.00"), Decimal("0.01")
METHODS = (Payment.Method.WECHAT, Payment.Method.ALIPAY, Payment.Method.BANK, Payment.Method.CARD, Payment.Method.CASH)
METHOD_WEIGHTS = (48, 14, 22, 11, 5)
WATER_PRICE = Decimal("3.15")


@dataclass(frozen=True, slots=True)
class Bill:
    fee: FeeType
    month: date
    due_on: date
    amount: Decimal
    basis: dict[str, str]


@dataclass(slots=True)
class Rows:
    """What is to be copied into each table."""

    charges: list[tuple] = field(default_factory=list)
    charge_balances: list[tuple] = field(default_factory=list)
    payments: list[tuple] = field(default_factory=list)
    payment_balances: list[tuple] = field(default_factory=list)
    allocations: list[tuple] = field(default_factory=list)


class Ids:
    """Keys taken from a table's sequence in blocks, so that rows that refer to each other can be copied at once."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._block: Iterator[int] = iter(())

    def __next__(self) -> int:
        try:
            return next(self._block)
        except StopIteration:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, 5000)", [self._table]
                )
                self._block = iter([key for (key,) in cursor.fetchall()])
            return next(self._block)


class Workbooks:
    """The posted imports that the rows came from: each month one of bills and one of payments."""

    def __init__(self, estate: Estate, demo: DemoPlan, by: User) -> None:
        self.by = by
        self._estate, self._demo = estate, demo
        self._bills = {month: self._bills_of(month) for month in demo.month_starts()}
        self._payments = {month: self._payments_of(month) for month in demo.month_starts()}

    def bills(self, month: date) -> tuple[int, datetime]:
        return self._bills[month]

    def payments(self, day: date) -> tuple[int, datetime]:
        return self._payments[day.replace(day=1)]

    def write_sums(self) -> None:
        """Rows and sums of each workbook, from what was posted out of it. The last knows the payments up to now."""
        with connection.cursor() as cursor:
            for table, column in (("arrears_charge", "due"), ("arrears_payment", "paid")):
                cursor.execute(
                    f"""
                    UPDATE arrears_import i SET {column} = s.amount, rows = s.rows, good_rows = s.rows,
                        posted_rows = s.rows, created_at = i.posted_at
                    FROM (SELECT source_id, sum(amount) AS amount, count(*) AS rows FROM {table}
                          WHERE project_id = %s AND source_id IS NOT NULL GROUP BY source_id) s
                    WHERE i.id = s.source_id
                    """,  # noqa: S608  two fixed tables
                    [self._estate.project.pk],
                )

    def _bills_of(self, month: date) -> tuple[int, datetime]:
        at = datetime.combine(month, time(9, 20), SHANGHAI)
        return self._workbook(Import.Kind.CHARGES, f"应收明细_{month:%Y-%m}.xlsx", min(at, self._demo.now))

    def _payments_of(self, month: date) -> tuple[int, datetime]:
        at = datetime.combine(_next_month(month), time(6, 10), SHANGHAI)
        if at > self._demo.now:
            at = min(datetime.combine(self._demo.today, time(6, 10), SHANGHAI), self._demo.now)
        return self._workbook(Import.Kind.PAYMENTS, f"收款流水_{month:%Y-%m}.csv", at)

    def _workbook(self, kind: Import.Kind, name: str, at: datetime) -> tuple[int, datetime]:
        digest = hashlib.sha256(f"{self._estate.project.code}/{name}".encode()).hexdigest()
        workbook = Import.objects.create(
            project=self._estate.project,
            kind=kind,
            state=Import.State.POSTED,
            file_name=name,
            file_sha256=digest,
            created_by=self.by,
            posted_by=self.by,
            posted_at=at,
        )
        return workbook.pk, at


class Book:
    """The ledger of one account while its months are played through."""

    def __init__(self, holding: Holding, writer: "Writer") -> None:
        self.holding, self.writer = holding, writer
        self.bills: dict[int, Bill] = {}
        self.settled: dict[int, Decimal] = {}
        self.credits: list[tuple[int, date, Decimal]] = []
        self.received: dict[int, Decimal] = {}
        self.used: dict[int, Decimal] = {}

    def bill(self, bill: Bill) -> None:
        key = self.writer.charge(self.holding, bill)
        self.bills[key], self.settled[key] = bill, ZERO
        posted_at = self.writer.workbooks.bills(bill.month)[1]
        left = []
        for payment, received_on, credit in self.credits:
            used = self._allocate(payment, credit, received_on, posted_at, ahead=True)
            if credit > used:
                left.append((payment, received_on, credit - used))
        self.credits = left

    def pay(self, intent: Intent) -> None:
        open_now = sum((charge.open for charge in self.open()), ZERO)
        amount = (open_now * intent.share).quantize(CENT)
        if intent.ahead:
            amount += self._year_ahead(intent.on)
        if amount <= 0:
            return
        payment, posted_at = self.writer.payment(self.holding, amount, intent.on)
        self.received[payment], self.used[payment] = amount, ZERO
        used = self._allocate(payment, amount, intent.on, posted_at)
        if amount > used:
            self.credits.append((payment, intent.on, amount - used))

    def open(self) -> list[OpenCharge]:
        return [
            OpenCharge(key, bill.fee.pk, bill.due_on, bill.amount - self.settled[key])
            for key, bill in self.bills.items()
            if self.settled[key] < bill.amount
        ]

    def close(self) -> None:
        """Write the balances that the rows add up to."""
        account = self.holding.account
        for key, bill in self.bills.items():
            row = (key, account.project_id, account.pk, bill.due_on, bill.amount, self.settled[key], True)
            self.writer.rows.charge_balances.append(row)
        for key, amount in self.received.items():
            paid = (key, account.project_id, account.pk, amount, self.used[key], True)
            self.writer.rows.payment_balances.append(paid)

    def _allocate(
        self, payment: int, amount: Decimal, received_on: date, posted_at: datetime, *, ahead: bool = False
    ) -> Decimal:
        plan = plan_allocation(self.open(), amount)
        for key, part in plan.items():
            counts_from = max(received_on, self.bills[key].due_on) if ahead else received_on
            self.writer.allocation(self.holding, payment, key, part, counts_from, posted_at)
            self.settled[key] += part
            self.used[payment] += part
        return sum(plan.values(), ZERO)

    def _year_ahead(self, day: date) -> Decimal:
        latest = [bill.amount for bill in self.bills.values() if bill.month == day.replace(day=1)]
        return sum(latest, ZERO) * (12 - day.month)


class Writer:
    """Collects rows and copies them in blocks."""

    def __init__(self, estate: Estate, demo: DemoPlan, workbooks: Workbooks) -> None:
        self.project_id, self.code = estate.project.pk, estate.project.code.upper()
        self.workbooks = workbooks
        self.rng = demo.rng("payments", estate.plan.code)
        self.rows = Rows()
        self._charge_ids = Ids("arrears_charge")
        self._payment_ids = Ids("arrears_payment")
        self._source_rows: dict[int, int] = {}

    def charge(self, holding: Holding, bill: Bill) -> int:
        key = next(self._charge_ids)
        source, posted_at = self.workbooks.bills(bill.month)
        self.rows.charges.append(
            (key, self.project_id, holding.account.pk, holding.unit.pk, bill.fee.pk, bill.month, bill.due_on,
             bill.due_on, bill.due_on, bill.amount, json.dumps(bill.basis), source, "应收明细", self._row_of(source),
             posted_at, self.workbooks.by.pk)
        )  # fmt: skip
        return key

    def payment(self, holding: Holding, amount: Decimal, received_on: date) -> tuple[int, datetime]:
        key = next(self._payment_ids)
        source, posted_at = self.workbooks.payments(received_on)
        row = self._row_of(source)
        method = self.rng.choices(METHODS, weights=METHOD_WEIGHTS)[0]
        self.rows.payments.append(
            (key, self.project_id, holding.account.pk, amount, received_on, method,
             f"{self.code}{received_on:%Y%m%d}{key:07d}", source, row, posted_at, self.workbooks.by.pk)
        )  # fmt: skip
        return key, posted_at

    def allocation(
        self, holding: Holding, payment: int, charge: int, amount: Decimal, effective_on: date, posted_at: datetime
    ) -> None:
        self.rows.allocations.append(
            (self.project_id, holding.account.pk, payment, charge, amount, effective_on, posted_at,
             self.workbooks.by.pk)
        )  # fmt: skip

    def flush(self) -> None:
        rows, self.rows = self.rows, Rows()
        _copy(Charge, "id project account unit fee_type period_start period_end due_on effective_on amount basis "
              "source source_sheet source_row posted_at posted_by", rows.charges)  # fmt: skip
        _copy(ChargeBalance, "charge project account due_on amount settled is_live", rows.charge_balances)
        _copy(Payment, "id project account amount received_on method serial_no source source_row posted_at posted_by",
              rows.payments)  # fmt: skip
        _copy(PaymentBalance, "payment project account amount allocated is_live", rows.payment_balances)
        _copy(Allocation, "project account payment charge amount effective_on posted_at posted_by", rows.allocations)

    def _row_of(self, source: int) -> int:
        self._source_rows[source] = self._source_rows.get(source, 2) + 1
        return self._source_rows[source]


def write_ledger(estate: Estate, demo: DemoPlan, *, by: User) -> None:
    """Bills and payments of all months for every account of the estate; no payment later than yesterday."""
    workbooks = Workbooks(estate, demo, by)
    writer = Writer(estate, demo, workbooks)
    fees = {fee.name: fee for fee in FeeType.objects.filter(project=estate.project)}
    months = demo.month_starts()
    for start in range(0, len(estate.holdings), ACCOUNTS_AT_ONCE):
        chunk = estate.holdings[start : start + ACCOUNTS_AT_ONCE]
        for holding in chunk:
            rng = demo.rng("ledger", estate.plan.code, holding.unit.code, holding.since)
            _play(Book(holding, writer), _bills(holding, months, fees, estate, rng), rng, demo)
        writer.flush()
        _raise_versions(chunk, demo.now)
    workbooks.write_sums()


def _play(book: Book, bills: Sequence[Bill], rng: Random, demo: DemoPlan) -> None:
    """Bills come on the first of a month; what is paid in a month follows them."""
    habit = habit_of(book.holding.kind, book.holding.unit.usage, rng)
    months = sorted({bill.month for bill in bills})
    yesterday = demo.today - timedelta(days=1)
    by_month: dict[date, list[Intent]] = {}
    for intent in intents(habit, months, rng):
        if intent.on <= yesterday:
            by_month.setdefault(intent.on.replace(day=1), []).append(intent)
    for month in months:
        for bill in bills:
            if bill.month == month:
                book.bill(bill)
        for intent in by_month.get(month, []):
            book.pay(intent)
    book.close()


def _bills(
    holding: Holding, months: Iterable[date], fees: dict[str, FeeType], estate: Estate, rng: Random
) -> list[Bill]:
    """A bill of each fee for every month in which the account owned the unit, due on the month's last day."""
    bills = []
    for month in months:
        last_day = _next_month(month) - timedelta(days=1)
        if _owned_on(holding, last_day):
            for name, amount, basis in _fees_of(holding, estate.plan, rng):
                bills.append(Bill(fees[name], month, last_day, amount, basis))
    return bills


def _fees_of(holding: Holding, plan: ProjectPlan, rng: Random) -> Iterator[tuple[str, Decimal, dict[str, str]]]:
    """Name of the fee, CNY for a month, and what it was computed from."""
    unit = holding.unit
    if unit.usage == Unit.Usage.PARKING:
        yield "车位管理费", plan.parking_fee, {"price": str(plan.parking_fee), "months": "1"}
        return
    is_shop = unit.usage == Unit.Usage.COMMERCIAL
    price = plan.shop_price if is_shop else plan.flat_price
    basis = {"price": str(price), "area": str(unit.area), "months": "1"}
    yield "商铺物业费" if is_shop else "物业服务费", (price * (unit.area or 0)).quantize(CENT), basis
    if not unit.is_vacant and holding.kind != Owner.Kind.DEVELOPER:
        cubic = rng.randint(3, 60 if is_shop else 22)
        yield "水费", WATER_PRICE * cubic, {"price": str(WATER_PRICE), "cubic_metres": str(cubic)}


def _owned_on(holding: Holding, day: date) -> bool:
    return (holding.since is None or holding.since <= day) and (holding.until is None or day < holding.until)


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _raise_versions(holdings: Sequence[Holding], now: datetime) -> None:
    accounts = Account.objects.filter(pk__in=[holding.account.pk for holding in holdings])
    accounts.update(version=F("version") + 1, posted_at=now)


def _copy(model: type[Model], fields: str, rows: Sequence[tuple]) -> None:
    columns = ", ".join(_column(model, name) for name in fields.split())
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _column(model: type[Model], name: str) -> str:
    return str(cast("Field[Any, Any]", model._meta.get_field(name)).column)
