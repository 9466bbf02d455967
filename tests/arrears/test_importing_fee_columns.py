"""A list of payments with a column for each fee: one row is several payments, each of them counted by itself."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.models import Import, Payment
from company.models import Project
from tests.arrears.workbooks import create_estate, post, remarks, row, xlsx

pytestmark = pytest.mark.django_db
HEADER = ["收款日期", "房间", "缴费人", "收款方式", "流水号", "物业服务费", "水费", "类型"]
PAID_ON = dt.date(2025, 11, 3)


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def take(project: Project, *receipts: tuple[str, Any, Any, str], **fields: Any) -> Import:
    """Receipts of unit 101: serial number, property fee, water, and what kind of entry it is."""
    rows = [[PAID_ON, "1-1-101", "林秀国", "微信", serial, fee, water, kind] for serial, fee, water, kind in receipts]
    return post(project, xlsx(*rows, header=HEADER), kind="payments", **fields)


def received(project: Project) -> list[tuple[str, Decimal]]:
    """What was received by fee, of payments that stand; every balance is the sum of its rows."""
    assert check_ledger(project=project) == []
    live = Payment.objects.filter(project=project, kind="received", reversed_by=None)
    return list(live.order_by("amount").values_list("fee_type__name", "amount"))


def test_each_fee_takes_the_place_of_what_the_sheet_printed_for_it(project: Project) -> None:
    post(project, xlsx(row("101", 100, 100), row("101", 50, 50, 收费项目="水费")))
    workbook = take(project, ("S1", 100, 50, ""))
    assert workbook.findings["replaces"] == "150.00"
    assert received(project) == [("水费", 50), ("物业服务费", 100)]
    assert not Payment.objects.filter(kind="imported", reversed_by=None).exists()
    assert (totals(project=project).outstanding, totals(project=project).credit) == (0, 0)


def test_only_the_fee_that_a_list_knows_is_held_back(project: Project) -> None:
    header = ["房号", "业主姓名", "收费项目", "欠费金额"]
    owed = xlsx(["1-1-101", "林秀国", "物业服务费", 30], header=header)
    post(project, owed, kind="arrears_list", as_of=PAID_ON)
    workbook = take(project, ("S1", 100, 50, ""))
    assert (workbook.findings["held_rows"], workbook.findings["held"]) == (1, "100.00")
    assert received(project) == [("水费", 50)]


def test_money_paid_back_cancels_the_fee_that_it_names(project: Project) -> None:
    workbook = take(project, ("S1", 100, 50, ""), ("S2", 100, "", "红冲"))
    assert "cancels" in {code for _row, code, _count in remarks(workbook)}
    assert received(project) == [("水费", 50)]
