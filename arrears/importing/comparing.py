"""An arrears list held against the ledger as of its day: what is newly owed, and what was settled outside.

Compared are principal amounts by unit, fee and window. After posting the ledger as of that day says what the list says,
so that the same list once more changes nothing. A payment received by that day counts as known to the list, one
received later does not; credit that the ledger held by that day was known too, so a new charge is larger by what of
that credit will settle it. ``set_stage`` comes before every function here; all of them only read.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.importing.checking_lists import calendar_of
from arrears.importing.ledger_match import run_on_stage
from arrears.importing.totals import ZERO
from arrears.importing.windows import Calendar
from arrears.models import FeeType, Import, ListedAmount

Window = ListedAmount.Window


class Position(NamedTuple):
    """One unit, fee and window of a list, at the place of its first amount."""

    sheet: str
    row: int
    column: str
    unit_id: int | None
    unit_code: str
    fee_type_id: int
    window: str


@dataclass(slots=True)
class NewCharge:
    """A charge to be posted, in CNY. With ``is_whole_period`` it is the charge of that period, else a difference."""

    position: Position
    period_start: date
    period_end: date
    due_on: date
    amount: Decimal
    is_start_unknown: bool
    is_whole_period: bool


class SettledOutside(NamedTuple):
    """What of a charge the list shows as no longer owed, in CNY."""

    position: Position
    account_id: int
    charge_id: int
    amount: Decimal


@dataclass(slots=True)
class Line:
    """Sums of a fee and window, in CNY."""

    listed: Decimal = ZERO
    ledger: Decimal = ZERO
    new: Decimal = ZERO
    settled: Decimal = ZERO


@dataclass(slots=True)
class ListPlan:
    """What posting a list will do. ``unsettled``: lower in the list, yet settled by later money in the ledger.

    ``relieved``: higher in the list by what was waived here, which is not charged again. ``used_credit``: by how much
    new charges are larger for credit of before; ``owed``: credit that the list prints.
    """

    charges: list[NewCharge] = field(default_factory=list)
    settled: list[SettledOutside] = field(default_factory=list)
    unsettled: list[tuple[Position, Decimal]] = field(default_factory=list)
    relieved: list[tuple[Position, Decimal]] = field(default_factory=list)
    used_credit: list[tuple[Position, Decimal]] = field(default_factory=list)
    owed: list[tuple[Position, Decimal]] = field(default_factory=list)
    lines: dict[tuple[int, str], Line] = field(default_factory=lambda: defaultdict(Line))

    @property
    def new(self) -> Decimal:
        return sum((charge.amount for charge in self.charges), ZERO)

    @property
    def settled_amount(self) -> Decimal:
        return sum((settled.amount for settled in self.settled), ZERO)

    @property
    def credit(self) -> Decimal:
        return sum((amount for _position, amount in self.owed), ZERO)

    @property
    def rows(self) -> set[tuple[str, int]]:
        """Sheet and row of all that brings something new."""
        positions = [*(charge.position for charge in self.charges), *(settled.position for settled in self.settled)]
        return {(position.sheet, position.row) for position in positions}


class _Listed(NamedTuple):
    position: Position
    period_start: date
    period_end: date
    is_dated: bool
    amount: Decimal


class _Owed(NamedTuple):
    """A live charge of the ledger, in CNY: ``open`` as of the day, ``waived`` by then, ``open_now`` as it stands."""

    unit_id: int
    fee_type_id: int
    charge_id: int
    account_id: int
    period_start: date
    period_end: date
    open: Decimal
    waived: Decimal
    open_now: Decimal


def compare_list(workbook: Import) -> ListPlan:
    """What posting the staged list will do. Raises Refusal when its day is unknown."""
    calendar, plan = calendar_of(workbook), ListPlan()
    listed, printed = _listed(workbook)
    fees = FeeType.objects.in_bulk({fee_type_id for _unit, fee_type_id, _window in listed})
    ledger, known = _ledger(workbook, calendar, printed)
    for key, rows in listed.items():
        owed = ledger.get(key, [])
        position, line = rows[0].position, plan.lines[key[1], key[2]]
        amount = sum((max(row.amount, ZERO) for row in rows), ZERO)
        before = sum((charge.open for charge in owed), ZERO)
        line.listed, line.ledger = line.listed + amount, line.ledger + before
        if amount > before:
            relieved = min(amount - before, sum((charge.waived for charge in owed), ZERO))
            if relieved:
                plan.relieved.append((position, relieved))
            plan.charges += _new_charges(rows, amount - before - relieved, known, fees[key[1]], calendar)
            line.new += amount - before - relieved
        elif amount < before:
            line.settled += _settle(plan, position, owed, before - amount)
    _add_used_credit(plan, workbook)
    plan.owed = _owed_credit(listed, workbook)
    return plan


def _listed(workbook: Import) -> tuple[dict[tuple[Any, int, str], list[_Listed]], dict[tuple[Any, int], set[str]]]:
    """The staged amounts by unit, fee and window, and by unit and fee which windows are printed."""
    listed: dict[tuple[Any, int, str], list[_Listed]] = defaultdict(list)
    printed: dict[tuple[Any, int], set[str]] = defaultdict(set)
    rows = run_on_stage(
        """
        SELECT sheet, row, "column", unit_id, unit_code, fee_type_id, "window", period_start, period_end, is_dated,
            amount
        FROM stage ORDER BY id
        """,
        workbook,
    )
    for sheet, row, column, unit_id, unit_code, fee_type_id, window, *rest in rows:
        unit = unit_id or unit_code
        position = Position(sheet, row, column, unit_id, unit_code, fee_type_id, window)
        listed[unit, fee_type_id, window].append(_Listed(position, *rest))
        printed[unit, fee_type_id].add(window)
    return listed, printed


def _ledger(
    workbook: Import, calendar: Calendar, printed: dict[tuple[Any, int], set[str]]
) -> tuple[dict[tuple[Any, int, str], list[_Owed]], set[tuple[int, int, date, date]]]:
    """By unit, fee and window the charges of the ledger, oldest first; and the periods that have a charge."""
    rows = run_on_stage(
        """
        SELECT charge.unit_id, charge.fee_type_id, charge.id, charge.account_id, charge.period_start, charge.period_end,
            charge.amount - balance.settled + coalesce(later.amount, 0) + coalesce(waived.later, 0),
            coalesce(waived.before, 0),
            charge.amount - balance.settled,
            charge.external_id = ''
        FROM (SELECT DISTINCT unit_id, fee_type_id FROM stage) AS printed
        JOIN arrears_account AS account USING (unit_id)
        JOIN arrears_charge AS charge ON charge.account_id = account.id AND charge.fee_type_id = printed.fee_type_id
        JOIN arrears_chargebalance AS balance ON balance.charge_id = charge.id AND balance.is_live
        LEFT JOIN LATERAL (
            SELECT sum(allocation.amount) AS amount
            FROM arrears_allocation AS allocation JOIN arrears_payment AS payment ON payment.id = allocation.payment_id
            LEFT JOIN arrears_import AS source ON source.id = payment.source_id
            WHERE allocation.charge_id = charge.id AND allocation.kind = 'allocation'
                AND allocation.reversed_by_id IS NULL
                AND (payment.received_on > %(as_of)s OR (payment.kind = 'received' AND source.kind = 'arrears_list'))
        ) AS later ON balance.settled > 0
        LEFT JOIN LATERAL (
            SELECT sum(waiver.amount) FILTER (WHERE waiver.effective_on > %(as_of)s) AS later,
                sum(waiver.amount) FILTER (WHERE waiver.effective_on <= %(as_of)s) AS before
            FROM arrears_waiver AS waiver
            WHERE waiver.charge_id = charge.id AND waiver.kind <> 'reversal' AND waiver.reversed_by_id IS NULL
        ) AS waived ON balance.settled > 0
        WHERE charge.project_id = %(project)s AND charge.period_start <= %(month_end)s
        ORDER BY charge.due_on, charge.id
        """,
        workbook,
        as_of=calendar.as_of,
        month_end=calendar.month_end,
    )
    by_window: dict[tuple[Any, int, str], list[_Owed]] = defaultdict(list)
    known = set()
    for *row, has_no_id in rows:
        owed = _Owed(*row)
        if has_no_id:
            known.add((owed.unit_id, owed.fee_type_id, owed.period_start, owed.period_end))
        windows = printed.get((owed.unit_id, owed.fee_type_id), ())
        window = calendar.window_of(owed.period_start, owed.period_end, windows)
        if window and (owed.open > 0 or owed.waived):
            by_window[owed.unit_id, owed.fee_type_id, window].append(owed)
    return by_window, known


def _new_charges(
    rows: list[_Listed],
    difference: Decimal,
    known: set[tuple[int, int, date, date]],
    fee: FeeType,
    calendar: Calendar,
) -> list[NewCharge]:
    """Charges for ``difference`` in CNY: for printed periods that have none, and one for the rest."""
    charges: list[NewCharge] = []
    for row in rows:
        key = (row.position.unit_id or 0, fee.pk, row.period_start, row.period_end)
        if row.is_dated and row.amount > 0 and difference > 0 and key not in known:
            known.add(key)
            part = min(row.amount, difference)
            difference -= part
            due_on = fee.due_on(row.period_start, row.period_end)
            charges.append(NewCharge(row.position, row.period_start, row.period_end, due_on, part, False, True))
    if difference > 0:
        position = rows[0].position
        start, end, is_known = calendar.period(position.window)
        if position.window == Window.WHOLE and not is_known:  # 2022年及以前 says at least where it ends
            start = end = next((row.period_end for row in rows if not row.is_dated and row.amount > 0), end)
        is_whole = position.window == Window.CURRENT and (position.unit_id or 0, fee.pk, start, end) not in known
        due_on = fee.due_on(start, end)
        if position.window != Window.CURRENT:
            due_on = min(due_on, calendar.as_of)
        charges.append(NewCharge(position, start, end, due_on, difference, not is_known, is_whole))
    return charges


def _settle(plan: ListPlan, position: Position, owed: list[_Owed], difference: Decimal) -> Decimal:
    """Plan rows settled outside for ``difference``, oldest charge first; returns their sum, all in CNY."""
    settled = ZERO
    for charge in owed:
        part = min(difference - settled, charge.open, charge.open_now)
        if part > 0:
            plan.settled.append(SettledOutside(position, charge.account_id, charge.charge_id, part))
            settled += part
    if settled < difference:
        plan.unsettled.append((position, difference - settled))
    return settled


def _add_used_credit(plan: ListPlan, workbook: Import) -> None:
    """Make new charges larger by the credit of before that will settle them: the list has counted it."""
    by_unit: dict[int, list[NewCharge]] = defaultdict(list)
    for charge in plan.charges:
        if charge.position.unit_id:
            by_unit[charge.position.unit_id].append(charge)
    for unit_id, fee_type_id, left, first_on, end_on in _credit(workbook):
        owned = [
            charge
            for charge in by_unit.get(unit_id, [])
            if (first_on is None or first_on <= charge.period_end) and (end_on is None or charge.period_end < end_on)
        ]
        if owned:
            first = min(owned, key=lambda charge: (charge.position.fee_type_id != fee_type_id, charge.due_on))
            first.amount += left
            plan.used_credit.append((first.position, left))


def _credit(workbook: Import) -> list[tuple[int, int | None, Decimal, date | None, date | None]]:
    """Money received by the day and not used, oldest first: unit, named fee, CNY left, and its owner's period."""
    return run_on_stage(
        """
        SELECT account.unit_id, payment.fee_type_id, balance.amount - balance.allocated, lower(owned.period),
            upper(owned.period)
        FROM arrears_account AS account
        JOIN owners_ownership AS owned ON owned.id = account.ownership_id
        JOIN arrears_paymentbalance AS balance ON balance.account_id = account.id
            AND balance.is_live AND balance.allocated < balance.amount
        JOIN arrears_payment AS payment ON payment.id = balance.payment_id AND payment.received_on <= %(as_of)s
        LEFT JOIN arrears_import AS source ON source.id = payment.source_id
        WHERE account.unit_id IN (SELECT unit_id FROM stage) AND source.kind IS DISTINCT FROM 'arrears_list'
        ORDER BY payment.received_on, payment.id
        """,
        workbook,
        as_of=workbook.as_of,
    )


def _owed_credit(listed: dict[tuple[Any, int, str], list[_Listed]], workbook: Import) -> list[tuple[Position, Decimal]]:
    """Negative amounts of the list in CNY, as far as the ledger does not hold that credit already."""
    printed = [(row.position, -row.amount) for rows in listed.values() for row in rows if row.amount < 0]
    if not printed:
        return []
    held: dict[Any, Decimal] = defaultdict(lambda: ZERO)
    for unit_id, amount in _held_credit(workbook):
        held[unit_id] += amount
    owed = []
    for position, amount in printed:
        there = min(held[position.unit_id], amount)
        held[position.unit_id] -= there
        if amount > there:
            owed.append((position, amount - there))
    return owed


def _held_credit(workbook: Import) -> list[tuple[int, Decimal]]:
    """By unit the credit of the ledger by the day, and whatever a list of that day has posted as credit."""
    return run_on_stage(
        """
        SELECT account.unit_id,
            sum(CASE WHEN source.kind = 'arrears_list' THEN balance.amount ELSE balance.amount - balance.allocated END)
        FROM arrears_account AS account
        JOIN arrears_paymentbalance AS balance ON balance.account_id = account.id AND balance.is_live
        JOIN arrears_payment AS payment ON payment.id = balance.payment_id AND payment.kind = 'received'
            AND payment.received_on <= %(as_of)s
        LEFT JOIN arrears_import AS source ON source.id = payment.source_id
        WHERE account.unit_id IN (SELECT unit_id FROM stage)
            AND (source.kind IS DISTINCT FROM 'arrears_list' OR payment.received_on = %(as_of)s)
        GROUP BY account.unit_id
        """,
        workbook,
        as_of=workbook.as_of,
    )
