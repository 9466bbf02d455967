"""Cells that were read as empty although something stands there: a formula without a value, or an error."""

from collections.abc import Mapping
from pathlib import Path

from arrears.importing.layout import SheetLayout, letter_of
from arrears.importing.outcome import Issue, Outcome
from arrears.importing.reading import Place, inspected
from arrears.models import ImportIssue

EMPTY_CELLS = frozenset({"no_amount", "no_day", "no_room", "no_fee"})


def explain_empty_cells(path: Path, outcome: Outcome, layouts: Mapping[str, SheetLayout]) -> set[tuple[str, int]]:
    """Say of empty cells in bad rows what is wrong with them, and refuse good rows whose amounts are broken formulas.

    Returns sheet and row of the latter.
    """
    missing = {
        (issue.sheet, issue.row, issue.cell): issue
        for issue in outcome.issues
        if issue.code in EMPTY_CELLS and issue.cell is not None
    }
    places: list[Place] = [*missing, *outcome.blank_amounts]
    refused = set()
    for place, text in (inspected(path, places) if places else {}).items():
        code = "formula_error" if text.startswith("#") else "formula_without_value"
        if issue := missing.get(place):
            issue.code, issue.value = code, text[:200]
        else:
            refused.add(place[:2])
            outcome.issues.append(_issue(place, code, text, layouts[place[0]]))
    return refused


def _issue(place: Place, code: str, text: str, layout: SheetLayout) -> Issue:
    sheet, row, cell = place
    letter = letter_of(cell)
    header = next((column.header for column in layout.columns if column.letter == letter), letter)
    return Issue(ImportIssue.Severity.ERROR, sheet, row, letter, text[:200], code, {"header": header}, cell)
