"""The pages that say no: they say it in the user's language, with a way on."""

import pytest
from django.test import Client

from company.models import Role
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("page", "status"), [("imports/new/", 403), ("cases/0/", 404)])
def test_it_is_drawn_and_leads_on(client: Client, page: str, status: int) -> None:
    project = create_project(code="OWN")
    client.force_login(create_user(role=Role.HOUSEKEEPER, project=project))
    answer = client.get(f"/p/OWN/{page}")
    assert answer.status_code == status
    text = answer.content.decode()
    assert text.count("<h1>") == 1
    assert 'href="/' in text
    assert {403: "权限", 404: "没有"}[status] in text
