"""Arrears lists: what they say becomes what the ledger says as of their day, once, and nothing is counted twice."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing.layout import Layout
from arrears.models import Charge
from company.models import Project
from tests.arrears.workbooks import (
    WIDE,
    WIDE_XLSX,
    create_estate,
    mistakes,
    post,
    read,
    remarks,
    sample,
)

pytestmark = pytest.mark.django_db
AS_OF = dt.date(2025, 11, 20)
D = Decimal


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def owed(project: Project) -> Decimal:
    """What the project is owed, and the proof that every balance is the sum of its rows."""
    assert check_ledger(project=project) == []
    return totals(project=project).outstanding


@pytest.mark.parametrize("name", [WIDE, WIDE_XLSX])
def test_the_wide_sample_to_the_cent_and_once(name: str, project: Project) -> None:
    workbook = read(project, sample(name), name=name, kind="arrears_list")
    (sheet,) = Layout.from_json(workbook.layout).sheets
    assert sheet.as_of == "2025-11-20"
    assert {c.header: c.field for c in sheet.columns if c.field} == {
        "物业编号": "unit", "业主": "owner", "建筑面积": "area",
        "本期应收 / 管理费": "current", "本期应收 / 水费": "current", "本期应收 / 小计": "column_sum",
        "前期欠费 / 管理费": "earlier", "前期欠费 / 公共用电分摊": "earlier", "前期欠费 / 滞纳金": "late_fee",
        "前期欠费 / 小计": "column_sum", "合计": "column_sum",
    }  # fmt: skip
    first = post(project, sample(name), name=name, kind="arrears_list")
    assert mistakes(first) == []
    assert remarks(first) == []
    assert first.findings["units_with_arrears"] == 128
    assert first.findings["sums"] == {"outstanding": "318610.09", "printed_late_fee": "12308.62"}
    assert owed(project) == D("318610.09")
    charges = Charge.objects.count()
    again = post(project, sample(name), name=name, kind="arrears_list")
    assert (again.posted_rows, again.known_rows) == (0, 192)
    assert Charge.objects.count() == charges
