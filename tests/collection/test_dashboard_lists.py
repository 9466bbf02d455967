"""Every number of the dashboard opens a list that adds up to it."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.utils import timezone

from arrears.models import FeeType
from collection.alerts import count_alerts
from collection.case_list import totals
from collection.figure_accounts import EVERYBODY, accounts_behind
from collection.models import Assignment, Campaign, Case, ContactAttempt, Milestone, PromiseToPay, TargetClass
from collection.rate_conventions import View
from collection.rates import shown_percent
from company.models import Project, Role
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_campaign,
    create_case,
    create_charge,
    create_contact,
    create_fee_type,
    create_payment,
    create_project,
    create_promise,
    create_team,
    create_user,
)
from tests.field_factories import create_request, queries
from tests.mark_factories import create_mark

pytestmark = pytest.mark.django_db
START, ON = dt.date(2025, 11, 1), dt.date(2025, 11, 22)
MET = ContactAttempt.Outcome.MET_OWNER
FLATS = TargetClass.RESIDENTIAL_PROPERTY


@pytest.fixture(scope="module", autouse=True)
def clock() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: NOW)
        yield


@pytest.fixture(scope="module")
def project(lasting: None) -> Project:
    return create_project()


@pytest.fixture(scope="module")
def head(project: Project) -> Desk:
    return Desk(project, Role.DEPARTMENT_HEAD, name="韩志远")


@pytest.fixture(scope="module")
def cases(project: Project, head: Desk) -> list[Case]:
    """Nine cases of two teams and nobody, in every state that the dashboard counts, an excluded one among them."""
    teams = [create_team(project=project, name="一组", members=[head.user], leader=head.user),
             create_team(project=project, name="二组")]  # fmt: skip
    create_campaign(project=project, starts_on=START, milestones={
        kind: dt.date(2025, 12, 5) for kind in Milestone.Kind})  # fmt: skip
    water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
    found = []
    for number in range(9):
        account = create_account(project=project)
        for month in range(1, 11):
            create_charge(account=account, month=dt.date(2025, month, 1), amount=100 + number)
        create_charge(account=account, month=dt.date(2025, 3, 1), amount=30, fee_type=water)
        create_payment(account=account, amount=500, received_on=dt.date(2025, 10, 20))
        case = create_case(account=account, today=START)
        team = [*teams, None][number % 3]
        if team:
            Assignment.objects.create(
                project=project, case=case, team=team, starts_on=START, assigned_at=NOW, assigned_by=head.user
            )
            Case.objects.filter(pk=case.pk).update(team=team)
        create_payment(account=account, amount=50 * number, received_on=dt.date(2025, 11, 10)) if number else None
        found.append(case)
    _put_into_states(found, head)
    return found


def _put_into_states(cases: list[Case], head: Desk) -> None:
    for case, day in zip(cases, (20, 23, 25), strict=False):
        Case.objects.filter(pk=case.pk).update(next_step_on=dt.date(2025, 11, day), stage="talk")
    for case in cases[:2]:
        create_promise(case=case, pay_by=TODAY - dt.timedelta(days=3), amount="77.00", at=NOW - dt.timedelta(days=9),
                       state=PromiseToPay.State.BROKEN, judged_on=TODAY)  # fmt: skip
    create_request(case=cases[2])
    create_contact(case=cases[4], outcome=MET)
    Case.objects.filter(pk=cases[5].pk).update(stage="legal", next_measure="lawyer_letter")
    for case, day in ((cases[6], 20), (cases[7], 1)):
        Case.objects.filter(pk=case.pk).update(state="closed", overdue=0, closed_on=dt.date(2025, 11, day))
    create_mark(case=cases[8], approved_on=START)


class Links(HTMLParser):
    """The texts with a digit within the content, each with the address it opens ("" where it opens nothing)."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inside, self.skipped = False, 0
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inside = self.inside or given.get("id") == "content"
        if tag == "a":
            self.open.append(unescape(given.get("href") or ""))
        if tag in {"script", "noscript", "form", "svg", "header"}:
            self.skipped += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.open.pop()
        if tag in {"script", "noscript", "form", "svg", "header"}:
            self.skipped -= 1
        if tag == "main":
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside and not self.skipped and re.search(r"\d", data):
            self.texts.append((data.strip(), self.open[-1] if self.open else ""))


# Beside dates, what stands there without a list: how far the time is, and the conventions printed in full.
NO_LIST = re.compile(r"集中催缴$|T\+1|口径|\d{4}-\d{2}-\d{2}|时间|天|^\d+月\d+日|收费率|^[（(]竖线")


def numbers(page: str) -> list[tuple[str, str]]:
    parser = Links()
    parser.feed(page)
    return parser.texts


@pytest.mark.usefixtures("cases")
class TestEveryNumber:
    @pytest.mark.parametrize("role", [Role.PROJECT_MANAGER, Role.COMPANY_LEADER, Role.DEPARTMENT_HEAD])
    def test_opens_something_that_is_there(self, project: Project, head: Desk, role: Role) -> None:
        wide = role in Role.COMPANY_WIDE
        desk = head if role == Role.DEPARTMENT_HEAD else Desk(
            project, user=create_user(role=role, project=None if wide else project)
        )  # fmt: skip
        texts = numbers(desk.get("dashboard").text)
        assert len(texts) > 25
        assert not [text for text, url in texts if not url and not NO_LIST.search(text)]
        for url in {url for _text, url in texts if url.startswith("/")}:
            assert desk.client.get(url).status_code == 200, url

    def test_the_check_sees_a_number_that_opens_nothing(self) -> None:
        assert numbers('<main id="content"><b>17</b><a href="/x">18</a></main>') == [("17", ""), ("18", "/x")]


class TestTiles:
    TILES = {
        "late_steps": "?step=late", "broken_promises": "?promise=broken", "unanswered": "?request=open",
        "untouched": "?untouched=1", "untouched_unassigned": "?untouched=1&team=none",
    }  # fmt: skip

    @pytest.mark.parametrize("name", TILES)
    def test_counts_its_list(self, project: Project, cases: list[Case], name: str) -> None:
        desk = Desk(project)
        number = getattr(desk.get("dashboard").context_data["alerts"], name)
        assert number > 0
        assert desk.get("cases", self.TILES[name]).context_data["totals"].cases == number
        assert f"{desk.url('cases')}{self.TILES[name].replace('&', '&amp;')}" in desk.get("dashboard").text

    def test_the_amount_of_broken_promises_is_their_lists(self, project: Project, cases: list[Case]) -> None:
        desk = Desk(project)
        alerts = desk.get("dashboard").context_data["alerts"]
        assert alerts.broken_amount == desk.get("cases", "?promise=broken").context_data["totals"].overdue > 154

    def test_a_head_counts_what_the_head_sees(self, head: Desk, cases: list[Case]) -> None:
        alerts = head.get("dashboard").context_data["alerts"]
        for name, query in self.TILES.items():
            assert getattr(alerts, name) == head.get("cases", query).context_data["totals"].cases

    def test_the_amount_needs_the_broken_alone(self, project: Project, cases: list[Case]) -> None:
        seen = Case.objects.filter(project=project)
        assert count_alerts(seen, today=TODAY).broken_amount < totals(seen.open()).overdue

    def test_stages(self, project: Project, cases: list[Case]) -> None:
        desk = Desk(project)
        for line in desk.get("dashboard").context_data["board"].stages:
            sums = desk.get("cases", f"?stage={line.stage}").context_data["totals"]
            assert (sums.cases, sums.overdue) == (line.cases, line.amount)

    def test_settled_lately(self, project: Project, cases: list[Case]) -> None:
        desk = Desk(project)
        assert desk.get("dashboard").context_data["cleared"] == 1
        assert desk.get("cases", "?closed=week").context_data["totals"].cases == 1

    def test_cases_of_teams_also_of_one_that_is_dissolved(self, project: Project, cases: list[Case]) -> None:
        desk = Desk(project)
        team = cases[1].project.teams.get(name="二组")
        team.is_active = False
        team.save()
        table = desk.get("dashboard").context_data["board"].table
        assert team in [line.team for line in table.lines]
        for line in table.lines:
            key = line.team.pk if line.team else "none"
            assert desk.get("cases", f"?team={key}").context_data["totals"].cases == line.cases
        assert desk.get("cases").context_data["totals"].cases == table.total.cases


@pytest.mark.usefixtures("cases")
class TestFigures:
    @pytest.mark.parametrize("view", View)
    @pytest.mark.parametrize("on", [ON, TODAY, START - dt.timedelta(days=1)])
    def test_a_card_is_the_sum_of_its_accounts(self, project: Project, view: View, on: dt.date) -> None:
        desk = Desk(project)
        query = f"?on={on}&view={view}"
        cards = desk.get("dashboard", query).context_data["board"].cards
        assert len(cards) == 2
        for card in cards:
            page = desk.get("figure_accounts", f"{query}&of={card.target_class}").context_data
            sums = page["totals"]
            assert shown_percent(sums["settled"] / sums["due"] * 100, card.target) == card.shown
            if card.quota:
                assert (sums["arrears"], sums["collected"]) == (card.quota.arrears, card.quota.collected)

    def test_a_team_is_the_sum_of_its_accounts_and_teams_are_the_whole(self, project: Project) -> None:
        desk = Desk(project)
        board = desk.get("dashboard", f"?on={ON}").context_data["board"]
        whole = accounts_behind(project, of=FLATS, on=ON, view=View.APPRAISAL, team=EVERYBODY)
        collected = Decimal(0)
        for line in board.table.lines:
            key = line.team.pk if line.team else "none"
            page = desk.get("figure_accounts", f"?on={ON}&of={FLATS}&team={key}").context_data
            assert page["found"].quota == line.quota
            assert page["totals"]["arrears"] == line.quota.arrears > 0
            assert page["totals"]["collected"] == line.quota.collected
            collected += line.quota.collected
        assert collected == whole.total("collected") == board.table.total.quota.collected

    def test_a_head_sees_the_own_teams_whatever_is_asked(self, project: Project, head: Desk) -> None:
        [card, *_] = head.get("dashboard", f"?on={ON}").context_data["board"].cards
        other = project.teams.get(name="二组")
        page = head.get("figure_accounts", f"?on={ON}&of={FLATS}&team={other.pk}").context_data
        assert (page["team_name"], page["totals"]["collected"]) == ("一组", card.quota.collected)

    def test_a_head_without_a_team_sees_nothing(self, project: Project) -> None:
        desk = Desk(project, Role.DEPARTMENT_HEAD)
        page = desk.get("figure_accounts", f"?on={ON}&of={FLATS}").context_data
        assert (page["lines"], page["totals"]["due"]) == ([], 0)

    def test_a_foreign_or_unknown_team_is_not_there(self, project: Project) -> None:
        foreign = create_team(project=create_project())
        for team in (foreign.pk, "x", "9" * 30):
            assert Desk(project).get("figure_accounts", f"?of={FLATS}&team={team}").status_code == 404

    @pytest.mark.parametrize("view", View)
    def test_the_rates_in_the_foot_are_those_of_the_rates_page(self, project: Project, view: View) -> None:
        desk = Desk(project)
        rates = desk.get("dashboard", f"?on={ON}&view={view}").context_data["board"].rates
        shown = desk.get("rates", f"?by=class&on={ON}&view={view}").context_data["grouped"].total.shown
        for name in ("prior", "combined", "units", "campaign"):
            assert getattr(shown, name) == getattr(rates, name)

    def test_what_is_excluded_is_the_page_of_exclusions(self, project: Project) -> None:
        desk = Desk(project)
        rates = desk.get("dashboard", f"?on={ON}").context_data["board"].rates
        page = desk.get("marks", f"?on={ON}").context_data
        assert (rates.excluded_accounts, rates.excluded_due) == (len(page["counting"]), page["total"]) != (0, 0)

    def test_queries_do_not_grow_with_accounts(self, project: Project) -> None:
        desk = Desk(project)
        query = f"?on={ON}&of={FLATS}"
        desk.get("figure_accounts", query)
        with queries() as few:
            desk.get("figure_accounts", query)
        for _ in range(20):
            create_charge(account=create_account(project=project), month=dt.date(2025, 3, 1))
        with queries() as many:
            assert len(desk.get("figure_accounts", query).context_data["lines"]) == 28
        assert len(many) == len(few)


@pytest.mark.usefixtures("cases")
class TestMilestones:
    def test_letters_and_suits_list_what_they_count(self, project: Project) -> None:
        desk = Desk(project)
        for progress in desk.get("dashboard").context_data["milestones"]:
            page = desk.get("milestone_accounts", pk=progress.milestone.pk)
            assert page.context_data["progress"].count == progress.count
            if page.context_data["lists_accounts"]:
                lines = page.context_data["lines"]
                assert (sum(done for _a, done, _c in lines), len(lines)) == (progress.count.done, progress.count.due)
        assert Campaign.objects.get().milestones.count() == 4

    def test_a_head_is_told_of_the_others_without_seeing_them(self, head: Desk, project: Project) -> None:
        milestone = Milestone.objects.get(kind=Milestone.Kind.LETTERS_SENT)
        page = head.get("milestone_accounts", pk=milestone.pk).context_data
        assert (page["lines"], page["unseen"]) == ([], 1)


def test_a_stranger_opens_no_list(client: Client, project: Project) -> None:
    client.force_login(create_user())
    assert client.get(Desk(project).url("figure_accounts")).status_code == 404


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize("page", ["rate_accounts", "figure_accounts"])
def test_a_list_leads_only_to_statements_that_the_viewer_may_open(project: Project, head: Desk, page: str) -> None:
    def statements(desk: Desk) -> list[str]:
        return re.findall(r'href="(/p/[^"]+/accounts/\d+/)"', desk.get(page, "?key=&team=").text)

    manager = Desk(project)
    assert statements(manager)
    assert manager.client.get(statements(manager)[0]).status_code == 200
    assert statements(head) == []
