"""What the database refuses, whoever asks."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from company.models import AuditEvent, Notification, Phase, Post, Project, ProjectAccess, Role, StoredFile, User
from tests.factories import NOW, create_project, create_user, give_role

pytestmark = pytest.mark.django_db


def refused(write: Callable[[], Any], *, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        write()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"code": "凤凰城"}, "project_code_fits_an_address"),
        ({"code": "a/b"}, "project_code_fits_an_address"),
        ({"code": "-x"}, "project_code_fits_an_address"),
        ({"name": ""}, "project_has_a_name"),
        ({"verification_hours": 0}, "project_verification_hours_in_range"),
        ({"verification_hours": 721}, "project_verification_hours_in_range"),
        ({"contact_from": dt.time(7, 59)}, "project_contact_hours_lawful"),
        ({"contact_until": dt.time(22, 1)}, "project_contact_hours_lawful"),
        ({"contact_from": dt.time(20), "contact_until": dt.time(20)}, "project_contact_hours_lawful"),
    ],
)
def test_a_project_keeps_to_its_rules(fields: dict[str, Any], constraint: str) -> None:
    refused(lambda: create_project(**fields), constraint=constraint)


def test_the_widest_lawful_contact_hours_are_accepted() -> None:
    project = create_project(contact_from=dt.time(8), contact_until=dt.time(22))
    assert project.pk


def test_a_project_code_is_unique() -> None:
    create_project(code="FHC1")
    refused(lambda: create_project(code="FHC1"), constraint="company_project_code_key")


def test_a_phase_stands_once_in_its_project() -> None:
    project = create_project()
    Phase.objects.create(project=project, name="一期")
    Phase.objects.create(project=create_project(), name="一期")
    refused(lambda: Phase.objects.create(project=project, name="一期"), constraint="phase_unique_in_project")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COMPANY_LEADER, Role.SYSTEM_ADMIN}))
def test_only_company_wide_roles_come_without_a_project(role: Role) -> None:
    user = create_user()
    refused(lambda: give_role(user=user, role=role, project=None), constraint="access_without_project_is_company_wide")


@pytest.mark.parametrize("role", [Role.COMPANY_LEADER, Role.SYSTEM_ADMIN])
def test_company_wide_roles_may_come_without_a_project(role: Role) -> None:
    assert give_role(user=create_user(), role=role, project=None).pk


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_live_role_is_held_once(everywhere: bool) -> None:
    project = None if everywhere else create_project()
    user = create_user(role=Role.SYSTEM_ADMIN, project=project)
    refused(
        lambda: give_role(user=user, role=Role.SYSTEM_ADMIN, project=project), constraint="access_unique_while_live"
    )


def test_a_revoked_role_can_be_granted_again() -> None:
    project = create_project()
    user = create_user(role=Role.OFFICER, project=project)
    access = ProjectAccess.objects.get(user=user)
    ProjectAccess.objects.update(revoked_at=access.granted_at)
    assert give_role(user=user, role=Role.OFFICER, project=project).pk != access.pk


def test_a_role_is_one_that_is_known() -> None:
    user, project = create_user(), create_project()
    refused(
        lambda: ProjectAccess.objects.create(user=user, project=project, role="owner"),
        constraint="access_role_is_known",
    )


def test_a_role_is_not_revoked_before_it_was_granted() -> None:
    user = create_user(role=Role.OFFICER, project=create_project())
    access = ProjectAccess.objects.get(user=user)
    before = access.granted_at - dt.timedelta(seconds=1)
    refused(lambda: ProjectAccess.objects.update(revoked_at=before), constraint="access_revoked_after_granted")


def test_who_revoked_comes_with_when() -> None:
    user = create_user(role=Role.OFFICER, project=create_project())
    refused(lambda: ProjectAccess.objects.update(revoked_by=user), constraint="access_revoked_by_has_an_instant")


@pytest.mark.parametrize("mobile", ["", "1380013800", "23800138000", "１３８００１３８０００", "138-0013800"])
def test_a_mobile_number_is_eleven_digits(mobile: str) -> None:
    refused(lambda: create_user(mobile=mobile), constraint="user_mobile_is_a_mobile_number")


def test_a_mobile_number_belongs_to_one_person_and_none_to_many() -> None:
    create_user(mobile="13800138000")
    create_user(mobile=None)
    create_user(mobile=None)
    refused(lambda: create_user(mobile="13800138000"), constraint="company_user_mobile_key")


def test_a_person_has_a_name() -> None:
    refused(lambda: create_user(name=""), constraint="user_has_a_name")


def test_a_post_has_a_name_of_its_own() -> None:
    Post.objects.create(name="管家")
    refused(lambda: Post.objects.create(name="管家"), constraint="company_post_name_key")
    refused(lambda: Post.objects.create(name=""), constraint="post_has_a_name")


def test_a_notification_is_written_once_per_person_and_key() -> None:
    user = create_user()
    Notification.objects.create(user=user, key="milestone-1-7", title="还有 7 天")
    Notification.objects.create(user=create_user(), key="milestone-1-7", title="还有 7 天")
    refused(
        lambda: Notification.objects.create(user=user, key="milestone-1-7", title="还有 7 天"),
        constraint="notification_once_per_key",
    )
    refused(lambda: Notification.objects.create(user=user, key="k", title=""), constraint="notification_says_something")


def test_a_stored_file_is_named_by_a_hash() -> None:
    project = create_project()
    fields = {"project": project, "name": "a.pdf", "content_type": "application/pdf", "size": 1, "purpose": "notice"}
    refused(lambda: StoredFile.objects.create(**fields, sha256="G" * 64), constraint="stored_file_hash_is_sha256")
    refused(
        lambda: StoredFile.objects.create(**fields | {"purpose": "other"}, sha256="a" * 64),
        constraint="stored_file_purpose_is_known",
    )


class TestTheAuditTrailIsFrozen:
    @pytest.fixture
    def event(self) -> AuditEvent:
        return AuditEvent.objects.create(action="people.created", user=create_user(), project=create_project())

    def test_rows_cannot_be_changed(self, event: AuditEvent) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            AuditEvent.objects.filter(pk=event.pk).update(action="nothing")

    def test_rows_cannot_be_deleted(self, event: AuditEvent) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            event.delete()

    @pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE"])
    def test_not_even_by_raw_sql(self, event: AuditEvent, statement: str) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{statement} company_auditevent")
        assert AuditEvent.objects.filter(pk=event.pk).exists()


def test_names_are_sorted_by_pinyin() -> None:
    for name in ["邹敏", "王倩", "韩志远", "Anna", "赵启明"]:
        create_user(name=name)
    assert list(User.objects.order_by("name_key").values_list("name", flat=True)) == [
        "Anna",
        "韩志远",
        "王倩",
        "赵启明",
        "邹敏",
    ]


class TestVisibleTo:
    def test_projects_of_a_role(self) -> None:
        own, _other = create_project(), create_project()
        user = create_user(role=Role.FINANCE, project=own)
        assert list(Project.objects.visible_to(user)) == [own]

    def test_all_active_projects_for_a_company_wide_role(self) -> None:
        own, closed = create_project(), create_project(is_active=False)
        leader = create_user(role=Role.COMPANY_LEADER, project=None)
        assert list(Project.objects.visible_to(leader)) == [own]
        assert closed not in Project.objects.visible_to(leader)

    def test_nothing_after_the_role_is_revoked_or_the_person_deactivated(self) -> None:
        project = create_project()
        user = create_user(role=Role.FINANCE, project=project)
        user.is_active = False
        assert not Project.objects.visible_to(user).exists()
        user.is_active = True
        ProjectAccess.objects.update(revoked_at=NOW + dt.timedelta(days=3650))
        assert not Project.objects.visible_to(user).exists()

    def test_rows_of_a_project_by_its_project(self) -> None:
        own, other = create_project(), create_project()
        mine = Phase.objects.create(project=own, name="一期")
        Phase.objects.create(project=other, name="一期")
        user = create_user(role=Role.OFFICER, project=own)
        assert list(Phase.objects.visible_to(user)) == [mine]

    def test_colleagues_of_own_projects_only(self) -> None:
        own, other = create_project(), create_project()
        manager = create_user(role=Role.PROJECT_MANAGER, project=own)
        colleague = create_user(role=Role.OFFICER, project=own)
        create_user(role=Role.OFFICER, project=other)
        assert set(User.objects.visible_to(manager)) == {manager, colleague}

    def test_own_notifications_only(self) -> None:
        project = create_project()
        user = create_user(role=Role.OFFICER, project=project)
        mine = Notification.objects.create(user=user, project=project, key="k", title="t")
        Notification.objects.create(user=create_user(), project=project, key="k", title="t")
        Notification.objects.create(user=user, project=create_project(), key="elsewhere", title="t")
        assert list(Notification.objects.visible_to(user)) == [mine]

    def test_company_wide_audit_events_for_company_wide_roles_only(self) -> None:
        project = create_project()
        AuditEvent.objects.create(action="post.created")
        of_project = AuditEvent.objects.create(action="file.downloaded", project=project)
        assert list(AuditEvent.objects.visible_to(create_user(role=Role.FINANCE, project=project))) == [of_project]
        leader = create_user(role=Role.COMPANY_LEADER, project=None)
        assert AuditEvent.objects.visible_to(leader).count() == 2
