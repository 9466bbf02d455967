"""One reminder a stage whatever happens to beat: stopped for 48 hours, run twice at once, its clock moved."""

import datetime as dt
import random

import pytest
from django.core import mail
from django.utils import timezone

from collection import tasks
from collection.models import Milestone, Reminder
from collection.reminders import remind, stage_of
from company.mailing import mail_notifications
from company.models import Notification, Role, User
from tests.arrears.spoiling import as_owner
from tests.collection.overlapping import overlapping
from tests.factories import SHANGHAI, create_campaign, create_project, create_user

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
DUE = dt.date(2025, 12, 5)
NOON = dt.datetime(2025, 12, 5, 12, tzinfo=SHANGHAI)
STAGES = ["7", "3", "1", "0", "-1", "-2", "-3"]
KEYS = {
    "one_reminder_a_stage": ("collection_reminder", "milestone_id, stage, user_id"),
    "notification_once_per_key": ("company_notification", "user_id, key"),
}


def create_people() -> tuple[User, User]:
    """The manager of a project and who answers for a milestone of its campaign."""
    project = create_project()
    manager = create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER, email="m@example.com")
    clerk = create_user(name="苏若楠", project=project, role=Role.NOTICE_ADMIN, email="c@example.com")
    create_campaign(project=project, milestones={Milestone.Kind.LETTERS_SENT: DUE})
    Milestone.objects.update(responsible=clerk)
    return manager, clerk


def stages(user: User) -> list[str]:
    rows = Reminder.objects.filter(user=user).order_by("pk").values_list("stage", flat=True)
    return [stage.removeprefix("2025-12-05/") for stage in rows]


def beat(monkeypatch: pytest.MonkeyPatch, moments: list[dt.datetime]) -> None:
    """The task as beat wakes it at each of these moments, with the mail that follows it."""
    for moment in moments:
        monkeypatch.setattr("collection.tasks.timezone.localdate", lambda at=moment: timezone.localtime(at).date())
        tasks.remind()
        Notification.objects.filter(mailed_at=None).update(created_at=moment)
        mail_notifications(now=moment + dt.timedelta(minutes=1))


def hours(first: int, last: int, *, step: int = 6) -> list[dt.datetime]:
    """Every ``step`` hours from so many days before or after the due date."""
    return [NOON + first * DAY + n * step * HOUR for n in range((last - first) * 24 // step + 1)]


@pytest.mark.django_db
class TestBeat:
    @pytest.fixture
    def people(self) -> tuple[User, User]:
        return create_people()

    def test_that_runs_reminds_and_mails_both_once_a_stage(
        self, people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beat(monkeypatch, hours(-9, 3))
        for user in people:
            assert stages(user) == STAGES
        assert sorted(message.to[0] for message in mail.outbox) == ["c@example.com"] * 7 + ["m@example.com"] * 7

    @pytest.mark.parametrize("stops", [-8, -5, -4, -2, -1, 0])
    def test_stopped_for_48_hours_reminds_of_the_stage_that_it_comes_back_to_and_doubles_none(
        self, people: tuple[User, User], monkeypatch: pytest.MonkeyPatch, stops: int
    ) -> None:
        stop, start = NOON + stops * DAY, NOON + (stops + 2) * DAY
        beat(monkeypatch, [moment for moment in hours(-9, 3) if not stop < moment < start])
        found = stages(people[1])
        ran_on = {timezone.localtime(m).date() for m in hours(-9, 3) if not stop < m < start}
        reached = {stage_of(DUE, day) for day in ran_on} - {None}
        assert sorted(found) == sorted(stage.removeprefix("2025-12-05/") for stage in reached)
        assert len(mail.outbox) == 2 * len(found)

    @pytest.mark.parametrize("seed", range(8))
    def test_a_clock_that_jumps_doubles_none(self, people: tuple[User, User], seed: int) -> None:
        days = random.Random(seed).choices(range(-9, 5), k=30)
        for day in days:
            remind(today=DUE + day * DAY)
        reached = {stage for day in days if (stage := stage_of(DUE, DUE + day * DAY))}
        for user in people:
            found = Reminder.objects.filter(user=user).values_list("stage", flat=True)
            assert sorted(found) == sorted(reached)
        assert Notification.objects.count() == 2 * len(reached)


@pytest.mark.django_db(transaction=True)
class TestTwoBeats:
    """The second runs while the first has not committed."""

    def run(self) -> list[object]:
        create_people()
        return overlapping(lambda: remind(today=DUE), lambda: remind(today=DUE))

    def test_one_reminder_each(self) -> None:
        assert self.run() == [2, 0]
        assert Reminder.objects.count() == Notification.objects.count() == 2

    def test_control_without_the_unique_keys_there_are_two(self) -> None:
        with as_owner() as owner:
            for name, (table, _columns) in KEYS.items():
                owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            assert self.run() == [2, 2]
            assert Reminder.objects.count() == Notification.objects.count() == 4
        finally:
            with as_owner() as owner:
                owner.execute("TRUNCATE collection_reminder, company_notification CASCADE")
                for name, (table, columns) in KEYS.items():
                    owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})")
