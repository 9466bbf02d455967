"""The register of units and owners: masked, filtered, in a fixed number of queries, and exported by right."""

import io
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from company.models import AuditEvent, Project, Role
from owners.models import Address, Occupant, Owner, Unit
from owners.register_sheet import HEADERS
from owners.unit_register import SORTS
from tests.factories import create_owner, create_ownership, create_phone, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db
NUMBER, ID = "13812342617", "11010519491231002X"


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def unit(project: Project) -> Unit:
    unit = create_unit(project=project, code="8-2-1203", area="89.50", is_vacant=True)
    owner = create_owner(project=project, name="张三", id_number=ID, id_number_hash="x")
    create_phone(owner=owner, number=NUMBER)
    Address.objects.create(project=project, owner=owner, kind=Address.Kind.SECOND, text="江苏省南京市1号")
    create_ownership(unit=unit, owners=[owner, create_owner(project=project, name="李小四")])
    return unit


def signed_in(role: Role, project: Project) -> Client:
    client = Client()
    client.force_login(create_user(role=role, project=project))
    return client


def address(project: Project, query: str = "", *, name: str = "units") -> str:
    return reverse(f"owners:{name}", kwargs={"project_code": project.code}) + query


def listed(client: Client, project: Project, query: str = "") -> list[str]:
    return [unit.code for unit, _party in client.get(address(project, query)).context["rows"]]


def export(client: Client, project: Project, query: str = "", **data: str) -> Any:
    return client.post(address(project, query, name="units_export"), data)


def rows_of(response: Any) -> list[dict[str, Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_owners_are_masked_and_the_unit_leads_to_its_ledger(unit: Unit, project: Project) -> None:
    text = signed_in(Role.FINANCE, project).get(address(project)).content.decode()
    assert "张*、李*四" in text
    assert "张三" not in text
    assert NUMBER not in text
    assert reverse("arrears:unit_account", kwargs={"project_code": project.code, "pk": unit.pk}) in text


def test_filters_and_sorting(unit: Unit, project: Project) -> None:
    shop = create_unit(project=project, code="9-101", usage=Unit.Usage.COMMERCIAL, area="30.00")
    create_ownership(unit=shop, owners=[])
    client = signed_in(Role.PROJECT_MANAGER, project)
    for query, codes in {
        "": ["8-2-1203", "9-101"],
        f"?building={shop.building_id}": ["9-101"],
        "?usage=commercial": ["9-101"],
        "?lacks=owner": ["9-101"],
        "?lacks=phone": ["9-101"],
        "?vacant=on": ["8-2-1203"],
        "?q=李小": ["8-2-1203"],
        "?q=8栋2单元": ["8-2-1203"],
        "?q=nobody": [],
        "?building=999&usage=nonsense": ["8-2-1203", "9-101"],
    }.items():
        assert listed(client, project, query) == codes, query
    for key in SORTS:
        assert set(listed(client, project, f"?sort={key}")) == {"8-2-1203", "9-101"}
        assert listed(client, project, f"?sort=-{key}")
    assert listed(client, project, "?sort=area") == ["9-101", "8-2-1203"]
    assert listed(client, project, "?sort=-phones") == ["8-2-1203", "9-101"]


def test_a_fixed_number_of_queries(project: Project) -> None:
    client, counts = signed_in(Role.FINANCE, project), []
    client.get(address(project))  # the session remembers the project from now on
    for first, many in ((100, 3), (200, 22)):
        for number in range(first, first + many):
            owner = create_owner(project=project, name="张三")
            create_phone(owner=owner, number=f"13900000{number}")
            create_ownership(unit=create_unit(project=project, code=f"1-{number}"), owners=[owner])
        with CaptureQueriesContext(connection) as page:
            assert len(listed(client, project)) == Unit.objects.count()
        with CaptureQueriesContext(connection) as file:
            export(client, project, personal="clear")
        counts.append((len(page), len(file)))
    assert counts[0] == counts[1]


def test_an_export_in_clear_needs_the_right_and_is_recorded(unit: Unit, project: Project) -> None:
    Occupant.objects.create(project=project, unit=unit, name="刘租", phone="13911110001", phone_last4="0001")
    (row,) = rows_of(export(signed_in(Role.FINANCE, project), project, "?usage=residential", personal="clear"))
    assert list(row) == list(HEADERS)
    assert (row["房屋编号"], row["建筑面积"], row["用途"], row["是否空置"]) == ("8-2-1203", 89.5, "住宅", "是")
    assert (row["业主姓名"], row["联系电话"]) == ("张三、李小四", f"张三：{NUMBER}")
    assert (row["身份证号/信用代码"], row["第二通信地址"]) == (f"张三：{ID}", "江苏省南京市1号")
    assert row["租户"] == "刘租13911110001"
    event = AuditEvent.objects.get(action="owners.register_exported")
    assert event.detail == {"filter": "usage=residential", "personal": "clear", "units": 1, "people": 3}
    assert NUMBER not in str(event.detail)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.NOTICE_ADMIN, Role.COMPANY_LEADER])
def test_an_export_is_masked_unless_asked_for(role: Role, unit: Unit, project: Project) -> None:
    response = export(signed_in(role, project), project)
    (row,) = rows_of(response)
    assert (row["业主姓名"], row["联系电话"]) == ("张*、李*四", "张*：138****2617")
    assert (row["身份证号/信用代码"], row["第二通信地址"]) == ("张*：1101**********002X", "江苏省***")
    assert AuditEvent.objects.get(action="owners.register_exported").detail["personal"] == "masked"


@pytest.mark.parametrize("role", [Role.NOTICE_ADMIN, Role.COMPANY_LEADER, Role.OFFICER, Role.SYSTEM_ADMIN])
def test_without_the_right_nothing_leaves_in_clear(role: Role, unit: Unit, project: Project) -> None:
    assert export(signed_in(role, project), project, personal="clear").status_code == 403
    assert not AuditEvent.objects.filter(action="owners.register_exported").exists()


def test_more_people_than_the_limit_need_a_second_person(unit: Unit, project: Project, settings: Settings) -> None:
    settings.PERSONAL_EXPORT_LIMIT = 1
    client = signed_in(Role.FINANCE, project)
    response = export(client, project, "?usage=residential", personal="clear")
    assert "需要第二人同意" in response.content.decode()
    assert not AuditEvent.objects.filter(action="owners.register_exported").exists()
    assert "spreadsheet" in export(client, project)["Content-Type"], "masked, it holds nobody's data"


def test_cells_of_the_export_do_not_compute(project: Project) -> None:
    unit = create_unit(project=project, code="1-101")
    create_ownership(unit=unit, owners=[create_owner(project=project, name='=HYPERLINK("http://x","y")')])
    response = export(signed_in(Role.FINANCE, project), project, personal="clear")
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    cell = sheet.cell(2, HEADERS.index("业主姓名") + 1)
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("http://x","y")')


@pytest.mark.parametrize("role", [Role.OFFICER, Role.DEPARTMENT_HEAD])
def test_who_sees_only_cases_is_led_to_them(role: Role, unit: Unit, project: Project) -> None:
    response = signed_in(role, project).get(address(project))
    assert response["Location"] == reverse("collection:cases", kwargs={"project_code": project.code})


def test_another_projects_register_is_not_there(unit: Unit, project: Project) -> None:
    client = signed_in(Role.FINANCE, create_project(code="OTHER"))
    assert client.get(address(project)).status_code == 404
    assert export(client, project).status_code == 404


def test_a_former_owner_is_not_listed(unit: Unit, project: Project) -> None:
    assert Owner.objects.count() == 2
    client = signed_in(Role.FINANCE, project)
    unit.ownerships.update(period="[2001-01-01,2020-01-01)")
    assert "张*" not in client.get(address(project)).content.decode()
    assert listed(client, project, "?lacks=phone") == ["8-2-1203"]
    assert listed(client, project, "?q=张三") == []
