"""Signing in and out, lock-out, forced change of the password, second factor."""

import datetime as dt

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from company.models import AuditEvent, ProjectAccess, Role, User
from company.people import deactivate, reset_password
from company.signin import find_account
from tests.factories import PASSWORD, create_project, create_user

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def sign_in(client: Client, login: str, password: str = PASSWORD, **query: str) -> int:
    """Tries to sign in; returns the status: 302 where it worked."""
    return client.post(LOGIN, {"login": login, "password": password}, query_params=query).status_code


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("company:notifications")).status_code == 200


@pytest.fixture
def housekeeper() -> User:
    return create_user(
        name="王倩", username="wangqian", mobile="13800138001", role=Role.HOUSEKEEPER, project=create_project()
    )


@pytest.mark.parametrize("login", ["13800138001", "wangqian", "王倩", " 王倩 "])
def test_mobile_user_name_and_name_all_sign_in(client: Client, housekeeper: User, login: str) -> None:
    assert sign_in(client, login) == 302
    assert is_signed_in(client)


def test_a_wrong_password_does_not(client: Client, housekeeper: User) -> None:
    response = client.post(LOGIN, {"login": "王倩", "password": "wrong"})
    assert response.status_code == 200
    assert "账号与密码不符" in response.content.decode()
    assert not is_signed_in(client)


def test_namesakes_sign_in_by_mobile_only(client: Client, housekeeper: User) -> None:
    create_user(name="王倩", mobile="13800138002")
    assert find_account("王倩") is None
    assert sign_in(client, "王倩") == 200
    assert sign_in(client, "13800138002") == 302


def test_a_deactivated_namesake_does_not_stand_in_the_way(client: Client, housekeeper: User) -> None:
    create_user(name="王倩", is_active=False)
    assert sign_in(client, "王倩") == 302


def test_a_deactivated_person_cannot_sign_in(client: Client) -> None:
    create_user(username="gone", is_active=False)
    assert sign_in(client, "gone") == 200
    assert not is_signed_in(client)


class TestNext:
    def test_leads_to_the_page_that_was_asked_for(self, client: Client, housekeeper: User) -> None:
        asked = client.get("/notifications/")
        assert asked["Location"] == f"{LOGIN}?next=/notifications/"
        response = client.post(asked["Location"], {"login": "wangqian", "password": PASSWORD})
        assert response["Location"] == "/notifications/"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_is_ignored_where_it_leads_away(self, client: Client, housekeeper: User, target: str) -> None:
        response = client.post(
            LOGIN, {"login": "wangqian", "password": PASSWORD, "next": target}, query_params={"next": target}
        )
        assert response["Location"] == "/"


class TestLockOut:
    def test_five_wrong_passwords_lock_the_account(self, client: Client, housekeeper: User) -> None:
        codes = [sign_in(client, "wangqian", "wrong") for _ in range(6)]
        assert codes == [200, 200, 200, 200, 429, 429]
        response = client.post(LOGIN, {"login": "wangqian", "password": PASSWORD})
        assert response.status_code == 429
        assert "登录已锁定" in response.content.decode()
        assert not is_signed_in(client)

    def test_whatever_login_is_typed_it_is_the_same_account(self, client: Client, housekeeper: User) -> None:
        for login in ["wangqian", "王倩", "13800138001", "wangqian", "王倩"]:
            sign_in(client, login, "wrong")
        assert sign_in(client, "13800138001") == 429

    def test_from_many_addresses(self, housekeeper: User) -> None:
        tried = [sign_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), "wangqian", "wrong") for number in range(1, 31)]
        assert tried.count(200) < settings.AXES_FAILURE_LIMIT

    def test_a_colleague_behind_the_same_address_is_not_locked_out(self, client: Client, housekeeper: User) -> None:
        create_user(username="neighbour")
        for _ in range(6):
            sign_in(client, "wangqian", "wrong")
        assert sign_in(Client(), "neighbour") == 302

    def test_it_ends_after_a_quarter_of_an_hour(self, client: Client, housekeeper: User) -> None:
        from axes.models import AccessAttempt

        for _ in range(5):
            sign_in(client, "wangqian", "wrong")
        AccessAttempt.objects.update(attempt_time=timezone.now() - dt.timedelta(minutes=16))
        assert sign_in(client, "wangqian") == 302

    def test_an_administrator_unlocks_with_a_new_password(self, client: Client, housekeeper: User) -> None:
        for _ in range(5):
            sign_in(client, "wangqian", "wrong")
        password = reset_password(person=housekeeper, by=create_user(role=Role.SYSTEM_ADMIN, project=None))
        assert sign_in(client, "wangqian", password) == 302

    def test_the_admin_site_is_no_way_round(self, client: Client, housekeeper: User) -> None:
        response = client.get("/admin/login/")
        assert response.status_code == 302
        assert response["Location"].startswith(LOGIN)
        for _ in range(5):
            client.post("/admin/login/", {"username": "wangqian", "password": PASSWORD})
        assert not is_signed_in(client)


class TestSessions:
    def test_signing_out_ends_the_session(self, client: Client, housekeeper: User) -> None:
        sign_in(client, "wangqian")
        client.post("/accounts/logout/")
        assert not is_signed_in(client)

    def test_a_deactivated_person_is_out_with_the_next_request(self, client: Client, housekeeper: User) -> None:
        sign_in(client, "wangqian")
        assert is_signed_in(client)
        deactivate(person=housekeeper, by=create_user(role=Role.SYSTEM_ADMIN, project=None), now=timezone.now())
        assert not is_signed_in(client)

    def test_nor_does_a_reactivation_bring_the_old_session_back(self, client: Client, housekeeper: User) -> None:
        sign_in(client, "wangqian")
        deactivate(person=housekeeper, by=create_user(role=Role.SYSTEM_ADMIN, project=None), now=timezone.now())
        User.objects.update(is_active=True)
        assert not is_signed_in(client)

    def test_a_new_password_ends_the_sessions(self, client: Client, housekeeper: User) -> None:
        sign_in(client, "wangqian")
        reset_password(person=housekeeper, by=create_user(role=Role.SYSTEM_ADMIN, project=None))
        assert not is_signed_in(client)

    def test_a_revoked_role_is_gone_with_the_next_request(self, client: Client, housekeeper: User) -> None:
        code = ProjectAccess.objects.get(user=housekeeper).project.code
        client.force_login(housekeeper)
        assert client.get(f"/p/{code}/").status_code == 302
        ProjectAccess.objects.filter(user=housekeeper).update(revoked_at=timezone.now() + dt.timedelta(hours=1))
        assert client.get(f"/p/{code}/").status_code == 404


class TestPasswordChange:
    NEW = "Yun-shan-4821"

    def change(self, client: Client, old: str, new: str) -> int:
        data = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post(reverse("company:password"), data).status_code

    def test_a_short_password_is_refused_in_chinese(self, client: Client) -> None:
        client.force_login(create_user(must_change_password=True))
        data = {"old_password": "x", "new_password1": "kQ7-wz", "new_password2": "kQ7-wz"}
        page = client.post(reverse("company:password"), data).content.decode()
        assert "密码太短，至少要 10 个字符。" in page
        assert "This password" not in page

    def test_a_one_time_password_must_be_changed_before_anything_else(self, client: Client) -> None:
        user = create_user(must_change_password=True, role=Role.FINANCE, project=create_project(code="FHC1"))
        client.force_login(user)
        for path in ["/", "/notifications/", "/p/FHC1/"]:
            assert client.get(path)["Location"] == reverse("company:password")
        assert self.change(client, PASSWORD, self.NEW) == 302
        assert is_signed_in(client)
        user.refresh_from_db()
        assert check_password(self.NEW, user.password)
        assert not user.must_change_password
        assert AuditEvent.objects.filter(action="account.password_changed", user=user).exists()

    @pytest.mark.parametrize("new", [PASSWORD, "12345678901234", "short-1", "password123"])
    def test_a_weak_or_old_password_is_refused(self, client: Client, new: str) -> None:
        client.force_login(create_user(must_change_password=True))
        assert self.change(client, PASSWORD, new) == 200
        assert not is_signed_in(client)

    def test_other_devices_are_signed_out(self, client: Client, housekeeper: User) -> None:
        other = Client()
        sign_in(other, "wangqian")
        sign_in(client, "wangqian")
        assert self.change(client, PASSWORD, self.NEW) == 302
        assert is_signed_in(client)
        assert not is_signed_in(other)


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _required(self, settings: Settings) -> None:
        settings.REQUIRE_ADMIN_MFA = True

    def test_an_administrator_sets_it_up_before_anything_else(self, client: Client) -> None:
        client.force_login(create_user(role=Role.SYSTEM_ADMIN, project=None))
        assert client.get("/people/")["Location"] == reverse("mfa_activate_totp")

    def test_nobody_else_needs_it(self, client: Client, housekeeper: User) -> None:
        client.force_login(housekeeper)
        assert is_signed_in(client)

    def test_an_administrator_who_has_it_goes_on(self, client: Client) -> None:
        from allauth.mfa.adapter import get_adapter
        from allauth.mfa.models import Authenticator

        admin = create_user(role=Role.SYSTEM_ADMIN, project=None)
        secret = get_adapter().encrypt("JBSWY3DPEHPK3PXP")
        Authenticator.objects.create(user=admin, type=Authenticator.Type.TOTP, data={"secret": secret})
        client.force_login(admin)
        assert client.get("/people/").status_code == 200

    def test_a_password_alone_is_not_enough_then(self, client: Client) -> None:
        from allauth.mfa.adapter import get_adapter
        from allauth.mfa.models import Authenticator

        admin = create_user(username="admin", role=Role.SYSTEM_ADMIN, project=None)
        secret = get_adapter().encrypt("JBSWY3DPEHPK3PXP")
        assert "JBSWY3DPEHPK3PXP" not in secret
        Authenticator.objects.create(user=admin, type=Authenticator.Type.TOTP, data={"secret": secret})
        response = client.post(LOGIN, {"login": "admin", "password": PASSWORD})
        assert response["Location"].startswith(reverse("mfa_authenticate"))
        assert not is_signed_in(client)


def test_nobody_signs_up(client: Client) -> None:
    assert client.get("/accounts/signup/").status_code in {302, 404}
    assert client.get("/accounts/password/reset/").status_code in {302, 404}


class TestASessionThatEnded:
    def test_says_so_to_a_form(self, client: Client, housekeeper: User) -> None:
        assert client.get(reverse("company:session")).json()["signed_in"] is False
        client.force_login(housekeeper)
        answer = client.get(reverse("company:session")).json()
        assert answer["signed_in"] is True
        assert answer["person"] == housekeeper.pk
        assert answer["token"]

    def test_does_not_put_the_sign_in_page_into_a_part_of_a_page(self, client: Client) -> None:
        response = client.get("/notifications/", headers={"HX-Request": "true"})
        assert response.status_code == 204
        assert response["HX-Trigger"] == "session-ended"
