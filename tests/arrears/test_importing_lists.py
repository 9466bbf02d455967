"""Arrears lists: what they say becomes what the ledger says as of their day, once, and nothing is counted twice."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing.layout import Layout
from arrears.importing.reading import Refusal
from arrears.models import Charge, Import, Payment
from company.models import Project
from tests.arrears.workbooks import (
    WIDE,
    WIDE_XLSX,
    check,
    create_estate,
    mistakes,
    post,
    read,
    remarks,
    row,
    sample,
    xlsx,
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


# --- layouts --------------------------------------------------------------------------------------------------------

WIDE_HEADER = ["房号", "业主", "本期物业费", "本期水费", "前期物业费", "前期水费", "违约金", "合计"]


def wide(
    *rows: list[Any], header: list[Any] = WIDE_HEADER, day: str = "截止日期：2025年11月20日", **sheets: Any
) -> bytes:
    return xlsx(*rows, header=header, above=[["凤凰城一期欠费清单"], [day]], **sheets)


def line(room: str, *amounts: Any) -> list[Any]:
    """A row under WIDE_HEADER; its sum counts the printed late fee."""
    return [f"1-1-{room}", "林秀国", *amounts, sum(a for a in amounts if isinstance(a, int | float))]


def take(project: Project, content: bytes, **fields: Any) -> Import:
    return post(project, content, kind="arrears_list", **fields)


def money(*rows: tuple[str, str, Any, str]) -> bytes:
    """Payments by room, fee, amount and day."""
    header = ["收款日期", "房号", "收费项目", "收款金额", "流水号"]
    lines = [[day, f"1-1-{room}", fee, amount, f"S{n}"] for n, (room, fee, amount, day) in enumerate(rows)]
    return xlsx(*lines, header=header)


def charges() -> set[tuple[Any, ...]]:
    rows = Charge.objects.filter(kind="charge", reversed_by=None)
    return {
        (
            c.unit.code,
            c.fee_type.name,
            c.period_start,
            c.period_end,
            c.amount,
            bool((c.basis or {}).get("start_unknown")),
        )
        for c in rows.select_related("unit", "fee_type")
    }


NOV = (dt.date(2025, 11, 1), dt.date(2025, 11, 30))
OCT_END = (dt.date(2025, 10, 31), dt.date(2025, 10, 31))


def test_one_header_row_with_time_and_fee_in_each_column(project: Project) -> None:
    workbook = take(project, wide(line("101", 100, "", 300, 50, 7), line("102", "", "", "", "", "")))
    assert remarks(workbook) == []
    assert charges() == {
        ("1-1-101", "物业服务费", *NOV, 100, False),
        ("1-1-101", "物业服务费", *OCT_END, 300, True),
        ("1-1-101", "水费", *OCT_END, 50, True),
    }
    assert workbook.findings["sums"] == {"outstanding": "450.00", "printed_late_fee": "7.00"}
    assert workbook.findings["starts_unknown"] == 1
    assert owed(project) == 450


def test_the_start_of_earlier_arrears_can_be_said(project: Project) -> None:
    take(project, wide(line("101", 0, 0, 300, 0, 0)), options={"earlier_from": "2023-05-01"})
    assert charges() == {("1-1-101", "物业服务费", dt.date(2023, 5, 1), dt.date(2025, 10, 31), 300, False)}


def test_prior_years_and_this_year_side_by_side(project: Project) -> None:
    header = ["房号", "业主", "建筑面积", "管理费", "", "公摊水电费", "", "总计"]
    second = ["", "", "", "往年欠费", "本年欠费", "历年", "当年", ""]
    rows = [second, ["1-1-101", "林秀国", 90, 500, 200, 30, 20, 750], ["合计", "", "", 500, 200, 30, 20, 750]]
    workbook = take(project, wide(*rows, header=header))
    last_year, this_year = dt.date(2024, 12, 31), (dt.date(2025, 1, 1), dt.date(2025, 11, 30))
    assert remarks(workbook) == []
    assert charges() == {
        ("1-1-101", "物业服务费", last_year, last_year, 500, True),
        ("1-1-101", "物业服务费", *this_year, 200, False),
        ("1-1-101", "公摊水电费", last_year, last_year, 30, True),
        ("1-1-101", "公摊水电费", *this_year, 20, False),
    }
    assert owed(project) == 750


def test_a_list_in_rows_with_periods(project: Project) -> None:
    header = ["房号", "收费项目", "计费开始", "计费结束", "欠费金额"]
    rows = [
        ["1-1-101", "物业费", "2025-03-01", "2025-03-31", 100],
        ["1-1-101", "物业费", "2025-04-01", "2025-04-30", 100],
        ["1-1-102", "水费", "2025-04-01", "2025-04-30", 30],
    ]
    post(project, xlsx(row("101", 100), row("101", 40, 收费项目="水费"), row("103", 70)))
    workbook = take(project, wide(*rows, header=header))
    assert {found[2:5] for found in charges() if found[0] != "1-1-103"} == {
        (dt.date(2025, 3, 1), dt.date(2025, 3, 31), D(100)),
        (dt.date(2025, 4, 1), dt.date(2025, 4, 30), D(100)),
        (dt.date(2025, 3, 1), dt.date(2025, 3, 31), D(40)),
        (dt.date(2025, 4, 1), dt.date(2025, 4, 30), D(30)),
    }
    assert workbook.findings["settled"] == "40.00", "the water of 101 is not in the list any more"
    assert owed(project) == 300
    assert take(project, wide(*rows, header=header)).posted_rows == 0


def test_several_sheets_and_csv(project: Project) -> None:
    more = [WIDE_HEADER, line("201", 5, 0, 0, 0, 0), ["合计", "", 5, 0, 0, 0, 0, 5]]
    assert take(project, wide(line("101", 100, 0, 0, 0, 0), 二区=more)).outstanding == 105
    text = "截至2025年11月21日欠费\r\n" + ",".join(WIDE_HEADER) + "\r\n1-1-301,,9,,,,,9\r\n"
    assert take(project, text.encode("gb18030"), name="欠费.csv").as_of == dt.date(2025, 11, 21)
    assert owed(project) == 114


def test_unknown_fees_and_days_are_asked_for(project: Project) -> None:
    header = [*WIDE_HEADER[:2], "本期电梯费", "前期物业费", "合计"]
    workbook = read(project, wide(["1-1-101", "林秀国", 5, 10, 15], header=header), kind="arrears_list")
    (sheet,) = Layout.from_json(workbook.layout).sheets
    assert [(c.field, c.evidence, c.is_doubtful) for c in sheet.columns if c.letter == "C"] == [
        ("", "unknown_fee_column", True)
    ]
    with pytest.raises(Refusal) as refused:
        take(project, wide(line("101", 1, 0, 0, 0, 0), day=""))
    assert refused.value.code == "no_as_of"


# --- beside the ledger ----------------------------------------------------------------------------------------------


def months(room: str, *numbers: int, amount: int = 100) -> list[list[Any]]:
    return [row(room, amount, 计费开始=f"2025-{m:02}-01", 计费结束=f"2025-{m:02}-28") for m in numbers]


def test_more_is_charged_and_less_is_settled_outside_oldest_first(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9, 10), *months("102", 9), *months("103", 10)))
    workbook = take(project, wide(line("101", 0, 0, 150, 0, 0), line("102", 0, 0, 180, 0, 0)))
    assert (workbook.findings["new"], workbook.findings["settled"]) == ("80.00", "150.00")
    settled = Payment.objects.filter(kind="settled_outside").order_by("pk")
    assert [(p.amount, p.received_on, p.allocations.get().charge.period_start.month) for p in settled] == [
        (100, AS_OF, 8), (50, AS_OF, 9),
    ]  # fmt: skip
    assert owed(project) == 150 + 180 + 100, "103 is not in the list and stays"
    assert take(project, wide(line("101", 0, 0, 150, 0, 0), line("102", 0, 0, 180, 0, 0))).posted_rows == 0


def test_a_complete_list_settles_what_it_does_not_print(project: Project) -> None:
    post(project, xlsx(*months("101", 9), *months("102", 9)))
    workbook = take(project, wide(line("101", 0, 0, 100, 0, 0)), options={"is_complete": True})
    assert workbook.findings["settled"] == "100.00"
    assert owed(project) == 100


def test_later_periods_stay_untouched(project: Project) -> None:
    post(project, xlsx(*months("101", 12)))
    take(project, wide(line("101", 0, 0, 0, 0, 0)))
    assert owed(project) == 100


def test_money_received_after_the_day_is_no_difference(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9)))
    post(project, money(("101", "物业费", 100, "2025-11-21")), kind="payments")
    workbook = take(project, wide(line("101", 0, 0, 200, 0, 0)))
    assert (workbook.posted_rows, owed(project)) == (0, 100)


def test_an_older_list_is_refused_and_one_to_come_too(project: Project) -> None:
    take(project, wide(line("101", 1, 0, 0, 0, 0)))
    for day, code in (("截至2025-11-19", "older_list"), ("截至2025-12-20", "as_of_to_come")):
        with pytest.raises(Refusal) as refused:
            take(project, wide(line("101", 1, 0, 0, 0, 0), day=day))
        assert refused.value.code == code


def test_a_negative_balance_is_credit_only_with_consent(project: Project) -> None:
    content = wide(line("101", -30, 0, 0, 0, 0), line("102", 10, -4, 0, 0, 0))
    take(project, content)
    assert (owed(project), totals(project=project).credit) == (10, 0)
    workbook = take(project, content, consents=["takes_credit"])
    assert workbook.findings["credit"] == "34.00"
    assert (owed(project), totals(project=project).credit) == (6, 30)
    assert take(project, content, consents=["takes_credit"]).posted_rows == 0


def test_bad_cells_and_sums_are_named(project: Project) -> None:
    rows = [
        line("101", "壹佰", 0, 0, 0, 0),
        line("102", 1, 0, 0, 0, 0),
        line("102", 1, 0, 0, 0, 0),
        line("103", 5, 0, 0, 0, 0),
    ]
    rows[3][-1] = 6
    workbook = check(project, wide(*rows, ["合计", "", 8, 0, 0, 0, 0, 7]), kind="arrears_list")
    assert mistakes(workbook) == [(4, "C", "amount_in_words"), (6, "A", "twice")]
    assert remarks(workbook) == [(7, "row_sum_differs", 1), (8, "total_differs", 1), (8, "total_differs", 1)]


# --- and payments ---------------------------------------------------------------------------------------------------


def test_payments_that_a_list_knows_replace_what_it_settled(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9, 10)))
    take(project, wide(line("101", 0, 0, 150, 0, 0)))
    workbook = post(project, money(("101", "物业费", 60, "2025-11-05"), ("101", "", 50, "2025-11-06")), kind="payments")
    assert (workbook.findings["replaces"], workbook.findings["held_rows"]) == ("110.00", 0)
    assert owed(project) == 150
    live = Payment.objects.filter(kind="settled_outside", reversed_by=None)
    assert sum(live.values_list("amount", flat=True)) == 40
    assert take(project, wide(line("101", 0, 0, 150, 0, 0))).posted_rows == 0


def test_what_a_list_does_not_explain_waits_for_a_decision(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9)))
    take(project, wide(line("101", 0, 0, 150, 0, 0)))
    content = money(("101", "物业费", 70, "2025-11-05"), ("101", "物业费", 30, "2025-11-21"))
    held = post(project, content, kind="payments")
    assert (held.posted_rows, held.findings["held"], held.findings["held_left"]) == (1, "70.00", "20.00")
    assert remarks(held) == [(2, "in_list", 1)]
    assert owed(project) == 120
    agreed = post(project, content, kind="payments", consents=["posts_remainder"])
    assert (agreed.posted_rows, agreed.known_rows) == (1, 1)
    assert owed(project) == 100


@pytest.mark.parametrize("order", ["list first", "payments first"])
def test_the_order_of_a_list_and_its_payments_does_not_change_what_is_owed(order: str, project: Project) -> None:
    listed = wide(line("101", 100, 0, 300, 50, 0))
    paid = money(("101", "物业费", 120, "2025-11-05"), ("101", "", 10, "2025-11-06"))
    if order == "list first":
        take(project, listed)
        post(project, paid, kind="payments")
    else:
        post(project, paid, kind="payments")
        assert {found[1] for found in remarks(take(project, listed))} == {"credit_in_list"}
    assert owed(project) == 450
    assert take(project, listed).posted_rows == 0
