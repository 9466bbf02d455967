"""The rows of lists of owners: columns under many names, each mistake at its place, cells as people write them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from arrears.importing.layout import Layout
from company.models import Project
from owners.models import Owner, Ownership, Phone, Unit
from tests.arrears.test_importing_owners import (
    GOOD_ID,
    HEADER,
    MOBILE,
    OTHER_ID,
    OTHER_MOBILE,
    checked,
    fields_of,
    line,
    posted,
    register,
    sheet,
)
from tests.arrears.workbooks import create_estate, mistakes, ods, post, read, remarks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["楼栋", "单元", "户号", "产权人", "移动电话", "证件号码"],
         ["building", "entrance", "unit", "owner", "phones", "id_numbers"]),
        (["幢", "门牌号", "客户名称", "联系方式", "统一社会信用代码", "物业类型"],
         ["building", "room", "owner", "phones", "id_numbers", "usage"]),
        (["资源编码", "住户", "手机", "固定电话", "是否空置", "租户", "租户电话"],
         ["unit", "owner", "phones", "more_phones", "vacant", "occupant", "occupant_phone"]),
        (["房屋编号", "业主", "共有人", "紧急联系人", "紧急联系电话", "与业主关系", "现场地址", "通讯地址"],
         ["unit", "owner", "co_owners", "emergency", "emergency_phone", "relation", "on_site", "second_address"]),
        (["楼阁", "房号", "业主姓名", "身份证号（必填）", "电话号码"],
         ["building", "room", "owner", "id_numbers", "phones"]),
    ],
)  # fmt: skip
def test_columns_under_many_names(header: list[str], fields: list[str], project: Project) -> None:
    workbook = read(project, sheet([""] * len(header), header=header), kind="owners")
    assert list(fields_of(workbook).values()) == fields


def test_phones_and_id_numbers_are_known_by_their_look(project: Project) -> None:
    header = ["楼号", "房号", "业主姓名", "甲", "乙"]
    workbook = read(project, sheet(*(["1栋", n, "张三", MOBILE, GOOD_ID] for n in range(101, 111)), header=header),
                    kind="owners")  # fmt: skip
    assert fields_of(workbook) == {
        "楼号": "building",
        "房号": "room",
        "业主姓名": "owner",
        "甲": "phones",
        "乙": "id_numbers",
    }


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ({"联系电话": "1392741428"}, ("F", "not_a_phone")),
        ({"联系电话": f"{MOBILE}；联系不上"}, ("F", "not_a_phone")),
        ({"联系电话": "1.39E+10"}, ("F", "not_a_phone")),
        ({"联系电话": "138****2617"}, ("F", "masked_value")),
        ({"身份证号": "4401141950"}, ("E", "not_an_id_number")),
        ({"身份证号": 440114195041776440.0}, ("E", "number_lost_digits")),
        ({"紧急联系人": "黄娜（朋友）1384717"}, ("G", "not_a_phone")),
        ({"建筑面积": "一百平"}, ("C", "not_an_area")),
        ({"建筑面积": -3}, ("C", "not_an_area")),
        ({"房号": ""}, ("B", "no_room")),
        ({"业主姓名": "张\x07三"}, ("D", "control_characters")),
        ({"业主姓名": "", "联系电话": MOBILE}, ("F", "contact_of_nobody")),
        ({"业主姓名": "张*"}, ("D", "masked_value")),
        ({"第二通信地址": "江" * 301}, ("H", "too_long")),
    ],
)
def test_each_mistake_at_its_place_and_no_other_row_is_blamed(
    cells: dict[str, Any], place: tuple[str, str], project: Project
) -> None:
    workbook = checked(project, line("100", "李四", 联系电话=OTHER_MOBILE), line(**cells), line("102", "王五"))
    assert mistakes(workbook) == [(3, *place)]
    assert not Owner.objects.exists()
    if "****" in str(workbook.issues.get().value) or place[1] == "not_a_phone":
        assert MOBILE not in str(workbook.issues.values())


def test_the_same_owner_of_a_unit_twice_is_the_second_rows_mistake(project: Project) -> None:
    workbook = checked(project, line("101", "张三"), line("101", "张三"))
    assert mistakes(workbook) == [(3, "D", "twice")]


def test_an_unknown_unit_is_a_mistake_unless_units_are_made(project: Project) -> None:
    assert mistakes(checked(project, line(), create_units=False)) == [(2, "B", "unknown_unit")]


def test_good_rows_alone(project: Project) -> None:
    workbook = posted(project, line("101", 联系电话="123"), line("102", "李四"), good_rows_only=True)
    assert (workbook.posted_rows, workbook.bad_rows) == (1, 1)
    assert register() == {"1-1-102": {"李四": []}}


def test_what_is_only_doubtful_is_remarked_and_imported(project: Project) -> None:
    header = [*HEADER, "物业类型"]
    workbook = posted(
        project,
        [*line("101", "张三（已故）", 身份证号=GOOD_ID[:-1] + "1"), "某某"],
        [*line("102", "李四", 身份证号=f"{GOOD_ID}；{OTHER_ID}"), "商铺"],
        header=header,
    )
    assert sorted(code for _row, code, _count in remarks(workbook)) == [
        "check_digit", "more_id_numbers", "note_on_name", "unknown_usage",
    ]  # fmt: skip
    assert set(register()) == {"1-1-101", "1-1-102"}
    assert Owner.objects.get(name="张三").id_number == GOOD_ID[:-1] + "1"
    assert list(Unit.objects.order_by("code").values_list("usage", flat=True)) == ["residential", "commercial"]


def test_co_owners_in_rows_of_their_own_below_merged_cells(project: Project) -> None:
    workbook = posted(
        project,
        ["1栋1单元", "101", 89.5, "张三", "", MOBILE, "", ""],
        ["", "", "", "李四", "", OTHER_MOBILE, "", ""],
        ["", "", "", "", "", "020-84702777", "", ""],
        ["", "102", 90, "王五", "", "", "", ""],
        ["", "", "", "合计：3 人", "", "", "", ""],
        ["", "", 90, "赵六", "", "", "", ""],
        good_rows_only=True,
    )
    assert register() == {"1-1-101": {"张三": [MOBILE], "李四": [OTHER_MOBILE, "02084702777"]}, "1-1-102": {"王五": []}}
    assert mistakes(workbook) == [(7, "B", "no_room")], "a row with an area of its own is no co-owner"
    assert [(at, code) for at, code, _count in remarks(workbook)] == [
        (3, "owner_below"), (4, "contact_below"), (5, "building_above"),
    ]  # fmt: skip
    assert workbook.skipped_total_rows == 1
    assert Ownership.objects.get(unit__code="1-1-101").party_name == "张三、李四"


def test_a_room_alone_under_a_units_header_and_a_total_that_looks_like_a_room(project: Project) -> None:
    header = ["序号", "楼阁", "资源编码", "产权人"]
    workbook = posted(
        project,
        [1, "21栋1单元", "101", "张三"],
        ["", "", "", "李四"],
        [2, "", "102", "王五"],
        ["合计", "", "2户", ""],
        header=header,
    )
    assert register() == {"21-1-101": {"张三": [], "李四": []}, "21-1-102": {"王五": []}}
    assert (workbook.rows, workbook.skipped_total_rows) == (3, 1)


def test_samples_of_columns_are_shown_masked(project: Project) -> None:
    cells = {
        "身份证号": "1101 0519 4912 3100 2X",
        "联系电话": "张三：１３９２７４１４２８５",
        "第二通信地址": "天河路一号院",
    }
    workbook = read(project, sheet(line("101", "张三（已故）", **cells)), kind="owners")
    shown = str([column.samples for column in Layout.from_json(workbook.layout).sheets[0].columns])
    for secret in ("1101 0519", "张三", "4912", "一号院", "13927414285", "１３９２７４１４２８５"):
        assert secret not in shown


def test_numbers_go_to_whom_they_are_said_to_belong(project: Project) -> None:
    posted(
        project,
        line("101", "张三、李四", 联系电话=f"李四：{MOBILE}；{OTHER_MOBILE}", 身份证号=f"李四：{OTHER_ID}"),
        line("102", "王五、赵六", 联系电话="13911110001；13911110002"),
        line("103", "钱七", 联系电话="妻子：13911110003；单位：020-84702777转801"),
    )
    assert register() == {
        "1-1-101": {"张三": [], "李四": [MOBILE, OTHER_MOBILE]},
        "1-1-102": {"王五": ["13911110001"], "赵六": ["13911110002"]},
        "1-1-103": {"钱七": ["13911110003", "02084702777"]},
    }
    assert Owner.objects.get(name="李四").id_number == OTHER_ID
    assert list(Phone.objects.filter(owner__name="钱七").values_list("label", flat=True)) == ["妻子", "单位 转801"]


@pytest.mark.parametrize(
    "cell", [13927414285, 1.3927414285e10, "1.3927414285E+10", "１３９２７４１４２８５", "139 2741 4285"]
)
def test_phones_as_numbers_and_in_full_width(cell: Any, project: Project) -> None:
    posted(project, line(联系电话=cell))
    assert register()["1-1-101"]["张三"] == [MOBILE]


def test_an_organisation_with_its_credit_code(project: Project) -> None:
    workbook = posted(project, line("101", "周氏餐饮有限公司", 身份证号="91350100M000100Y43"))
    owner = Owner.objects.get()
    assert (owner.kind, owner.id_number, remarks(workbook)) == ("organisation", "91350100M000100Y43", [])


def gb18030(*rows: list[Any], header: list[Any]) -> bytes:
    return "\r\n".join(",".join(map(str, line)) for line in (header, *rows)).encode("gb18030")


@pytest.mark.parametrize(("write", "name"), [(ods, "a.ods"), (gb18030, "a.csv")])
def test_other_kinds_of_files(write: Callable[..., bytes], name: str, project: Project) -> None:
    cells = ["1栋1单元", "101", 89.5, "张三", GOOD_ID.lower(), f"{MOBILE}；{OTHER_MOBILE}", "", ""]
    post(project, write(cells, header=HEADER), kind="owners", name=name)
    assert register() == {"1-1-101": {"张三": [MOBILE, OTHER_MOBILE]}}
    assert Owner.objects.get().id_number == GOOD_ID
