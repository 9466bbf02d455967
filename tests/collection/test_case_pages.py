"""The page of a case: who sees what, what is masked, and the small acts on it."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from collection.models import Case, ContactAttempt, LimitOverride, OwnerRequest, ReasonChange
from company.models import AuditEvent, Notification, Project, Role
from owners.models import Phone
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_case, create_contact, create_officer, create_payment, create_project
from tests.field_factories import (
    create_emergency_contact,
    create_field_case,
    create_field_worker,
    create_request,
    create_visit,
    queries,
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


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user, code="8-2-1604", amount="6210.75")


@pytest.fixture
def mate(project: Project, case: Case) -> Desk:
    """Somebody of the same team who does not answer for the case."""
    user = create_officer(project=project, name="林嘉豪")
    case.team.members.create(user=user, project=project, joined_on=TODAY)
    return Desk(project, user=user)


@pytest.fixture
def stranger(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project, name="何思远"))


class TestWhoSeesWhat:
    def test_the_team_sees_it_and_others_do_not(self, case: Case, worker: Desk, mate: Desk, stranger: Desk) -> None:
        own, other = worker.get("case", pk=case.pk).text, mate.get("case", pk=case.pk).text
        for page in (own, other):
            assert "6,210.75" in page
        assert worker.url("visit", pk=case.pk) in own
        assert worker.url("visit", pk=case.pk) not in other
        assert stranger.get("case", pk=case.pk).status_code == 404

    @pytest.mark.parametrize("role", [Role.PROJECT_MANAGER, Role.FINANCE, Role.NOTICE_ADMIN, Role.COMPANY_LEADER])
    def test_project_wide_roles_see_it(self, case: Case, project: Project, role: Role) -> None:
        assert Desk(project, role).get("case", pk=case.pk).status_code == 200

    def test_a_leader_is_offered_no_act(self, case: Case, project: Project) -> None:
        leader = Desk(project, Role.COMPANY_LEADER)
        page = leader.get("case", pk=case.pk).text
        for act in ("visit", "contact_new", "case_reason", "case_verify", "request_new"):
            assert leader.url(act, pk=case.pk) not in page

    def test_everything_is_masked(self, case: Case, worker: Desk) -> None:
        create_emergency_contact(owner=case.account.ownership.owners.get())
        page = worker.get("case", pk=case.pk).text
        for clear, mask in (("13812342617", "138****2617"), ("13655205520", "136****5520"), ("李小博", "李*博")):
            assert clear not in page
            assert mask in page

    def test_what_happened_stands_on_one_timeline(self, case: Case, worker: Desk, project: Project) -> None:
        create_visit(case=case, recorded_by=worker.user)
        create_request(case=case)
        create_payment(account=case.account, amount="10.75")
        page = worker.get("case", pk=case.pk)
        groups = [entry.group for entry in page.context_data["entries"]]
        assert {"contact", "money"} <= {str(group) for group in groups}
        only = worker.get("case", "?what=money", pk=case.pk).context_data["entries"]
        assert {str(entry.group) for entry in only} == {"money"}
        assert len(only) < len(groups)

    def test_a_step_of_a_case_without_anybody_says_so(self, case: Case, project: Project) -> None:
        Case.objects.filter(pk=case.pk).update(responsible=None, team=None)
        assert "责任人 未分派" in Desk(project).get("case", pk=case.pk).text

    def test_nobody_opens_a_door_on_the_phone(self, case: Case, worker: Desk) -> None:
        unanswered = ContactAttempt.Outcome.NO_ANSWER
        for channel in (ContactAttempt.Channel.CALL, ContactAttempt.Channel.WECHAT):
            create_contact(case=case, outcome=unanswered, channel=channel, recorded_by=worker.user)
        page = worker.get("case", "?all", pk=case.pk).text
        assert "电话、无人接听" in page
        assert "微信、没有回复" in page
        form = worker.get("contact_new", pk=case.pk).text
        assert "无人接听或没有回复" in form
        assert "无人应门" not in page + form
        assert "无人应门" in worker.get("visit", pk=case.pk).text

    def test_its_queries_do_not_grow_with_what_happened(self, case: Case, worker: Desk) -> None:
        def cost(contacts: int) -> int:
            for _ in range(contacts):
                create_contact(case=case, outcome=ContactAttempt.Outcome.NO_ANSWER, recorded_by=worker.user)
            worker.get("case", pk=case.pk)
            with queries() as asked:
                worker.get("case", "?all", pk=case.pk)
            return len(asked)

        assert cost(3) == cost(27)


class TestRevealing:
    def reveal(self, desk: Desk, case: Case, row: Phone) -> object:
        return desk.post("case_reveal", pk=case.pk, kind="phone", row=row.pk)

    def test_shown_and_recorded(self, case: Case, worker: Desk) -> None:
        phone = Phone.objects.get()
        assert worker.get("case_reveal", pk=case.pk, kind="phone", row=phone.pk).status_code == 405
        assert not AuditEvent.objects.filter(user=worker.user).exists()
        answer = self.reveal(worker, case, phone)
        assert "13812342617" in answer.text
        assert "no-store" in answer["Cache-Control"]
        event = AuditEvent.objects.get(user=worker.user)
        assert (event.object_type, event.object_id, event.project) == ("owners.phone", str(phone.pk), case.project)
        assert "13812342617" not in str(event.detail)

    def test_not_by_who_does_not_answer_for_it(self, case: Case, worker: Desk, mate: Desk, stranger: Desk) -> None:
        phone = Phone.objects.get()
        assert self.reveal(mate, case, phone).status_code == 403
        assert self.reveal(stranger, case, phone).status_code == 404
        offer = worker.url("case_reveal", pk=case.pk, kind="phone", row=phone.pk)
        assert offer in worker.get("case", pk=case.pk).text
        assert offer not in mate.get("case", pk=case.pk).text
        assert not AuditEvent.objects.filter(user__in=[mate.user, stranger.user]).exists()

    def test_not_of_another_case_through_ones_own(self, case: Case, worker: Desk, project: Project) -> None:
        other = create_field_case(project=project, code="3-1-101")
        foreign = Phone.objects.get(owner__in=other.account.ownership.owners.all())
        assert self.reveal(worker, case, foreign).status_code == 404

    def test_not_by_field_staff_once_it_is_paid(self, case: Case, worker: Desk) -> None:
        create_payment(account=case.account, amount=case.overdue)
        worker.post("case_verify", {"looked_up": "on"}, pk=case.pk)
        assert self.reveal(worker, case, Phone.objects.get()).status_code == 403


class TestVerifying:
    def test_who_has_paid_is_left_alone(self, case: Case, worker: Desk) -> None:
        create_payment(account=case.account, amount=case.overdue)
        answer = worker.post("case_verify", {"looked_up": "on"}, pk=case.pk)
        assert "本户结案，不必再去" in said(answer)
        case.refresh_from_db()
        assert case.state == Case.State.CLOSED

    def test_old_payment_data_prove_nothing_unless_somebody_looked(self, project: Project, worker: Desk) -> None:
        team = worker.user.team_memberships.get().team
        fresh = create_case(project=project, responsible=worker.user, team=team)
        assert "收款数据太旧" in said(worker.post("case_verify", pk=fresh.pk))
        assert worker.get("case", pk=fresh.pk).context_data["dossier"].verification is None
        assert "已核实" in said(worker.post("case_verify", {"looked_up": "on"}, pk=fresh.pk))
        assert worker.get("case", pk=fresh.pk).context_data["dossier"].verification is not None


class TestReason:
    def test_set_with_what_it_rests_on(self, case: Case, worker: Desk) -> None:
        worker.post("case_reason", {"reason": "other/vacant", "note": "邻居说一年没人住"}, pk=case.pk)
        change = ReasonChange.objects.get()
        assert (change.note, change.case) == ("邻居说一年没人住", case)
        assert "邻居说一年没人住" in worker.get("case", "?all", pk=case.pk).text

    @pytest.mark.parametrize("reason", ["malicious", "", "nonsense"])
    def test_what_is_not_theirs_is_refused(self, case: Case, worker: Desk, reason: str) -> None:
        assert "您不能设这个原因" in said(worker.post("case_reason", {"reason": reason}, pk=case.pk))
        assert not ReasonChange.objects.exists()

    def test_not_by_a_team_mate(self, case: Case, mate: Desk) -> None:
        assert mate.post("case_reason", {"reason": "burgled"}, pk=case.pk).status_code == 403


class TestRequests:
    def told(self, **fields: str) -> dict[str, str]:
        return {
            "submission": str(uuid.uuid4()), "kind": "repair", "text": "主卫渗水", "department": "engineering"
        } | fields  # fmt: skip

    def test_sent_five_times_it_is_one(self, case: Case, worker: Desk) -> None:
        told = self.told()
        for _ in range(5):
            assert worker.post("request_new", told, pk=case.pk).status_code == 302
        assert OwnerRequest.objects.get().text == "主卫渗水"
        assert "诉求未答复" in worker.get("visit", pk=case.pk).text

    def test_the_same_form_with_other_words_is_a_conflict(self, case: Case, worker: Desk) -> None:
        told = self.told()
        worker.post("request_new", told, pk=case.pk)
        again = worker.post("request_new", told | {"text": "电梯停运"}, pk=case.pk)
        assert again.status_code == 409
        assert "以先提交的为准" in again.text
        assert "电梯停运" in again.text
        assert OwnerRequest.objects.get().text == "主卫渗水"

    def test_without_words_it_is_refused(self, case: Case, worker: Desk) -> None:
        response = worker.post("request_new", self.told(text=" ", kind="complaint"), pk=case.pk)
        assert "text" in response.context_data["form"].errors
        assert '<option value="complaint" selected' in response.text
        assert not OwnerRequest.objects.exists()

    def test_answered_once_and_the_second_is_told(self, case: Case, worker: Desk, project: Project) -> None:
        asked = create_request(case=case)
        worker.post("request", {"answer": "周五上门检修", "agreed_on": "2025-11-28"}, pk=asked.pk)
        second = Desk(project)
        answer = second.post("request", {"answer": "不修"}, pk=asked.pk)
        assert "王倩先前已答复，没有改动" in answer.text
        assert "周五上门检修" in answer.text
        asked.refresh_from_db()
        assert (asked.answer, asked.agreed_on) == ("周五上门检修", dt.date(2025, 11, 28))

    def test_who_only_reads_is_not_led_to_the_answer_form(self, case: Case, worker: Desk, project: Project) -> None:
        asked = create_request(case=case)
        worker.post("request", {"answer": "周五上门检修"}, pk=asked.pk)
        leader = Desk(project, Role.COMPANY_LEADER)
        page = leader.get("case", pk=case.pk).text
        assert "已答复" in page
        assert leader.url("request", pk=asked.pk) not in page

    def test_an_agreed_day_that_is_over_is_refused(self, case: Case, worker: Desk) -> None:
        asked = create_request(case=case)
        page = worker.post("request", {"answer": "周五上门检修", "agreed_on": "2025-11-22"}, pk=asked.pk).text
        assert "约定日已经过去" in page
        assert "周五上门检修" in page
        asked.refresh_from_db()
        assert asked.answer == ""

    def test_handed_to_another_department(self, case: Case, worker: Desk) -> None:
        asked = create_request(case=case)
        worker.post("request", {"forward": "1", "department": "security"}, pk=asked.pk)
        asked.refresh_from_db()
        assert asked.department == "security"


class TestLimits:
    def test_field_staff_ask_and_the_manager_lifts(self, case: Case, worker: Desk, project: Project) -> None:
        create_visit(case=case, recorded_by=worker.user)
        manager = Desk(project)
        assert worker.post("limit_override", {"channel": "visit", "reason": "x"}, pk=case.pk).status_code == 403
        assert "已通知项目经理" in said(worker.post("limit_ask", pk=case.pk))
        assert "王倩请求今天特批" in Notification.objects.get(user=manager.user).title
        assert "一天内已上门" in worker.get("visit", pk=case.pk).text
        assert "reason" in manager.post("limit_override", {"channel": "visit"}, pk=case.pk).context_data["form"].errors
        manager.post("limit_override", {"channel": "visit", "reason": "业主约好晚上见"}, pk=case.pk)
        assert "一天内已上门" not in worker.get("visit", pk=case.pk).text
        assert LimitOverride.objects.get().granted_by == manager.user
        assert "业主约好晚上见" in worker.get("case", "?all", pk=case.pk).text

    def test_nobody_to_ask_is_said(self, case: Case, worker: Desk) -> None:
        assert "没有可请示的项目经理" in said(worker.post("limit_ask", pk=case.pk))
