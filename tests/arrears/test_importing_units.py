"""Rooms that the register does not know by the spelling of a sheet: decided once, and remembered."""

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from arrears.importing.states import MoveError, State
from arrears.importing.steps import approve, check_import
from arrears.importing.unit_decisions import UnknownUnit, decide_units, unknown_units
from arrears.models import Charge, Import
from company.models import Project, Role, User
from owners.models import Unit, UnitAlias
from owners.unit_names import remember_unit_name, units_named
from tests.arrears.import_desk import act, page_of, read_again, signed_in, text_of
from tests.arrears.workbooks import check, create_estate, post, row, xlsx
from tests.factories import NOW, TODAY, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db
OLD_NUMBERS = xlsx(row("甲101"), row("101"), row("甲101", 收费项目="水费"), row("甲102"))


@pytest.fixture(autouse=True)
def _house(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_estate(code="FHC1")


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(name="邹敏", role=Role.FINANCE, project=project)


@pytest.fixture
def unit(project: Project) -> Unit:
    return create_unit(project=project, code="1-1-101")


@pytest.fixture
def workbook(project: Project, unit: Unit) -> Import:
    return check(project, OLD_NUMBERS, create_units=False)


@pytest.fixture
def client(finance: User) -> Client:
    return signed_in(finance)


def test_rooms_are_listed_once_with_their_rows(workbook: Import) -> None:
    assert unknown_units(workbook) == [UnknownUnit("1-1-甲-101", 2, 2, ""), UnknownUnit("1-1-甲-102", 1, 5, "")]


def test_a_slip_comes_with_the_unit_that_was_meant(project: Project, unit: Unit) -> None:
    slip = check(project, xlsx(row("1O1")), create_units=False)
    assert unknown_units(slip) == [UnknownUnit("1-1-1O1", 1, 2, "1-1-101")]


def test_what_is_decided_holds_for_this_file_and_the_next(client: Client, workbook: Import, unit: Unit) -> None:
    assert "1-1-甲-101" in text_of(client.get(page_of(workbook)))
    act(client, workbook, "units", {"unit_1-1-甲-101": "1栋1单元101室"})
    assert read_again(workbook).state == State.CONFIRMED
    check_import(workbook.pk, today=TODAY, now=NOW)
    assert (read_again(workbook).good_rows, read_again(workbook).bad_rows) == (2, 2)
    assert [room.written for room in unknown_units(workbook)] == ["1-1-甲-102"]

    later = post(unit.project, xlsx(row("甲101", 计费开始="2025-02-01", 计费结束="2025-02-28")), create_units=False)
    assert later.bad_rows == 0
    assert Charge.objects.get(period_start="2025-02-01").account.unit == unit


@pytest.mark.parametrize(
    ("decided", "said"),
    [({}, "请至少填写一处房号"), ({"unit_1-1-甲-101": "9-9-999"}, "档案里没有房屋 9-9-999")],
)
def test_a_decision_that_names_no_unit_changes_nothing(
    decided: dict[str, str], said: str, client: Client, workbook: Import
) -> None:
    response = act(client, workbook, "units", decided)
    assert said in text_of(response)
    assert read_again(workbook).state == State.CHECKED
    assert not UnitAlias.objects.exists()


def test_a_unit_of_another_project_is_none_of_this_one(client: Client, workbook: Import) -> None:
    create_unit(project=create_project(code="CLY"), code="9-9-901")
    assert "档案里没有房屋 9-9-901" in text_of(act(client, workbook, "units", {"unit_1-1-甲-101": "9-9-901"}))
    assert not UnitAlias.objects.exists()


def test_who_decides_after_the_posting_was_agreed_to_changes_nothing(workbook: Import, unit: Unit) -> None:
    by = create_user()
    approve(workbook, good_rows_only=True, by=by)
    with pytest.raises(MoveError):
        decide_units(workbook, {"1-1-甲-101": unit}, by=by)
    assert not UnitAlias.objects.exists()


def test_a_name_means_one_unit_the_last_that_was_said(project: Project, unit: Unit) -> None:
    other, by = create_unit(project=project, code="1-1-102"), create_user()
    remember_unit_name(unit, "户号 10023", by=by)
    remember_unit_name(other, "户号10023", by=by)
    assert units_named(project, {"户号10023", "1-1-101", "没有"}) == {"户号10023": other, "1-1-101": unit}
