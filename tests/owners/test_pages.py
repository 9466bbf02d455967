"""The search page and revealing over HTTP: plain and with htmx."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, Project, Role
from owners.models import Address, Owner
from owners.ownerships import create_owner
from tests.factories import create_ownership, create_phone, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db
NUMBER = "13812342617"


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def owner(project: Project) -> Owner:
    owner = create_owner(project=project, name="张三")
    create_ownership(unit=create_unit(project=project, code="8-2-1203"), owners=[owner])
    return owner


def signed_in(role: Role, project: Project) -> Client:
    client = Client()
    client.force_login(create_user(role=role, project=project))
    return client


def reveal_url(project: Project, kind: str, row: Any) -> str:
    return reverse("owners:reveal", kwargs={"project_code": project.code, "kind": kind, "pk": row.pk})


def test_revealing_shows_the_number_on_a_page_and_records_it(owner: Owner, project: Project) -> None:
    phone = create_phone(owner=owner, number=NUMBER)
    client = signed_in(Role.FINANCE, project)
    response = client.post(reveal_url(project, "phone", phone), {"purpose": "8-2-1203"})
    assert NUMBER in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    event = AuditEvent.objects.get(action="personal.revealed")
    assert (event.object_id, event.detail["purpose"]) == (str(phone.pk), "8-2-1203")


def test_htmx_gets_the_clear_text_alone(owner: Owner, project: Project) -> None:
    phone = create_phone(owner=owner, number=NUMBER)
    response = signed_in(Role.FINANCE, project).post(
        reveal_url(project, "phone", phone), headers={"HX-Request": "true"}
    )
    text = response.content.decode()
    assert NUMBER in text
    assert "<html" not in text


@pytest.mark.parametrize(
    ("kind", "clear"), [("name", "张三"), ("id-number", "330206198001011234"), ("address", "江苏省南京市1号")]
)
def test_each_kind_is_revealed(kind: str, clear: str, owner: Owner, project: Project) -> None:
    Owner.objects.filter(pk=owner.pk).update(id_number="330206198001011234")
    address = Address.objects.create(project=project, owner=owner, kind="second", text="江苏省南京市1号")
    row = address if kind == "address" else owner
    assert clear in signed_in(Role.PROJECT_MANAGER, project).post(reveal_url(project, kind, row)).content.decode()


@pytest.mark.parametrize("role", [Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.DEPARTMENT_HEAD])
def test_field_staff_reveal_on_the_pages_of_their_cases_only(role: Role, owner: Owner, project: Project) -> None:
    phone = create_phone(owner=owner, number=NUMBER)
    assert signed_in(role, project).post(reveal_url(project, "phone", phone)).status_code == 403
    assert not AuditEvent.objects.filter(action="personal.revealed").exists()


def test_looking_is_not_revealing(owner: Owner, project: Project) -> None:
    phone = create_phone(owner=owner, number=NUMBER)
    client = signed_in(Role.FINANCE, project)
    assert client.get(reveal_url(project, "phone", phone)).status_code == 405
    assert client.post(reveal_url(project, "salary", phone)).status_code == 404
    assert not AuditEvent.objects.filter(action="personal.revealed").exists()


def test_a_page_elsewhere_is_not_linked_back_to(owner: Owner, project: Project) -> None:
    phone = create_phone(owner=owner, number=NUMBER)
    client = signed_in(Role.FINANCE, project)
    for referer, back in (("http://evil.example/", ""), ("http://testserver/p/FHC1/ledger/", "/p/FHC1/ledger/")):
        response = client.post(reveal_url(project, "phone", phone), headers={"referer": referer})
        assert response.context["back"].endswith(back)
        assert "evil" not in response.content.decode()
