"""What the register exports can be edited and imported again; unchanged it adds nothing."""

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.urls import reverse
from pytest_django import Settings

from arrears.importing.steps import check_import, post_import, read_import, undo
from arrears.importing.undoing import undo_import
from arrears.models import Import
from company.models import Project, Role
from owners.contact_points import add_emergency_contact, add_phone, change_address
from owners.emails import add_email
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, Phone, Unit
from tests.arrears.import_desk import act, seal, send, signed_in, text_of
from tests.arrears.test_importing_owners import GOOD_ID, MOBILE, OTHER_MOBILE, SAMPLE, line, posted, remarks
from tests.arrears.workbooks import create_estate, mistakes, post, sample
from tests.factories import NOW, TODAY, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def exported(project: Project, **data: str) -> bytes:
    client = signed_in(create_user(role=Role.FINANCE, project=project))
    address = reverse("owners:units_export", kwargs={"project_code": project.code})
    content: bytes = client.post(address, data or {"personal": "clear"}).content
    return content


def edited(content: bytes, **cells: Any) -> bytes:
    """The workbook with cells of its first row of data replaced."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    for head, value in cells.items():
        sheet.cell(2, heads.index(head) + 1).value = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def counts() -> list[int]:
    return [
        model._default_manager.count() for model in (Unit, Owner, Phone, Email, Address, EmergencyContact, Occupant)
    ]


def test_the_sample_goes_round_and_adds_nothing(project: Project) -> None:
    post(project, sample(SAMPLE), name=SAMPLE, kind="owners")
    before = counts()
    again = post(project, exported(project), kind="owners", create_units=False)
    assert (again.rows, again.posted_rows, mistakes(again)) == (216, 0, [])
    assert {code for _row, code, _count in remarks(again)} == {"check_digit"}
    assert counts() == before


def test_contacts_of_every_kind_go_round(project: Project) -> None:
    posted(project, line("101", "张三、李小四", 身份证号=f"李小四：{GOOD_ID}", 联系电话=f"李小四（单位）：{MOBILE}"))
    one, other = Owner.objects.get(name="张三"), Owner.objects.get(name="李小四")
    add_phone(one, "+852 2345 6789", by=None)
    add_phone(other, "020-84702777", by=None, label="家里 转801")
    add_emergency_contact(other, name="黄娜", relation="朋友", number=OTHER_MOBILE, by=None)
    add_email(other, "lxs@example.com", by=None)
    change_address(other, Address.Kind.SECOND, "天河路 1 号，2 栋", by=None, now=NOW)
    Occupant.objects.create(project=project, unit=Unit.objects.get(), name="刘租")
    posted(project, line("102", "王五", 联系电话=f"{MOBILE}；妻子：{OTHER_MOBILE}"), line("103", ""))
    before = counts()
    again = post(project, exported(project), kind="owners", create_units=False)
    assert (again.posted_rows, mistakes(again), remarks(again)) == (0, [], [])
    assert counts() == before


def test_what_is_edited_in_it_is_what_is_imported(project: Project) -> None:
    posted(project, line("101", "张三", 联系电话=MOBILE), line("102", "李四"))
    content = edited(exported(project), 联系电话=f"{MOBILE}；{OTHER_MOBILE}", 建筑面积=91, 用途="商铺")
    again = post(project, content, kind="owners")
    assert again.posted_rows == 1
    unit = Unit.objects.get(code="1-1-101")
    assert (unit.usage, float(unit.area or 0), Phone.objects.count()) == ("commercial", 91.0, 2)
    undo_import(again, by=None, now=NOW)
    assert Phone.objects.count() == 1


def test_a_masked_export_is_no_file_to_import(project: Project) -> None:
    posted(project, line("101", "张三", 联系电话=MOBILE))
    workbook = post(project, exported(project, personal=""), kind="owners", good_rows_only=True)
    assert {code for _row, _column, code in mistakes(workbook)} == {"masked_value"}
    assert Owner.objects.get().name == "张三"


def test_the_wizard_in_the_browser_from_upload_to_undo(
    project: Project, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = signed_in(create_user(role=Role.FINANCE, project=project))
    response = send(client, project, sample(SAMPLE), name=SAMPLE, kind="owners", create_units="on")
    workbook = Import.objects.get()
    assert response.status_code == 200
    read_import(workbook.pk, today=TODAY, now=NOW)
    page = text_of(client.get(response.redirect_chain[-1][0]))
    assert "导入业主资料" in page
    assert "13847173733" not in page
    assert "黄*" in page
    act(client, workbook, "columns", {"create_units": "on"} | chosen(client, workbook))
    check_import(workbook.pk, today=TODAY, now=NOW)
    page = text_of(client.get(response.redirect_chain[-1][0]))
    assert "247" in page
    assert "269" in page
    assert "证件号校验位不符" in page
    act(client, workbook, "post", {"rows": "all", "seal": seal(client, workbook)})
    post_import(workbook.pk, now=NOW)
    assert "已过账 216 行" in text_of(client.get(response.redirect_chain[-1][0]))
    assert Ownership.objects.count() == 216
    act(client, workbook, "undo")
    undo(workbook.pk, now=NOW)
    assert "删除了它加入档案的内容" in text_of(client.get(response.redirect_chain[-1][0]))
    assert not Unit.objects.exists()


def chosen(client: Any, workbook: Import) -> dict[str, str]:
    """The columns as the page proposes them."""
    form = client.get(f"/p/{workbook.project.code}/imports/{workbook.pk}/").context["form"]
    return {name: str(form[name].value() or "") for name in form.fields if name.startswith(("column_", "sheet_"))}
