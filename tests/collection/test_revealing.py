"""A number is shown to who would call only while a call is cleared; for a notice or a payment by the right alone."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone

from arrears.models import Verification
from collection.models import Case, LimitOverride
from company.models import AuditEvent, Project, Role
from owners.models import Phone
from tests.collection.desk import Desk
from tests.factories import NOW, TODAY, create_case, create_contact, create_phone, create_project, create_promise
from tests.field_factories import create_emergency_contact, create_field_case, create_field_worker, create_request

pytestmark = pytest.mark.django_db
NUMBER, NIGHT = "13812342617", NOW.replace(hour=22, minute=30)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user)


def ask(desk: Desk, case: Case, *, htmx: bool = False, **data: str) -> object:
    phone = Phone.objects.filter(owner__memberships__ownership__account=case.account).earliest("pk")
    url = desk.url("case_reveal", pk=case.pk, kind="phone", row=phone.pk)
    return desk.client.post(url, data, headers={"HX-Request": "true"} if htmx else {})


def three_calls(case: Case) -> None:
    for _ in range(3):
        create_contact(case=case, outcome="no_answer")


def not_wanted(case: Case) -> None:
    Phone.objects.update(do_not_contact=True)


def somebody_elses(case: Case) -> None:
    Phone.objects.update(state=Phone.State.WRONG_PERSON)


AGAINST: dict[str, Callable[[Case], object]] = {
    "一天内已打3次电话": three_calls,
    "到期前不联系": lambda case: create_promise(case=case, pay_by=TODAY + dt.timedelta(days=3), at=NOW),
    "诉求未答复": lambda case: create_request(case=case),
    "已暂停催缴": lambda case: Case.objects.filter(pk=case.pk).update(held_until=TODAY),
    "业主不愿接听这个号码": not_wanted,
    "号码属于别人": somebody_elses,
}


class TestToMakeContact:
    def test_shown_and_recorded_while_a_call_is_cleared(self, case: Case, worker: Desk) -> None:
        assert NUMBER in ask(worker, case).text
        assert AuditEvent.objects.get(action="personal.revealed").detail["why"] == "contact"

    @pytest.mark.parametrize("why", AGAINST)
    def test_refused_with_the_reason(self, case: Case, worker: Desk, project: Project, why: str) -> None:
        AGAINST[why](case)
        for desk in (worker, Desk(project)):
            for htmx, status in ((False, 403), (True, 200)):
                answer = ask(desk, case, htmx=htmx)
                assert (answer.status_code, NUMBER in answer.text) == (status, False)
                assert why in answer.text
        assert not AuditEvent.objects.filter(action="personal.revealed").exists()

    def test_a_number_of_another_case_has_the_limits_of_that_case(self, case: Case, project: Project) -> None:
        manager, other = Desk(project), create_field_case(project=project)
        phone = Phone.objects.get(owner__memberships__ownership__account=other.account)
        url = manager.url("case_reveal", pk=case.pk, kind="phone", row=phone.pk)
        assert manager.client.post(url, {"why": "contact"}).status_code == 404
        assert not AuditEvent.objects.filter(action="personal.revealed").exists()

    def test_not_before_the_arrears_are_verified(self, project: Project, worker: Desk) -> None:
        team = worker.user.team_memberships.get().team
        case = create_case(project=project, responsible=worker.user, team=team)
        create_phone(owner=case.account.ownership.owners.get())
        assert not Verification.objects.exists()
        assert "欠费未核实" in ask(worker, case).text

    def test_not_at_night_whoever_gave_leave(self, case: Case, worker: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        LimitOverride.objects.create(
            project=case.project, case=case, channel="call", day=TODAY, reason="业主要求", granted_by=worker.user,
            granted_at=NOW,
        )  # fmt: skip
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        assert NUMBER not in ask(worker, case).text

    def test_with_leave_for_today_it_is_shown(self, case: Case, worker: Desk) -> None:
        three_calls(case)
        Desk(case.project).post("limit_override", {"channel": "call", "reason": "业主约好今天"}, pk=case.pk)
        assert NUMBER in ask(worker, case).text

    def test_an_emergency_contact_has_the_same_hours(
        self, case: Case, worker: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = create_emergency_contact(owner=case.account.ownership.owners.get())
        answer = worker.post("case_reveal", pk=case.pk, kind="emergency", row=one.pk)
        assert one.number in answer.text
        monkeypatch.setattr(timezone, "now", lambda: NOW.replace(hour=20))
        assert one.number not in worker.post("case_reveal", pk=case.pk, kind="emergency", row=one.pk).text

    def test_an_address_can_be_read_at_any_hour(
        self, case: Case, worker: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = case.account.ownership.owners.get()
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        assert owner.name in worker.post("case_reveal", pk=case.pk, kind="name", row=owner.pk).text


class TestOtherPurposes:
    @pytest.mark.parametrize("role", [Role.NOTICE_ADMIN, Role.FINANCE])
    def test_by_the_table_of_rights_without_limits(
        self, case: Case, role: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        not_wanted(case)
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        assert NUMBER in ask(Desk(case.project, role), case).text

    def test_the_manager_says_what_for(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = Desk(case.project)
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        refused = ask(manager, case).text
        assert 'value="notice"' in refused
        assert NUMBER in ask(manager, case, why="notice").text
        assert AuditEvent.objects.get(action="personal.revealed").detail["why"] == "notice"

    @pytest.mark.parametrize("why", ["notice", "payment", "register"])
    def test_who_makes_contacts_cannot_say_something_else(
        self, case: Case, worker: Desk, why: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        assert 'name="why"' not in ask(worker, case).text
        answer = ask(worker, case, why=why)
        assert (answer.status_code, NUMBER in answer.text) == (403, False)

    @pytest.mark.parametrize("why", ["contact", "gossip"])
    def test_the_page_of_an_owner_is_no_way_to_a_contact(self, case: Case, project: Project, why: str) -> None:
        phone = Phone.objects.get()
        url = reverse("owners:reveal", kwargs={"project_code": project.code, "kind": "phone", "pk": phone.pk})
        answer = Desk(project).client.post(url, {"why": why})
        assert (NUMBER in answer.text) == (why == "gossip"), "unknown words mean the usual purpose, which is recorded"
