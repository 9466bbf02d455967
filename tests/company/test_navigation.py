"""Where each role starts, and that nobody is led to a page that refuses them."""

import pytest
from django.test import Client
from django.urls import resolve, reverse

from company.models import Project, ProjectAccess, Role
from company.navigation import ENTRIES, Entry, home_url, links
from company.rights import RIGHTS, Right
from tests.factories import create_project, create_user, give_role

ALL_ENTRIES = [pytest.param(role, entry, id=f"{role}-{entry.url_name}") for role in ENTRIES for entry in ENTRIES[role]]


def address(entry: Entry) -> str:
    return reverse(entry.url_name, kwargs={"project_code": "FHC1"} if entry.of_project else None)


def test_every_role_has_a_navigation() -> None:
    assert set(ENTRIES) == set(Role)


@pytest.mark.parametrize(("role", "entry"), ALL_ENTRIES)
def test_an_entry_leads_to_a_page_that_admits_the_role(role: Role, entry: Entry) -> None:
    view = resolve(address(entry)).func
    assert role in view.admitted_roles


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.FINANCE, "arrears:home"),
        (Role.PROJECT_MANAGER, "collection:dashboard"),
        (Role.DEPARTMENT_HEAD, "collection:dashboard"),
        (Role.OFFICER, "collection:round"),
        (Role.HOUSEKEEPER, "collection:round"),
        (Role.ASSISTANT, "collection:round"),
        (Role.NOTICE_ADMIN, "collection:notice_desk"),
        (Role.COMPANY_LEADER, "collection:projects"),
        (Role.SYSTEM_ADMIN, "company:people"),
    ],
)
def test_each_role_starts_at_its_desk(role: Role, home: str) -> None:
    assert ENTRIES[role][0].url_name == home


@pytest.mark.parametrize("role", sorted(RIGHTS[Right.SEE_CAMPAIGN]))
def test_who_sees_the_teams_finds_the_evening(role: Role) -> None:
    assert "collection:evening" in {entry.url_name for entry in ENTRIES[role]}


def test_the_entry_of_a_page_below_it_is_marked() -> None:
    project = Project(code="FHC1", name="凤凰城一期")
    current = [link for link in links({Role.SYSTEM_ADMIN}, project, "/people/17/") if link.current]
    assert [link.url for link in current] == ["/people/"]


def test_an_entry_of_two_roles_stands_once() -> None:
    project = Project(code="FHC1", name="凤凰城一期")
    urls = [link.url for link in links({Role.SYSTEM_ADMIN, Role.PROJECT_MANAGER}, project, "/")]
    assert len(urls) == len(set(urls))


def test_without_a_role_there_is_no_home() -> None:
    assert home_url(frozenset(), None) is None


@pytest.mark.django_db
class TestHome:
    def test_leads_to_the_desk_of_the_role(self, client: Client) -> None:
        client.force_login(create_user(role=Role.SYSTEM_ADMIN, project=None))
        assert client.get("/")["Location"] == "/start/"  # nothing to administer yet: the guide of the first day
        create_project()
        assert client.get("/")["Location"] == "/people/"

    def test_says_so_where_there_is_no_role_yet(self, client: Client) -> None:
        client.force_login(create_user())
        response = client.get("/")
        assert response.status_code == 200
        assert "还没有项目角色" in response.content.decode()

    def test_the_project_visited_last_stays(self, client: Client) -> None:
        one, two = create_project(code="A1"), create_project(code="B2")
        user = create_user(role=Role.SYSTEM_ADMIN, project=one)
        give_role(user=user, role=Role.SYSTEM_ADMIN, project=two)
        client.force_login(user)
        assert client.get("/notifications/").context["frame"].project == one
        client.get("/p/B2/")
        assert client.get("/notifications/").context["frame"].project == two
        ProjectAccess.objects.filter(project=two).delete()
        assert client.get("/notifications/").context["frame"].project == one

    def test_the_switch_shows_a_dozen_and_the_list_finds_the_rest(self, client: Client) -> None:
        for number in range(14):
            create_project(code=f"S{number:02}", name=f"小区{number:02}")
        client.force_login(create_user(role=Role.COMPANY_LEADER, project=None))
        response = client.get("/switch/", {"q": "小区13"})
        assert response.context["frame"].has_more_projects
        assert len(response.context["frame"].switchable) == 12
        assert [project.name for project in response.context["projects"]] == ["小区13"]
