"""The search box answers while somebody types; what is shown is masked, and nobody finds more than they may see."""

import pytest
from django.test import Client
from django.urls import reverse

from collection.search import LIMIT_WHILE_TYPING
from company.models import Project, Role, User
from owners.models import Owner
from tests.factories import (
    create_account,
    create_case,
    create_owner,
    create_ownership,
    create_phone,
    create_project,
    create_team,
    create_unit,
    create_user,
)

pytestmark = pytest.mark.django_db
NUMBER = "13812342617"
TYPING = {"HX-Request": "true", "HX-Target": "search-typed"}


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def owner(project: Project) -> Owner:
    owner = create_owner(project=project, name="张三", pinyin_initials="zs")
    create_ownership(unit=create_unit(project=project, code="8-2-1203"), owners=[owner])
    return owner


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def signed_in(role: Role, project: Project) -> Client:
    return client_of(create_user(role=role, project=project))


def url(project: Project) -> str:
    return reverse("collection:search", kwargs={"project_code": project.code})


def typed(client: Client, project: Project, text: str) -> str:
    response = client.post(url(project), {"q": text}, headers=TYPING)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("target", ["search-typed", "hits"])
@pytest.mark.parametrize("text", ["zs", "张三", "8-2-12", "8栋2单元1203室", "2617", NUMBER])
def test_it_answers_while_somebody_types(text: str, target: str, owner: Owner, project: Project) -> None:
    create_phone(owner=owner, number=NUMBER)
    answer = signed_in(Role.FINANCE, project).post(
        url(project), {"q": text}, headers={"HX-Request": "true", "HX-Target": target}
    )
    shown = answer.content.decode()
    assert "8-2-1203" in shown
    assert "张*" in shown
    assert "张三" not in shown
    assert NUMBER not in shown
    assert "<html" not in shown
    assert "no-store" in answer["Cache-Control"]


def test_a_sent_form_leads_to_an_address_that_can_be_kept(owner: Owner, project: Project) -> None:
    client = signed_in(Role.FINANCE, project)
    response = client.post(url(project), {"q": "zs"})
    assert response["Location"] == url(project) + "?q=zs"
    page = client.get(response["Location"]).content.decode()
    assert "8-2-1203" in page
    assert "张三" not in page


def test_a_whole_number_stands_in_no_address(owner: Owner, project: Project) -> None:
    create_phone(owner=owner, number=NUMBER)
    client = signed_in(Role.FINANCE, project)
    sent = client.post(url(project), {"q": NUMBER})
    assert sent.status_code == 200
    assert "8-2-1203" in sent.content.decode()
    asked = client.get(url(project), {"q": NUMBER})
    assert asked["Location"] == url(project)
    assert "8-2-1203" not in client.get(asked["Location"]).content.decode()


def test_nothing_found_says_so(owner: Owner, project: Project) -> None:
    client = signed_in(Role.FINANCE, project)
    for text in ("qq", "q\0q"):
        assert "没有符合的房屋或业主" in typed(client, project, text)
    assert "没有符合的房屋或业主" in client.get(url(project), {"q": "qq"}).content.decode()
    assert "没有符合" not in typed(client, project, "  ")


@pytest.mark.parametrize(("role", "offered"), [(Role.SYSTEM_ADMIN, False), (Role.FINANCE, True)])
def test_the_search_box_stands_only_before_those_it_admits(role: Role, offered: bool, project: Project) -> None:
    client = signed_in(role, project)
    page = client.get(reverse("company:notifications")).content.decode()
    assert ('class="ad-search"' in page) is offered
    assert (client.post(url(project), {"q": "zs"}, headers=TYPING).status_code == 200) is offered


def test_it_is_protected_against_forged_requests(owner: Owner, project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(create_user(role=Role.FINANCE, project=project))
    assert client.post(url(project), {"q": "zs"}, headers=TYPING).status_code == 403


@pytest.mark.parametrize("role", [Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.DEPARTMENT_HEAD])
def test_who_works_in_a_team_finds_its_cases_only(role: Role, owner: Owner, project: Project) -> None:
    worker = create_user(role=role, project=project)
    mine = create_case(account=create_account(project=project, code="8-2-1101"), team=None)
    create_case(account=create_account(project=project, code="8-2-1102"))
    team = create_team(project=project, members=[worker])
    mine.team = team
    mine.save()
    shown = typed(client_of(worker), project, "8-2")
    assert "8-2-1101" in shown
    assert reverse("collection:case", kwargs={"project_code": project.code, "pk": mine.pk}) in shown
    assert "8-2-1102" not in shown
    assert "8-2-1203" not in shown
    page = client_of(worker).get(url(project), {"q": "李小博"}).content.decode()
    assert "8-2-1101" in page
    assert "8-2-1102" not in page
    assert "/owners/" not in page
    assert "/units/" not in page


def test_a_team_does_not_find_the_owner_before(project: Project) -> None:
    """A case is about one party: what is known of the unit's other owners is not the team's to find."""
    worker = create_user(role=Role.OFFICER, project=project)
    case = create_case(account=create_account(project=project, code="8-2-1101"))
    case.team = create_team(project=project, members=[worker])
    case.save()
    other = create_unit(project=project, code="9-1-101")
    create_ownership(unit=other, owners=[create_owner(project=project, name="赵六")])
    assert "9-1-101" not in typed(client_of(worker), project, "赵六")


def test_what_is_overdue_is_told_with_the_case(project: Project) -> None:
    create_case(account=create_account(project=project, code="8-2-1101"), amount="345.60")
    assert "345.60" in typed(signed_in(Role.PROJECT_MANAGER, project), project, "8-2-1101")


@pytest.mark.parametrize("size", [3, 30])
def test_typing_costs_a_fixed_number_of_queries(size: int, project: Project, django_assert_max_num_queries) -> None:
    for n in range(size):
        unit = create_unit(project=project, code=f"5-1-{100 + n}")
        create_ownership(unit=unit, owners=[create_owner(project=project, name="郑爽", pinyin_initials="zs")])
    client = signed_in(Role.FINANCE, project)
    with django_assert_max_num_queries(16):
        shown = typed(client, project, "zs")
    assert shown.count('role="option"') == min(size, LIMIT_WHILE_TYPING)
