"""The dashboard: quotas of teams beside the rates of classes, and who sees what of it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from python_calamine import CalamineWorkbook

from arrears.models import FeeType
from collection.dashboard import Dashboard, build_dashboard
from collection.models import Assignment, Campaign, Case, TargetClass, Team
from collection.rate_conventions import View
from company.models import AuditEvent, Project, Role, User
from tests.factories import (
    NOW,
    create_account,
    create_campaign,
    create_case,
    create_charge,
    create_fee_type,
    create_payment,
    create_project,
    create_team,
    create_user,
)

D = Decimal
FLATS = TargetClass.RESIDENTIAL_PROPERTY
START, ON = dt.date(2025, 11, 1), dt.date(2025, 11, 22)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@dataclass
class Estate:
    """Three accounts owe 400 each of ten months of 100, one owes nothing: R = 4,000, C₀ = 2,800, A = 1,200."""

    project: Project
    campaign: Campaign
    teams: list[Team]
    cases: list[Case]
    heads: list[User]

    def board(self, **given: Any) -> Dashboard:
        given = {"cases": Case.objects.filter(project=self.project), "on": ON, **given}
        return build_dashboard(self.project, **given)


@pytest.fixture
def estate() -> Estate:
    project = create_project()
    by = create_user()
    heads = [create_user(name=name, role=Role.DEPARTMENT_HEAD, project=project) for name in ("韩志远", "罗春晖")]
    teams = [
        create_team(project=project, name=f"{n}组", members=[head], leader=head)
        for n, head in zip("一二", heads, strict=True)
    ]
    cases = []
    for months_paid in (6, 6, 6, 10):
        account = create_account(project=project)
        for month in range(1, 11):
            create_charge(account=account, month=dt.date(2025, month, 1))
        create_payment(account=account, amount=100 * months_paid, received_on=dt.date(2025, 10, 20))
        if months_paid < 10:
            cases.append(create_case(account=account, today=START))
    for case, team in zip(cases, teams, strict=False):
        Assignment.objects.create(
            project=project, case=case, team=team, starts_on=START, assigned_at=NOW, assigned_by=by
        )
        Case.objects.filter(pk=case.pk).update(team=team)
    campaign = create_campaign(project=project)
    create_payment(account=cases[0].account, amount="300", received_on=dt.date(2025, 11, 10))
    return Estate(project, campaign, teams, cases, heads)


class TestFigures:
    def test_class_against_target_and_time(self, estate: Estate) -> None:
        (card,) = estate.board().cards
        assert (card.shown, card.target, card.gap) == ("77.50", D(90), D("12.50"))
        assert (card.past, card.gained) == (D(70), D("7.5"))
        assert (card.quota.money, card.quota.collected, card.quota.missing) == (D(800), D(300), D(500))
        assert card.is_behind is False
        assert str(card.judgement.word) == "ahead of time"

    def test_teams_by_their_share_of_the_arrears(self, estate: Estate) -> None:
        table = estate.board().table
        figures = [(line.team, line.quota.arrears, line.quota.money, line.quota.collected) for line in table.lines]
        third = D("266.67")
        assert figures == [
            (estate.teams[0], D(400), third, D(300)),
            (estate.teams[1], D(400), third, D(0)),
            (None, D(400), third, D(0)),
        ]
        assert (table.total.quota.money, table.total.cases) == (D(800), 3)

    def test_judgement_by_the_pace_so_far(self, estate: Estate) -> None:
        first, second, _unassigned = estate.board().table.lines
        assert (first.judgement.colour, first.judgement.word) == ("green", "90% reached")
        assert first.forecast == D(100)
        assert (second.judgement.colour, second.judgement.word) == ("amber", "20.00 points short")

    def test_an_earlier_day(self, estate: Estate) -> None:
        (card,) = estate.board(on=dt.date(2025, 11, 9)).cards
        assert (card.shown, card.quota.collected) == ("70.00", D(0))

    def test_before_any_campaign_there_are_rates_without_quotas(self, estate: Estate) -> None:
        board = estate.board(on=dt.date(2025, 10, 31))
        assert board.campaign is None
        assert (board.cards[0].shown, board.cards[0].quota, board.tables) == ("70.00", None, {})

    def test_a_class_without_a_target_is_not_judged(self, estate: Estate) -> None:
        fee = create_fee_type(project=estate.project, name="车位管理费", nature=FeeType.Nature.PARKING)
        create_charge(account=estate.cases[0].account, month=dt.date(2025, 1, 1), fee_type=fee)
        board = estate.board(chosen=TargetClass.PARKING)
        card = board.cards[-1]
        assert (card.target_class, card.target, card.quota, card.judgement) == (TargetClass.PARKING, None, None, None)
        assert board.chosen == FLATS

    def test_stages_count_open_cases(self, estate: Estate) -> None:
        Case.objects.filter(pk=estate.cases[0].pk).update(stage="legal")
        stages = {line.stage.value: (line.cases, line.share) for line in estate.board().stages}
        assert (stages["information"], stages["legal"], stages["talk"]) == ((2, D(100)), (1, D(50)), (0, D(0)))

    def test_accounting_view_stands_beside(self, estate: Estate) -> None:
        (card,) = estate.board(view=View.ACCOUNTING).cards
        assert card.rate == card.accounting_rate == D("77.5")

    def test_own_team_alone(self, estate: Estate) -> None:
        board = estate.board(own_team=estate.teams[0])
        assert [(line.team, line.cases) for line in board.table.lines] == [(estate.teams[0], 1)]
        assert board.table.total is None
        assert board.cards[0].quota.money == D("266.67")
        assert set(board.accounts_shown) == {estate.cases[0].account_id}

    def test_queries_do_not_grow(self, estate: Estate) -> None:
        few = queries(lambda: estate.board())
        for number in range(4):
            team = create_team(project=estate.project)
            case = create_case(project=estate.project, today=START)
            Case.objects.filter(pk=case.pk).update(team=team)
            Assignment.objects.create(
                project=estate.project, case=case, team=team, starts_on=START, assigned_at=NOW,
                assigned_by=estate.heads[number % 2],
            )  # fmt: skip
        assert queries(lambda: estate.board()) == few


def queries(act: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def url(estate: Estate, name: str = "dashboard", **query: str) -> str:
    path = reverse(f"collection:{name}", kwargs={"project_code": estate.project.code})
    return f"{path}?{'&'.join(f'{key}={value}' for key, value in query.items())}"


@pytest.fixture
def manager(client: Client, estate: Estate) -> Client:
    client.force_login(create_user(name="沈静宜", role=Role.PROJECT_MANAGER, project=estate.project))
    return client


class TestPage:
    def test_shows_teams_and_links_to_their_cases(self, manager: Client, estate: Estate) -> None:
        page = manager.get(url(estate, on="2025-11-22")).content.decode()
        assert "77.50" in page
        assert f"team={estate.teams[0].pk}" in page
        assert "team=none" in page

    @pytest.mark.parametrize("on", ["2999-01-01", "yesterday", "2025-02-30"])
    def test_a_day_that_cannot_be_is_said_and_yesterday_shown(self, manager: Client, estate: Estate, on: str) -> None:
        answer = manager.get(url(estate, on=on))
        assert answer.status_code == 200
        assert "ad-msg amber" in answer.content.decode()

    def test_unknown_view_and_class_fall_back(self, manager: Client, estate: Estate) -> None:
        answer = manager.get(url(estate, on="2025-11-22", view="x", of="y"))
        assert answer.context["board"].view == View.APPRAISAL
        assert answer.context["board"].chosen == FLATS

    def test_a_head_sees_the_own_team(self, client: Client, estate: Estate) -> None:
        client.force_login(estate.heads[1])
        answer = client.get(url(estate, on="2025-11-22"))
        assert answer.context["board"].own_team == estate.teams[1]
        assert answer.context["alerts"].untouched == 1
        assert f"team={estate.teams[0].pk}" not in answer.content.decode()

    def test_a_head_without_a_team_sees_nobodys_cases(self, client: Client, estate: Estate) -> None:
        client.force_login(create_user(role=Role.DEPARTMENT_HEAD, project=estate.project))
        board = client.get(url(estate, on="2025-11-22")).context["board"]
        assert (board.cards, board.accounts_shown, sum(line.cases for line in board.stages)) == ([], {}, 0)

    def test_the_course_ends_at_the_sum_of_the_table(self, manager: Client, estate: Estate) -> None:
        course = manager.get(url(estate, "dashboard_course", on="2025-11-22")).json()
        assert (course["days"][0], course["days"][-1], len(course["days"])) == ("2025-11-01", "2025-11-22", 22)
        assert (course["collected"][8], course["collected"][-1], course["quota"]) == (0, 300, 800)

    def test_the_course_of_a_head_is_the_own_teams(self, client: Client, estate: Estate) -> None:
        client.force_login(estate.heads[1])
        assert client.get(url(estate, "dashboard_course", on="2025-11-22")).json()["collected"][-1] == 0

    def test_the_export_is_recorded(self, manager: Client, estate: Estate) -> None:
        answer = manager.get(url(estate, "dashboard_export", on="2025-11-22"))
        rows = CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()
        assert len(rows) == 5
        assert [row[5] for row in rows[1:]] == [266.67, 266.67, 266.67, 800.0]
        assert AuditEvent.objects.filter(action="dashboard.exported", project=estate.project).exists()


class TestProjects:
    def test_a_leader_sees_all_side_by_side(self, client: Client, estate: Estate) -> None:
        other = create_project(name="翠澜苑")
        client.force_login(create_user(role=Role.COMPANY_LEADER))
        page = client.get(reverse("collection:projects")).content.decode()
        assert reverse("collection:dashboard", kwargs={"project_code": estate.project.code}) in page
        assert other.name in page

    def test_a_manager_sees_the_own_ones(self, manager: Client) -> None:
        other = create_project(name="翠澜苑")
        assert other.name not in manager.get(reverse("collection:projects")).content.decode()

    def test_queries_do_not_grow_with_projects(self, client: Client, estate: Estate) -> None:
        client.force_login(create_user(role=Role.COMPANY_LEADER))
        path = reverse("collection:projects")
        client.get(path)
        few = queries(lambda: client.get(path))
        for _ in range(5):
            create_campaign(project=(project := create_project()))
            create_case(project=project)
        client.get(path)  # makes the new ones' figures
        assert queries(lambda: client.get(path)) == few
