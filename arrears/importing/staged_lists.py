"""A staged arrears list compared with the ledger, and summed up."""

from collections.abc import Iterator, Mapping
from typing import Any

from arrears.importing.checking_lists import IS_COMPLETE
from arrears.importing.comparing import ListPlan, Position, compare_list
from arrears.importing.fields import Field
from arrears.importing.layout import SheetLayout
from arrears.importing.ledger_match import run_on_stage, set_stage
from arrears.importing.outcome import Issue, Outcome
from arrears.models import FeeType, Import, ImportIssue, ListedAmount

WARNING = ImportIssue.Severity.WARNING


def against_ledger(workbook: Import, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> Iterator[Issue]:
    """Warn of what the ledger says otherwise; no row of a list is refused for that."""
    if not layouts:
        return
    if any(layout.column_of(Field.FEE) for layout in layouts.values()):
        _add_settled_fees(workbook)
        set_stage(workbook)
    if workbook.options.get(IS_COMPLETE):
        _complete(workbook)
        set_stage(workbook)
    plan = compare_list(workbook)
    for code, found in (
        ("settled_since", plan.unsettled),
        ("relieved_here", plan.relieved),
        ("credit_in_list", plan.used_credit),
        ("is_credit", plan.owed),
    ):
        for position, amount in found:
            if position.sheet in layouts:
                outcome.warn(_warning(layouts[position.sheet], position, code, str(amount)), key=_place(position))
    yield from ()


def sum_up(workbook: Import, outcome: Outcome) -> dict[str, Any]:
    """Set the sums of what is staged, in CNY, on ``workbook``; returns what its page tells beside them."""
    [(outstanding, units)] = run_on_stage(
        """
        SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0.00),
            count(DISTINCT coalesce(unit_id::text, unit_code)) FILTER (WHERE amount > 0)
        FROM stage
        """,
        workbook,
    )
    plan = compare_list(workbook) if workbook.as_of else ListPlan()
    workbook.outstanding = outstanding
    workbook.known_rows = workbook.good_rows - len(plan.rows - {("", 0)})
    return {
        "sums": {"outstanding": str(outstanding), "printed_late_fee": str(workbook.printed_late_fee)},
        "units_with_arrears": units,
        "by_window": _by_window(plan),
        "new": str(plan.new),
        "settled": str(plan.settled_amount),
        "credit": str(plan.credit),
        "starts_unknown": len({new.position.unit_code for new in plan.charges if new.is_start_unknown}),
        "as_of": workbook.as_of.isoformat() if workbook.as_of else "",
    }


def _add_settled_fees(workbook: Import) -> None:
    """A list in rows prints only what is owed: its fees of which a printed unit has no row owe nothing there."""
    run_on_stage(
        """
        INSERT INTO arrears_listedamount (
            import_id, sheet, row, "column", unit_id, unit_code, fee_type_id, "window", period_start, period_end,
            is_dated, amount
        )
        SELECT %(workbook)s, unit.sheet, unit.row, unit."column", unit.unit_id, unit.unit_code, kind.fee_type_id,
            kind."window", kind.period_start, kind.period_end, FALSE, 0
        FROM (SELECT DISTINCT ON (unit_id) * FROM stage WHERE unit_id IS NOT NULL ORDER BY unit_id, id) AS unit
        CROSS JOIN (
            SELECT fee_type_id, "window", min(period_start) AS period_start, max(period_end) AS period_end
            FROM stage GROUP BY fee_type_id, "window"
        ) AS kind
        WHERE NOT EXISTS (
            SELECT FROM stage
            WHERE (stage.unit_id, stage.fee_type_id, stage."window")
                = (unit.unit_id, kind.fee_type_id, kind."window")
        )
        RETURNING 1
        """,
        workbook,
    )


def _complete(workbook: Import) -> None:
    """Stage the units that a complete list does not print: they owe nothing."""
    run_on_stage(
        """
        INSERT INTO arrears_listedamount (
            import_id, sheet, row, "column", unit_id, unit_code, fee_type_id, "window", period_start, period_end,
            is_dated, amount
        )
        SELECT %(workbook)s, '', 0, '', unit.id, unit.code, kind.fee_type_id, kind."window", kind.period_start,
            kind.period_end, FALSE, 0
        FROM owners_unit AS unit
        CROSS JOIN (
            SELECT fee_type_id, "window", min(period_start) AS period_start, max(period_end) AS period_end
            FROM stage GROUP BY fee_type_id, "window"
        ) AS kind
        WHERE unit.project_id = %(project)s AND unit.id NOT IN (SELECT unit_id FROM stage WHERE unit_id IS NOT NULL)
        RETURNING 1
        """,
        workbook,
    )


def _by_window(plan: ListPlan) -> list[dict[str, str]]:
    """By fee and time both sides and what is to be posted, in the order of the catalogue."""
    fees = FeeType.objects.in_bulk({fee_type_id for fee_type_id, _window in plan.lines})
    order = [str(window) for window in ListedAmount.Window]
    places = {key: (fees[key[0]].position, key[0], order.index(key[1])) for key in plan.lines}
    return [
        {
            "fee": fees[fee_type_id].name,
            "window": window,
            "listed": str(line.listed),
            "ledger": str(line.ledger),
            "new": str(line.new),
            "settled": str(line.settled),
        }
        for (fee_type_id, window), line in sorted(plan.lines.items(), key=lambda item: places[item[0]])
    ]


def _place(position: Position) -> str:
    return f"{position.sheet}!{position.row}!{position.column}"


def _warning(layout: SheetLayout, position: Position, code: str, amount: str) -> Issue:
    header = next((column.header for column in layout.columns if column.letter == position.column), "")
    params = {"header": header, "amount": amount, "unit": position.unit_code}
    return Issue(WARNING, layout.name, position.row, position.column, amount, code, params)
