"""A posted list of owners is taken back as a whole, or refused with the names of what depends on it."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.importing.steps import post_import
from arrears.importing.undoing import DependedOnError, undo_import
from arrears.models import Account, Import, RegisterChange
from collection.models import ContactAttempt
from company.models import AuditEvent, Project, User
from owners.contact_points import add_emergency_contact, add_phone, end_phone, mark_phone
from owners.models import (
    Address,
    Building,
    Email,
    EmergencyContact,
    Occupant,
    Owner,
    Ownership,
    OwnershipMember,
    Phone,
    Unit,
    UnitAlias,
)
from owners.ownerships import sell_unit, set_members
from tests.arrears.test_importing_owners import GOOD_ID, MOBILE, OTHER_MOBILE, SAMPLE, line, posted, register
from tests.arrears.workbooks import agree, check, create_estate, post, row, sample, xlsx
from tests.factories import NOW, create_case, create_contact, create_owner, create_user

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)
REGISTER = (Building, Unit, Ownership, OwnershipMember, Owner, Phone, Email, Address, EmergencyContact, Occupant)


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def undo(workbook: Import) -> Import:
    return undo_import(workbook, by=workbook.created_by, now=LATER)


def counts() -> list[int]:
    return [model._default_manager.count() for model in REGISTER]


def test_the_sample_leaves_nothing_and_can_be_imported_again(project: Project) -> None:
    workbook = post(project, sample(SAMPLE), name=SAMPLE, kind="owners")
    assert undo(workbook).state == "undone"
    assert counts() == [0] * len(REGISTER)
    event = AuditEvent.objects.get(action="arrears.import_undone")
    assert event.detail["removed"]["owner"] == 247
    assert event.detail["removed"]["phone"] == 269
    assert RegisterChange.objects.filter(workbook=workbook).exists(), "the trace of what it did stays"
    assert post(project, sample(SAMPLE), name=SAMPLE, kind="owners").posted_rows == 216


def test_what_was_there_before_is_as_before(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="张三"), row("102", 业主姓名=""), row("103", 业主姓名="张三")))
    unit = Unit.objects.get(code="1-1-101")
    owner = Ownership.objects.get(unit=unit).owners.get()
    phone = add_phone(owner, OTHER_MOBILE, by=None)
    add_phone(Ownership.objects.get(unit__code="1-1-103").owners.get(), "13911110009", by=None)
    posted_before, before = register(), counts()
    workbook = posted(
        project,
        line("101", "张三", 身份证号=GOOD_ID, 联系电话=f"{OTHER_MOBILE}；{MOBILE}", 第二通信地址="天河路1号"),
        line("102", "李四", 联系电话=MOBILE),
        line("103", "张三", 身份证号=GOOD_ID),
    )
    assert register()["1-1-103"] == register()["1-1-101"]
    undo(workbook)
    assert (register(), counts()) == (posted_before, before)
    owner.refresh_from_db()
    phone.refresh_from_db()
    unit.refresh_from_db()
    assert (owner.id_number, owner.id_number_hash, phone.confirmed_on, phone.is_primary) == ("", "", None, True)
    assert (unit.area, Ownership.objects.get(unit__code="1-1-102").party_name) == (None, "")


def test_an_address_that_was_replaced_holds_again(project: Project) -> None:
    posted(project, line("101", 第二通信地址="天河路1号"))
    undo(posted(project, line("101", 第二通信地址="天河路9号")))
    assert [(address.text, address.ended_at) for address in Address.objects.all()] == [("天河路1号", None)]


def test_of_two_lists_the_later_one_goes_first(project: Project) -> None:
    first = posted(project, line("101", "张三", 建筑面积=80))
    second = posted(project, line("101", "张三", 建筑面积=90))
    with pytest.raises(DependedOnError):
        undo(first)
    undo(second)
    assert Unit.objects.get().area == Decimal("80.00")
    undo(first)
    assert counts() == [0] * len(REGISTER)


def test_a_second_import_that_added_nothing_is_in_nobodys_way(project: Project) -> None:
    first = posted(project, line("101", "张三", 联系电话=MOBILE))
    posted(project, line("101", "张三", 联系电话=MOBILE))
    undo(first)
    assert counts() == [0] * len(REGISTER)


def _sell(_workbook: Import, by: User) -> None:
    unit = Unit.objects.get()
    sell_unit(unit, [create_owner(project=unit.project, name="赵六")], sold_on=dt.date(2025, 11, 1), by=by)


def _change_members(_workbook: Import, by: User) -> None:
    ownership = Ownership.objects.get()
    set_members(ownership, [create_owner(project=ownership.project, name="赵六")], by=by)


def _charge(workbook: Import, _by: User) -> None:
    charges = check(workbook.project, xlsx(row("101", 业主姓名="张三")))
    agree(charges)
    post_import(charges.pk, now=LATER)


DEPENDING: dict[str, Callable[[Import, User], object]] = {
    "sale": _sell,
    "members": _change_members,
    "charge": _charge,
    "phone marked": lambda _w, by: mark_phone(Phone.objects.get(), by=by, said_at=LATER, do_not_contact=True),
    "phone ended": lambda _w, by: end_phone(Phone.objects.get(), by=by, now=LATER),
    "phone added": lambda _w, by: add_phone(Owner.objects.get(), OTHER_MOBILE, by=by),
    "emergency added": lambda _w, by: add_emergency_contact(Owner.objects.get(), name="黄娜", by=by),
    "alias": lambda w, _by: UnitAlias.objects.create(project=w.project, unit=Unit.objects.get(), alias="A1"),
}


@pytest.mark.parametrize("what", DEPENDING)
def test_refused_while_something_depends_on_it(what: str, project: Project) -> None:
    workbook = posted(project, line("101", "张三", 联系电话=MOBILE))
    DEPENDING[what](workbook, create_user())
    before = counts()
    with pytest.raises(DependedOnError) as refused:
        undo(workbook)
    assert refused.value.names
    assert counts() == before
    assert Import.objects.get(pk=workbook.pk).state == "posted"


def test_refused_while_a_call_to_one_of_its_numbers_is_recorded(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="张三")))
    case = create_case(account=Account.objects.get())
    workbook = posted(project, line("101", "张三", 联系电话=MOBILE))
    create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER, phone=Phone.objects.get())
    with pytest.raises(DependedOnError) as refused:
        undo(workbook)
    assert refused.value.names == ["电话：之后有 1 条被使用"]
    ContactAttempt.objects.update(phone=None)
    undo(workbook)
    assert not Phone.objects.exists()


def test_a_unit_changed_by_hand_since_is_named(project: Project) -> None:
    posted(project, line("101", "张三"))
    workbook = posted(project, line("101", "张三", 建筑面积=91))
    Unit.objects.update(area=92)
    with pytest.raises(DependedOnError):
        undo(workbook)


def test_a_unit_whose_charges_are_reversed_stays_without_an_owner(project: Project) -> None:
    workbook = posted(project, line("101", "张三", 联系电话=MOBILE))
    charges = post(project, xlsx(row("101", 业主姓名="张三")))
    undo_import(charges, by=None, now=LATER)
    undo(workbook)
    ownership = Ownership.objects.get()
    assert (ownership.party_name, ownership.members.count(), Owner.objects.count()) == ("", 0, 0)
    assert Unit.objects.get().code == "1-1-101"
