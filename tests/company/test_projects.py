"""Projects, phases and posts as the system administrator keeps them."""

import pytest
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, Phase, Post, Project, Role
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db

FIELDS = {
    "code": "FHC1",
    "name": "凤凰城一期",
    "verification_hours": "24",
    "contact_from": "09:00",
    "contact_until": "20:00",
    "is_active": "on",
}
NO_PHASES = {"phases-TOTAL_FORMS": "0", "phases-INITIAL_FORMS": "0"}


@pytest.fixture
def admin_client(client: Client) -> Client:
    client.force_login(create_user(role=Role.SYSTEM_ADMIN, project=None))
    return client


def test_a_project_is_started(admin_client: Client) -> None:
    response = admin_client.post(reverse("company:project_new"), FIELDS)
    project = Project.objects.get(code="FHC1")
    assert response["Location"] == reverse("arrears:first_day", args=["FHC1"])
    assert AuditEvent.objects.get(action="project.created").project == project


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"code": "凤凰"}, "只能用字母、数字"),
        ({"code": "TAKEN"}, "已存在"),
        ({"contact_from": "07:00"}, "联系时间须在 8:00 至 22:00 之间"),
        ({"contact_from": "20:00", "contact_until": "09:00"}, "联系时间须在 8:00 至 22:00 之间"),
        ({"verification_hours": "0"}, "大于或等于"),
    ],
)
def test_what_is_wrong_is_said_and_kept(admin_client: Client, change: dict[str, str], text: str) -> None:
    create_project(code="TAKEN")
    response = admin_client.post(reverse("company:project_new"), FIELDS | change)
    assert text in response.content.decode()
    assert 'value="凤凰城一期"' in response.content.decode()
    assert not Project.objects.filter(code="FHC1").exists()


def test_settings_and_phases_are_saved_together(admin_client: Client) -> None:
    project = create_project(code="FHC1")
    phases = {
        "phases-TOTAL_FORMS": "2",
        "phases-INITIAL_FORMS": "0",
        "phases-0-name": "一期",
        "phases-0-position": "1",
        "phases-1-name": "",
        "phases-1-position": "0",
    }
    admin_client.post(
        reverse("company:project", args=[project.pk]), FIELDS | phases | {"short_name": "凤物", "code": "OTHER"}
    )
    project.refresh_from_db()
    assert (project.code, project.short_name) == ("FHC1", "凤物")
    assert list(Phase.objects.values_list("name", flat=True)) == ["一期"]
    assert AuditEvent.objects.get(action="project.edited").detail["fields"][-1] == "phases"


def test_a_closed_project_can_be_opened_again(admin_client: Client) -> None:
    project = create_project(code="FHC1", is_active=False)
    assert project.name in admin_client.get(reverse("company:projects")).content.decode()
    admin_client.post(reverse("company:project", args=[project.pk]), FIELDS | NO_PHASES)
    project.refresh_from_db()
    assert project.is_active


def test_an_administrator_of_one_project_keeps_only_that(client: Client) -> None:
    own, other = create_project(name="自己的"), create_project(name="别人的")
    client.force_login(create_user(role=Role.SYSTEM_ADMIN, project=own))
    page = client.get(reverse("company:projects")).content.decode()
    assert "自己的" in page
    assert "别人的" not in page
    assert client.get(reverse("company:project", args=[other.pk])).status_code == 404
    assert client.post(reverse("company:project_new"), FIELDS).status_code == 403


def test_posts_are_added_and_renamed(admin_client: Client) -> None:
    admin_client.post(reverse("company:posts"), {"name": "管家", "position": "1"})
    post = Post.objects.get(name="管家")
    admin_client.post(reverse("company:post", args=[post.pk]), {"name": "楼管", "position": "2"})
    post.refresh_from_db()
    assert (post.name, post.position) == ("楼管", 2)
    response = admin_client.post(reverse("company:posts"), {"name": "楼管", "position": "1"})
    assert "已存在" in response.content.decode()
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"post.created", "post.edited"}
