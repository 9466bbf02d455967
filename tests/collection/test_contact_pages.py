"""Logging a call: refused beforehand with the reason, recorded in any case once it has happened."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from collection.assignment import reassign
from collection.models import Case, ContactAttempt, PromiseToPay
from company.models import Project
from owners.models import Phone
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_contact, create_phone, create_project, create_promise
from tests.field_factories import create_emergency_contact, create_field_case, create_field_worker

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)
NIGHT = NOW.replace(hour=22, minute=30)


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
    return create_field_case(project=project, by=worker.user)


def told(**fields: object) -> dict[str, object]:
    return {
        "submission": str(uuid.uuid4()), "channel": "call", "outcome": "met_owner", "payment": "not_discussed",
        "next_contact": "by_rule", "happened_at": "2025-11-23T10:40",
    } | fields  # fmt: skip


class TestBeforehand:
    def test_free(self, case: Case, worker: Desk) -> None:
        assert "现在可以联系" in worker.get("contact_new", pk=case.pk).text

    def test_a_third_call_was_the_last(self, case: Case, worker: Desk) -> None:
        for _ in range(3):
            create_contact(case=case, outcome=ContactAttempt.Outcome.NO_ANSWER)
        page = worker.get("contact_new", pk=case.pk).text
        assert "现在不要联系" in page
        assert "一天内已打3次电话" in page
        assert worker.url("limit_ask", pk=case.pk) in page

    def test_a_promise_holds(self, case: Case, worker: Desk) -> None:
        create_promise(case=case, pay_by=dt.date(2025, 11, 28))
        assert "承诺11月28日缴100.00，到期前不联系" in worker.get("contact_new", pk=case.pk).text

    def test_at_night_nobody_can_lift_it(
        self, case: Case, worker: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timezone, "now", lambda: NIGHT)
        page = worker.get("contact_new", pk=case.pk).text
        assert "22:00至次日8:00" in page
        assert worker.url("limit_ask", pk=case.pk) not in page
        manager = Desk(project)
        assert manager.url("limit_override", pk=case.pk) not in manager.get("contact_new", pk=case.pk).text


class TestRecording:
    def test_with_its_promise(self, case: Case, worker: Desk) -> None:
        phone = Phone.objects.get()
        call = told(payment="promised", promise_day="2025-11-30", promise_amount="60.00", whom=f"phone-{phone.pk}")
        answer = worker.post("contact_new", call, pk=case.pk)
        assert answer["Location"] == worker.url("case", pk=case.pk)
        assert ContactAttempt.objects.get().phone == phone
        assert PromiseToPay.objects.get().amount == 60
        assert "60.00" in worker.get("case", pk=case.pk).text

    def test_past_a_limit_it_is_kept_and_said(self, case: Case, worker: Desk) -> None:
        for _ in range(3):
            create_contact(case=case, outcome=ContactAttempt.Outcome.NO_ANSWER)
        answer = worker.post("contact_new", told(), pk=case.pk)
        assert "超出了限制（每天电话3次）" in said(answer)
        assert ContactAttempt.objects.latest("pk").breach == "calls_a_day"

    @pytest.mark.parametrize("mark", [{"do_not_contact": True}, {"state": Phone.State.WRONG_PERSON}])
    def test_a_number_that_must_not_be_called_is_marked(
        self, case: Case, worker: Desk, mark: dict[str, object]
    ) -> None:
        barred = Phone.objects.get()
        usable = create_phone(owner=barred.owner, number="13900001111")
        Phone.objects.filter(pk=barred.pk).update(**mark)
        page = worker.get("contact_new", pk=case.pk)
        assert page.context_data["form"]["whom"].initial == f"phone-{usable.pk}"
        assert worker.url("case_reveal", pk=case.pk, kind="phone", row=usable.pk) in page.text
        assert worker.url("case_reveal", pk=case.pk, kind="phone", row=barred.pk) not in page.text
        assert worker.post("case_reveal", pk=case.pk, kind="phone", row=barred.pk).status_code == 403
        answer = worker.post("contact_new", told(whom=f"phone-{barred.pk}"), pk=case.pk)
        assert "号码不可拨打" in said(answer)
        worker.post("contact_new", told(whom=f"phone-{usable.pk}"), pk=case.pk)
        assert list(ContactAttempt.objects.order_by("pk").values_list("breach", flat=True)) == ["barred_number", ""]

    def test_who_calls_us_passes_no_limit(self, case: Case, worker: Desk) -> None:
        for _ in range(3):
            create_contact(case=case, outcome=ContactAttempt.Outcome.NO_ANSWER)
        worker.post("contact_new", told(is_incoming="on"), pk=case.pk)
        assert ContactAttempt.objects.latest("pk").breach == ""

    def test_sent_five_times_it_is_one(self, case: Case, worker: Desk) -> None:
        call = told(note="业主说月底发工资")
        assert [worker.post("contact_new", call, pk=case.pk).status_code for _ in range(5)] == [302] * 5
        assert ContactAttempt.objects.count() == 1
        other = worker.post("contact_new", call | {"note": "改了"}, pk=case.pk)
        assert other.status_code == 409
        assert "以先提交的为准" in other.text
        assert "改了" in other.text
        assert ContactAttempt.objects.get().note == "业主说月底发工资"

    @pytest.mark.parametrize(
        "other", [{"promise_day": "2025-12-01"}, {"promise_amount": "70.00"}, {"happened_at": "2025-11-23T09:10"}]
    )
    def test_another_promise_or_hour_is_other_content_too(
        self, case: Case, worker: Desk, other: dict[str, str]
    ) -> None:
        call = told(payment="promised", promise_day="2025-11-30", promise_amount="60.00")
        worker.post("contact_new", call, pk=case.pk)
        assert worker.post("contact_new", call, pk=case.pk).status_code == 302
        assert worker.post("contact_new", call | other, pk=case.pk).status_code == 409

    def test_on_a_case_that_went_to_another_team_meanwhile(self, case: Case, worker: Desk, project: Project) -> None:
        colleague = create_field_worker(project=project, name="何欣")
        team = colleague.team_memberships.get().team
        Case.objects.update(responsible=None, team=None)  # as before the campaign's first assignment
        for member in (worker.user, colleague):
            reassign(
                [case.pk], team=member.team_memberships.get().team, member=member, by=colleague, today=TODAY, now=NOW
            )
        answer = worker.post("contact_new", told(), pk=case.pk)
        assert ContactAttempt.objects.get().case.team == team
        assert worker.client.get(answer["Location"]).status_code == 200

    def test_to_an_emergency_contact_no_word_of_money(self, case: Case, worker: Desk) -> None:
        relative = create_emergency_contact(owner=case.account.ownership.owners.get())
        page = worker.post("contact_new", told(whom=f"emergency-{relative.pk}", payment="will_not_pay"), pk=case.pk)
        assert "对紧急联系人不得提及欠费和金额" in page.text
        assert not ContactAttempt.objects.exists()
        passed_on = told(whom=f"emergency-{relative.pk}", outcome="passed_on")
        assert worker.post("contact_new", passed_on, pk=case.pk).status_code == 302

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"outcome": ""}, "outcome"), ({"channel": "visit"}, "channel"), ({"whom": "phone-0"}, "whom"),
         ({"happened_at": "2030-01-01T10:00"}, "happened_at"), ({"submission": ""}, "submission")],
    )  # fmt: skip
    def test_bad_input_is_refused_and_stays(self, case: Case, worker: Desk, wrong: dict[str, str], field: str) -> None:
        response = worker.post("contact_new", told(note="业主说月底发工资") | wrong, pk=case.pk)
        assert field in response.context_data["form"].errors
        assert "业主说月底发工资" in response.text
        assert not ContactAttempt.objects.exists()
