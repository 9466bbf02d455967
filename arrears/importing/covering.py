"""Payments that a posted sheet knew already (semantics of the ledger: never counted twice).

Money received on or before the day of a posted list that speaks of its unit and fee is in that list. It first replaces
what was recorded as settled outside; a payment of which something is left over is held back until a person agrees.

Money received until the day of which a list of charges speaks is in the amounts that it prints as received: a payment
takes the place of those of its account and fee. What is left over of it is money that the sheet did not know.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from arrears.importing.ledger_match import run_on_stage
from arrears.importing.totals import ZERO
from arrears.models import Import

POSTS_REMAINDER = "posts_remainder"
"""Key in Import.options: what is left over of such payments is posted as money received."""


PaidAt = tuple[str, int, int | None]
"""Sheet, row and fee of a staged payment: a row with a column for each fee is several payments."""


class Cover(NamedTuple):
    """Part of a payment, in CNY, that takes the place of a row settled outside or imported on ``charge_id``."""

    settled_id: int
    charge_id: int
    amount: Decimal


class Held(NamedTuple):
    """A payment that is held back; ``left`` is what it exceeds the rows settled outside by, in CNY."""

    staged_id: int
    sheet: str
    row: int
    amount: Decimal
    left: Decimal
    as_of: date


@dataclass(slots=True)
class Covered:
    """What staged payments replace, and which of them are held back."""

    covers: dict[PaidAt, list[Cover]] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)

    @property
    def replaced(self) -> Decimal:
        return sum((cover.amount for covers in self.covers.values() for cover in covers), ZERO)

    @property
    def held_amount(self) -> Decimal:
        return sum((held.amount for held in self.held), ZERO)

    @property
    def held_left(self) -> Decimal:
        return sum((held.left for held in self.held), ZERO)


class _Settled(NamedTuple):
    settled_id: int
    charge_id: int
    account_id: int
    fee_type_id: int
    known_on: date
    amount: Decimal
    is_listed: bool

    def stands_for(self, received_on: date, fee_type_id: int | None, *, is_in_list: bool) -> bool:
        """Whether it can be the same money as a payment of that day and fee."""
        is_known = self.known_on >= received_on and (is_in_list or not self.is_listed)
        return is_known and fee_type_id in (None, self.fee_type_id)


def cover_staged(workbook: Import) -> Covered:
    """What the staged payments that are new replace, oldest payment first. ``set_stage`` comes first; reads only."""
    found, posts_remainder = Covered(), bool(workbook.options.get(POSTS_REMAINDER))
    settled = _told_by_sheets(workbook)
    left = {row.settled_id: row.amount for rows in settled.values() for row in rows}
    for staged_id, sheet, row, account_id, fee_type_id, received_on, amount, as_of in _known_before(workbook):
        rest, covers, is_in_list = amount, list[Cover](), as_of is not None
        for one in settled.get(account_id or 0, []):
            part = min(rest, left[one.settled_id])
            if part > 0 and one.stands_for(received_on, fee_type_id, is_in_list=is_in_list):
                covers.append(Cover(one.settled_id, one.charge_id, part))
                rest -= part
        if rest and as_of and not posts_remainder:
            found.held.append(Held(staged_id, sheet, row, amount, rest, as_of))
            continue
        found.covers[sheet, row, fee_type_id] = covers
        for cover in covers:
            left[cover.settled_id] -= cover.amount
    return found


def _known_before(
    workbook: Import,
) -> list[tuple[int, str, int, int | None, int | None, date, Decimal, date | None]]:
    """New staged payments that a posted sheet may have known.

    With the day of the list that speaks of their unit and fee and is not older, where there is one.
    """
    return run_on_stage(
        """
        SELECT stage.id, stage.sheet, stage.row, account.id, stage.fee_type_id, stage.received_on, stage.amount,
            CASE WHEN list.as_of >= stage.received_on THEN list.as_of END
        FROM stage
        CROSS JOIN LATERAL (
            SELECT max(listing.as_of) AS as_of
            FROM arrears_listedamount AS listed
            JOIN arrears_import AS listing ON listing.id = listed.import_id
            WHERE listed.unit_id = stage.unit_id AND listing.project_id = %(project)s
                AND listing.state = ANY(%(in_ledger)s)
                AND (stage.fee_type_id IS NULL OR listed.fee_type_id = stage.fee_type_id)
        ) AS list
        LEFT JOIN owners_ownership AS owned ON owned.unit_id = stage.unit_id AND owned.period @> stage.received_on
        LEFT JOIN arrears_account AS account ON account.ownership_id = owned.id
        WHERE stage.id NOT IN (SELECT id FROM ({matched}) AS matched)
            AND (list.as_of >= stage.received_on OR EXISTS (
                SELECT FROM arrears_payment AS imported
                WHERE imported.account_id = account.id AND imported.kind = 'imported'
                    AND imported.reversed_by_id IS NULL
            ))
        ORDER BY stage.received_on, stage.id
        """,
        workbook,
        in_ledger=[str(state) for state in Import.IN_LEDGER_STATES],
    )


def _told_by_sheets(workbook: Import) -> dict[int, list[_Settled]]:
    """By account the live rows settled outside or imported on the units of the stage, oldest charge first.

    A list of charges knows what was received until the day of which it speaks.
    """
    rows = run_on_stage(
        """
        SELECT payment.id, charge.id, payment.account_id, charge.fee_type_id,
            coalesce(
                payment.received_on, source.as_of,
                (coalesce(source.created_at, payment.posted_at) AT TIME ZONE %(time_zone)s)::date
            ),
            payment.amount, payment.kind = 'settled_outside'
        FROM arrears_account AS account
        JOIN arrears_payment AS payment ON payment.account_id = account.id
            AND payment.kind IN ('settled_outside', 'imported') AND payment.reversed_by_id IS NULL
        JOIN arrears_allocation AS allocation ON allocation.payment_id = payment.id
            AND allocation.kind = 'allocation' AND allocation.reversed_by_id IS NULL
        JOIN arrears_charge AS charge ON charge.id = allocation.charge_id
        LEFT JOIN arrears_import AS source ON source.id = payment.source_id
        WHERE account.unit_id IN (SELECT unit_id FROM stage)
        ORDER BY charge.due_on, charge.id, payment.id
        """,
        workbook,
        time_zone=settings.TIME_ZONE,
    )
    by_account = defaultdict(list)
    for row in rows:
        settled = _Settled(*row)
        by_account[settled.account_id].append(settled)
    return by_account
