"""Arrears that a list lumped together give way to the charges of which they consist, as soon as those are imported.

A list prints one amount for a whole time; its charge is such a lump. A charge of that time, unit and fee takes the
place of as much of the lump as the sheet shows to be open, so that it makes no difference which of the two files came
first. A lump to which something was bound since stays whole: what a later list has settled of it, a waiver, a late fee,
a proof.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from arrears.importing.copying import next_ids
from arrears.importing.ledger_match import FREE_LUMP, run_on_stage
from arrears.importing.reversing import cancel_charges, release_allocations
from arrears.importing.totals import ZERO
from arrears.models import Allocation, Charge, ChargeBalance, Import
from company.models import User


class Replaced(NamedTuple):
    """By how much, in CNY, a lump gives way."""

    charge_id: int
    account_id: int
    amount: Decimal


def lumps_replaced(workbook: Import) -> list[Replaced]:
    """What the staged charges that are new replace, the oldest first. ``set_stage`` comes first; reads only."""
    lists = Import.objects.filter(kind=Import.Kind.ARREARS_LIST, state__in=Import.IN_LEDGER_STATES)
    if not lists.filter(project=workbook.project_id).exists():
        return []
    rows = run_on_stage(
        f"""
        SELECT stage.unit_id, stage.fee_type_id, stage.id, stage.amount - coalesce(stage.received, 0),
            charge.id, charge.account_id, charge.amount
        FROM stage
        JOIN arrears_account AS account ON account.unit_id = stage.unit_id
        JOIN arrears_charge AS charge ON charge.account_id = account.id AND charge.fee_type_id = stage.fee_type_id
            AND charge.kind = 'charge' AND charge.reversed_by_id IS NULL AND {FREE_LUMP}
        CROSS JOIN LATERAL (
            SELECT (date_trunc('month', (charge.basis ->> 'list_as_of')::date) + interval '1 month - 1 day')::date
                AS day
        ) AS month_end
        CROSS JOIN LATERAL (SELECT least(stage.period_end, month_end.day) AS day) AS last
        WHERE stage.amount > coalesce(stage.received, 0)
            AND stage.period_start <= month_end.day AND last.day <= charge.period_end
            AND (last.day >= charge.period_start OR charge.basis ->> 'start_unknown' IS NOT NULL)
            AND stage.id NOT IN (SELECT id FROM ({{matched}}) AS matched)
        ORDER BY charge.due_on, charge.id, stage.period_end, stage.id
        """,  # noqa: S608  a condition of ours
        workbook,
    )
    open_of = {stage_id: is_open for _unit, _fee, stage_id, is_open, *_lump in rows}
    left = {charge_id: amount for *_row, charge_id, _account, amount in rows}
    account_of = {charge_id: account_id for *_row, charge_id, account_id, _amount in rows}
    replaced: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for _unit, _fee, stage_id, _open, charge_id, _account, _amount in rows:
        part = min(open_of[stage_id], left[charge_id])
        open_of[stage_id] -= part
        left[charge_id] -= part
        replaced[charge_id] += part
    return [Replaced(pk, account_of[pk], amount) for pk, amount in replaced.items() if amount]


def replace_lumps(workbook: Import, *, now: datetime, by: User | None) -> set[int]:
    """Reverse the lumps that give way and post what is left of each; returns their accounts.

    Comes before the new charges are posted, of which one may have the period of a lump. Money that had settled a lump
    is free again: the caller applies it. Callers hold the locks of the accounts.
    """
    replaced = lumps_replaced(workbook)
    gone = [lump.charge_id for lump in replaced]
    lumps = Charge.objects.in_bulk(gone)
    live = Allocation.objects.filter(charge_id__in=gone, kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    release_allocations(list(live.values_list("pk", flat=True)), now=now, by=by)
    cancel_charges(gone, now=now, by=by, source=workbook)
    rests = ((lumps[lump.charge_id], lumps[lump.charge_id].amount - lump.amount) for lump in replaced)
    _post_lumps([(lump, left, _number(lump)) for lump, left in rests if left], now=now, by=by)
    return {lump.account_id for lump in replaced}


def restore_lumps(workbook: Import, *, now: datetime, by: User | None) -> None:
    """Post again what the charges of ``workbook``, reversed by now, had replaced. Callers hold the locks."""
    _post_lumps(
        [
            (lump, amount, lump.external_id if amount == lump.amount else f"{_number(lump)}-{workbook.pk}")
            for lump, amount in _replaced_by(workbook)
        ],
        now=now,
        by=by,
    )


def accounts_of_lumps(workbook: Import) -> set[int]:
    """The accounts on which ``workbook`` has replaced lumps."""
    gone = Charge.objects.filter(reversed_by__source=workbook)
    return set(gone.values_list("account_id", flat=True))


def _replaced_by(workbook: Import) -> Iterator[tuple[Charge, Decimal]]:
    """Each lump with how much of it, in CNY, the charges of ``workbook`` replaced."""
    for lump in Charge.objects.filter(reversed_by__source=workbook).select_related("reversed_by").order_by("pk"):
        reversal = lump.reversed_by
        if reversal is None:
            continue
        rests = Charge.objects.filter(
            unit_id=lump.unit_id,
            fee_type_id=lump.fee_type_id,
            source_id=lump.source_id,
            external_id=_number(lump),
            posted_at=reversal.posted_at,
            pk__gt=reversal.pk,
        )
        rest = rests.order_by("pk").first()
        yield lump, lump.amount - (rest.amount if rest else ZERO)


def _number(lump: Charge) -> str:
    """What keeps a lump apart from the charge of the same period."""
    window = (lump.basis or {}).get("window", "")
    return lump.external_id or (
        f"list-{lump.source_id}-{lump.unit_id}-{lump.fee_type_id}-{window}-{lump.period_start:%Y%m%d}"
    )


def _post_lumps(lumps: list[tuple[Charge, Decimal, str]], *, now: datetime, by: User | None) -> None:
    """Post lumps once more with other amounts and numbers."""
    rows = list(zip(next_ids("arrears_charge", len(lumps)), lumps, strict=True))
    Charge.objects.bulk_create(
        Charge(
            pk=pk,
            project_id=lump.project_id,
            account_id=lump.account_id,
            unit_id=lump.unit_id,
            fee_type_id=lump.fee_type_id,
            period_start=lump.period_start,
            period_end=lump.period_end,
            due_on=lump.due_on,
            effective_on=lump.effective_on,
            amount=amount,
            external_id=number,
            basis=lump.basis,
            source_id=lump.source_id,
            source_sheet=lump.source_sheet,
            source_row=lump.source_row,
            posted_at=now,
            posted_by=by,
        )
        for pk, (lump, amount, number) in rows
    )
    ChargeBalance.objects.bulk_create(
        ChargeBalance(
            charge_id=pk, project_id=lump.project_id, account_id=lump.account_id, due_on=lump.due_on, amount=amount
        )
        for pk, (lump, amount, _number) in rows
    )
