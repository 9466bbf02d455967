"""One box finds units by code, alias, name, initials and phone; what it shows is masked."""

import datetime as dt

import pytest
from django.db import connection

from owners.models import Owner, SignsOfName, UnitAlias
from owners.ownerships import create_owner, sell_unit
from owners.search import is_whole_number, search
from owners.unit_codes import normalise
from tests.factories import create_ownership, create_phone, create_project, create_unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    project = create_project()
    for code, names in {
        "1-2-1001": ["张三"], "1-2-1002": ["李小博", "王敏"], "11-2-1001": ["赵思"], "8-1-101": ["晨光餐饮有限公司"],
    }.items():  # fmt: skip
        unit = create_unit(project=project, code=code)
        create_ownership(unit=unit, owners=[create_owner(project=project, name=name) for name in names])
    return project


def codes(project, text: str) -> list[str]:
    return [hit.unit.code for hit in search(project, text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1-2-1001", ["1-2-1001"]),
        ("1栋2单元1001室", ["1-2-1001"]),
        ("1－2－10", ["1-2-1001", "1-2-1002"]),
        ("1002", ["1-2-1002"]),
        ("张三", ["1-2-1001"]),
        ("小博", ["1-2-1002"]),
        ("zs", ["1-2-1001", "11-2-1001"]),
        ("ZS", ["1-2-1001", "11-2-1001"]),
        ("wm", ["1-2-1002"]),
        ("餐饮", ["8-1-101"]),
        ("不存在", []),
        ("   ", []),
        ("%", []),
    ],
)
def test_what_is_found(project, text: str, found: list[str]) -> None:
    assert codes(project, text) == found


def test_by_alias(project) -> None:
    unit = project.units.get(code="8-1-101")
    UnitAlias.objects.create(project=project, unit=unit, alias=normalise("A0018"))
    assert codes(project, "a0018") == ["8-1-101"]


@pytest.mark.parametrize("text", ["2617", "13812342617", "138 1234 2617"])
def test_by_phone(project, text: str) -> None:
    owner = project.owners.get(name="王敏")
    create_phone(owner=owner, number="13812342617")
    create_phone(owner=project.owners.get(name="张三"), number="13812342617", ended_at=dt.datetime.now(dt.UTC))
    assert codes(project, text) == ["1-2-1002"]
    assert search(project, "2617")[0].last4 == "2617"


def test_names_are_masked(project) -> None:
    assert search(project, "李小博")[0].party == "李*博、王*"


def test_a_former_owner_is_found_and_named_as_such(project) -> None:
    unit = project.units.get(code="1-2-1001")
    sell_unit(unit, [create_owner(project=project, name="孙立")], sold_on=dt.date(2025, 1, 1), by=None)
    (hit, other) = search(project, "zs")
    assert (other.unit.code, other.party, other.former_owner) == ("1-2-1001", "孙*", "张*")
    assert hit.former_owner == ""


def test_other_projects_are_not_searched(project) -> None:
    assert codes(create_project(), "张三") == []
    assert codes(create_project(), "1-2-1001") == []


@pytest.mark.parametrize("size", [3, 30])
def test_a_search_costs_a_fixed_number_of_queries(size: int, django_assert_max_num_queries) -> None:
    project = create_project()
    for n in range(size):
        unit = create_unit(project=project, code=f"5-1-{100 + n}")
        create_ownership(unit=unit, owners=[create_owner(project=project, name="郑爽")])
    with django_assert_max_num_queries(6):
        assert len(search(project, "zs", limit=50)) == size


def test_a_part_of_a_name_is_found_over_its_index() -> None:
    """The expression of the query is the one of the index; else the planner would read all names of all projects."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    holding = Owner.objects.alias(signs=SignsOfName()).filter(signs__contains=SignsOfName.wanted(1, "小博"))
    assert "owner_name_signs" in holding.explain()


def test_a_part_of_a_name_is_found_in_its_order_only(project) -> None:
    assert codes(project, "小博") == ["1-2-1002"]
    assert codes(project, "博小") == []


def test_what_looks_like_a_whole_number() -> None:
    whole = ["13812342617", "+86 138-1234-2617", "330206198001011234", "33020619800101123X"]
    assert [is_whole_number(text) for text in whole] == [True] * 4
    assert not any(is_whole_number(text) for text in ("2617", "1-2-1001", "张三", "zs", "12-3-2401"))
