"""The check of an import: sums to the cent, each mistake at its own place, nothing good blamed."""

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pytest_django import Settings

from arrears.importing.marking import mark_errors
from arrears.importing.overview import count_issues, fee_lines, issue_lines, total_lines
from arrears.models import Charge, Import
from company.models import Project
from tests.arrears.workbooks import (
    BAD,
    DATA,
    HEADER,
    LONG,
    check,
    create_estate,
    mistakes,
    post,
    remarks,
    row,
    sample,
    xlsx,
)
from tests.factories import create_owner, create_ownership, create_unit

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def checked_with(project: Project, **cells: Any) -> Import:
    """A row with these cells, below sound ones by which the columns are recognised."""
    return check(project, xlsx(*(row(str(room)) for room in range(201, 206)), row(**cells)))


def one(project: Project, **cells: Any) -> list[tuple[str, str]]:
    """Column and code of what is wrong with a row that has these cells."""
    workbook = checked_with(project, **cells)
    assert not Charge.objects.exists()
    assert {number for number, _column, _code in mistakes(workbook)} <= {7}
    return [(column, code) for _row, column, code in mistakes(workbook)]


# --- the samples ----------------------------------------------------------------------------------------------------


def test_the_long_sample_adds_up_to_the_cent(project: Project) -> None:
    expected = EXPECTED[LONG]
    workbook = check(project, sample(LONG), name=LONG)
    assert (workbook.rows, workbook.bad_rows, workbook.skipped_total_rows) == (2616, 0, expected["total_rows"])
    sums = {name: str(getattr(workbook, name)) for name in ("due", "paid", "outstanding")}
    assert sums == {name: expected[name] for name in sums}
    assert {line.label: line.difference for line in total_lines(workbook)} == {
        "应收金额": 0, "已收金额": 0, "欠费（只核对）": 0,
    }  # fmt: skip
    fees = fee_lines(workbook)
    assert sum(fee.rows for fee in fees) == 2616
    assert sum(fee.outstanding for fee in fees) == workbook.outstanding
    assert sum(fee.new for fee in fees) == workbook.due, "nothing of it is in the ledger yet"


WRONG_IN_BAD = {
    3: ("K", "amount_in_words"),
    4: ("K", "negative"),
    5: ("I", "impossible_day"),
    6: ("J", "end_before_start"),
    7: ("J", "open_ended"),
    8: ("E", "no_room"),
    9: ("E", "unknown_unit"),
    10: ("H", "unknown_fee"),
    11: ("K", "formula_error"),
    12: ("L", "paid_more_than_due"),
    13: ("M", "arrears_differ"),
    14: ("K", "three_decimals"),
    15: ("K", "amount_too_large"),
    16: ("H", "twice"),
    17: ("K", "formula_without_value"),
    18: ("F", "control_characters"),
    19: ("G", "phone_lost_digits"),
    20: ("I", "day_too_early"),
    21: ("I", "day_too_late"),
}


def test_every_mistake_of_the_bad_sample_is_named_at_its_row_and_no_other_row_is_blamed(project: Project) -> None:
    create_unit(project=project, code="1-1-101")
    workbook = check(project, sample(BAD), name=BAD, create_units=False)
    first: dict[int, tuple[str, str]] = {}
    for number, column, code in mistakes(workbook):
        first.setdefault(number, (column, code))
    assert first == WRONG_IN_BAD
    assert (workbook.rows, workbook.good_rows, workbook.bad_rows) == (20, 1, 19)
    assert (workbook.due, workbook.outstanding) == (280, 280)


def test_the_marked_copy_shows_each_mistake_where_it_stands(project: Project) -> None:
    create_unit(project=project, code="1-1-101")
    workbook = check(project, sample(BAD), name=BAD, create_units=False)
    stored = mark_errors(workbook.pk)
    assert stored is not None
    with stored.file.open("rb") as file:
        book = openpyxl.load_workbook(file)
    cells = [cell for line in book["坏数据"] for cell in line]
    marked = {cell.row: cell.column_letter for cell in cells if cell.fill.fgColor.rgb == "FFFDF0EF"}
    assert {number: column for number, column in marked.items() if number < 20} == {
        number: column for number, (column, _code) in WRONG_IN_BAD.items() if number < 20
    }
    assert book["坏数据"]["K11"].value == "#REF!"
    reasons = book.worksheets[-1]
    assert reasons.max_row == 1 + workbook.issues.filter(severity="error").count()
    assert mark_errors(workbook.pk) == stored, "made once"


# --- single cells ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"due": ""}, [("H", "no_amount")]),
        ({"due": "壹佰元"}, [("H", "amount_in_words")]),
        ({"due": "1,00.5"}, [("H", "not_an_amount")]),
        ({"due": 10.005}, [("H", "three_decimals")]),
        ({"due": -1}, [("H", "negative")]),
        ({"due": 100, "received": 100.01}, [("I", "paid_more_than_due")]),
        ({"due": 100, "欠费金额": 99}, [("J", "arrears_differ")]),
        ({"收费项目": ""}, [("E", "no_fee")]),
        ({"收费项目": "星际管理费"}, [("E", "unknown_fee")]),
        ({"楼栋": "", "单元": ""}, [("C", "no_building")]),
        ({"计费开始": ""}, [("F", "no_day")]),
        ({"计费开始": "2025-02-30"}, [("F", "impossible_day")]),
        ({"计费结束": "至今"}, [("G", "open_ended")]),
        ({"计费结束": dt.date(2025, 2, 28)}, [("G", "end_before_start")]),
        ({"业主姓名": "李\x07四"}, [("D", "control_characters")]),
        ({"业主姓名": "李" * 201}, [("D", "too_long")]),
        ({"room": "9" * 41}, [("C", "too_long")]),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(
    cells: dict[str, Any], found: list[tuple[str, str]], project: Project
) -> None:
    assert one(project, **cells) == found


@pytest.mark.parametrize(
    "cells",
    [
        {"due": "1,234.50", "欠费金额": "1234.5"},
        {"due": " 100 元", "欠费金额": 100},
        {"due": 0.1 + 0.2, "欠费金额": 0.3},
        {"due": "１００", "欠费金额": 100},
        {"业主姓名": "  李小博、王敏 "},
        {"业主姓名": ""},
        {"计费开始": "2025年3月", "计费结束": "2025/3/31"},
        {"计费开始": 45717, "计费结束": "2025-03-31 00:00:00"},
        {"收费项目": "物业管理费"},
        {"单元": "", "楼栋": "商铺", "房号": "A24"},
    ],
)
def test_a_cell_that_only_looks_odd_is_taken(cells: dict[str, Any], project: Project) -> None:
    assert one(project, **cells) == []


def test_a_letter_for_a_digit_is_suggested(project: Project) -> None:
    create_unit(project=project, code="1-1-1203")
    workbook = check(project, xlsx(row("12O3")), create_units=False)
    (issue,) = workbook.issues.all()
    assert (issue.code, issue.params["likely"]) == ("slip_in_unit", "1-1-1203")
    assert count_issues(workbook).unknown_units == 1


def test_the_same_charge_twice_in_a_file_is_the_second_rows_mistake_also_across_sheets(project: Project) -> None:
    workbook = check(project, xlsx(row("101"), row("101"), 二=[HEADER, row("101"), row("102")]))
    errors = [(issue.sheet, issue.row, issue.code, issue.params["row"]) for issue in workbook.issues.all()]
    assert errors == [("应收", 3, "twice", 2), ("二", 2, "twice", 2)]
    assert workbook.good_rows == 2


# --- what is computed from the rows ---------------------------------------------------------------------------------


def test_arrears_without_the_amount_due_are_charged_with_what_was_received(project: Project) -> None:
    header = [*HEADER[:7], "已收金额", "欠费金额"]
    workbook = check(project, xlsx([*row()[:7], 30, 70], header=header))
    assert (workbook.due, workbook.paid, workbook.outstanding) == (100, 30, 70)


def test_what_was_waived_is_no_arrears(project: Project) -> None:
    workbook = check(project, xlsx([*row("101", 100, 20, 欠费金额=70), 10], header=[*HEADER, "减免金额"]))
    assert mistakes(workbook) == []
    assert (workbook.due, workbook.paid, workbook.outstanding) == (100, 20, 70)
    (staged,) = workbook.staged.all()
    assert (staged.amount, staged.waived) == (90, 10)


def test_a_row_that_spans_years_is_split_by_month(project: Project) -> None:
    spans = {"计费开始": dt.date(2024, 11, 1), "计费结束": dt.date(2025, 2, 28)}
    workbook = check(project, xlsx(row("101", 400.01, 150, **spans), row("102")))
    parts = list(workbook.staged.filter(row=2).order_by("period_start"))
    assert [part.period_start for part in parts] == [
        dt.date(2024, 11, 1), dt.date(2024, 12, 1), dt.date(2025, 1, 1), dt.date(2025, 2, 1),
    ]  # fmt: skip
    assert [part.amount for part in parts] == [Decimal("100.00"), Decimal("100.01"), Decimal(100), Decimal(100)]
    assert [part.received for part in parts] == [Decimal(100), Decimal(50), 0, 0], "the oldest first"
    assert workbook.findings["split_rows"] == 1
    assert (workbook.due, workbook.rows) == (Decimal("500.01"), 2)


def test_printed_late_fees_are_kept_apart_from_principal(project: Project) -> None:
    workbook = check(project, xlsx([*row(), 12.34], header=[*HEADER, "违约金"]))
    assert (workbook.outstanding, workbook.printed_late_fee) == (100, Decimal("12.34"))
    assert workbook.findings["has_late_fee"]


def test_a_printed_total_that_differs_is_a_warning(project: Project) -> None:
    total = ["合计", *[""] * 6, 200, 0, 250]
    workbook = check(project, xlsx(row("101"), row("102"), total))
    assert (workbook.bad_rows, workbook.skipped_total_rows) == (0, 1)
    assert remarks(workbook) == [(4, "total_differs", 1)]
    assert [(line.label, line.difference) for line in total_lines(workbook) if line.difference] == [
        ("欠费（只核对）", Decimal("50.00"))
    ]


def test_subtotals_are_compared_with_their_own_rows(project: Project) -> None:
    def printed(label: str, amount: int) -> list[Any]:
        return [label, *[""] * 6, amount, 0, amount]

    lines = [row("101"), row("102"), printed("小计", 200), row("103"), printed("小计", 101), printed("合计", 300)]
    workbook = check(project, xlsx(*lines))
    assert [(line.row, line.ours) for line in total_lines(workbook) if line.difference] == [(6, 100), (6, 100)]


@pytest.mark.parametrize(
    ("column", "label"),
    [
        (0, "合计金额"),
        (0, "合计（元）"),
        (0, "总计（2户）"),
        (0, "合计 2 户"),
        (0, "1栋合计:200元"),
        (0, "总金额"),
        (0, "Total"),
        (2, "小计（1栋）"),
        (5, "本月小计"),
        (6, "累计"),
    ],
)
def test_a_total_is_told_by_its_label_wherever_it_stands(column: int, label: str, project: Project) -> None:
    printed: list[Any] = [*[""] * 7, 200, 0, 250]
    printed[column] = label
    workbook = check(project, xlsx(row("101"), row("102"), printed))
    assert (workbook.rows, workbook.bad_rows, workbook.skipped_total_rows) == (2, 0, 1)
    assert remarks(workbook) == [(4, "total_differs", 1)]


@pytest.mark.parametrize(
    "note", ["制表人：张三", "说明：本表数据截至 2025 年 3 月 31 日，不含已判决的欠费，" * 3, "第 1 页"]
)
def test_a_note_below_the_rows_is_no_data(note: str, project: Project) -> None:
    workbook = check(project, xlsx(row("101"), [note, *[""] * 9]))
    assert (workbook.rows, workbook.bad_rows) == (1, 0)


def test_a_row_without_a_fee_stays_a_mistake_whoever_owns_it(project: Project) -> None:
    workbook = check(project, xlsx(row("101", 收费项目="", 业主姓名="小计划公司"), row("102", 收费项目="")))
    assert (workbook.rows, workbook.bad_rows) == (2, 2)


def test_an_owner_who_differs_from_the_register_is_a_hint_with_the_unit_and_masked(project: Project) -> None:
    unit = create_unit(project=project, code="1-1-101")
    create_ownership(unit=unit, owners=[create_owner(project=project, name="王敏")])
    workbook = check(project, xlsx(row("101"), row("101", 收费项目="水费"), row("102")))
    assert remarks(workbook) == [(2, "owner_differs", 2)]
    (line,) = issue_lines(workbook, list(workbook.issues.all()))
    assert (line.value, line.more) == ("林**", 1)
    assert line.reason.startswith("1-1-101")
    assert workbook.bad_rows == 0


def test_formulas_without_a_value_in_amounts_already_settled_stop_the_row(project: Project) -> None:
    """Read as an empty cell, nothing would count as received, and 100 would be owed."""
    book = openpyxl.load_workbook(io.BytesIO(xlsx(row("101", 100, 2, 欠费金额=""), row("102"))))
    book.active["I2"] = "=1+1"
    content = io.BytesIO()
    book.save(content)
    workbook = check(project, content.getvalue())
    assert mistakes(workbook) == [(2, "I", "formula_without_value")]
    assert (workbook.due, workbook.good_rows, workbook.staged.count()) == (100, 1, 1)


# --- against the ledger ---------------------------------------------------------------------------------------------


def test_rows_that_are_posted_already_are_told_and_are_not_new(project: Project) -> None:
    post(project, xlsx(row("101")))
    workbook = check(project, xlsx(row("101"), row("102")))
    assert (workbook.good_rows, workbook.known_rows) == (2, 1)
    assert [(fee.due, fee.new) for fee in fee_lines(workbook)] == [(200, 100)]


def test_a_row_that_contradicts_the_ledger_is_an_error_and_in_none_of_the_sums(project: Project) -> None:
    post(project, xlsx(row("101", 80)))
    workbook = check(project, xlsx(row("101", 100), row("102", 50, 20)))
    assert mistakes(workbook) == [(2, "H", "conflict")]
    assert (workbook.due, workbook.paid, workbook.outstanding, workbook.known_rows) == (50, 20, 30, 0)
    assert [(fee.rows, fee.due, fee.new) for fee in fee_lines(workbook)] == [(1, 50, 50)]
    assert workbook.staged.count() == 1


def test_less_received_than_before_is_an_error(project: Project) -> None:
    post(project, xlsx(row("101", 100, 60)))
    workbook = check(project, xlsx(row("101", 100, 50)))
    assert mistakes(workbook) == [(2, "I", "received_less")]
    assert workbook.state == Import.State.CHECKED


def test_a_number_of_a_bill_names_one_charge_only(project: Project) -> None:
    header = [*HEADER, "单据号"]
    post(project, xlsx([*row("101"), "YS-1"], header=header))
    workbook = check(project, xlsx([*row("102"), "YS-1"], [*row("103"), "YS-2"], [*row("104"), "YS-2"], header=header))
    assert mistakes(workbook) == [(2, "K", "number_used"), (4, "E", "twice")]


def test_a_charge_that_stands_there_with_another_number_or_none_is_a_hint(project: Project) -> None:
    header = [*HEADER, "单据号"]
    post(project, xlsx(row("101"), row("102")))
    numbered = xlsx([*row("101", 80), "YS-1"], [*row("103"), "YS-3"], header=header)
    workbook = check(project, numbered)
    assert (workbook.bad_rows, remarks(workbook)) == (0, [(2, "charged_otherwise", 1)])
    assert "100.00" in issue_lines(workbook, list(workbook.issues.all()))[0].reason
    post(project, numbered)
    assert remarks(check(project, xlsx(row("102"), row("103")))) == [(3, "charged_otherwise", 1)]


# --- what the page shows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "shown"),
    [
        ({"due": 10**14}, "H", "100000000000000"),
        ({"due": "13812342617"}, "H", "138****2617"),
        ({"业主姓名": "张\t三\n李"}, "D", "张␉*␊*"),
        ({"收费项目": "13812342617"}, "E", "138****2617"),
        ({"计费开始": "20250230"}, "F", "20250230"),
        ({"计费开始": "13812342617"}, "F", "138****2617"),
    ],
)
def test_values_are_shown_as_far_as_needed(cells: dict[str, Any], column: str, shown: str, project: Project) -> None:
    workbook = checked_with(project, **cells)
    issues = list(workbook.issues.filter(column=column))
    assert [line.value for line in issue_lines(workbook, issues)] == [shown]


@pytest.mark.parametrize("column", ["收费项目", "计费开始", "楼栋", "应收金额"])
def test_a_phone_in_the_wrong_column_is_kept_and_told_in_no_place(column: str, project: Project) -> None:
    cells = {"due": "13812342617"} if column == "应收金额" else {column: "13812342617"}
    workbook = check(project, xlsx(row("201"), row(**cells)), create_units=False)
    told, kept = issue_lines(workbook, list(workbook.issues.all())), list(workbook.issues.values("value", "params"))
    assert len(kept) == 2 + (column != "楼栋")
    assert "13812342617" not in f"{told} {kept}"
