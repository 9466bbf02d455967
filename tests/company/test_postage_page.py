"""The project's postal address and prices."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, Project, Role
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db
GIVEN = {
    "postal_address": "广东省广州市天河区\n凤凰路88号凤凰城一期",
    "postcode": "510000",
    "ems_price": "20",
    "post_price": "",
}


def posted(project: Project, data: dict[str, str], role: Role = Role.PROJECT_MANAGER) -> tuple[int, str]:
    client = Client()
    client.force_login(create_user(project=project, role=role))
    response = client.post(reverse("company:postage", kwargs={"project_code": project.code}), data)
    return response.status_code, response.content.decode()


def test_is_kept_and_recorded() -> None:
    project = create_project()
    assert posted(project, GIVEN)[0] == 302
    project.refresh_from_db()
    assert project.postal_address == "广东省广州市天河区 凤凰路88号凤凰城一期"
    assert (project.ems_price, project.post_price) == (Decimal("20.00"), None)
    assert AuditEvent.objects.get(action="project.edited").detail["fields"]


@pytest.mark.parametrize("change", [{"postcode": "51000"}, {"ems_price": "-1"}, {"post_price": "x"}])
def test_what_cannot_be_is_said(change: dict[str, str]) -> None:
    project = create_project()
    status, html = posted(project, GIVEN | change)
    assert status == 200
    assert "is-invalid" in html or "invalid" in html
    project.refresh_from_db()
    assert project.postal_address == ""


def test_who_does_not_keep_the_terms_is_refused() -> None:
    assert posted(create_project(), GIVEN, Role.NOTICE_ADMIN)[0] == 403


@pytest.mark.parametrize("change", [{"postcode": "5100"}, {"ems_price": -1}, {"post_price": -1}])
def test_the_database_refuses_it_too(change: dict[str, object]) -> None:
    create_project()
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.update(**change)
