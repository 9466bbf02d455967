"""The list of cases: who sees which, filters with their sums, and acts on several at once."""

import datetime as dt
import io

import pytest
from django.http import HttpResponse
from django.utils import timezone
from openpyxl import load_workbook

from collection.models import Assignment, Case, ContactAttempt, Stage, Team
from company.models import AuditEvent, Project, Role
from tests.collection.desk import Desk, said
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_case,
    create_contact,
    create_officer,
    create_payment,
    create_phone,
    create_project,
    create_promise,
    create_team,
)
from tests.field_factories import create_field_case, create_field_worker, create_request, queries

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> Desk:
    return Desk(project)


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def team(worker: Desk) -> Team:
    return worker.user.team_memberships.get().team


@pytest.fixture
def cases(project: Project, worker: Desk, team: Team) -> dict[str, Case]:
    """The worker's own, one of the same team, one of another team, one of none."""
    mate = create_officer(project=project, name="林嘉豪")
    team.members.create(user=mate, project=project, joined_on=TODAY)
    other = create_officer(project=project, name="何思远")
    return {
        "own": create_field_case(project=project, by=worker.user, code="2-1-101", amount="100"),
        "mate": create_case(project=project, code="10-1-101", amount="20", team=team, responsible=mate),
        "other": create_case(project=project, code="3-1-101", amount="3",
                             team=create_team(project=project, members=[other]), responsible=other),
        "none": create_case(project=project, code="4-1-101", amount="0.50"),
    }  # fmt: skip


def listed(response: HttpResponse) -> list[str]:
    return [line.case.account.unit.code for line in response.context_data["lines"]]


class TestWhoSeesWhich:
    def test_field_staff_the_teams_and_the_manager_all(
        self, cases: dict[str, Case], worker: Desk, manager: Desk
    ) -> None:
        shown = worker.get("cases")
        assert listed(shown) == ["2-1-101", "10-1-101"]
        assert shown.context_data["totals"].overdue == 120
        assert listed(worker.get("cases", f"?member={worker.user.pk}")) == ["2-1-101"]
        every = manager.get("cases")
        assert listed(every) == ["2-1-101", "3-1-101", "4-1-101", "10-1-101"]
        assert "123.50" in every.text

    def test_another_teams_case_cannot_be_filtered_for(self, cases: dict[str, Case], worker: Desk) -> None:
        assert listed(worker.get("cases", "?q=3-1-101")) == []
        assert listed(worker.get("cases", f"?team={cases['other'].team_id}")) == []

    def test_a_leader_reads_only(self, cases: dict[str, Case], project: Project) -> None:
        leader = Desk(project, Role.COMPANY_LEADER)
        page = leader.get("cases")
        assert len(listed(page)) == 4
        assert 'name="act"' not in page.text
        assert leader.post("cases_bulk", {"act": "verify", "case": cases["own"].pk}).status_code == 403

    def test_names_are_masked(self, cases: dict[str, Case], manager: Desk) -> None:
        page = manager.get("cases").text
        assert "李*博" in page
        assert "李小博" not in page

    def test_nothing_yet_says_what_to_do(self, manager: Desk, worker: Desk) -> None:
        assert "没有欠费户" in manager.get("cases").text
        assert "还没有分给您的欠费户" in worker.get("cases").text


class TestFilters:
    def test_each_narrows_the_list_and_its_sums(self, cases: dict[str, Case], manager: Desk) -> None:
        own, mate, other, none = (cases[name] for name in ("own", "mate", "other", "none"))
        create_promise(case=mate, pay_by=TODAY - dt.timedelta(days=1), state="broken", judged_on=TODAY)
        create_request(case=other)
        create_contact(case=own, outcome=ContactAttempt.Outcome.NO_ANSWER)
        Case.objects.filter(pk=none.pk).update(stage=Stage.LEGAL, next_step_on=TODAY - dt.timedelta(days=1))
        Case.objects.exclude(pk=none.pk).update(next_step_on=TODAY + dt.timedelta(days=9))
        Case.objects.filter(pk=own.pk).update(reason="burgled")
        create_phone(owner=other.account.ownership.owners.get(), number="13655205520")
        for query, codes in {
            "promise=broken": ["10-1-101"],
            "request=open": ["3-1-101"],
            "untouched=1": ["3-1-101", "4-1-101"],
            "stage=legal": ["4-1-101"],
            "step=late": ["4-1-101"],
            "reason=burgled": ["2-1-101"],
            f"team={own.team_id}": ["2-1-101", "10-1-101"],
            "team=none": ["4-1-101"],
            f"building={other.account.unit.building_id}": ["3-1-101"],
            "q=5520": ["3-1-101"],
            "q=2-1": ["2-1-101"],
            f"team={own.team_id}&reason=burgled": ["2-1-101"],
        }.items():
            page = manager.get("cases", f"?{query}")
            assert listed(page) == codes, query
            assert page.context_data["totals"].cases == len(codes)

    def test_a_promise_that_was_replaced_is_not_the_latest(self, cases: dict[str, Case], manager: Desk) -> None:
        later, sooner = TODAY + dt.timedelta(days=20), TODAY + dt.timedelta(days=5)
        create_promise(case=cases["own"], pay_by=later, state="replaced", judged_on=TODAY)
        create_promise(case=cases["own"], pay_by=sooner)
        (line,) = manager.get("cases", "?q=2-1").context_data["lines"]
        assert line.promise.pay_by == sooner

    def test_nonsense_in_the_address_is_no_error(self, cases: dict[str, Case], manager: Desk) -> None:
        page = manager.get("cases", "?stage=x&team=y&member=-1&building=9e9&reason=z&page=99&size=7&sort=password")
        assert page.status_code == 200

    def test_what_is_paid_is_found_under_closed(self, cases: dict[str, Case], manager: Desk) -> None:
        create_payment(account=cases["own"].account, amount=100)
        manager.post("cases_bulk", {"act": "verify", "case": cases["own"].pk, "looked_up": "on"})
        assert "2-1-101" not in listed(manager.get("cases"))
        assert listed(manager.get("cases", "?state=closed")) == ["2-1-101"]

    def test_its_queries_do_not_grow_with_its_rows(self) -> None:
        def cost(number: int) -> int:
            project = create_project()
            desk = Desk(project, user=create_field_worker(project=project))
            for room in range(number):
                case = create_field_case(project=project, by=desk.user, code=f"{room % 3 + 1}-1-{room:02d}01")
                create_promise(case=case, at=NOW - dt.timedelta(days=2))
            desk.get("cases")
            with queries() as asked:
                assert len(listed(desk.get("cases"))) == number
            return len(asked)

        assert cost(3) == cost(30)


class TestSeveralAtOnce:
    def test_verified(self, cases: dict[str, Case], worker: Desk) -> None:
        create_payment(account=cases["mate"].account, amount=20)
        ticked = {"act": "verify", "case": [cases["own"].pk, cases["mate"].pk, cases["other"].pk]}
        assert "收款数据太旧" in said(worker.post("cases_bulk", ticked))
        answer = worker.post("cases_bulk", ticked | {"looked_up": "on"})
        assert "其间已缴清 1 户" in said(answer)
        states = dict(Case.objects.values_list("account__unit__code", "state"))
        assert (states["10-1-101"], states["3-1-101"]) == ("closed", "open")
        assert not cases["other"].account.verifications.exists()

    def test_a_reason_for_ones_own_alone(self, cases: dict[str, Case], worker: Desk) -> None:
        everything = [case.pk for case in cases.values()]
        answer = worker.post("cases_bulk", {"act": "reason", "reason": "burgled", "case": everything})
        assert "1 户的原因已改为“家中被盗”" in said(answer)
        assert Case.objects.get(reason="burgled") == cases["own"]
        refused = worker.post("cases_bulk", {"act": "reason", "reason": "malicious", "case": everything})
        assert "请选择您可以设的原因" in said(refused)

    def test_handed_over(self, cases: dict[str, Case], manager: Desk, worker: Desk) -> None:
        ticked = {"act": "reassign", "case": [cases["other"].pk, cases["none"].pk], "member": worker.user.pk}
        answer = manager.post("cases_bulk", ticked | {"next": manager.url("cases") + "?stage=visit"})
        assert answer["Location"].endswith("?stage=visit")
        assert "2 户已交给王倩" in said(answer)
        assert Assignment.objects.filter(member=worker.user).count() == 2
        assert worker.post("cases_bulk", ticked).status_code == 403

    def test_a_head_proposes_and_hands_nothing_over(self, cases: dict[str, Case], project: Project) -> None:
        head = Desk(project, Role.DEPARTMENT_HEAD, "韩志远")
        cases["own"].team.members.create(user=head.user, project=project, joined_on=TODAY)
        ticked = {"act": "reassign", "case": cases["own"].pk, "member": head.user.pk}
        assert head.post("cases_bulk", ticked).status_code == 403
        assert "hand-over-to" not in head.get("case", pk=cases["own"].pk).content.decode()

    @pytest.mark.parametrize("ticked", [[], ["x"], ["0"], ["9" * 30]])
    def test_nothing_ticked_is_said(self, cases: dict[str, Case], manager: Desk, ticked: list[str]) -> None:
        assert "请先勾选欠费户" in said(manager.post("cases_bulk", {"act": "verify", "case": ticked}))

    def test_it_leads_back_to_our_pages_alone(self, cases: dict[str, Case], manager: Desk) -> None:
        answer = manager.post("cases_bulk", {"act": "verify", "next": "https://elsewhere.example/"})
        assert answer["Location"] == manager.url("cases")


class TestExport:
    def test_masked_inert_and_recorded(self, project: Project, manager: Desk) -> None:
        create_case(account=create_account(project=project, code="1-1-101", names=["=HYPERLINK(1)"]))
        create_case(account=create_account(project=project, code="2-1-101"), stage=Stage.LEGAL)
        answer = manager.client.post(manager.url("cases_export"))
        sheet = load_workbook(io.BytesIO(answer.content)).active
        rows = list(sheet.iter_rows())
        assert [row[0].value for row in rows[1:]] == ["1-1-101", "2-1-101"]
        assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d"}
        assert "李小博" not in [row[1].value for row in rows]
        event = AuditEvent.objects.get(action="cases.exported")
        assert (event.user, event.detail["cases"]) == (manager.user, 2)

    def test_the_filter_holds(self, cases: dict[str, Case], manager: Desk) -> None:
        answer = manager.client.post(manager.url("cases_export") + "?team=none")
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == ["4-1-101"]
