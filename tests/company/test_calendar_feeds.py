"""The secret address of a calendar: shown once, kept as a hash, withdrawn at once."""

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from company.calendar_feeds import hash_of, reader_of, renew_feed, revoke_feed
from company.models import CalendarFeed, Project, ProjectAccess, Role, User
from company.people import deactivate, reactivate
from tests.factories import NOW, create_project, create_user

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def officer(project: Project) -> User:
    return create_user(name="王倩", project=project, role=Role.OFFICER)


class TestSecret:
    def test_opens_the_calendar_of_its_owner_and_is_kept_nowhere(self, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        assert reader_of(token, now=NOW) == officer
        kept = CalendarFeed.objects.values().get()
        assert token not in str(kept)
        assert kept["digest"] == hash_of(token)
        assert kept["fetched_at"] == NOW

    def test_a_new_one_ends_the_old_one(self, officer: User) -> None:
        old = renew_feed(user=officer, now=NOW)
        new = renew_feed(user=officer, now=NOW + HOUR)
        assert reader_of(old, now=NOW + HOUR) is None
        assert reader_of(new, now=NOW + HOUR) == officer

    def test_revoked_it_opens_nothing(self, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        assert revoke_feed(user=officer, by=officer, now=NOW + HOUR)
        assert reader_of(token, now=NOW + HOUR) is None
        assert not revoke_feed(user=officer, by=officer, now=NOW + HOUR)

    @pytest.mark.parametrize("token", ["", "x", "%00", "a" * 500])
    def test_a_wrong_one_opens_nothing(self, officer: User, token: str) -> None:
        renew_feed(user=officer, now=NOW)
        assert reader_of(token, now=NOW) is None
        assert reader_of(CalendarFeed.objects.get().digest, now=NOW) is None


class TestRightsWithdrawn:
    def test_the_last_role_gone_nothing_is_opened(self, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        ProjectAccess.objects.update(revoked_at=dt.datetime.now(dt.UTC))
        assert reader_of(token, now=NOW) is None

    def test_a_project_that_ended_opens_nothing(self, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        Project.objects.update(is_active=False)
        assert reader_of(token, now=NOW) is None

    def test_deactivated_it_ends_and_does_not_come_back(self, project: Project, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        manager = create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)
        deactivate(person=officer, by=manager, now=dt.datetime.now(dt.UTC))
        assert reader_of(token, now=NOW) is None
        admin = create_user(name="管理员", role=Role.SYSTEM_ADMIN)
        reactivate(person=officer, by=admin)
        ProjectAccess.objects.create(user=officer, project=project, role=Role.OFFICER)
        assert reader_of(token, now=NOW) is None


class TestPage:
    @pytest.fixture
    def client(self, officer: User) -> Client:
        client = Client()
        client.force_login(officer)
        return client

    def test_the_address_is_shown_once_and_works_without_signing_in(self, client: Client) -> None:
        page = client.post("/calendar-address/renew/")
        address = page.context_data["address"]
        assert address in page.text
        assert "no-store" in page["Cache-Control"]
        assert Client().get(address).status_code == 200
        assert address not in client.get("/calendar-address/").text

    def test_renewed_and_withdrawn_the_old_address_is_gone(self, client: Client) -> None:
        first = client.post("/calendar-address/renew/").context_data["address"]
        second = client.post("/calendar-address/renew/").context_data["address"]
        assert Client().get(first).status_code == 404
        client.post("/calendar-address/revoke/")
        assert Client().get(second).status_code == 404
        assert not CalendarFeed.objects.live().exists()

    def test_a_get_makes_none(self, client: Client) -> None:
        assert client.get("/calendar-address/renew/").status_code == 405
        assert not CalendarFeed.objects.exists()


class TestDatabase:
    def make(self, user: User, **fields: object) -> CalendarFeed:
        return CalendarFeed.objects.create(**{"user": user, "digest": hash_of("x"), "created_at": NOW, **fields})

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"digest": hash_of("y")}, "one_live_calendar_feed"),
            ({"revoked_at": NOW}, "company_calendarfeed_digest"),
            ({"digest": "the secret itself", "revoked_at": NOW}, "calendar_feed_keeps_a_hash"),
            ({"digest": hash_of("y"), "revoked_at": NOW - HOUR}, "calendar_feed_in_order"),
        ],
    )
    def test_refuses_what_must_not_be(self, officer: User, fields: dict[str, object], constraint: str) -> None:
        self.make(officer)
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            self.make(officer, **fields)


@pytest.mark.django_db(transaction=True)
def test_of_two_renewals_at_once_one_address_holds() -> None:
    user = create_user(project=create_project(), role=Role.OFFICER)
    tokens: list[str] = []
    barrier = threading.Barrier(4)

    def renew() -> None:
        barrier.wait(5)
        tokens.append(renew_feed(user=user, now=NOW))
        connection.close()

    threads = [threading.Thread(target=renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 4
    assert [reader_of(token, now=NOW) for token in tokens].count(user) == 1
