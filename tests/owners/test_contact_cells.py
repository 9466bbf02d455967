"""Cells with several names, numbers and contacts, as people write them."""

import pytest

from owners.contact_cells import (
    UnreadableContactError,
    WrittenContact,
    read_contacts,
    read_id_numbers,
    read_names,
    read_phones,
    read_usage,
    read_vacancy,
    written_phone,
)
from owners.id_numbers import check_digit_holds
from owners.models import Unit


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("林秀国 欧阳浩赟", [("林秀国", ""), ("欧阳浩赟", "")]),
        ("孙赟、赵翀", [("孙赟", ""), ("赵翀", "")]),
        ("张三（已故）", [("张三", "已故")]),
        ("张三(已故)、李四", [("张三", "已故"), ("李四", "")]),
        ("国药（集团）有限公司", [("国药（集团）有限公司", "")]),
        ("买买提·吐尔逊", [("买买提·吐尔逊", "")]),
        ("周氏餐饮有限公司 李四", [("周氏餐饮有限公司", ""), ("李四", "")]),
        ("王芳、王芳", [("王芳", "")]),
        ("/", []),
        ("无", []),
        ("", []),
    ],
)
def test_names(cell: str, names: list[tuple[str, str]]) -> None:
    assert [tuple(name) for name in read_names(cell)] == names


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("13927414285；18607071338", [("", "13927414285", ""), ("", "18607071338", "")]),
        ("孙赟：15056735389", [("孙赟", "15056735389", "")]),
        ("孙赟：15056735389；020-84702777", [("孙赟", "15056735389", ""), ("孙赟", "02084702777", "")]),
        ("程刚：13824172327；欧阳：13860656145", [("程刚", "13824172327", ""), ("欧阳", "13860656145", "")]),
        ("孙赟 15056735389 赵翀 13912345678", [("孙赟", "15056735389", ""), ("赵翀", "13912345678", "")]),
        ("孙赟15056735389", [("孙赟", "15056735389", "")]),
        ("13927414285（妻）", [("", "13927414285", "妻")]),
        ("孙赟（单位）：020-84702777转801", [("孙赟", "02084702777", "单位 转801")]),
        ("备用2：13927414285", [("备用2", "13927414285", "")]),
        ("020-84702777-801", [("", "02084702777", "转801")]),
        ("(0755)26001234", [("", "075526001234", "")]),
        ("+86 139 2741 4285", [("", "13927414285", "")]),
        ("+86-20-84702777", [("", "02084702777", "")]),
        ("+852 2345 6789", [("", "85223456789", "")]),
        ("１３９２７４１４２８５", [("", "13927414285", "")]),
        ("1.3927414285E+10", [("", "13927414285", "")]),
        ("13927414285 18607071338", [("", "13927414285", ""), ("", "18607071338", "")]),
        ("13927414285/18607071338", [("", "13927414285", ""), ("", "18607071338", "")]),
        ("13927414285、无", [("", "13927414285", "")]),
        ("84702777", [("", "84702777", "")]),
        ("400-830-8888", [("", "4008308888", "")]),
        ("13927414285；13927414285", [("", "13927414285", "")]),
        ("/", []),
        ("无", []),
        ("-", []),
    ],
)
def test_phones(cell: str, phones: list[tuple[str, str, str]]) -> None:
    assert [tuple(phone) for phone in read_phones(cell)] == phones


@pytest.mark.parametrize(
    "cell",
    [
        "1392741428",
        "139274142855",
        "12345678901",
        "1.39E+10",
        "联系不上",
        "13927414285；12345",
        "020-847",
        "13O27414285",
    ],
)
def test_what_is_no_phone_is_said_to_be_none(cell: str) -> None:
    with pytest.raises(UnreadableContactError):
        read_phones(cell)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("440114195041776440", [("", "440114195041776440")]),
        ("4401 1419 5041 7764 4x", [("", "44011419504177644X")]),
        ("４４０１１４１９５０４１７７６４４Ｘ", [("", "44011419504177644X")]),
        ("44011419504177644X；440167820181272", [("", "44011419504177644X"), ("", "440167820181272")]),
        ("44011419504177644X 440167820181272", [("", "44011419504177644X"), ("", "440167820181272")]),
        (
            "张三：44011419504177644X；李四：440167820181272",
            [("张三", "44011419504177644X"), ("李四", "440167820181272")],
        ),
        ("91440101MA59ABCD12", [("", "91440101MA59ABCD12")]),
        ("E12345678", [("", "E12345678")]),
        ("/", []),
    ],
)
def test_id_numbers(cell: str, numbers: list[tuple[str, str]]) -> None:
    assert [(number.of, number.number) for number in read_id_numbers(cell)] == numbers


@pytest.mark.parametrize("cell", ["4401141950417764", "遗失", "44011419504177644Z"])
def test_what_is_no_id_number_is_said_to_be_none(cell: str) -> None:
    with pytest.raises(UnreadableContactError):
        read_id_numbers(cell)


@pytest.mark.parametrize(
    ("number", "holds"),
    [
        ("11010519491231002X", True),
        ("110105194912310021", False),
        ("91350100M000100Y43", True),
        ("91350100M000100Y44", False),
        ("440167820181272", True),
    ],
)
def test_check_digits(number: str, holds: bool) -> None:
    assert check_digit_holds(number) is holds


@pytest.mark.parametrize(
    ("cell", "contacts"),
    [
        ("黄娜（朋友）13847173733", [("黄娜", "朋友", "13847173733")]),
        ("黄娜 朋友 13847173733", [("黄娜", "朋友", "13847173733")]),
        ("黄娜：13847173733", [("黄娜", "", "13847173733")]),
        ("13847173733 黄娜", [("黄娜", "", "13847173733")]),
        ("黄娜", [("黄娜", "", "")]),
        ("13847173733", [("紧急联系人", "", "13847173733")]),
        ("黄娜（朋友）13847173733；王敏（母亲）13912345678", [
            ("黄娜", "朋友", "13847173733"), ("王敏", "母亲", "13912345678")]),
        ("/", []),
    ],
)  # fmt: skip
def test_contacts(cell: str, contacts: list[tuple[str, str, str]]) -> None:
    assert read_contacts(cell) == [WrittenContact(*contact) for contact in contacts]


def test_vacancy_and_usage() -> None:
    assert [read_vacancy(word) for word in ("是", "空置", "未入住", "否", "已入住", "")] == [True] * 3 + [False] * 2 + [
        None
    ]
    with pytest.raises(UnreadableContactError):
        read_vacancy("大概")
    words = ("住宅", "商品房", "商铺", "地下车位", "储藏间", "某某")
    assert [read_usage(word) for word in words] == [
        Unit.Usage.RESIDENTIAL, Unit.Usage.RESIDENTIAL, Unit.Usage.COMMERCIAL, Unit.Usage.PARKING, Unit.Usage.OTHER,
        None,
    ]  # fmt: skip


def test_a_stored_number_is_written_so_that_it_is_read_again() -> None:
    for digits in ("13927414285", "02084702777", "85223456789"):
        assert [phone.number for phone in read_phones(written_phone(digits))] == [digits]
