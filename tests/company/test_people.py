"""Managing staff: who may do what to whom, through the functions and through the pages."""

import io

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from company import people
from company.models import AuditEvent, Post, Project, ProjectAccess, Role, User
from company.people import Grant
from tests.factories import NOW, create_project, create_user, give_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def admin() -> User:
    return create_user(name="系统", role=Role.SYSTEM_ADMIN, project=None)


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", role=Role.PROJECT_MANAGER, project=project)


@pytest.fixture
def officer(project: Project) -> User:
    return create_user(name="韩志远", role=Role.OFFICER, project=project)


class TestReach:
    def test_a_manager_grants_the_field_roles_of_the_own_project(self, manager: User, project: Project) -> None:
        reach = people.reach_of(manager)
        assert set(reach.grantable_in(project)) == {
            Role.DEPARTMENT_HEAD,
            Role.OFFICER,
            Role.HOUSEKEEPER,
            Role.ASSISTANT,
        }
        assert reach.grantable_in(create_project()) == []
        assert reach.grantable_in(None) == []

    def test_a_system_administrator_grants_every_role(self, admin: User, project: Project) -> None:
        reach = people.reach_of(admin)
        assert set(reach.grantable_in(project)) == set(Role)
        assert set(reach.grantable_in(None)) == {Role.COMPANY_LEADER, Role.SYSTEM_ADMIN}

    def test_one_of_a_project_only_there(self, project: Project) -> None:
        reach = people.reach_of(create_user(role=Role.SYSTEM_ADMIN, project=project))
        assert Role.FINANCE in reach.grantable_in(project)
        assert reach.grantable_in(None) == []
        assert reach.grantable_in(create_project()) == []

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.PROJECT_MANAGER, Role.SYSTEM_ADMIN}))
    def test_nobody_else_grants_anything(self, role: Role, project: Project) -> None:
        assert people.reach_of(create_user(role=role, project=project)).grantable_in(project) == []


class TestWhoManagesWhom:
    def test_a_manager_manages_the_field_staff(self, manager: User, officer: User) -> None:
        assert people.may_manage(manager, officer)

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.SYSTEM_ADMIN, Role.COMPANY_LEADER, Role.PROJECT_MANAGER])
    def test_but_nobody_who_also_holds_a_role_out_of_reach(
        self, manager: User, officer: User, role: Role, project: Project
    ) -> None:
        give_role(user=officer, role=role, project=project)
        assert not people.may_manage(manager, officer)
        with pytest.raises(PermissionDenied):
            people.reset_password(person=officer, by=manager)

    def test_nor_somebody_with_a_role_in_another_project(self, manager: User, officer: User) -> None:
        give_role(user=officer, role=Role.OFFICER, project=create_project())
        assert not people.may_manage(manager, officer)

    def test_nobody_manages_themselves(self, admin: User) -> None:
        assert not people.may_manage(admin, admin)

    def test_only_superusers_manage_superusers(self, admin: User) -> None:
        root = create_user(is_superuser=True)
        assert not people.may_manage(admin, root)
        assert people.may_manage(create_user(is_superuser=True), root)


class TestRoles:
    def test_granting_twice_is_granting_once(self, manager: User, officer: User, project: Project) -> None:
        grant = Grant(project.pk, Role.HOUSEKEEPER)
        assert people.grant_role(person=officer, grant=grant, by=manager)
        assert not people.grant_role(person=officer, grant=grant, by=manager)
        access = ProjectAccess.objects.get(user=officer, role=Role.HOUSEKEEPER)
        assert access.granted_by == manager
        assert AuditEvent.objects.filter(action="people.role_granted", object_id=officer.pk).count() == 1

    def test_nobody_grants_themselves(self, admin: User, project: Project) -> None:
        with pytest.raises(PermissionDenied):
            people.grant_role(person=admin, grant=Grant(project.pk, Role.FINANCE), by=admin)

    def test_a_manager_grants_no_finance(self, manager: User, officer: User, project: Project) -> None:
        with pytest.raises(PermissionDenied):
            people.grant_role(person=officer, grant=Grant(project.pk, Role.FINANCE), by=manager)
        assert not ProjectAccess.objects.filter(role=Role.FINANCE).exists()

    def test_revoking_keeps_the_history(self, manager: User, officer: User, project: Project) -> None:
        grant = Grant(project.pk, Role.OFFICER)
        assert people.revoke_role(person=officer, grant=grant, by=manager, now=NOW)
        assert not people.revoke_role(person=officer, grant=grant, by=manager, now=NOW)
        access = ProjectAccess.objects.get(user=officer)
        assert access.revoked_by == manager
        assert access.revoked_at is not None
        assert AuditEvent.objects.filter(action="people.role_revoked").count() == 1


class TestAccounts:
    def test_a_new_person_gets_a_password_for_once(self, manager: User, project: Project) -> None:
        person, password = people.create_person(
            name="王倩",
            mobile="13800138001",
            username="13800138001",
            post=None,
            grants=[Grant(project.pk, Role.HOUSEKEEPER)],
            by=manager,
        )
        assert person.check_password(password)
        assert person.must_change_password
        assert password not in str(list(AuditEvent.objects.values()))

    def test_with_a_role_out_of_reach_nobody_is_created(self, manager: User, project: Project) -> None:
        with pytest.raises(PermissionDenied):
            people.create_person(
                name="王倩",
                mobile="13800138001",
                username="13800138001",
                post=None,
                grants=[Grant(project.pk, Role.FINANCE)],
                by=manager,
            )
        assert not User.objects.filter(mobile="13800138001").exists()

    def test_one_time_passwords_differ(self) -> None:
        assert len({people.one_time_password() for _ in range(200)}) == 200

    def test_deactivation_ends_everything(self, manager: User, officer: User) -> None:
        people.deactivate(person=officer, by=manager, now=NOW)
        officer.refresh_from_db()
        assert not officer.is_active
        assert not officer.has_usable_password()
        assert not ProjectAccess.objects.live().filter(user=officer).exists()
        assert set(AuditEvent.objects.values_list("action", flat=True)) == {
            "people.role_revoked",
            "people.deactivated",
        }

    def test_reactivation_gives_no_role_back(self, manager: User, officer: User) -> None:
        people.deactivate(person=officer, by=manager, now=NOW)
        password = people.reactivate(person=officer, by=manager)
        officer.refresh_from_db()
        assert officer.is_active
        assert officer.check_password(password)
        assert officer.must_change_password
        assert not ProjectAccess.objects.live().filter(user=officer).exists()


class TestPages:
    def test_a_person_is_created_with_a_role(self, client: Client, manager: User, project: Project) -> None:
        post = Post.objects.create(name="管家")
        client.force_login(manager)
        data = {"name": "王倩", "mobile": "13800138001", "post": post.pk, "project": project.pk, "role": "housekeeper"}
        response = client.post(reverse("company:person_new"), data)
        person = User.objects.get(mobile="13800138001")
        password = response.context["password"]
        assert password in response.content.decode()
        assert response["Cache-Control"].count("no-store")
        assert person.username == "13800138001"
        assert person.check_password(password)
        assert people.grants_of(person) == {Grant(project.pk, Role.HOUSEKEEPER)}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"mobile": "123"}, "mobile"),
            ({"mobile": ""}, "mobile"),
            ({"mobile": "13800138009"}, "mobile"),
            ({"mobile": "", "username": "13800138009"}, "username"),
        ],
    )
    def test_what_is_wrong_is_said_beside_its_field_and_kept(
        self, client: Client, manager: User, project: Project, change: dict[str, str], field: str
    ) -> None:
        create_user(mobile="13800138009")
        client.force_login(manager)
        data = {"name": "王倩", "mobile": "13800138001", "project": project.pk, "role": "housekeeper", **change}
        response = client.post(reverse("company:person_new"), data)
        assert field in response.context["form"].errors
        assert f'id="id_{field}_error"' in response.content.decode()
        assert not User.objects.filter(name="王倩").exists()

    @pytest.mark.parametrize("role", ["finance", "system_admin", "project_manager", "nonsense", ""])
    def test_a_manager_cannot_post_a_role_out_of_reach(
        self, client: Client, manager: User, project: Project, role: str
    ) -> None:
        client.force_login(manager)
        data = {"name": "王倩", "mobile": "13800138001", "project": project.pk, "role": role}
        response = client.post(reverse("company:person_new"), data)
        assert "role" in response.context["role_form"].errors
        assert not User.objects.filter(name="王倩").exists()

    def test_a_role_of_a_project_asks_for_the_project(self, client: Client, admin: User, project: Project) -> None:
        client.force_login(admin)
        data = {"name": "王倩", "mobile": "13800138001", "project": "", "role": "finance"}
        response = client.post(reverse("company:person_new"), data)
        assert response.context["role_form"].errors == {"project": ["请写明用于哪个项目。"]}

    def test_a_number_of_a_colleague_is_said_in_plain_words(
        self, client: Client, admin: User, project: Project
    ) -> None:
        create_user(mobile="13800138009")
        client.force_login(admin)
        data = {"name": "王倩", "mobile": "13800138009", "project": project.pk, "role": "finance"}
        response = client.post(reverse("company:person_new"), data)
        assert response.context["form"].errors["mobile"] == ["已有同事使用这个号码。"]

    def test_editing_is_recorded(self, client: Client, manager: User, officer: User) -> None:
        client.force_login(manager)
        data = {"name": "韩志远", "mobile": "13800138002", "username": officer.username}
        assert client.post(reverse("company:person", args=[officer.pk]), data).status_code == 302
        officer.refresh_from_db()
        assert officer.mobile == "13800138002"
        event = AuditEvent.objects.get(action="people.edited")
        assert event.detail == {"fields": ["mobile"]}

    def test_a_user_name_that_was_the_old_number_follows_the_new_one(
        self, client: Client, manager: User, project: Project
    ) -> None:
        person = create_user(username="13800138001", mobile="13800138001", role=Role.OFFICER, project=project)
        client.force_login(manager)
        data = {"name": person.name, "mobile": "13800138002", "username": "13800138001"}
        client.post(reverse("company:person", args=[person.pk]), data)
        person.refresh_from_db()
        assert (person.mobile, person.username) == ("13800138002", "13800138002")

    def test_an_account_out_of_reach_is_shown_and_not_changed(
        self, client: Client, manager: User, project: Project
    ) -> None:
        finance = create_user(name="邹敏", role=Role.FINANCE, project=project)
        client.force_login(manager)
        assert client.get(reverse("company:person", args=[finance.pk])).status_code == 200
        for name in ["person", "person_password", "person_deactivate", "person_reactivate"]:
            assert client.post(reverse(f"company:{name}", args=[finance.pk]), {"name": "X"}).status_code == 403
        finance.refresh_from_db()
        assert (finance.name, finance.is_active) == ("邹敏", True)

    def test_a_new_password_is_shown_once(self, client: Client, manager: User, officer: User) -> None:
        client.force_login(manager)
        response = client.post(reverse("company:person_password", args=[officer.pk]))
        officer.refresh_from_db()
        assert officer.check_password(response.context["password"])
        assert (
            response.context["password"]
            not in client.get(reverse("company:person", args=[officer.pk])).content.decode()
        )

    def test_roles_are_added_and_revoked(self, client: Client, manager: User, officer: User, project: Project) -> None:
        client.force_login(manager)
        data = {"project": project.pk, "role": "housekeeper"}
        client.post(reverse("company:person_role_add", args=[officer.pk]), data)
        access = ProjectAccess.objects.live().get(user=officer, role=Role.HOUSEKEEPER)
        client.post(reverse("company:person_role_revoke", args=[officer.pk, access.pk]))
        assert people.grants_of(officer) == {Grant(project.pk, Role.OFFICER)}

    def test_colleagues_of_other_projects_do_not_exist(self, client: Client, manager: User) -> None:
        stranger = create_user(name="外人", role=Role.OFFICER, project=create_project())
        client.force_login(manager)
        assert "外人" not in client.get(reverse("company:people")).content.decode()
        assert client.get(reverse("company:person", args=[stranger.pk])).status_code == 404


class TestList:
    def names(self, client: Client, **query: str) -> list[str]:
        page = client.get(reverse("company:people"), query).context["page"]
        return [person.name for person in page]

    def test_searches_filters_and_sorts(self, client: Client, manager: User, officer: User, project: Project) -> None:
        create_user(name="邹敏", mobile="13912345678", role=Role.FINANCE, project=project)
        create_user(name="走了", role=Role.OFFICER, project=project, is_active=False)
        client.force_login(manager)
        assert self.names(client) == ["韩志远", "沈静宜", "邹敏"]
        assert self.names(client, sort="-name") == ["邹敏", "沈静宜", "韩志远"]
        assert self.names(client, q="139123") == ["邹敏"]
        assert self.names(client, q="静") == ["沈静宜"]
        assert self.names(client, role="officer") == ["韩志远"]
        assert self.names(client, project=str(project.pk), role="finance") == ["邹敏"]
        assert self.names(client, state="inactive") == ["走了"]
        assert self.names(client, sort="nonsense", page="99", role="nonsense") == ["韩志远", "沈静宜", "邹敏"]

    def test_costs_the_same_for_three_people_and_for_thirty(
        self, client: Client, manager: User, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client.force_login(manager)
        for number in range(3):
            create_user(name=f"甲{number}", role=Role.OFFICER, project=project)
        with django_assert_max_num_queries(20) as few:
            client.get(reverse("company:people"))
        for number in range(30):
            create_user(name=f"乙{number}", role=Role.OFFICER, project=project)
        with django_assert_max_num_queries(20) as many:
            client.get(reverse("company:people"))
        assert len(many) == len(few)

    def test_the_export_holds_the_filtered_list_as_inert_text(
        self, client: Client, manager: User, project: Project
    ) -> None:
        create_user(name="=1+1", role=Role.OFFICER, project=project)
        client.force_login(manager)
        response = client.get(reverse("company:people_export"), {"role": "officer"})
        sheet = load_workbook(io.BytesIO(response.content)).active
        assert sheet is not None
        cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert [row[0] for row in cells] == ["姓名", "=1+1"]
        assert sheet.cell(2, 1).data_type == "s"
        assert AuditEvent.objects.get(action="people.exported").detail == {"count": 1}
