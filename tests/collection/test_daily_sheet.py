"""The morning's sheet of a team: due today, yesterday's results, promises, open requests (D5)."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest

from collection.daily_sheet import daily_sheet
from collection.models import Case, ContactAttempt, PromiseToPay, Team
from company.models import AuditEvent, Project, Role, User
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_case,
    create_contact,
    create_payment,
    create_project,
    create_promise,
    create_team,
    create_user,
)
from tests.field_factories import create_request, queries

DAY = dt.timedelta(days=1)
Channel, Outcome = ContactAttempt.Channel, ContactAttempt.Outcome
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def officer(project: Project) -> User:
    return create_user(name="王倩", project=project, role=Role.OFFICER)


@pytest.fixture
def team(project: Project, officer: User) -> Team:
    return create_team(project=project, name="一组", members=[officer])


def of_team(team: Team, officer: User, **fields: object) -> Case:
    return create_case(project=team.project, team=team, responsible=officer, **fields)


def test_what_is_due_today_and_before_and_nothing_else(team: Team, officer: User) -> None:
    late, today, later = (of_team(team, officer, next_step_on=TODAY + days * DAY) for days in (-2, 0, 1))
    create_case(project=team.project, next_step_on=TODAY)  # nobody's
    sheet = daily_sheet(team, now=NOW)
    assert [(line.case, line.days_late) for line in sheet.due] == [(late, 2), (today, 0)]
    assert sheet.late == 1
    assert later not in [line.case for line in sheet.due]


def test_yesterday_by_member_and_in_money(team: Team, officer: User) -> None:
    case, other = of_team(team, officer), of_team(team, officer)
    create_contact(case=case, outcome=Outcome.NO_ANSWER, at=NOW - DAY, recorded_by=officer)
    create_promise(case=case, at=NOW - DAY, pay_by=TODAY + DAY)
    create_contact(case=other, outcome=Outcome.MET_OWNER, channel=Channel.VISIT, at=NOW - DAY, recorded_by=officer)
    create_contact(case=other, outcome=Outcome.MET_OWNER, at=NOW, recorded_by=officer)  # today
    create_contact(case=other, outcome=Outcome.MET_OWNER, at=NOW - DAY, recorded_by=officer, is_incoming=True)
    create_request(case=case, at=NOW - DAY, created_by=officer)
    create_payment(account=case.account, amount="40.00", received_on=TODAY - DAY)
    create_payment(account=other.account, amount="5.00", received_on=TODAY)
    sheet = daily_sheet(team, now=NOW)
    [line] = [line for line in sheet.results if line.user == officer]
    assert (line.attempts, line.visits, line.reached, line.promises, line.requests) == (3, 1, 2, 1, 1)
    assert (sheet.received, sheet.payers) == (Decimal(40), 1)


def test_promises_of_today_broken_ones_and_requests_that_wait(team: Team, officer: User) -> None:
    case = of_team(team, officer)
    create_promise(case=case, pay_by=TODAY, amount="60.00")
    create_promise(case=case, pay_by=TODAY + DAY)
    broken = create_promise(case=case, pay_by=TODAY - DAY)
    old = create_promise(case=case, pay_by=TODAY - 9 * DAY)
    for promise, day in ((broken, TODAY), (old, TODAY - 8 * DAY)):
        PromiseToPay.objects.filter(pk=promise.pk).update(state="broken", judged_on=day)
    create_request(case=case)
    create_request(case=case, answer="已修", answered_at=NOW, answered_by=officer)
    sheet = daily_sheet(team, now=NOW)
    assert (len(sheet.promised), sheet.promised_amount) == (1, Decimal(60))
    assert sheet.broken == [broken]
    assert len(sheet.requests) == 1


def test_takes_as_many_queries_for_many_as_for_few(team: Team, officer: User) -> None:
    counted = []
    for number in (3, 27):
        for _n in range(number):
            case = of_team(team, officer, next_step_on=TODAY)
            create_promise(case=case, pay_by=TODAY)
            create_request(case=case)
        with queries() as captured:
            daily_sheet(team, now=NOW)
        counted.append(len(captured))
    assert counted[0] == counted[1]


class TestPages:
    def test_who_works_in_a_team_sees_that_one(self, project: Project, team: Team, officer: User) -> None:
        create_team(project=project, name="二组")
        desk = Desk(project, user=officer)
        page = desk.get("daily").content.decode()
        assert "一组" in page
        assert "二组" not in page
        other = Team.objects.get(name="二组")
        assert "一组" in desk.get("daily", f"?team={other.pk}").content.decode()
        manager = Desk(project)
        assert "二组" in manager.get("daily", f"?team={other.pk}").content.decode()

    def test_without_a_team_it_says_so(self, project: Project) -> None:
        assert "还没有加入小组" in Desk(project, Role.OFFICER, "李四").get("daily").content.decode()

    def test_the_workbook_holds_the_same_and_is_recorded(self, project: Project, team: Team, officer: User) -> None:
        case = of_team(team, officer, next_step_on=TODAY)
        response = Desk(project, user=officer).post("daily_export", {"team": str(team.pk)})
        book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
        assert len(book.sheetnames) == 4
        values = [cell.value for row in book.worksheets[0].rows for cell in row]
        assert case.account.unit.code in values
        assert "李*博" in values
        assert AuditEvent.objects.filter(action="daily_sheet.exported", object_id=str(team.pk)).exists()
