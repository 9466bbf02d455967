"""Two people enter the same name at the same moment: the second reads it beside the field.

In each test a colleague saves between the check of the form and the saving. The control saves without
``save_or_complain`` and gets the error of the database, which would be an error page.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from company.forms import PersonForm, PhaseFormSet, PostForm, ProjectForm
from company.models import AuditEvent, Phase, Post, Project, Role, User
from company.views import people, projects
from notices.forms import LawFirmForm
from notices.models import LawFirm
from notices.views import firms
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db
MOBILE = "13812342617"
PROJECT = {
    "code": "FHC9", "name": "凤凰城九期", "verification_hours": "24", "contact_from": "09:00", "contact_until": "20:00",
    "is_active": "on",
}  # fmt: skip
PERSON = {"name": "邹敏", "mobile": MOBILE, "username": "", "email": "", "role": "system_admin", "project": ""}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(create_user(role=Role.SYSTEM_ADMIN))
    return client


@pytest.fixture(params=[True, False], ids=["guarded", "control"])
def guarded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        for views in (people, projects, firms):
            monkeypatch.setattr(views, "save_or_complain", lambda save, *_forms: save())
    return bool(request.param)


def a_colleague_is_faster(monkeypatch: pytest.MonkeyPatch, form: Any, save: Callable[[], Any]) -> None:
    """``save`` happens once, after the form was found right."""
    check, done = form.is_valid, []

    def is_valid(self: Any) -> bool:
        valid = check(self)
        if valid and not done:
            done.append(save())
        return valid

    monkeypatch.setattr(form, "is_valid", is_valid)


def sent(client: Client, url: str, data: dict[str, str], *, guarded: bool) -> Any:
    if guarded:
        response = client.post(url, data)
        assert response.status_code == 200
        return response.context["form"].errors
    with pytest.raises(IntegrityError):
        client.post(url, data)
    return None


def test_a_person(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    a_colleague_is_faster(monkeypatch, PersonForm, lambda: create_user(name="别人", mobile=MOBILE, username="other"))
    errors = sent(admin, reverse("company:person_new"), PERSON, guarded=guarded)
    if guarded:
        assert "mobile" in errors
        assert not AuditEvent.objects.filter(action="people.created").exists()
        assert not User.objects.filter(name="邹敏", mobile=MOBILE).exists()


def test_a_persons_new_number(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    person = create_user(name="邹敏", role=Role.OFFICER, project=create_project())
    a_colleague_is_faster(monkeypatch, PersonForm, lambda: create_user(name="别人", mobile=MOBILE, username="other"))
    given = {**PERSON, "username": person.username}
    errors = sent(admin, reverse("company:person", args=[person.pk]), given, guarded=guarded)
    if guarded:
        assert "mobile" in errors


def test_a_project(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    a_colleague_is_faster(monkeypatch, ProjectForm, lambda: create_project(code="FHC9"))
    errors = sent(admin, reverse("company:project_new"), PROJECT, guarded=guarded)
    if guarded:
        assert "code" in errors
        assert Project.objects.filter(code="FHC9").count() == 1


def test_a_phase(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create_project()
    a_colleague_is_faster(monkeypatch, PhaseFormSet, lambda: Phase.objects.create(project=project, name="一期"))
    data = {
        **PROJECT, "phases-TOTAL_FORMS": "1", "phases-INITIAL_FORMS": "0", "phases-0-name": "一期",
        "phases-0-position": "1",
    }  # fmt: skip
    url = reverse("company:project", args=[project.pk])
    if guarded:
        response = admin.post(url, data)
        assert response.status_code == 200
        assert response.context["phases"].errors[0]
        project.refresh_from_db()
        assert project.name != "凤凰城九期"
    else:
        with pytest.raises(IntegrityError):
            admin.post(url, data)


def test_a_phase_that_is_there(admin: Client) -> None:
    project = create_project()
    Phase.objects.create(project=project, name="一期")
    data = {**PROJECT, "phases-TOTAL_FORMS": "1", "phases-INITIAL_FORMS": "0", "phases-0-name": "一期"}
    response = admin.post(reverse("company:project", args=[project.pk]), data)
    assert "另有一期用了这个名称" in response.content.decode()


def test_a_post(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    a_colleague_is_faster(monkeypatch, PostForm, lambda: Post.objects.create(name="巡楼员"))
    errors = sent(admin, reverse("company:posts"), {"name": "巡楼员", "position": "1"}, guarded=guarded)
    if guarded:
        assert "name" in errors


def test_the_new_name_of_a_post(admin: Client, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Post.objects.create(name="巡查员")
    a_colleague_is_faster(monkeypatch, PostForm, lambda: Post.objects.create(name="巡楼员"))
    url = reverse("company:post", args=[kept.pk])
    errors = sent(admin, url, {"name": "巡楼员", "position": "1"}, guarded=guarded)
    if guarded:
        assert "name" in errors


def test_a_law_firm(guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create_project()
    client = Client()
    client.force_login(create_user(role=Role.NOTICE_ADMIN, project=project))
    name = "某某律师事务所"
    a_colleague_is_faster(
        monkeypatch, LawFirmForm, lambda: LawFirm.objects.create(project=project, name=name, lawyer="林某某")
    )
    url = reverse("notices:firm_new", kwargs={"project_code": project.code})
    errors = sent(client, url, {"name": name, "lawyer": "林某某", "lawyer_phone": "020-66660000"}, guarded=guarded)
    if guarded:
        assert "name" in errors
