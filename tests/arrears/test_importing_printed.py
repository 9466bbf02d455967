"""Workbooks in the many ways in which charging systems print them: sums, units and mistakes are what finance reads."""

from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing.layout import Layout
from arrears.importing.reading import Refusal
from arrears.models import Import
from tests.arrears import printed_charges, printed_layouts, printed_lists, printed_payments
from tests.arrears.printed import Printed, book
from tests.arrears.workbooks import check, create_estate, mistakes, post, read, remarks

pytestmark = pytest.mark.django_db
CASES = {
    f"{module.__name__.rpartition('_')[2]}: {name}": case
    for module in (printed_charges, printed_layouts, printed_payments, printed_lists)
    for name, case in module.CASES.items()
}
WHOLE_WAY = [name for name in CASES if any(word in name for word in ("merged", "years", "refund", "credit", "wide"))]


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def checked(case: Printed) -> Import:
    estate = create_estate(name="凤凰城")
    return check(estate, case.make(), kind=case.kind, name=case.name, as_of=case.as_of, options=dict(case.options))


@pytest.mark.parametrize("name", CASES)
def test_what_charging_systems_print_is_read_to_the_cent(name: str) -> None:
    case = CASES[name]
    workbook = checked(case)
    assert workbook.state == Import.State.CHECKED
    assert {key: workbook.findings["sums"][key] for key in case.sums} == dict(case.sums)
    assert workbook.rows == case.rows
    assert mistakes(workbook) == list(case.mistakes)
    remarked = [code for _row, code, _count in remarks(workbook) if code != "ahead"]  # nothing is owed in these estates
    assert remarked == list(case.remarks)
    staged = {"charges": workbook.staged, "payments": workbook.staged_payments, "arrears_list": workbook.listed}[
        case.kind
    ]
    assert set(staged.values_list("unit_code", flat=True)) == case.units
    if case.charges:
        found = staged.values_list("unit_code", "period_start", "period_end", "amount")
        assert {tuple(map(str, row)) for row in found} >= set(case.charges)


@pytest.mark.parametrize("name", WHOLE_WAY)
def test_it_is_posted_once_and_the_ledger_says_the_same(name: str) -> None:
    case = CASES[name]
    estate = create_estate(name="凤凰城")
    how = {"kind": case.kind, "name": case.name, "as_of": case.as_of, "good_rows_only": bool(case.mistakes)}
    first, second = (post(estate, case.make(), **how) for _ in range(2))
    assert (first.state, second.state, second.posted_rows) == (Import.State.POSTED, Import.State.POSTED, 0)
    assert check_ledger() == []
    if case.kind != "payments":
        assert totals(project=estate).outstanding == Decimal(case.sums["outstanding"])


def test_a_column_whose_fee_nobody_names_is_not_guessed() -> None:
    header = [*printed_lists.ID, "2023年", "2024年", "合计"]
    with pytest.raises(Refusal) as refused:
        check(
            create_estate(),
            book([*printed_lists.TITLE, header, [*printed_lists.A, 50, 60, 110]]),
            kind="arrears_list",
        )
    assert refused.value.code == "no_fee_of_column"


def test_a_fee_beside_others_that_the_project_lacks_is_asked_for_and_not_dropped() -> None:
    header = ["楼栋", "房号", "月份", "物业费", "垃圾清运费"]
    content = book([header, ["1栋", "101", "2025-01", 100, 10]])
    workbook = read(create_estate(), content)
    (sheet,) = Layout.from_json(workbook.layout).sheets
    asked = [column.header for column in sheet.columns if column.is_doubtful]
    assert asked == ["垃圾清运费"]
