"""What is checked of a list of payments beside its single cells."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from arrears.importing.by_fee import FeeColumns
from arrears.importing.cells import Fault
from arrears.importing.checking import ERROR, WARNING, Check, Faults, SheetUnderCheck
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.methods import method_of
from arrears.importing.outcome import PaidBack, Staged, StagedMoney
from arrears.importing.reading import Place as Cell
from arrears.importing.register import Register
from arrears.importing.rows import Table
from arrears.importing.totals import ZERO, Key
from arrears.importing.values import MOST_OF_SERIAL_NO, Batch, Place, Shape
from arrears.models import FeeType, Payment

MOST_OF_NOTE = 400
PAID_BACK = re.compile(r"退款|退费|退回|红冲|冲红|冲销|冲正|撤销|退单")
VOID = re.compile(r"作废|^(?:已退款|已退费|已撤销|已冲销|已红冲|已冲红|无效|支付失败|交易失败|未支付|待支付|已关闭)$")


class Money(NamedTuple):
    """One row of a list of payments, typed as it is when sound."""

    number: int
    place: Place
    owner: str
    phone: str
    estate: str
    area: Decimal | None
    fee: FeeType | None
    received_on: date
    amount: Decimal | None
    method: str
    serial_no: str
    receipt_no: str
    note: str
    entry: str

    @property
    def is_paid_back(self) -> bool:
        """Whether the row says that money went back, by its sign or by its words."""
        return (self.amount or 0) < 0 or bool(PAID_BACK.search(f"{self.entry} {self.method}"))

    @property
    def is_void(self) -> bool:
        """Whether the row itself counts for nothing."""
        return bool(VOID.search(self.entry))


PAYMENT_ROW = Shape(
    Money._make,
    (
        *(None, Field.ROOM, Field.OWNER, Field.PHONE, Field.ESTATE, Field.AREA, Field.FEE, Field.RECEIVED_ON),
        *(Field.RECEIVED, Field.METHOD, Field.SERIAL_NO, Field.RECEIPT_NO, Field.NOTE, Field.ENTRY),
    ),
    needs_fee=False,
    compared=(Field.RECEIVED,),
)


class PaymentCheck(Check):
    """The check of a list with a row for each payment. ``fee`` may stay empty.

    Money paid back is no payment: such rows are kept apart, to be held against the payment that they cancel.
    """

    shape = PAYMENT_ROW
    twice_at = Field.SERIAL_NO

    def __init__(self, register: Register, *, today: date, create_units: bool) -> None:
        super().__init__(register, today=today, create_units=create_units)
        self._fee_of_serial: dict[tuple[str, str, date], int | None] = {}

    def under_check(self, layout: SheetLayout, first_column: int) -> "_Payments":
        """The sheet with what the check keeps of it."""
        return _Payments(layout, first_column, self.register)

    def batch(self, table: Table, numbers: list[int], sheet: "_Payments") -> Batch:
        """The rows of a chunk as values; with a column for each fee their amounts stand with the sheet."""
        batch = super().batch(table, numbers, sheet)
        return sheet.by_fee.spread(batch, table, self.parsers, {"amount": None}) if sheet.by_fee else batch

    def printed(self, sheet: "_Payments") -> dict[Key, object]:
        """The amounts of the total row at hand."""
        return sheet.by_fee.printed(sheet.table, sheet.index) if sheet.by_fee else super().printed(sheet)

    def faults(self, row: Money, sheet: "_Payments") -> Faults:
        """Cells of the row that cannot be used."""
        return [*super().faults(row, sheet), *(sheet.by_fee.faults(sheet.index) if sheet.by_fee else ())]

    def contradiction(self, row: Money, sheet: "_Payments") -> Faults:
        """What the ledger cannot take: nothing, or money of a day to come."""
        if row.amount is None and not sheet.by_fee:
            return [(Field.RECEIVED, Fault("no_amount"))]
        if row.received_on > self.today:
            return [(Field.RECEIVED_ON, Fault("day_to_come", {"today": self.today.isoformat()}))]
        return []

    def staged(self, row: Money, sheet: "_Payments") -> Sequence[Staged]:
        """The payment as it will be posted, one a fee where each has a column; none where nothing was received."""
        if not sheet.by_fee:
            return self._payment(row, sheet)
        of_fees = [row._replace(fee=fee, amount=amount) for fee, amount in sheet.by_fee.amounts(sheet.index)]
        return [payment for of_fee in of_fees for payment in self._payment(of_fee, sheet)]

    def _payment(self, row: Money, sheet: SheetUnderCheck) -> Sequence[Staged]:
        if not row.amount or row.is_void:
            self.outcome.empty_rows += 1
            if row.amount:
                self.outcome.warn(sheet.issue(WARNING, row.number, Field.ENTRY, Fault("void")), key=sheet.layout.name)
            return []
        if row.is_paid_back:
            self._keep_apart(row, sheet)
            return []
        method = method_of(row.method) if row.method else ""
        known = "" if method is None else str(method)
        note = row.note if method is not None else " ".join(filter(None, (row.method, row.note)))
        return [
            StagedMoney(
                sheet.layout.name,
                row.number,
                row.place.unit_id,
                row.place.code,
                row.fee.pk if row.fee else None,
                row.received_on,
                row.amount,
                known if method is not None else str(Payment.Method.OTHER),
                self._serial_no(row),
                row.receipt_no,
                note[:MOST_OF_NOTE],
            )
        ]

    def blank_amounts(self, row: Money, sheet: "_Payments") -> list[Cell]:
        """Cells of a fee that are empty and count as nothing received for it."""
        if not sheet.by_fee:
            return []
        return [(sheet.layout.name, row.number, sheet.first_column + at) for at in sheet.by_fee.blank(sheet.index)]

    def _keep_apart(self, row: Money, sheet: SheetUnderCheck) -> None:
        issue = sheet.issue(ERROR, row.number, Field.RECEIVED, Fault("paid_back"))
        fee_id = row.fee.pk if row.fee else None
        amount = abs(row.amount or ZERO)
        self.outcome.paid_back.append(
            PaidBack(issue, row.place.code, fee_id, row.received_on, amount, row.serial_no, row.receipt_no)
        )

    def _serial_no(self, row: Money) -> str:
        """The serial number; where one stands for several fees of a unit, each further fee is named behind it."""
        if not row.serial_no:
            return ""
        fee_id = row.fee.pk if row.fee else None
        first = self._fee_of_serial.setdefault((row.serial_no, row.place.code, row.received_on), fee_id)
        return (
            row.serial_no
            if row.fee is None or first == fee_id
            else f"{row.serial_no}/{row.fee.name}"[:MOST_OF_SERIAL_NO]
        )


class _Payments(SheetUnderCheck):
    """A sheet of payments: whether each fee has a column of its own."""

    def __init__(self, layout: SheetLayout, first_column: int, register: Register) -> None:
        super().__init__(layout, first_column)
        self.by_fee = FeeColumns(layout, register)
