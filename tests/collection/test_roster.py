"""The roster of a campaign: gaps inside contact hours, who covers them, and who may change it."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from collection import roster
from collection.campaigns import CampaignPlan, save_campaign
from collection.models import Campaign, RosterShift, TargetClass
from collection.roster import (
    ClosedError,
    Hours,
    NoDayError,
    OutsideHoursError,
    cover_of,
    gaps,
    put_on_duty,
    take_off_duty,
)
from company.models import AuditEvent, Project, ProjectAccess, Role, User
from tests.collection.desk import Desk, said
from tests.factories import NOW, create_campaign, create_project, create_user

START, END = dt.date(2025, 11, 1), dt.date(2025, 12, 31)
DAY = dt.timedelta(days=1)


def at(hour: int, minute: int = 0) -> dt.time:
    return dt.time(hour, minute)


class TestGaps:
    CONTACT = Hours(at(9), at(20))

    @pytest.mark.parametrize(
        ("covered", "free"),
        [
            ([], [(9, 20)]),
            ([(9, 20)], []),
            ([(9, 13)], [(13, 20)]),
            ([(13, 20)], [(9, 13)]),
            ([(9, 12), (14, 20)], [(12, 14)]),
            ([(14, 20), (9, 12), (11, 15)], []),
            ([(7, 8), (21, 22)], [(9, 20)]),
            ([(8, 10), (19, 22)], [(10, 19)]),
            ([(10, 12), (10, 11)], [(9, 10), (12, 20)]),
        ],
    )
    def test_by_hand(self, covered: list[tuple[int, int]], free: list[tuple[int, int]]) -> None:
        found = gaps(self.CONTACT, [Hours(at(a), at(b)) for a, b in covered])
        assert [(gap.start.hour, gap.end.hour) for gap in found] == free

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)).filter(lambda span: span[0] < span[1])))
    def test_an_hour_is_free_or_covered_and_never_both(self, spans: list[tuple[int, int]]) -> None:
        found = gaps(self.CONTACT, [Hours(at(a), at(b)) for a, b in spans])
        free = {hour for gap in found for hour in range(gap.start.hour, gap.end.hour)}
        there = {hour for a, b in spans for hour in range(a, b)} & set(range(9, 20))
        assert free | there == set(range(9, 20))
        assert not free & there


class Setting:
    """A running campaign, its manager and an officer."""

    def __init__(self) -> None:
        self.project = create_project()
        self.manager = create_user(name="沈静宜", project=self.project, role=Role.PROJECT_MANAGER)
        self.officer = create_user(name="王倩", project=self.project, role=Role.OFFICER)
        self.campaign = create_campaign(project=self.project)

    def put(self, hours: Hours, *days: dt.date) -> int:
        return put_on_duty(self.campaign, self.officer, days, hours, by=self.manager, now=NOW)

    def shifts(self) -> list[tuple[dt.date, int, int]]:
        rows = RosterShift.objects.values_list("day", "duty_from", "duty_until")
        return [(day, start.hour, end.hour) for day, start, end in rows]


@pytest.fixture
def setting(db: None) -> Setting:
    return Setting()


class TestChanging:
    def test_put_on_and_taken_off(self, setting: Setting) -> None:
        assert setting.put(Hours(at(9), at(13)), START, START + DAY) == 2
        assert setting.shifts() == [(START, 9, 13), (START + DAY, 9, 13)]
        assert take_off_duty(setting.campaign, setting.officer, [START], by=setting.manager) == 1
        assert setting.shifts() == [(START + DAY, 9, 13)]
        actions = AuditEvent.objects.filter(action__startswith="roster.").values_list("action", flat=True)
        assert set(actions) == {"roster.set", "roster.cleared"}

    def test_what_touches_becomes_one_and_what_does_not_stays_two(self, setting: Setting) -> None:
        for start, end in ((9, 11), (15, 18), (11, 12), (14, 16)):
            setting.put(Hours(at(start), at(end)), START)
        assert setting.shifts() == [(START, 9, 12), (START, 14, 18)]

    def test_days_outside_the_campaign_are_left_out(self, setting: Setting) -> None:
        assert setting.put(Hours(at(9), at(13)), START - DAY, END, END + DAY) == 1
        with pytest.raises(NoDayError):
            setting.put(Hours(at(9), at(13)), END + DAY)

    @pytest.mark.parametrize(("start", "end"), [(8, 12), (18, 21), (12, 12), (13, 12)])
    def test_nobody_is_on_duty_outside_the_contact_hours(self, setting: Setting, start: int, end: int) -> None:
        with pytest.raises(OutsideHoursError):
            setting.put(Hours(at(start), at(end)), START)
        assert setting.shifts() == []

    def test_days_that_a_changed_campaign_leaves_out_lose_their_shifts(self, setting: Setting) -> None:
        setting.put(Hours(at(9), at(13)), START, END)
        plan = CampaignPlan("更短", START, END - DAY, {TargetClass.UTILITIES: Decimal(100)}, {})
        save_campaign(setting.project, plan, by=setting.manager, campaign_id=setting.campaign.pk)
        assert setting.shifts() == [(START, 9, 13)]

    def test_that_of_a_closed_campaign_stays(self, setting: Setting) -> None:
        setting.put(Hours(at(9), at(13)), START)
        Campaign.objects.update(state=Campaign.State.CLOSED)
        with pytest.raises(ClosedError):
            setting.put(Hours(at(9), at(13)), END)
        with pytest.raises(ClosedError):
            take_off_duty(setting.campaign, setting.officer, [START], by=setting.manager)
        assert len(setting.shifts()) == 1


class TestCover:
    def test_every_day_of_the_campaign_with_its_gaps_and_holidays(self, setting: Setting) -> None:
        setting.put(Hours(at(9), at(20)), START)
        cover = cover_of(setting.campaign)
        assert [cover[0].day, cover[-1].day, len(cover)] == [START, END, 61]
        assert cover[0].gaps == []
        assert cover[1].gaps == [Hours(at(9), at(20))]
        assert [day.kind.is_off for day in cover[:3]] == [True, True, False]  # Saturday, Sunday, Monday

    def test_who_left_covers_nothing(self, setting: Setting) -> None:
        setting.put(Hours(at(9), at(20)), START)
        for gone in (User.objects, ProjectAccess.objects):
            with transaction.atomic():
                if gone is User.objects:
                    User.objects.filter(pk=setting.officer.pk).update(is_active=False)
                else:
                    ProjectAccess.objects.filter(user=setting.officer).update(revoked_at=dt.datetime.now(dt.UTC))
                [duty] = cover_of(setting.campaign)[0].duties
                assert not duty.counts
                assert cover_of(setting.campaign)[0].gaps == [Hours(at(9), at(20))]
                transaction.set_rollback(True)
        assert cover_of(setting.campaign)[0].gaps == []

    def test_costs_the_same_queries_for_more_shifts(
        self, setting: Setting, django_assert_num_queries: Callable
    ) -> None:
        for number in (1, 30):
            setting.put(Hours(at(9), at(13)), *(START + n * DAY for n in range(number)))
            with django_assert_num_queries(2):
                cover_of(setting.campaign)


class TestDatabase:
    def make(self, setting: Setting, **fields: object) -> None:
        given = {
            "campaign": setting.campaign, "user": setting.officer, "day": START, "duty_from": at(9),
            "duty_until": at(13), "set_at": NOW, "set_by": setting.manager,
        }  # fmt: skip
        RosterShift.objects.create(**{**given, **fields})

    def test_refuses_hours_that_end_before_they_begin(self, setting: Setting) -> None:
        with pytest.raises(IntegrityError, match="shift_ends_after_it_begins"), transaction.atomic():
            self.make(setting, duty_until=at(9))

    def test_refuses_the_same_shift_twice(self, setting: Setting) -> None:
        self.make(setting)
        with pytest.raises(IntegrityError, match="shift_once"), transaction.atomic():
            self.make(setting, duty_until=at(15))


def lock_nothing(campaign: Campaign, days: object) -> tuple[Campaign, list[dt.date]]:
    return Campaign.objects.select_related("project").get(pk=campaign.pk), sorted(days)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Two people put the same person on duty at once, for hours that touch."""

    def put_at_once(self) -> list[tuple[dt.date, int, int]]:
        setting = Setting()
        started, commit = threading.Event(), threading.Event()

        def first() -> None:
            with transaction.atomic():
                setting.put(Hours(at(9), at(13)), START)
                started.set()
                commit.wait(5)
            connection.close()

        def second() -> None:
            setting.put(Hours(at(12), at(18)), START)
            connection.close()

        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        threads[0].start()
        started.wait(5)
        threads[1].start()
        threads[1].join(0.5)
        commit.set()
        for thread in threads:
            thread.join()
        return setting.shifts()

    def test_end_as_one_shift(self) -> None:
        assert self.put_at_once() == [(START, 9, 18)]

    def test_control_without_the_lock_as_two_that_overlap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(roster, "_lock", lock_nothing)
        assert self.put_at_once() == [(START, 9, 13), (START, 12, 18)]


@pytest.mark.django_db
class TestPage:
    GIVEN = {
        "first": "2025-11-01", "last": "2025-11-09", "days": ["worked", "off"], "start": "09:00", "end": "20:00",
    }  # fmt: skip

    @pytest.fixture
    def desk(self, setting: Setting) -> Desk:
        return Desk(setting.project, user=setting.manager)

    def given(self, setting: Setting, **other: object) -> dict[str, object]:
        return {**self.GIVEN, "person": setting.officer.pk, "act": "set", **other}

    def test_days_are_filled_and_cleared(self, setting: Setting, desk: Desk) -> None:
        response = desk.post("roster", self.given(setting), pk=setting.campaign.pk)
        assert "已排班 9 天" in said(response)
        page = desk.get("roster", pk=setting.campaign.pk)
        assert "王倩" in page.text
        response = desk.post("roster", self.given(setting, days=["off"], act="clear"), pk=setting.campaign.pk)
        assert "4 个班次" in said(response)
        assert len(setting.shifts()) == 5

    def test_weekends_and_holidays_are_told_apart_from_working_days(self, setting: Setting, desk: Desk) -> None:
        desk.post("roster", self.given(setting, days=["worked"]), pk=setting.campaign.pk)
        assert [day.weekday() for day, _start, _end in setting.shifts()] == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("start", "08:00"), ("end", "21:00"), ("end", "09:00"), ("days", []), ("first", "2026-03-01"),
         ("last", "2025-10-01"), ("person", "0"), ("start", "nine")],
    )  # fmt: skip
    def test_bad_input_is_refused(self, setting: Setting, desk: Desk, field: str, value: object) -> None:
        page = desk.post("roster", self.given(setting, **{field: value}), pk=setting.campaign.pk)
        assert page.status_code == 200
        assert page.context_data["form"].errors
        assert setting.shifts() == []

    def test_a_stranger_cannot_be_put_on_duty(self, setting: Setting, desk: Desk) -> None:
        stranger = create_user(project=create_project(), role=Role.OFFICER)
        page = desk.post("roster", self.given(setting, person=stranger.pk), pk=setting.campaign.pk)
        assert page.context_data["form"].errors

    def test_a_head_reads_and_does_not_change(self, setting: Setting) -> None:
        head = Desk(setting.project, Role.DEPARTMENT_HEAD, name="韩志远")
        assert head.get("roster", pk=setting.campaign.pk).status_code == 200
        assert head.post("roster", self.given(setting), pk=setting.campaign.pk).status_code == 403

    def test_gaps_are_pointed_out_on_the_campaigns_page(self, setting: Setting, desk: Desk) -> None:
        today = dt.datetime.now(dt.UTC).date()
        Campaign.objects.update(starts_on=today - DAY, ends_on=today + 10 * DAY)
        assert desk.get("campaign").context_data["days_with_gaps"] in {10, 11, 12}
        assert "无人值班" in desk.get("campaign").text


def test_another_projects_roster_does_not_exist(setting: Setting) -> None:
    other: Project = create_project()
    desk = Desk(other)
    assert desk.get("roster", pk=setting.campaign.pk).status_code == 404
