"""Each stage of a milestone reminds each person once, whatever happens to beat (promise 24)."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from collection import reminders
from collection.models import Campaign, Milestone, Reminder
from collection.reminders import remind, stage_of
from company import mailing
from company.mailing import mail_notifications
from company.models import Notification, Project, Role, User
from tests.factories import NOW, create_campaign, create_letter_project, create_project, create_user, give_role

DAY = dt.timedelta(days=1)
DUE = dt.date(2025, 12, 5)
Kind = Milestone.Kind


@pytest.mark.parametrize(
    ("left", "stage"),
    [(8, None), (7, "7"), (5, "7"), (4, "7"), (3, "3"), (2, "3"), (1, "1"), (0, "0"), (-1, "-1"), (-30, "-30")],
)
def test_stages(left: int, stage: str | None) -> None:
    assert stage_of(DUE, DUE - left * DAY) == (None if stage is None else f"2025-12-05/{stage}")


class Setting:
    """A running campaign with one milestone, the manager of the project and a responsible person."""

    def __init__(self) -> None:
        self.project = create_project()
        self.manager = create_user(
            name="沈静宜", project=self.project, role=Role.PROJECT_MANAGER, email="m@example.com"
        )
        self.clerk = create_user(name="苏若楠", project=self.project, role=Role.NOTICE_ADMIN, email="c@example.com")
        self.campaign = create_campaign(project=self.project, milestones={Kind.LETTERS_SENT: DUE})
        self.milestone = self.campaign.milestones.get()
        self.milestone.responsible = self.clerk
        self.milestone.save()


@pytest.fixture
def setting(db: None) -> Setting:
    return Setting()


def stages(user: User) -> list[str]:
    rows = Reminder.objects.filter(user=user).order_by("pk")
    return [stage.removeprefix("2025-12-05/") for stage in rows.values_list("stage", flat=True)]


def run_on(days: Iterable[int]) -> None:
    """Beat runs three times on each of these days, counted from the due date."""
    for day in days:
        for _ in range(3):
            remind(today=DUE + day * DAY)


class TestStages:
    def test_each_stage_reminds_both_once(self, setting: Setting) -> None:
        run_on(range(-20, 3))
        for user in (setting.manager, setting.clerk):
            assert stages(user) == ["7", "3", "1", "0", "-1", "-2"]
            assert Notification.objects.filter(user=user).count() == 6

    def test_after_48_hours_without_beat_only_the_present_stage_is_written(self, setting: Setting) -> None:
        run_on([-20, -8, -5, -4, -2])
        assert stages(setting.clerk) == ["7", "3"]

    def test_after_a_long_pause_earlier_stages_are_not_made_up_for(self, setting: Setting) -> None:
        run_on([-20, 4])
        assert stages(setting.clerk) == ["-4"]

    def test_a_clock_that_jumps_back_and_forth_doubles_nothing(self, setting: Setting) -> None:
        run_on([-7, -3, -7, -3, 1, -3, 1])
        assert stages(setting.clerk) == ["7", "3", "-1"]

    def test_a_date_that_moved_reminds_anew(self, setting: Setting) -> None:
        run_on([-7])
        setting.campaign.milestones.update(due_on=DUE + 3 * DAY)
        run_on([-4])
        assert Reminder.objects.filter(user=setting.clerk).count() == 2


class TestWho:
    def test_nobody_is_reminded_twice_of_the_same(self, setting: Setting) -> None:
        setting.campaign.milestones.update(responsible=setting.manager)
        assert remind(today=DUE) == 1

    def test_who_left_is_not_reminded(self, setting: Setting) -> None:
        User.objects.update(is_active=False)
        assert remind(today=DUE) == 0

    def test_a_manager_of_another_project_is_not_reminded(self, setting: Setting) -> None:
        stranger = create_user(project=create_project(), role=Role.PROJECT_MANAGER)
        remind(today=DUE)
        assert not Reminder.objects.filter(user=stranger).exists()

    def test_the_title_says_what_and_how_far(self, setting: Setting) -> None:
        remind(today=DUE - 3 * DAY)
        notification = Notification.objects.get(user=setting.clerk)
        assert str(DUE) in notification.title
        assert "0 / 0" in notification.title
        assert notification.url == f"/p/{setting.project.code}/campaign/"


@pytest.mark.django_db
class TestWhat:
    def test_a_complete_milestone_is_left_alone(self) -> None:
        project = create_letter_project()
        give_role(user=create_user(), role=Role.PROJECT_MANAGER, project=project)
        create_campaign(project=project, milestones={Kind.TEMPLATE_READY: DUE})
        assert remind(today=DUE) == 0

    def test_a_closed_campaign_or_project_is_left_alone(self, setting: Setting) -> None:
        Campaign.objects.update(state=Campaign.State.CLOSED)
        assert remind(today=DUE) == 0
        Campaign.objects.update(state=Campaign.State.RUNNING)
        Project.objects.update(is_active=False)
        assert remind(today=DUE) == 0


def test_one_reminder_a_stage_in_the_database(setting: Setting) -> None:
    remind(today=DUE)
    reminder = Reminder.objects.first()
    reminder.pk = None
    with pytest.raises(IntegrityError, match="one_reminder_a_stage"), transaction.atomic():
        reminder.save()


def at_once(*acts: Callable[[], object]) -> None:
    """Runs the acts in threads that start together."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        barrier.wait(5)
        act()
        connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_beats_write_one_reminder(self) -> None:
        setting = Setting()
        at_once(*[lambda: remind(today=DUE)] * 4)
        assert Reminder.objects.count() == Notification.objects.count() == 2
        assert stages(setting.clerk) == ["0"]

    def test_control_without_the_key_of_the_stage_they_double(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reminders, "stage_of", lambda due_on, today: uuid.uuid4().hex[:20])
        Setting()
        at_once(*[lambda: remind(today=DUE)] * 4)
        assert Notification.objects.count() > 2

    def test_two_workers_mail_a_notification_once(self) -> None:
        Setting()
        remind(today=DUE)
        now = Notification.objects.first().created_at + dt.timedelta(minutes=1)
        at_once(*[lambda: mail_notifications(now=now)] * 4)
        assert sorted(message.to for message in mail.outbox) == [["c@example.com"], ["m@example.com"]]

    def test_control_without_the_claim_they_mail_it_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mailing, "_claim", lambda notification, now: True)
        Setting()
        remind(today=DUE)
        now = Notification.objects.first().created_at + dt.timedelta(minutes=1)
        at_once(*[lambda: mail_notifications(now=now)] * 4)
        assert len(mail.outbox) > 2


@pytest.mark.django_db
class TestMail:
    @pytest.fixture
    def now(self, setting: Setting) -> dt.datetime:
        remind(today=DUE)
        return Notification.objects.first().created_at + dt.timedelta(minutes=1)

    def test_each_is_mailed_once(self, now: dt.datetime, setting: Setting) -> None:
        assert (mail_notifications(now=now), mail_notifications(now=now)) == (2, 0)
        assert mail.outbox[0].subject in Notification.objects.values_list("title", flat=True)
        assert setting.project.name in mail.outbox[0].body
        assert set(Notification.objects.values_list("mailed_at", flat=True)) == {now}

    def test_not_to_who_has_no_address_left_or_read_it(self, now: dt.datetime, setting: Setting) -> None:
        User.objects.filter(pk=setting.clerk.pk).update(email="")
        Notification.objects.filter(user=setting.manager).update(read_at=NOW)
        assert mail_notifications(now=now) == 0

    def test_not_when_it_is_old(self, now: dt.datetime) -> None:
        assert mail_notifications(now=now + 4 * DAY) == 0

    def test_one_that_fails_keeps_the_others_going(self, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[str] = []

        def flaky(subject: str, body: str, sender: None, to: list[str]) -> None:
            if not sent:
                sent.append("failed")
                raise ConnectionRefusedError
            sent.extend(to)

        monkeypatch.setattr(mailing, "send_mail", flaky)
        assert mail_notifications(now=now) == 1
        assert len(sent) == 2
        assert mail_notifications(now=now) == 0  # at most once: the failed one stands under the bell
