from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from owners.unit_codes import (
    building_key,
    building_name,
    canonical_code,
    floor_of,
    normalise,
    parse_unit,
    sort_key,
    without_slips,
)

buildings = st.integers(1, 199)
entrances = st.integers(1, 9)
rooms = st.integers(101, 5699)
BUILDING_WORDS = ("栋", "幢", "座", "号楼", "#", "-", "号楼-", "／", " 栋 ")
ENTRANCE_WORDS = ("单元", "-", "－", "/", " 单元 ")
ROOM_WORDS = ("室", "号", "房", "", "号房", " ")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1栋2单元1001室", "1-2-1001"),
        ("１＃2－1001", "1-2-1001"),
        ("1-2-1001", "1-2-1001"),
        ("1号楼2单元1001号", "1-2-1001"),
        ("01栋 01单元 0101", "1-1-101"),
        ("三栋一单元502", "3-1-502"),
        ("十二幢二单元1203房", "12-2-1203"),
        ("A座1201", "A-1201"),
        ("a座1201", "A-1201"),
        ("商铺 A24", "商铺-A24"),
        ("商铺A24", "商铺-A24"),
        ("1栋3层301", "1-301"),
        ("一期3栋2单元501室", "1期3-2-501"),
        ("车位B1-023", "车位-B1-23"),
        ("地下室12", "地下室-12"),
        ("\ufeff1栋1单元\u200b101 ", "1-1-101"),
        ("百百栋", "百百栋"),
    ],
)
def test_spellings_of_one_unit(written: str, code: str) -> None:
    assert normalise(written) == code


@given(buildings, entrances, rooms)
def test_every_spelling_gives_the_same_code(building: int, entrance: int, room: int) -> None:
    spellings = {
        f"{building}{b}{entrance}{e}{room}{r}" for b, e, r in product(BUILDING_WORDS, ENTRANCE_WORDS, ROOM_WORDS)
    }
    assert {normalise(text) for text in spellings} == {f"{building}-{entrance}-{room}"}


@given(buildings, entrances, rooms)
def test_cells_and_one_piece_agree(building: int, entrance: int, room: int) -> None:
    code = f"{building}-{entrance}-{room}"
    assert canonical_code(f"{building}栋", f"{entrance}单元", f"{room}") == code
    assert canonical_code(f"{building}栋{entrance}单元", "", f"{room}室") == code
    assert canonical_code(f"{building}栋{entrance}单元", f"{entrance}单元", f"{room}室") == code
    assert canonical_code(f"{building}栋", f"{entrance}单元", code) == code
    assert canonical_code("", "", code) == code


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_a_code_parses_to_itself(building: str, entrance: str, room: str) -> None:
    name = parse_unit(f"{building}-{entrance}-{room}")
    assert name is None or parse_unit(name.code) == name


def test_parts_of_a_unit() -> None:
    flat = parse_unit("8栋2单元1203室")
    assert flat is not None
    assert (flat.building, flat.entrance, flat.room, flat.floor) == ("8", "2", "1203", 12)
    shop = parse_unit("商铺A24")
    assert shop is not None
    assert (shop.building, shop.entrance, shop.room, shop.floor) == ("商铺", "", "A24", None)
    joined = parse_unit("1-1-101-102")
    assert joined is not None
    assert (joined.entrance, joined.room) == ("1", "101-102")


@pytest.mark.parametrize("text", ["", "1001", "室", "  "])
def test_text_without_a_building_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


@pytest.mark.parametrize(
    ("room", "floor"), [("101", 1), ("1203", 12), ("101A", 1), ("A24", None), ("12", None), ("123456", None)]
)
def test_floor_of_a_room(room: str, floor: int | None) -> None:
    assert floor_of(room) == floor


def test_codes_sort_as_people_count() -> None:
    codes = ["商铺-A24", "10-1-101", "2-1-1001", "2-1-201", "商铺-A3", "2-10-101"]
    assert sorted(codes, key=sort_key) == ["2-1-201", "2-1-1001", "2-10-101", "10-1-101", "商铺-A3", "商铺-A24"]


def test_buildings_have_one_key_and_keep_their_name() -> None:
    assert building_key("8栋") == building_key("８幢") == building_key("08号楼") == "8"
    assert building_name("8", "8幢") == "8幢"
    assert building_name("8", "8栋2单元") == "8栋"
    assert building_name("8") == "8栋"
    assert building_name("商铺", "商铺") == "商铺"


def test_letters_typed_for_digits() -> None:
    assert without_slips("8-2-12O3") == "8-2-1203"
