"""Exclusions on the screen: proposing with a file, deciding, and the list behind the dashboard's number."""

import datetime as dt
import uuid
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from collection.models import Case, CaseMark
from company.models import Project, Role
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_case, create_project
from tests.field_factories import create_field_case, queries
from tests.mark_factories import create_mark

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "clock")]


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day of the other tests, so that what falls due in its year is this year's base."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> Desk:
    return Desk(project)


@pytest.fixture
def leader(project: Project) -> Desk:
    return Desk(project, Role.COMPANY_LEADER, "顾伟")


def sheet(content: bytes = b"%PDF-1.7 proof") -> SimpleUploadedFile:
    return SimpleUploadedFile("证明.pdf", content)


def typed(**changes: object) -> dict[str, object]:
    return {
        "kind": "historical",
        "reason": "开发商遗留漏水",
        "submission": str(uuid.uuid4()),
        "proof": sheet(),
    } | changes


def big_case(project: Project) -> Case:
    return create_case(project=project, amount="1800.00", due_on=dt.date(TODAY.year, 3, 31))


class TestProposing:
    def test_by_who_works_on_the_case(self, project: Project) -> None:
        officer = Desk(project, Role.OFFICER, "王倩")
        case = create_field_case(project=project, by=officer.user)
        assert officer.get("mark_new", pk=case.pk).status_code == 200
        assert officer.post("mark_new", typed(), pk=case.pk).status_code == 302
        mark = CaseMark.objects.get()
        page = officer.get("case", pk=case.pk).content.decode()
        assert all(word in page for word in ("历史遗留", "待审批", "开发商遗留漏水"))
        assert officer.get("mark_proof", pk=mark.pk).getvalue() == b"%PDF-1.7 proof"
        assert "已有" in officer.post("mark_new", typed(), pk=case.pk).content.decode()

    @pytest.mark.parametrize(
        "changes", [{"proof": ""}, {"reason": " "}, {"kind": "other"}, {"proof": sheet(b"MZ exe")}]
    )
    def test_wants_kind_reason_and_a_readable_proof(
        self, project: Project, manager: Desk, changes: dict[str, object]
    ) -> None:
        case = create_field_case(project=project, by=manager.user)
        assert manager.post("mark_new", typed(**changes), pk=case.pk).status_code == 200
        assert not CaseMark.objects.exists()

    def test_not_on_anothers_case(self, project: Project) -> None:
        case = create_field_case(project=project, by=Desk(project, Role.OFFICER, "王倩").user)
        other = Desk(project, Role.OFFICER, "李四")
        assert other.post("mark_new", typed(), pk=case.pk).status_code == 404
        mark = create_mark(case=case)
        assert other.get("mark_proof", pk=mark.pk).status_code == 404
        assert other.post("mark_decide", {"act": "withdraw"}, pk=mark.pk).status_code == 404


class TestDeciding:
    def test_above_the_share_the_manager_is_told_who_decides(
        self, project: Project, manager: Desk, leader: Desk
    ) -> None:
        mark = create_mark(case=big_case(project))
        assert "公司领导" in said(manager.post("mark_decide", {"act": "approve"}, pk=mark.pk))
        mark.refresh_from_db()
        assert mark.state == "proposed"
        assert "核出考核基数" in said(leader.post("mark_decide", {"act": "approve"}, pk=mark.pk))
        mark.refresh_from_db()
        assert mark.state == "approved"

    def test_refusing_and_ending_want_a_reason(self, project: Project, manager: Desk) -> None:
        mark = create_mark(case=big_case(project))
        assert "原因" in said(manager.post("mark_decide", {"act": "refuse"}, pk=mark.pk))
        manager.post("mark_decide", {"act": "refuse", "note": "证据不足"}, pk=mark.pk)
        mark.refresh_from_db()
        assert (mark.state, mark.decision_note) == ("refused", "证据不足")
        assert "其间" in said(manager.post("mark_decide", {"act": "end", "note": "x"}, pk=mark.pk))

    def test_nobody_on_their_own(self, project: Project, manager: Desk) -> None:
        mark = create_mark(case=big_case(project), by=manager.user)
        assert "自己" in said(manager.post("mark_decide", {"act": "approve"}, pk=mark.pk))

    def test_an_officer_decides_nothing(self, project: Project) -> None:
        officer = Desk(project, Role.OFFICER, "王倩")
        mark = create_mark(case=create_field_case(project=project, by=officer.user))
        assert officer.post("mark_decide", {"act": "approve"}, pk=mark.pk).status_code == 403


class TestTheList:
    def test_shows_number_amount_and_share_and_the_dashboard_links_to_it(
        self, project: Project, manager: Desk, leader: Desk
    ) -> None:
        big_case(project)
        create_mark(case=create_case(project=project, amount="200.00", due_on=dt.date(TODAY.year, 3, 31)),
                    approved_on=TODAY - dt.timedelta(days=5))  # fmt: skip
        page = manager.get("marks").content.decode()
        assert "200.00" in page
        assert "10.00%" in page
        board = manager.get("dashboard").content.decode()
        assert manager.url("marks") + "?on=" in board
        before = manager.get("marks", f"?on={TODAY - dt.timedelta(days=9):%Y-%m-%d}").content.decode()
        assert "当天没有核减" in before
        assert "提议" in leader.get("marks").content.decode()

    def test_only_the_leader_sets_the_share(self, project: Project, manager: Desk, leader: Desk) -> None:
        assert manager.post("marks_limit", {"percent": "50"}).status_code == 403
        assert "百分数" in said(leader.post("marks_limit", {"percent": "120"}))
        leader.post("marks_limit", {"percent": "7.5"})
        assert "7.50%" in leader.get("marks").content.decode()

    def test_heads_see_their_teams_alone(self, project: Project) -> None:
        create_mark(case=big_case(project), approved_on=TODAY)
        head = Desk(project, Role.DEPARTMENT_HEAD, "赵启明")
        page = head.get("marks").content.decode()
        assert "1,800.00" not in page

    def test_takes_as_many_queries_for_many_as_for_few(self, project: Project, manager: Desk) -> None:
        manager.get("marks")
        counted = []
        for number in (2, 8):
            for _n in range(number):
                create_mark(case=create_case(project=project, amount="10.00"), approved_on=TODAY)
                create_mark(case=create_case(project=project, amount="10.00"))
            with queries() as captured:
                manager.get("marks")
            counted.append(len(captured))
        assert counted[0] == counted[1]
