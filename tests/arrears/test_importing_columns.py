"""Finding headers and columns: what is guessed, how sure, on what evidence, and what a person's choice does to it."""

import datetime as dt
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.importing.layout import Layout, SheetLayout
from arrears.importing.reading import Refusal
from arrears.importing.steps import back_to_columns, check_import, confirm_columns
from arrears.models import ColumnMapping, Import
from company.models import Project
from tests.arrears.workbooks import HEADER, LONG, check, confirm, create_estate, read, remarks, row, sample, xlsx
from tests.factories import NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def sheets(workbook: Import) -> list[SheetLayout]:
    return Layout.from_json(workbook.layout).sheets


def fields(workbook: Import) -> dict[str, str]:
    return {column.header: column.field for column in sheets(workbook)[0].columns}


def test_the_long_sample_is_recognised_whole(project: Project) -> None:
    workbook = read(project, sample(LONG), name=LONG)
    (sheet,) = sheets(workbook)
    assert fields(workbook) == {
        "序号": "", "项目": "estate", "楼栋": "building", "单元": "entrance", "房号": "room", "业主姓名": "owner",
        "联系电话": "phone", "收费项目": "fee", "计费开始": "period_start", "计费结束": "period_end",
        "应收金额": "due", "已收金额": "received", "欠费金额": "outstanding", "备注": "",
    }  # fmt: skip
    assert not [column for column in sheet.columns if column.is_doubtful]
    assert (sheet.rows, sheet.first_row, sheet.last_row) == (2616, 2, 2617)
    assert (sheet.total_rows, sheet.blank_rows, sheet.other_rows) == ([2618], 0, 0)


def test_a_header_below_title_rows_is_found_and_the_rows_keep_their_numbers(project: Project) -> None:
    above = [["凤凰城一期应收明细"], ["截至2025年10月31日"], []]
    workbook = check(project, xlsx(row("101"), row("102", "壹佰元"), above=above))
    (sheet,) = sheets(workbook)
    assert sheet.header_rows == (4, 4)
    assert [issue.row for issue in workbook.issues.all()] == [6]


def test_a_header_in_two_rows_is_one(project: Project) -> None:
    header = [*HEADER[:7], "金额", "", ""]
    below = ["", "", "", "", "", "", "", "应收金额", "已收金额", "欠费金额"]
    workbook = read(project, xlsx(below, row("101"), row("102"), header=header))
    (sheet,) = sheets(workbook)
    assert sheet.header_rows == (1, 2)
    assert fields(workbook)["金额 / 已收金额"] == "received"
    assert sheet.rows == 2


def test_total_rows_blank_rows_repeated_headers_and_remarks_are_told_apart(project: Project) -> None:
    total = ["小计", *[""] * 6, 200, 0, 200]
    end = ["合计", *[""] * 6, 300, 0, 300]
    remark = ["制表人：邹敏"]
    workbook = read(project, xlsx(row("101"), row("102"), total, [], HEADER, row("103"), end, remark))
    (sheet,) = sheets(workbook)
    assert (sheet.rows, sheet.total_rows, sheet.blank_rows, sheet.other_rows) == (3, [4, 8], 1, 2)


def test_words_that_values_contradict_are_put_to_a_person(project: Project) -> None:
    rows = [row(str(room), due="待定", received="待定", 欠费金额=50) for room in range(101, 105)]
    columns = {column.header: column for column in sheets(read(project, xlsx(*rows)))[0].columns}
    assert columns["应收金额"].is_doubtful
    assert (columns["应收金额"].evidence, columns["应收金额"].params) == ("values_differ", {"fitting": 0})
    assert not columns["欠费金额"].is_doubtful


def test_a_column_without_a_known_word_is_guessed_by_its_values(project: Project) -> None:
    header = [*HEADER[:3], "甲", *HEADER[4:]]
    rows = [row(str(room), 业主姓名="13812342617") for room in range(101, 105)]
    columns = sheets(read(project, xlsx(*rows, header=header)))[0].columns
    assert (columns[3].field, columns[3].evidence, columns[3].is_doubtful) == ("phone", "looks_like_phone", True)
    assert columns[3].samples == ["138****2617"] * 3, "and what it shows is masked by then"


def test_a_field_goes_to_one_column_only(project: Project) -> None:
    workbook = read(project, xlsx([*row("101"), 7], [*row("102"), 8], header=[*HEADER, "应收款"]))
    last = sheets(workbook)[0].columns[-1]
    assert (last.field, last.evidence, last.params) == ("", "taken", {"column": "H"})


def test_names_are_masked_in_the_samples(project: Project) -> None:
    workbook = read(project, xlsx(row("101", 业主姓名="李小博、王敏")))
    assert "李*博、王*" in str(workbook.layout)
    assert "李小博" not in str(workbook.layout)


# --- sheets ---------------------------------------------------------------------------------------------------------


def test_a_summary_beside_whole_sheets_is_proposed_to_be_left_out(project: Project) -> None:
    summary = [["楼栋", "房号", "应收金额"], ["1栋", "101", 100]]
    workbook = check(project, xlsx(row("101"), 汇总=summary, 说明=[["请核对"]]))
    layout = Layout.from_json(workbook.layout)
    assert [(sheet.name, sheet.is_used) for sheet in layout.sheets] == [("应收", True), ("汇总", False)]
    assert layout.left_out == ["说明"]


def test_a_sheet_can_be_left_out_by_hand(project: Project) -> None:
    workbook = read(project, xlsx(row("101"), 商铺=[HEADER, row("102"), row("103")]))
    assert workbook.rows == 3
    moved = confirm_columns(workbook, {}, create_units=True, left_out={1}, by=workbook.created_by, now=NOW)
    assert moved.rows == 1
    check_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.rows) == (Import.State.CHECKED, 1)


# --- the choice of a person -----------------------------------------------------------------------------------------


def test_a_choice_replaces_the_guess_and_is_remembered_for_the_next_file(project: Project) -> None:
    first = read(project, xlsx(row("101", 100, 30)))
    confirm(first, I="")
    check_import(first.pk, today=TODAY, now=NOW)
    first.refresh_from_db()
    assert first.paid == 30, "by the arrears, where nothing says what was received"
    second = read(project, xlsx(row("102", 100, 30)))
    column = sheets(second)[0].columns[8]
    assert (column.field, column.evidence) == ("", "remembered")
    assert ColumnMapping.objects.get().confirmed_by == first.created_by


def test_another_project_does_not_share_what_is_remembered(project: Project) -> None:
    confirm(read(project, xlsx(row("101"))), I="")
    other = read(create_estate(), xlsx(row("101")))
    assert sheets(other)[0].columns[8].field == "received"


@pytest.mark.parametrize(
    ("chosen", "code", "field"),
    [
        ({"E": ""}, "columns_missing", "fee"),
        ({"C": ""}, "columns_missing", "room"),
        ({"G": ""}, "columns_missing", "period"),
        ({"H": "", "J": ""}, "columns_missing", "due"),
        ({"I": "due"}, "column_twice", "due"),
    ],
)
def test_a_choice_that_lacks_something_is_refused(
    chosen: dict[str, str], code: str, field: str, project: Project
) -> None:
    workbook = read(project, xlsx(row()))
    with pytest.raises(Refusal) as refused:
        confirm(workbook, **chosen)
    assert (refused.value.code, refused.value.params["fields"]) == (code, [field])
    workbook.refresh_from_db()
    assert workbook.state == Import.State.COLUMNS
    assert not ColumnMapping.objects.exists()


def test_back_to_the_columns_forgets_what_was_staged(project: Project) -> None:
    workbook = check(project, xlsx(row("101")))
    assert workbook.staged.exists()
    back_to_columns(workbook)
    assert not workbook.staged.exists()
    assert not workbook.staged_units.exists()
    workbook.refresh_from_db()
    confirm(workbook, D="")
    check_import(workbook.pk, today=TODAY + dt.timedelta(days=1), now=NOW)
    assert workbook.staged.count() == 1


def test_another_estate_is_remarked_once_for_all_its_rows(project: Project) -> None:
    rows = [[*row(str(room)), "翠澜苑"] for room in range(101, 104)]
    workbook = check(project, xlsx(*rows, header=[*HEADER, "小区"]))
    assert remarks(workbook) == [(2, "another_estate", 3)]
    assert workbook.bad_rows == 0


def test_another_estate_is_remarked_where_it_is_why_no_room_is_known(project: Project) -> None:
    rows = [[*row(str(room)), "翠澜苑"] for room in range(101, 104)]
    workbook = check(project, xlsx(*rows, header=[*HEADER, "小区"]), create_units=False)
    assert (workbook.bad_rows, remarks(workbook)) == (3, [(2, "another_estate", 3)])
