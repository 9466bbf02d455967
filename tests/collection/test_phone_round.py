"""What a phone takes along: the way from door to door and no more, and only cases that are verified."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone, translation

from collection.models import Case, ContactAttempt, RoundChecklist
from collection.phone_round import band, phone_round
from collection.rounds import tick
from collection.syncing import MESSAGE_VERSION
from company.models import Project, User
from owners.models import Phone
from tests.collection.desk import Desk
from tests.factories import NOW, TODAY, create_case, create_contact, create_project
from tests.field_factories import create_field_case, create_field_worker, create_request, create_visit, queries

pytestmark = pytest.mark.django_db
SYNC = Path(__file__).resolve().parents[2] / "static" / "js" / "sync.js"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def case(project: Project, worker: User) -> Case:
    return create_field_case(project=project, by=worker, code="8-2-1604", amount="6210.75")


def rows(project: Project, user: User) -> list[dict]:
    told = phone_round(project, user, now=NOW)
    return [row for entrance in told["entrances"] for row in entrance["rows"]]


class TestWhatIsTakenAlong:
    def test_a_door_has_what_it_needs_and_no_amount_or_number(self, project: Project, worker: User, case: Case) -> None:
        create_contact(case=case, at=NOW - dt.timedelta(days=8), outcome=ContactAttempt.Outcome.NO_ANSWER)
        [row] = rows(project, worker)
        assert (row["case"], row["unit"], row["stop"], row["band"]) == (case.pk, "8-2-1604", "to_visit", "5,000–10,000")
        assert row["last"].startswith("11月15日")
        assert row["say"]
        owner = case.account.ownership.owners.get()
        text = json.dumps(row, ensure_ascii=False)
        phone = Phone.objects.get(owner=owner)
        for secret in ("6210", "6,210", owner.name, phone.number, phone.last4):
            assert secret not in text

    def test_what_is_not_verified_stays_behind(self, project: Project, worker: User) -> None:
        create_case(project=project, responsible=worker, team=worker.team_memberships.get().team)
        told = phone_round(project, worker, now=NOW)
        [row] = told["entrances"][0]["rows"]
        assert told["to_visit"] == 0
        assert set(row) == {"case", "unit", "room", "stop", "why"}
        assert "未核对" in row["why"]

    def test_who_is_not_to_be_visited_is_told_without_name_and_amount(
        self, project: Project, worker: User, case: Case
    ) -> None:
        create_request(case=case)
        [row] = rows(project, worker)
        assert set(row) == {"case", "unit", "room", "stop", "why"}
        assert row["stop"] == "not_today"

    def test_who_was_visited_need_not_lie_there_any_longer(self, project: Project, worker: User, case: Case) -> None:
        create_visit(case=case, recorded_by=worker)
        [row] = rows(project, worker)
        assert set(row) == {"case", "unit", "room", "stop"}

    def test_cases_of_others_are_not_taken_along(self, project: Project, worker: User) -> None:
        create_field_case(project=project, by=create_field_worker(project=project, name="孙立"))
        assert rows(project, worker) == []

    def test_it_says_whether_the_bag_is_packed(self, project: Project, worker: User, case: Case) -> None:
        assert not phone_round(project, worker, now=NOW)["ticked"]
        tick(project, worker, RoundChecklist.ITEMS, day=TODAY, now=NOW)
        assert phone_round(project, worker, now=NOW)["ticked"]

    def test_the_number_of_queries_is_fixed(self, project: Project, worker: User, case: Case) -> None:
        with queries() as few:
            phone_round(project, worker, now=NOW)
        for _ in range(6):
            create_field_case(project=project, by=worker)
        with queries() as many:
            phone_round(project, worker, now=NOW)
        assert len(many) == len(few)

    @pytest.mark.parametrize(
        ("amount", "words"),
        [("0.01", "1,000以下"), ("999.99", "1,000以下"), ("1000.00", "1,000–3,000"), ("49999.99", "20,000–50,000"),
         ("50000.00", "50,000以上")],
    )  # fmt: skip
    def test_bands(self, amount: str, words: str, in_chinese: None) -> None:
        assert band(Decimal(amount)) == words


@pytest.fixture
def in_chinese() -> None:
    translation.activate("zh-hans")


class TestPages:
    def test_the_download_is_not_cached_by_the_browser(self, worker: User, project: Project, case: Case) -> None:
        answer = Desk(project, user=worker).get("round_download")
        assert answer["Cache-Control"] == "no-store"
        assert answer.json()["day"] == TODAY.isoformat()

    def test_the_page_that_is_kept_holds_nothing_of_any_case(self, worker: User, project: Project, case: Case) -> None:
        page = Desk(project, user=worker).get("queue")
        assert page["X-Desk-Build"]
        owner = case.account.ownership.owners.get()
        for secret in ("8-2-1604", "6,210.75", owner.name, Phone.objects.get(owner=owner).last4):
            assert secret not in page.text
        assert 'value="whole"' in page.text, "all that is overdue, without saying how much"

    def test_page_and_server_speak_the_same_version(self) -> None:
        assert f"export const VERSION = {MESSAGE_VERSION};" in SYNC.read_text()
