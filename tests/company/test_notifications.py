"""The bell: written once, one's own, read when it is read."""

import datetime as dt

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from company.mailing import mail_notifications
from company.models import Notification, ProjectAccess, Role, User
from company.notifying import mark_read, notify
from tests.factories import NOW, create_project, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return create_user(role=Role.PROJECT_MANAGER, project=create_project(code="FHC1"))


def test_a_key_is_written_once(user: User) -> None:
    first, written = notify(user=user, project=None, key="milestone-1-3", title="还有 3 天")
    again, written_again = notify(user=user, project=None, key="milestone-1-3", title="还有 3 天")
    assert (written, written_again) == (True, False)
    assert first == again


def test_the_bell_counts_what_is_unread(client: Client, user: User) -> None:
    notify(user=user, project=None, key="a", title="甲")
    notify(user=user, project=None, key="b", title="乙")
    client.force_login(user)
    assert client.get(reverse("company:notifications")).context["frame"].unread == 2
    mark_read(user=user, now=NOW, notification_id=Notification.objects.get(key="a").pk)
    assert client.get(reverse("company:notifications")).context["frame"].unread == 1


def test_opening_marks_as_read_and_leads_on(client: Client, user: User) -> None:
    row, _written = notify(user=user, project=None, key="a", title="甲", url="/p/FHC1/")
    client.force_login(user)
    response = client.post(reverse("company:notification_read", args=[row.pk]))
    assert response["Location"] == "/p/FHC1/"
    row.refresh_from_db()
    assert row.read_at is not None


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", ""])
def test_it_leads_nowhere_else(client: Client, user: User, url: str) -> None:
    row, _written = notify(user=user, project=None, key="a", title="甲", url=url)
    client.force_login(user)
    response = client.post(reverse("company:notification_read", args=[row.pk]))
    assert response["Location"] == reverse("company:notifications")


def test_all_are_read_at_once_and_only_ones_own(client: Client, user: User) -> None:
    other = create_user()
    for person in (user, other):
        notify(user=person, project=None, key="a", title="甲")
    client.force_login(user)
    client.post(reverse("company:notifications_read"))
    assert not Notification.objects.filter(user=user).unread().exists()
    assert Notification.objects.filter(user=other).unread().exists()


def test_somebody_elses_does_not_exist(client: Client, user: User) -> None:
    row, _written = notify(user=create_user(), project=None, key="a", title="甲")
    client.force_login(user)
    assert client.post(reverse("company:notification_read", args=[row.pk])).status_code == 404


def test_only_the_unread_where_asked_for(client: Client, user: User) -> None:
    notify(user=user, project=None, key="a", title="甲")
    mark_read(user=user, now=NOW)
    notify(user=user, project=None, key="b", title="乙")
    client.force_login(user)
    rows = client.get(reverse("company:notifications"), {"state": "unread"}).context["page"].object_list
    assert [row.title for row in rows] == ["乙"]


@pytest.mark.parametrize(("is_revoked", "mailed"), [(False, 1), (True, 0)])
def test_nothing_is_mailed_of_a_project_that_was_left(is_revoked: bool, mailed: int) -> None:
    project = create_project()
    user = create_user(role=Role.PROJECT_MANAGER, project=project, email="m@example.com")
    row, _written = notify(user=user, project=project, key="a", title="甲")
    row.refresh_from_db()
    if is_revoked:
        ProjectAccess.objects.filter(user=user).update(revoked_at=row.created_at + dt.timedelta(minutes=1))
    assert mail_notifications(now=row.created_at + dt.timedelta(minutes=2)) == mailed
    assert len(mail.outbox) == mailed
