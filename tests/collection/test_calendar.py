"""The calendar of a month, and the feed of a person: what is planned, each entry with its list or case."""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation
from icalendar import Calendar

from collection.agenda import Planned, PlannedDay, agenda
from collection.models import Case, Milestone, RosterShift
from collection.workdays import DayKind, day_kind
from company.calendar_feeds import renew_feed
from company.models import Project, ProjectAccess, Role, User
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_campaign,
    create_case,
    create_owner,
    create_phone,
    create_project,
    create_promise,
    create_team,
    create_user,
)
from tests.field_factories import create_request

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST, LAST = dt.date(2025, 11, 1), dt.date(2025, 11, 30)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def officer(project: Project) -> User:
    user = create_user(name="王倩", project=project, role=Role.OFFICER)
    create_team(project=project, members=[user])
    return user


def plan(project: Project, officer: User, *, code: str = "8-2-1001") -> Case:
    """A case with one thing of each kind planned."""
    team = officer.team_memberships.get().team
    case = create_case(project=project, code=code, amount="3456.78", team=team, responsible=officer)
    create_promise(case=case, pay_by=TODAY + 3 * DAY, amount="3456.78")
    create_request(case=case)
    case.requests.update(agreed_on=TODAY + 4 * DAY)
    Case.objects.filter(pk=case.pk).update(next_step_on=TODAY - DAY, next_contact_on=TODAY + 2 * DAY)
    return Case.objects.get(pk=case.pk)


def month(project: Project, user: User, **given: object) -> dict[dt.date, list[tuple[str, str, str]]]:
    found = agenda(
        project, **{"cases": Case.objects.visible_to(user), "first": FIRST, "last": LAST, "today": TODAY, "user": user,
                    **given},
    )  # fmt: skip
    return {day: [(entry.kind, entry.text, entry.url) for entry in entries] for day, entries in sorted(found.items())}


class TestMonth:
    def test_one_case_a_day_is_named_and_opened(self, project: Project, officer: User) -> None:
        case = plan(project, officer)
        url = f"/p/{project.code}/cases/{case.pk}/"
        found = month(project, officer)
        assert {day: [(kind, address) for kind, _text, address in entries] for day, entries in found.items()} == {
            TODAY - DAY: [("step", url)],
            TODAY + 2 * DAY: [("contact", url)],
            TODAY + 3 * DAY: [("promise", url)],
            TODAY + 4 * DAY: [("agreed", url)],
        }
        assert all("8-2-1001" in text for entries in found.values() for _kind, text, _url in entries)

    def test_several_are_counted_and_open_their_list(self, project: Project, officer: User) -> None:
        for code in ("8-2-1001", "8-2-1002", "9-1-101"):
            plan(project, officer, code=code)
        desk = Desk(project, user=officer)
        for entries in month(project, officer).values():
            [(_kind, text, url)] = entries
            assert "3" in text
            page = desk.client.get(url)
            assert page.context_data["totals"].cases == 3

    def test_a_list_of_another_day_is_empty(self, project: Project, officer: User) -> None:
        plan(project, officer)
        key = PlannedDay(Planned.STEP, TODAY).key
        assert Desk(project, user=officer).get("cases", f"?planned={key}").context_data["totals"].cases == 0

    @pytest.mark.parametrize("key", ["step", "step-2025-11-31", "holiday-2025-11-23", "-", "step-2025-11-23-24"])
    def test_an_address_that_cannot_be_read_filters_nothing(self, project: Project, officer: User, key: str) -> None:
        plan(project, officer)
        assert Desk(project, user=officer).get("cases", f"?planned={key}").context_data["totals"].cases == 1

    def test_closed_cases_and_judged_promises_are_left_out(self, project: Project, officer: User) -> None:
        case = plan(project, officer)
        case.promises.update(state="kept", judged_on=TODAY)
        assert TODAY + 3 * DAY not in month(project, officer)
        Case.objects.update(state="closed", closed_on=TODAY, overdue=0)
        assert month(project, officer) == {}

    def test_only_ones_own(self, project: Project, officer: User) -> None:
        head = create_user(name="韩志远", project=project, role=Role.DEPARTMENT_HEAD)
        team = officer.team_memberships.get().team
        team.members.create(project=project, user=head, joined_on=TODAY)
        plan(project, officer)
        assert len(month(project, head)) == 4
        assert month(project, head, member=head) == {}
        assert Desk(project, user=head).get("calendar", "?month=2025-11&mine=1").context_data["only_mine"]

    def test_milestones_and_duty(self, project: Project, officer: User) -> None:
        campaign = create_campaign(project=project, milestones={Milestone.Kind.LETTERS_SENT: dt.date(2025, 11, 28)})
        RosterShift.objects.create(
            campaign=campaign, user=officer, day=TODAY, duty_from=dt.time(9), duty_until=dt.time(13), set_at=NOW,
            set_by=officer,
        )  # fmt: skip
        found = month(project, officer, campaign=campaign)
        assert found[TODAY] == [("duty", "值班 09:00–13:00", "")]
        [(kind, _text, url)] = found[dt.date(2025, 11, 28)]
        assert (kind, url) == ("milestone", f"/p/{project.code}/campaign/{campaign.pk}/")

    def test_another_team_and_another_project_are_not_seen(self, project: Project, officer: User) -> None:
        plan(project, officer)
        stranger = create_user(name="何思远", project=project, role=Role.OFFICER)
        assert month(project, stranger) == {}
        other = create_project()
        elsewhere = create_user(project=other, role=Role.PROJECT_MANAGER)
        assert month(other, elsewhere, cases=Case.objects.visible_to(elsewhere)) == {}


class TestPage:
    def test_shows_the_month_in_the_address(self, project: Project, officer: User) -> None:
        page = Desk(project, user=officer).get("calendar", "?month=2025-10")
        assert "2025年10月" in page.text
        assert "国庆节" in page.text

    @pytest.mark.parametrize("text", ["", "2025", "2025-13", "0001-01", "9999-12", "abc"])
    def test_without_a_month_that_can_be_read_it_is_the_present_one(
        self, project: Project, officer: User, text: str
    ) -> None:
        page = Desk(project, user=officer).get("calendar", f"?month={text}")
        assert page.context_data["month"] == page.context_data["today"].replace(day=1)

    def test_field_staff_see_no_milestones_since_the_campaign_is_not_theirs(
        self, project: Project, officer: User
    ) -> None:
        create_campaign(project=project, milestones={Milestone.Kind.LETTERS_SENT: dt.date(2025, 11, 28)})
        assert "律师函全部发出" not in Desk(project, user=officer).get("calendar", "?month=2025-11").text
        assert "律师函全部发出" in Desk(project).get("calendar", "?month=2025-11").text

    def test_costs_the_same_queries_for_more_cases(self, django_assert_max_num_queries: Callable) -> None:
        def cost(number: int) -> int:
            project = create_project()
            user = create_user(project=project, role=Role.OFFICER)
            create_team(project=project, members=[user])
            create_campaign(project=project)
            for index in range(number):
                plan(project, user, code=f"8-2-{index + 101}")
            desk = Desk(project)
            desk.get("calendar", "?month=2025-11")
            with django_assert_max_num_queries(60) as counted:
                desk.get("calendar", "?month=2025-11")
            return len(counted)

        assert cost(3) == cost(30)


class TestFeed:
    @pytest.fixture(autouse=True)
    def _now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("collection.views.calendars.timezone.now", lambda: NOW)

    def read(self, user: User) -> tuple[bytes, dict[str, object]]:
        token = renew_feed(user=user, now=NOW)
        response = Client().get(f"/calendar/{token}.ics")
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        events = Calendar.from_ical(response.content).walk("VEVENT")
        return response.content, {str(event["summary"]): event for event in events}

    def test_holds_what_the_person_answers_for(self, project: Project, officer: User) -> None:
        plan(project, officer)
        _content, events = self.read(officer)
        days = {text: event["dtstart"].dt for text, event in events.items()}
        assert days == {
            "8-2-1001 下一步": TODAY - DAY,
            "8-2-1001 计划联系": TODAY + 2 * DAY,
            "8-2-1001 跟进": TODAY + 3 * DAY,
            "8-2-1001 约定日期": TODAY + 4 * DAY,
        }
        assert len({event["uid"] for event in events.values()}) == 4

    def test_says_nothing_of_owner_money_or_phone(self, project: Project, officer: User) -> None:
        case = plan(project, officer)
        create_phone(owner=create_owner(project=project, name="龘龖"), number="13812342617")
        content = self.read(officer)[0].decode().replace("\r\n ", "")
        for secret in ("李小博", case.account.ownership.party_name, "3456", "3,456", "1381234", "欠", "承诺", "催"):
            assert secret not in content

    def test_duty_in_hours_and_milestones_of_who_answers(self, project: Project, officer: User) -> None:
        campaign = create_campaign(project=project, milestones={Milestone.Kind.LETTERS_SENT: TODAY + 5 * DAY})
        RosterShift.objects.create(
            campaign=campaign, user=officer, day=TODAY, duty_from=dt.time(9), duty_until=dt.time(13), set_at=NOW,
            set_by=officer,
        )  # fmt: skip
        _content, events = self.read(officer)
        assert events.keys() == {"值班"}
        assert events["值班"]["dtstart"].dt == dt.datetime(2025, 11, 23, 9, tzinfo=SHANGHAI)
        assert events["值班"]["dtend"].dt == dt.datetime(2025, 11, 23, 13, tzinfo=SHANGHAI)
        campaign.milestones.update(responsible=officer)
        assert "律师函全部发出" in self.read(officer)[1]
        manager = create_user(project=project, role=Role.PROJECT_MANAGER)
        assert self.read(manager)[1].keys() == {"律师函全部发出"}

    def test_rights_withdrawn_in_one_project_take_its_entries_away(self, project: Project, officer: User) -> None:
        plan(project, officer)
        other = create_project()
        ProjectAccess.objects.create(user=officer, project=other, role=Role.OFFICER)
        assert self.read(officer)[1]
        ProjectAccess.objects.filter(project=project).update(revoked_at=dt.datetime.now(dt.UTC))
        assert self.read(officer)[1] == {}

    def test_every_role_gone_or_deactivated_it_is_404_at_once(self, project: Project, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        assert Client().get(f"/calendar/{token}.ics").status_code == 200
        ProjectAccess.objects.update(revoked_at=dt.datetime.now(dt.UTC))
        assert Client().get(f"/calendar/{token}.ics").status_code == 404

    def test_a_wrong_secret_and_writing_are_refused(self, officer: User) -> None:
        token = renew_feed(user=officer, now=NOW)
        assert Client().get(f"/calendar/{token[:-1]}.ics").status_code == 404
        assert Client().post(f"/calendar/{token}.ics").status_code == 405

    def test_a_promise_made_twice_for_a_day_stands_once(self, project: Project, officer: User) -> None:
        case = plan(project, officer)
        create_promise(case=case, pay_by=TODAY + 3 * DAY, amount="1.00")
        content, _events = self.read(officer)
        assert content.decode().count("UID:promise-") == 1


class TestWorkdays:
    @pytest.mark.parametrize(
        ("day", "kind"),
        [
            (dt.date(2025, 11, 24), DayKind(False)),
            (dt.date(2025, 11, 23), DayKind(True)),
            (dt.date(2025, 10, 1), DayKind(True, "国庆节")),
            (dt.date(2025, 9, 28), DayKind(False, "调休上班")),
            (dt.date(2090, 1, 1), DayKind(True)),  # a Sunday; nothing is published yet
            (dt.date(2090, 1, 2), DayKind(False)),
        ],
    )
    def test_kinds(self, day: dt.date, kind: DayKind) -> None:
        with translation.override("zh-hans"):
            assert day_kind(day) == kind

    def test_in_english(self) -> None:
        with translation.override("en"):
            assert day_kind(dt.date(2025, 10, 1)).name == "National Day"
