"""What a list lumped together gives way to its charges, and what was waived is never charged again by a list."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from arrears.importing.undoing import DependedOnError
from arrears.models import Charge, ChargeBalance, Import, Relief
from company.models import Project
from tests.arrears.test_importing_lists import line, money, months, take, wide
from tests.arrears.test_importing_undo import figures, undo
from tests.arrears.workbooks import check, create_estate, mistakes, post, remarks, row, xlsx
from tests.relief_factories import create_relief

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def open_of(project: Project) -> list[tuple[str, int, Decimal]]:
    """By unit and month what is open of property fees; a lump stands at its last month."""
    rows = ChargeBalance.objects.filter(project=project, is_live=True).order_by(
        "account__unit__code", "charge__period_end", "charge__external_id", "pk"
    )
    return [
        (b.charge.unit.code, b.charge.period_end.month, b.amount - b.settled)
        for b in rows.select_related("charge__unit")
        if b.amount > b.settled
    ]


# --- lumps ----------------------------------------------------------------------------------------------------------

LISTED = wide(line("101", 40, 0, 350, 0, 0), line("102", 100, 0, 0, 0, 0))
CHARGED = xlsx(*months("101", 8, 9, 10), row("101", 100, 60, 计费开始="2025-11-01", 计费结束="2025-11-30"),
               *months("102", 12))  # fmt: skip


@pytest.mark.parametrize("order", ["list first", "charges first"])
def test_a_list_and_its_charges_end_alike_in_either_order(order: str, project: Project) -> None:
    if order == "list first":
        take(project, LISTED)
        assert figures(project) == (490, 0)
        workbook = check(project, CHARGED)
        assert (mistakes(workbook), workbook.findings["replaces"]) == ([], "340.00")
        post(project, CHARGED)
    else:
        post(project, CHARGED)
        take(project, LISTED)
    assert figures(project) == (590, 0)
    assert open_of(project) == [
        ("1-1-101", 8, 100), ("1-1-101", 9, 100), ("1-1-101", 10, 100), ("1-1-101", 10, 50), ("1-1-101", 11, 40),
        ("1-1-102", 11, 100), ("1-1-102", 12, 100),
    ]  # fmt: skip
    assert post(project, CHARGED).posted_rows == 0
    assert take(project, LISTED).posted_rows == 0


def test_money_that_had_settled_a_lump_settles_its_charges(project: Project) -> None:
    take(project, wide(line("101", 0, 0, 300, 0, 0)))
    post(project, money(("101", "物业费", 120, "2025-11-22")), kind="payments")
    post(project, xlsx(*months("101", 8, 9, 10)))
    assert figures(project) == (180, 0)
    assert open_of(project) == [("1-1-101", 9, 80), ("1-1-101", 10, 100)]


def test_an_undo_brings_the_lumps_back_and_the_list_waits_for_it(project: Project) -> None:
    listed = take(project, LISTED)
    charged = post(project, xlsx(*months("101", 8, 9)))
    assert figures(project) == (490, 0)
    with pytest.raises(DependedOnError) as refused:
        undo(listed)
    assert "1-1-101" in refused.value.text
    undo(charged)
    assert figures(project) == (490, 0)
    assert open_of(project)[0] == ("1-1-101", 10, 150)
    assert post(project, xlsx(*months("101", 8, 9, 10))).posted_rows == 3
    assert figures(project) == (490, 0)
    undo(Import.objects.get(kind="charges", state="posted"))
    undo(listed)
    assert figures(project) == (0, 0)


def test_a_lump_to_which_something_was_bound_stays_whole(project: Project) -> None:
    take(project, wide(line("101", 0, 0, 300, 0, 0)))
    lump = Charge.objects.get()
    create_relief(account=lump.account, charge=lump, amount="50", kind=Relief.Kind.PRINCIPAL, approved=True)
    workbook = post(project, xlsx(*months("101", 8)))
    assert workbook.findings["replaces"] == "0.00"
    assert figures(project) == (350, 0)
    assert take(project, wide(line("101", 0, 0, 300, 0, 0))).findings["settled"] == "100.00", "the next list counts it"
    assert figures(project) == (250, 0)


# --- relief ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Relief.Kind.PRINCIPAL, Relief.Kind.WRITE_OFF])
def test_a_list_never_charges_again_what_was_waived(kind: Any, project: Project) -> None:
    post(project, xlsx(*months("101", 9)))
    charge = Charge.objects.get()
    create_relief(
        account=charge.account, charge=charge, amount="30", kind=kind, approved=True, effective_on=dt.date(2025, 11, 10)
    )
    workbook = take(project, wide(line("101", 0, 0, 100, 0, 0)))
    assert (workbook.findings["new"], remarks(workbook)) == ("0.00", [(4, "relieved_here", 1)])
    assert figures(project) == (70, 0)
    take(project, wide(line("101", 0, 0, 130, 0, 0)))
    assert figures(project) == (100, 0), "what is more than the waiver is newly owed"
    take(project, wide(line("101", 0, 0, 20, 0, 0)))
    assert figures(project) == (20, 0)
