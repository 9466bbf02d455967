"""Today's round: whom to visit in walking order, what stands against it, what comes before setting out."""

import datetime as dt

import pytest
from django.utils import timezone

from collection.following import follow_ledger
from collection.models import Case, RoundChecklist
from collection.verifying import needs_looking_up
from company.models import Project, Role
from tests.collection.desk import Desk, said
from tests.factories import (
    NOW,
    TODAY,
    create_case,
    create_charge,
    create_officer,
    create_payment,
    create_project,
    create_promise,
)
from tests.field_factories import (
    create_field_case,
    create_field_worker,
    create_request,
    create_visit,
    queries,
    verify_case,
)

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


def doors(desk: Desk, query: str = "") -> list[tuple[str, str]]:
    """Each door of the list with where it stands."""
    walk = desk.get("round", query).context_data["round"]
    return [(row.case.account.unit.code, str(row.stop)) for entrance in walk.entrances for row in entrance.rows]


@pytest.fixture
def walk(project: Project, worker: Desk) -> dict[str, Case]:
    """One door of each state, made in another order than they are walked."""
    cases = {code: create_field_case(project=project, by=worker.user, code=code)
             for code in ("10-1-101", "2-2-301", "2-2-201", "2-1-901", "2-2-1101")}  # fmt: skip
    create_visit(case=cases["2-2-201"], recorded_by=worker.user, slip_posted=True)
    create_promise(case=cases["2-2-301"], pay_by=dt.date(2025, 11, 28), at=NOW - dt.timedelta(days=2))
    create_payment(account=cases["2-2-1101"].account, amount=100)
    follow_ledger(today=TODAY, now=LATER, project=project)
    return cases


class TestList:
    def test_in_walking_order_with_where_each_stands(self, worker: Desk, walk: dict[str, Case]) -> None:
        assert doors(worker) == [
            ("2-1-901", "to_visit"),
            ("2-2-201", "visited"),
            ("2-2-301", "not_today"),
            ("2-2-1101", "paid"),
            ("10-1-101", "to_visit"),
        ]
        page = worker.get("round").text
        for words in ("已放留言条", "业主承诺11月28日缴100.00", "查到已缴清", "不用去了"):
            assert words in page
        assert "李小博" not in page

    @pytest.mark.parametrize("was_verified", [True, False])
    def test_who_paid_meanwhile_stands_with_what_was_owed_this_morning(
        self, worker: Desk, project: Project, *, was_verified: bool
    ) -> None:
        team = worker.user.team_memberships.get().team
        case = create_case(project=project, amount="80.00", responsible=worker.user, team=team)
        create_payment(
            account=case.account, amount=20, received_on=TODAY - dt.timedelta(days=1), now=NOW - dt.timedelta(days=1)
        )  # fmt: skip
        follow_ledger(today=TODAY, now=NOW, project=project)
        if was_verified:
            verify_case(case)
        create_charge(account=case.account, month=dt.date(2025, 9, 1), amount="15.00", due_on=dt.date(2025, 9, 30))
        create_payment(account=case.account, amount=75)
        follow_ledger(today=TODAY, now=LATER, project=project)
        [entrance] = worker.get("round").context_data["round"].entrances
        assert [(row.stop, row.owed) for row in entrance.rows] == [("paid", 75)]
        assert "75.00" in worker.get("round").text

    def test_the_tiles_open_what_they_count(self, worker: Desk, walk: dict[str, Case]) -> None:
        for stop, label, number in worker.get("round").context_data["stops"]:
            assert len(doors(worker, f"?show={stop}")) == number > 0, label
        assert len(doors(worker, "?show=nonsense")) == 5

    def test_it_is_narrowed_to_a_building_and_a_reason(self, worker: Desk, walk: dict[str, Case]) -> None:
        Case.objects.filter(pk__in=[walk[code].pk for code in ("2-1-901", "10-1-101")]).update(reason="burgled")
        building = walk["2-1-901"].account.unit.building_id
        answer = worker.get("round", f"?building={building}")
        assert [number for *_names, number in answer.context_data["stops"]] == [1, 1, 2]
        assert len(answer.context_data["round"].counted) == 4
        narrowed = f"?building={building}&reason=burgled"
        assert doors(worker, narrowed) == [("2-1-901", "to_visit")]
        page = worker.get("round", narrowed).text
        assert f'<option value="{building}" selected>' in page
        assert '<option value="burgled" selected>' in page
        assert f"?building={building}&amp;reason=burgled&amp;show=visited" in page
        assert doors(worker, f"{narrowed}&show=visited") == []
        assert "名单里没有符合筛选的户" in worker.get("round", f"{narrowed}&show=visited").text

    @pytest.mark.parametrize(
        "query", ["?building=x", "?building=" + "9" * 30, "?reason=nonsense", "?building=&reason="]
    )
    def test_what_names_nothing_narrows_nothing(self, worker: Desk, walk: dict[str, Case], query: str) -> None:
        assert len(doors(worker, query)) == 5

    def test_what_is_verified_is_the_whole_round(self, worker: Desk, walk: dict[str, Case]) -> None:
        building = walk["10-1-101"].account.unit.building_id
        before = worker.get("round").context_data["round"].unverified
        assert worker.get("round", f"?building={building}").context_data["round"].unverified == before

    def test_own_cases_only(self, worker: Desk, walk: dict[str, Case], project: Project) -> None:
        mate = create_officer(project=project, name="林嘉豪")
        walk["2-1-901"].team.members.create(user=mate, project=project, joined_on=TODAY)
        assert "今天没有要上门的" in Desk(project, user=mate).get("round").text
        assert Desk(project, Role.FINANCE).get("round").status_code == 403

    def test_a_request_keeps_the_door_shut(self, worker: Desk, walk: dict[str, Case]) -> None:
        create_request(case=walk["2-1-901"])
        assert ("2-1-901", "not_today") in doors(worker)
        assert "诉求未答复，答复后可联系" in worker.get("round").text

    @pytest.mark.parametrize(("hour", "is_free"), [(8, False), (9, True), (19, True), (20, False), (23, False)])
    def test_outside_the_contact_hours_it_says_so(
        self, worker: Desk, walk: dict[str, Case], monkeypatch: pytest.MonkeyPatch, hour: int, is_free: bool
    ) -> None:
        monkeypatch.setattr(timezone, "now", lambda: NOW.replace(hour=hour))
        assert ("现在不上门" in worker.get("round").text) != is_free

    def test_its_queries_do_not_grow_with_its_doors(self) -> None:
        def cost(number: int) -> int:
            project = create_project()
            desk = Desk(project, user=create_field_worker(project=project))
            for room in range(number):
                case = create_field_case(project=project, by=desk.user, code=f"1-{room % 3}-{room:02d}01")
                create_visit(case=case, at=NOW - dt.timedelta(days=room % 3))
            desk.get("round")
            with queries() as asked:
                desk.get("round")
            return len(asked)

        assert cost(3) == cost(30)


class TestBeforeSettingOut:
    def test_the_checklist_opens_the_doors(self, worker: Desk, walk: dict[str, Case]) -> None:
        form = worker.url("visit", pk=walk["2-1-901"].pk)
        page = worker.get("round").text
        assert "先做出门检查" in page
        assert form not in page
        worker.post("round_checklist", {"item": ["uniform", "badge", "nonsense"]})
        page = worker.get("round").text
        assert "还差：鞋套、欠费清单、收据、记录本" in page
        assert RoundChecklist.objects.get().completed_at is None
        worker.post("round_checklist", {"item": list(RoundChecklist.ITEMS)})
        page = worker.get("round").text
        assert "都带齐了" in page
        assert form in page
        assert RoundChecklist.objects.get().completed_at == LATER

    def test_tomorrow_it_is_ticked_anew(
        self, worker: Desk, walk: dict[str, Case], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker.post("round_checklist", {"item": list(RoundChecklist.ITEMS)})
        monkeypatch.setattr(timezone, "now", lambda: LATER + dt.timedelta(days=1))
        assert "还差：工装" in worker.get("round").text

    def test_all_are_verified_at_once_and_payers_struck_out(self, worker: Desk, project: Project) -> None:
        team = worker.user.team_memberships.get().team
        cases = [create_case(project=project, responsible=worker.user, team=team) for _ in range(3)]
        create_payment(account=cases[0].account, amount=100)
        assert needs_looking_up(project, now=LATER)
        assert "3户未核实" in worker.get("round").text
        assert "收款数据太旧" in said(worker.post("round_verify"))
        assert "3户未核实" in worker.get("round").text
        answer = worker.post("round_verify", {"looked_up": "on"})
        assert said(answer) == "已核实2户。其间已缴清1户，已划去。"
        assert "未核实" not in worker.get("round").text
        assert sorted(stop for _code, stop in doors(worker)) == ["paid", "to_visit", "to_visit"]
