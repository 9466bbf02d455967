"""What is checked of a list of payments beside its single cells."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from arrears.importing.cells import Fault
from arrears.importing.checking import Check, Faults, SheetUnderCheck
from arrears.importing.fields import Field
from arrears.importing.methods import method_of
from arrears.importing.outcome import Staged, StagedMoney
from arrears.importing.values import Place, Shape
from arrears.models import FeeType, Payment

MOST_OF_NOTE = 400


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


PAYMENT_ROW = Shape(
    Money._make,
    (
        *(None, Field.ROOM, Field.OWNER, Field.PHONE, Field.ESTATE, Field.AREA, Field.FEE, Field.RECEIVED_ON),
        *(Field.RECEIVED, Field.METHOD, Field.SERIAL_NO, Field.RECEIPT_NO, Field.NOTE),
    ),
    needs_fee=False,
    compared=(Field.RECEIVED,),
)


class PaymentCheck(Check):
    """The check of a list with a row for each payment. ``fee`` may stay empty; money paid back is no payment."""

    shape = PAYMENT_ROW
    twice_at = Field.SERIAL_NO

    def contradiction(self, row: Money, sheet: SheetUnderCheck) -> Faults:
        """What the ledger cannot take: nothing, money paid back, or money of a day to come."""
        if row.amount is None:
            return [(Field.RECEIVED, Fault("no_amount"))]
        if row.amount < 0:
            return [(Field.RECEIVED, Fault("paid_back"))]
        if row.received_on > self.today:
            return [(Field.RECEIVED_ON, Fault("day_to_come", {"today": self.today.isoformat()}))]
        return []

    def staged(self, row: Money, sheet: SheetUnderCheck) -> Sequence[Staged]:
        """The payment as it will be posted; none where nothing was received."""
        if not row.amount:
            self.outcome.empty_rows += 1
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
                row.serial_no,
                row.receipt_no,
                note[:MOST_OF_NOTE],
            )
        ]
