"""Lists of owners: recognised, checked at each place, merged into the register, and nothing doubled."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from arrears.importing.layout import Layout
from arrears.importing.steps import post_import
from arrears.models import Import, StagedOwner
from company.models import Project
from owners.contact_points import add_phone, end_phone, mark_phone
from owners.emails import end_email
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, Phone, Unit
from owners.personal_data import keyed_hash
from tests.arrears.workbooks import agree, check, create_estate, mistakes, post, remarks, row, sample, xlsx
from tests.factories import NOW, TODAY, create_owner, create_ownership, create_unit

pytestmark = pytest.mark.django_db
SAMPLE = "业主资料.xlsx"
HEADER = ["楼号", "房号", "建筑面积", "业主姓名", "身份证号", "联系电话", "紧急联系人", "第二通信地址"]
GOOD_ID, OTHER_ID = "11010519491231002X", "440524188001010014"
MOBILE, OTHER_MOBILE = "13927414285", "18607071338"


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def line(room: str = "101", name: str = "张三", **cells: Any) -> list[Any]:
    """A row under HEADER; ``cells`` by header replace what stands in it."""
    values = ["1栋1单元", room, 89.5, name, "", "", "", ""]
    return [cells.pop(header, value) for header, value in zip(HEADER, values, strict=True)]


def sheet(*lines: list[Any], header: list[Any] | None = None) -> bytes:
    return xlsx(*lines, header=header or HEADER)


def posted(project: Project, *lines: list[Any], header: list[Any] | None = None, **fields: Any) -> Import:
    return post(project, sheet(*lines, header=header), kind="owners", **fields)


def checked(project: Project, *lines: list[Any], header: list[Any] | None = None, **fields: Any) -> Import:
    return check(project, sheet(*lines, header=header), kind="owners", **fields)


def fields_of(workbook: Import) -> dict[str, str]:
    """By header what each column of the first sheet was taken for."""
    return {column.header: column.field for column in Layout.from_json(workbook.layout).sheets[0].columns}


def register() -> dict[str, dict[str, list[str]]]:
    """By unit and owner the live numbers."""
    found: dict[str, dict[str, list[str]]] = {}
    for ownership in Ownership.objects.select_related("unit").order_by("unit__sort_key"):
        of_unit = found.setdefault(ownership.unit.code, {})
        for member in ownership.members.select_related("owner"):
            numbers = [phone.number for phone in member.owner.phones.filter(ended_at=None).order_by("pk")]
            of_unit[member.owner.name] = numbers
    return found


def test_the_sample_through_the_steps_and_once_more(project: Project) -> None:
    workbook = post(project, sample(SAMPLE), name=SAMPLE, kind="owners")
    assert (workbook.rows, workbook.posted_rows, mistakes(workbook)) == (216, 216, [])
    assert workbook.findings["sums"] == {"owners": 247, "phones": 269}
    assert fields_of(workbook) == {
        "序号": "", "楼号": "building", "房号": "room", "建筑面积": "unit_area", "业主姓名": "owner",
        "身份证号": "id_numbers", "联系电话": "phones", "紧急联系人": "emergency", "第二通信地址": "second_address",
    }  # fmt: skip
    assert register()["1-1-101"] == {"林秀国": [], "欧阳浩赟": []}
    assert register()["1-1-402"] == {"孙赟": ["15056735389"], "赵翀": []}
    contact = EmergencyContact.objects.get(owner__name="林秀国")
    assert (contact.name, contact.relation, contact.number) == ("黄娜", "朋友", "13847173733")
    assert Address.objects.get(owner__name="林秀国").text == "广州市天河区XX路1号"
    counts = [model.objects.count() for model in (Unit, Owner, Phone, EmergencyContact, Address)]
    again = post(project, sample(SAMPLE), name=SAMPLE, kind="owners")
    assert (again.posted_rows, again.known_rows) == (0, 216)
    assert [model.objects.count() for model in (Unit, Owner, Phone, EmergencyContact, Address)] == counts
    assert not StagedOwner.objects.exists()


def test_every_unit_has_one_primary_phone_first_in_the_list(project: Project) -> None:
    posted(project, line(联系电话=f"{MOBILE}；{OTHER_MOBILE}"))
    assert list(Phone.objects.order_by("pk").values_list("last4", "is_primary")) == [("4285", True), ("1338", False)]


def test_numbers_are_encrypted_on_the_stage_and_in_the_register(project: Project) -> None:
    checked(
        project, line(身份证号=GOOD_ID, 联系电话=MOBILE, 紧急联系人=f"黄娜{OTHER_MOBILE}", 第二通信地址="天河路9号")
    )
    posted(project, line(身份证号=GOOD_ID, 联系电话=MOBILE, 紧急联系人=f"黄娜{OTHER_MOBILE}", 第二通信地址="天河路9号"))
    tables = ["arrears_stagedowner", "owners_owner", "owners_phone", "owners_emergencycontact", "owners_address",
              "arrears_registerchange", "arrears_importissue", "company_auditevent"]  # fmt: skip
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} AS t")
            text = cursor.fetchone()[0]
            assert not [secret for secret in (GOOD_ID, MOBILE, OTHER_MOBILE, "天河路9号") if secret in text], table
    assert Phone.objects.get().number == MOBILE


def test_charges_first_then_owners_matches_the_co_owners_and_adds_to_them(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="林秀国 欧阳浩赟"), row("102", 业主姓名="傅静")))
    posted(
        project, line("101", "欧阳浩赟、林秀国", 联系电话=f"林秀国：{MOBILE}"), line("102", "傅静", 身份证号=GOOD_ID)
    )
    assert register() == {"1-1-101": {"林秀国": [MOBILE], "欧阳浩赟": []}, "1-1-102": {"傅静": []}}
    assert Owner.objects.count() == 3
    assert Owner.objects.get(name="傅静").id_number == GOOD_ID


def test_owners_first_then_charges_is_the_same_register(project: Project) -> None:
    posted(project, line("101", "林秀国 欧阳浩赟", 联系电话=f"林秀国：{MOBILE}"), line("102", "傅静", 身份证号=GOOD_ID))
    workbook = post(project, xlsx(row("101", 业主姓名="林秀国、欧阳浩赟"), row("102", 业主姓名="傅静")))
    assert remarks(workbook) == []
    assert register() == {"1-1-101": {"林秀国": [MOBILE], "欧阳浩赟": []}, "1-1-102": {"傅静": []}}


def test_a_unit_whose_owner_nobody_knew_is_filled_in_and_keeps_its_account(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="")))
    before = Ownership.objects.get()
    assert before.party_name == ""
    posted(project, line("101", "张三、李四", 联系电话=MOBILE))
    after = Ownership.objects.get()
    assert (after.pk, after.party_name, after.account.pk) == (before.pk, "张三、李四", before.account.pk)


def test_another_owner_than_the_registers_is_remarked_and_never_a_sale(project: Project) -> None:
    unit = create_unit(project=project, code="1-1-101", area="70.00")
    create_ownership(unit=unit, owners=[create_owner(project=project, name="王敏")])
    workbook = posted(project, line("101", "张三", 联系电话=MOBILE))
    assert remarks(workbook) == [(2, "owner_differs", 1)]
    assert register() == {"1-1-101": {"王敏": []}}
    unit.refresh_from_db()
    assert unit.area == Decimal("70.00"), "another estate's list would change every area"
    assert workbook.posted_rows == 0


def test_of_a_party_that_differs_whoever_is_known_still_gets_new_numbers(project: Project) -> None:
    unit = create_unit(project=project, code="1-1-101")
    create_ownership(unit=unit, owners=[create_owner(project=project, name="王敏")])
    posted(project, line("101", "王敏、张三", 联系电话=f"张三：{OTHER_MOBILE}；王敏：{MOBILE}"))
    assert register() == {"1-1-101": {"王敏": [MOBILE]}}


def test_a_number_that_is_known_is_confirmed_and_not_doubled(project: Project) -> None:
    posted(project, line("101", "张三"))
    phone = add_phone(Owner.objects.get(), MOBILE, by=None, label="手机")
    workbook = posted(project, line("101", "张三", 联系电话=f"{MOBILE}；{OTHER_MOBILE}"))
    phone.refresh_from_db()
    assert (phone.confirmed_on, phone.label, phone.is_primary) == (TODAY, "手机", True)
    assert (Phone.objects.count(), workbook.posted_rows) == (2, 1)


def test_a_number_that_somebody_ended_or_marked_is_not_revived(project: Project) -> None:
    posted(project, line("101", "张三", 联系电话=f"{MOBILE}；{OTHER_MOBILE}"))
    ended, marked = Phone.objects.order_by("pk")
    end_phone(ended, by=None, now=NOW)
    mark_phone(marked, by=None, said_at=NOW, state=Phone.State.WRONG_PERSON)
    workbook = posted(project, line("101", "张三", 联系电话=f"{MOBILE}；{OTHER_MOBILE}"))
    assert remarks(workbook) == [(2, "phone_ended", 1)]
    marked.refresh_from_db()
    assert (Phone.objects.count(), marked.state, marked.confirmed_on, workbook.posted_rows) == (
        2,
        "wrong_person",
        None,
        0,
    )


def test_one_person_with_several_units_is_one_owner(project: Project) -> None:
    known = {"身份证号": GOOD_ID, "联系电话": MOBILE}
    posted(project, line("101", **known), line("102", **known), line("103", 身份证号=OTHER_ID), line("104"))
    assert Owner.objects.count() == 3
    one = Owner.objects.get(id_number_hash=Owner.objects.get(phones__isnull=False).id_number_hash)
    assert sorted(one.ownerships.values_list("unit__code", flat=True)) == ["1-1-101", "1-1-102"]
    assert one.phones.count() == 1


def test_one_person_is_recognised_among_owners_that_charges_have_made(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="张三"), row("102", 业主姓名="张三")))
    add_phone(Ownership.objects.get(unit__code="1-1-102").owners.get(), OTHER_MOBILE, by=None)
    posted(project, line("101", "张三", 身份证号=GOOD_ID, 联系电话=MOBILE), line("102", "张三", 身份证号=GOOD_ID))
    assert register() == {"1-1-101": {"张三": [OTHER_MOBILE, MOBILE]}, "1-1-102": {"张三": [OTHER_MOBILE, MOBILE]}}
    assert len({ownership.owners.get().pk for ownership in Ownership.objects.all()}) == 1
    assert Phone.objects.filter(is_primary=True, ended_at=None).count() == 1
    assert (
        posted(project, line("101", "张三", 身份证号=GOOD_ID), line("102", "张三", 身份证号=GOOD_ID)).posted_rows == 0
    )


def test_another_id_number_than_the_registers_is_remarked_and_kept_out(project: Project) -> None:
    posted(project, line("101", "张三", 身份证号=GOOD_ID))
    workbook = posted(project, line("101", "张三", 身份证号=OTHER_ID))
    assert [code for _row, code, _count in remarks(workbook)] == ["id_differs"]
    assert Owner.objects.get().id_number == GOOD_ID


def test_area_usage_and_vacancy_are_corrected_and_told(project: Project) -> None:
    header = [*HEADER, "用途", "是否空置"]
    posted(project, [*line("101", "张三"), "住宅", "否"], header=header)
    changed = [*line("101", "张三", 建筑面积=91.25), "商铺", "是"]
    workbook = posted(project, changed, header=header)
    unit = Unit.objects.get()
    assert (unit.area, unit.usage, unit.is_vacant) == (Decimal("91.25"), "commercial", True)
    assert [code for _row, code, _count in remarks(workbook)] == ["unit_changes"] * 3
    assert posted(project, changed, header=header).posted_rows == 0


def test_an_address_takes_the_place_of_another_which_stays_as_history(project: Project) -> None:
    posted(project, line("101", 第二通信地址="天河路1号"))
    workbook = posted(project, line("101", 第二通信地址="天河路9号"))
    assert [code for _row, code, _count in remarks(workbook)] == ["address_replaced"]
    assert [(a.text, a.ended_at is None) for a in Address.objects.order_by("pk")] == [
        ("天河路1号", False),
        ("天河路9号", True),
    ]


def test_two_addresses_of_one_person_do_not_take_turns(project: Project) -> None:
    lines = [
        line("101", 身份证号=GOOD_ID, 第二通信地址="甲路1号"),
        line("102", 身份证号=GOOD_ID, 第二通信地址="乙路2号"),
    ]
    posted(project, *lines)
    again = posted(project, *lines)
    assert again.posted_rows == 0
    assert Address.objects.get().text == "甲路1号"


def test_occupants_and_emergency_contacts_from_columns_of_their_own(project: Project) -> None:
    header = ["房屋编号", "业主", "紧急联系人", "紧急联系电话", "与业主关系", "租户", "租户电话", "现场地址"]
    lines = [["1-1-101", "张三", "黄娜", MOBILE, "朋友", "刘租", OTHER_MOBILE, "1栋1单元101"]]
    posted(project, *lines, header=header)
    contact, occupant = EmergencyContact.objects.get(), Occupant.objects.get()
    assert (contact.name, contact.relation, contact.number) == ("黄娜", "朋友", MOBILE)
    assert (occupant.name, occupant.phone, occupant.unit.code) == ("刘租", OTHER_MOBILE, "1-1-101")
    assert Address.objects.get().kind == "on_site"
    assert posted(project, *lines, header=header).posted_rows == 0


def test_emails_are_added_once_and_not_again_where_somebody_ended_them(project: Project) -> None:
    header = [*HEADER, "电子邮箱"]
    row_ = [*line("101", "张三"), "zs@example.com；Z.S@example.com"]
    posted(project, row_, header=header)
    assert sorted(email.address for email in Email.objects.all()) == ["Z.S@example.com", "zs@example.com"]
    assert posted(project, row_, header=header).posted_rows == 0
    end_email(Email.objects.get(address_hash=keyed_hash("zs@example.com")), by=None, now=NOW)
    workbook = posted(project, row_, header=header)
    assert (workbook.posted_rows, remarks(workbook)) == (0, [(2, "email_ended", 1)])
    bad = checked(project, [*line("102", "李四"), "not an address"], header=header)
    assert mistakes(bad) == [(2, "I", "not_an_email")]


def test_the_check_tells_what_the_posting_brings(project: Project) -> None:
    posted(project, line("101", "张三", 联系电话=MOBILE))
    workbook = checked(
        project, line("101", "张三", 联系电话=f"{MOBILE}；{OTHER_MOBILE}"), line("102", "李四", 身份证号=GOOD_ID)
    )
    by_part = {part["part"]: (part["listed"], part["new"]) for part in workbook.findings["by_part"]}
    nothing = dict.fromkeys(("emails", "emergency", "addresses", "occupants"), (0, 0))
    assert by_part == {"owners": (2, 1), "id_numbers": (1, 1), "phones": (2, 1)} | nothing
    assert (workbook.findings["brings"], workbook.known_rows, workbook.findings["new_units"]) == (2, 0, 1)


def test_posting_costs_a_fixed_number_of_queries(project: Project) -> None:
    counts = []
    for first, rows in ((100, 3), (200, 30)):
        numbers = range(first, first + rows)
        post(project, xlsx(*(row(str(n), 业主姓名="张三") for n in numbers)))
        lines = (line(str(n), "张三", 联系电话=13900000000 + n, 身份证号=f"44010119900101{n}X") for n in numbers)
        workbook = checked(project, *lines)
        agree(workbook)
        with CaptureQueriesContext(connection) as queries:
            post_import(workbook.pk, now=NOW)
        counts.append(len(queries))
    assert Phone.objects.count() == 33
    assert counts[0] == counts[1]
