"""Where imports meet late fees and waivers: imported money settles them last, and an undo leaves none behind."""

from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.assessing import assess_late_fees
from arrears.checking import check_ledger
from arrears.importing.undoing import DependedOnError, undo_import
from arrears.models import Account, Charge, FeeType, Import, LateFeeBalance, PaymentBalance
from company.models import Project
from tests.arrears.test_importing_lists import line, money, months, wide
from tests.arrears.workbooks import create_estate, post, xlsx
from tests.factories import NOW, TODAY
from tests.relief_factories import create_contract, create_late_fee_policy, create_relief

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    """An estate whose property fee bears late fees."""
    project = create_estate()
    create_contract(project=project)
    create_late_fee_policy(fee_type=FeeType.objects.get(project=project, name="物业服务费"))
    return project


@pytest.fixture
def charged(project: Project) -> Import:
    """Two months of 100.00, and their late fees assessed."""
    workbook = post(project, xlsx(*months("101", 8, 9)))
    assess_late_fees(project, as_of=TODAY, now=NOW, by=None)
    assert LateFeeBalance.objects.count() == 2
    return workbook


def open_late_fees() -> Decimal:
    return sum((balance.amount - balance.settled for balance in LateFeeBalance.objects.filter(is_live=True)), Decimal())


def test_imported_money_settles_late_fees_after_the_charges(project: Project, charged: Import) -> None:
    owed = open_late_fees()
    post(project, money(("101", "物业费", 201, "2025-11-05")), kind="payments")
    assert open_late_fees() == owed - 1
    assert check_ledger(project=project) == []


def test_undone_money_leaves_late_fees_open_again(project: Project, charged: Import) -> None:
    owed = open_late_fees()
    workbook = post(project, money(("101", "物业费", 300, "2025-11-05")), kind="payments")
    assert open_late_fees() == 0
    undo_import(workbook, by=None, now=NOW)
    assert open_late_fees() == owed
    assert not PaymentBalance.objects.filter(is_live=True).exists()
    assert check_ledger(project=project) == []


def test_charges_that_bear_an_assessed_late_fee_are_not_undone(project: Project, charged: Import) -> None:
    with pytest.raises(DependedOnError) as refused:
        undo_import(charged, by=None, now=NOW)
    assert "应收 100.00 已计收违约金" in refused.value.text
    assert Charge.objects.count() == 2


def test_charges_that_are_waived_are_not_undone(project: Project) -> None:
    workbook = post(project, xlsx(*months("101", 8)))
    create_relief(account=Account.objects.get(), amount="10.00", approved=True)
    with pytest.raises(DependedOnError) as refused:
        undo_import(workbook, by=None, now=NOW)
    assert "应收 100.00 已有减免" in refused.value.text
    assert check_ledger(project=project) == []


def test_a_waiver_after_the_day_of_a_list_does_not_make_the_list_lower(project: Project) -> None:
    post(project, xlsx(*months("101", 10)))
    create_relief(account=Account.objects.get(), amount="10.00", approved=True, effective_on=TODAY)
    workbook = post(project, wide(line("101", 0, 0, 100, 0, 0)), kind="arrears_list")
    assert workbook.posted_rows == 0
    assert check_ledger(project=project) == []
