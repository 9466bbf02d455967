"""The visit form in the browser: what is recorded, what is refused, and that nothing typed is lost."""

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from arrears.verification import verify
from collection.assignment import reassign
from collection.following import follow_ledger
from collection.models import Case, CashTaken, ContactAttempt, OwnerRequest, PromiseToPay, SubReason, Visit
from company.models import Project, Role
from owners.models import Phone
from tests.collection.desk import Desk
from tests.factories import NOW, TODAY, create_officer, create_payment, create_project, create_team
from tests.field_factories import create_cash, create_field_case, create_field_worker, create_visit, photo

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user, code="8-2-1604", amount="6210.75")


def typed(case: Case, **fields: object) -> dict[str, object]:
    """What the form sends when nothing but the outcome was touched."""
    return {
        "client_id": str(uuid.uuid4()), "responsible_id": case.responsible_id or "", "outcome": "met_owner",
        "payment": "not_discussed", "reason": "", "request_kind": "", "next_contact": "by_rule",
        "happened_at": "2025-11-23T10:40",
    } | fields  # fmt: skip


def a_photo(content: bytes | None = None, name: str = "door.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, photo(width=60, height=40) if content is None else content, "image/jpeg")


def receipt_of(worker: Desk, response: HttpResponse) -> str:
    """The page that tells what was recorded, to which a recorded visit leads."""
    assert response.status_code == 302, response.context_data["form"].errors
    return worker.client.get(response["Location"]).text


class TestRecording:
    def test_the_outcome_alone_is_enough(self, worker: Desk, case: Case) -> None:
        page = receipt_of(worker, worker.post("visit", typed(case, outcome="no_answer"), pk=case.pk))
        assert "无人应门" in page
        contact = ContactAttempt.objects.get()
        assert (contact.outcome, contact.channel, contact.recorded_by) == ("no_answer", "visit", worker.user)
        assert timezone.localtime(contact.happened_at).hour == 10
        case.refresh_from_db()
        assert case.next_contact_on == TODAY + dt.timedelta(days=7)

    def test_everything_that_was_said_and_taken(self, worker: Desk, case: Case) -> None:
        told = typed(
            case, payment="promised", promise_day="2025-11-30", promise_amount="3000.00", reason="other/service",
            request_kind="repair", request_text="主卫渗水", request_department="engineering", note="月底发工资",
            slip_posted="on", cash_taken="on", cash_amount="500", cash_method="cash", cash_receipt="SJ-4385",
            photos=[a_photo(), a_photo(photo(width=40, height=60))],
        )  # fmt: skip
        page = receipt_of(worker, worker.post("visit", told, pk=case.pk))
        for word in ("承诺日期", "3,000.00", "500.00", "SJ-4385", "待财务确认", "主卫渗水", "月底发工资", "12月1日"):
            assert word in page
        visit, promise, cash = Visit.objects.get(), PromiseToPay.objects.get(), CashTaken.objects.get()
        assert (visit.slip_posted, visit.photos.count()) == (True, 2)
        assert (promise.pay_by, promise.amount) == (dt.date(2025, 11, 30), 3000)
        assert (cash.amount, cash.state, cash.taken_by) == (Decimal(500), "pending", worker.user)
        assert OwnerRequest.objects.get().department == "engineering"
        case.refresh_from_db()
        assert case.sub_reason == SubReason.SERVICE
        timeline = worker.get("case", "?all", pk=case.pk).text
        for word in ("上门、见到业主、承诺日期", "现场收款 500.00", "主卫渗水", "月底发工资"):
            assert word in timeline

    def test_a_new_number_and_a_second_address(self, worker: Desk, case: Case) -> None:
        old = Phone.objects.get()
        told = typed(
            case, phone=old.pk, number_news="changed", new_number="136 5520 5520", second_address="云州市和平路1号"
        )
        receipt_of(worker, worker.post("visit", told, pk=case.pk))
        assert [phone.number for phone in Phone.objects.filter(ended_at=None)] == ["13655205520"]
        assert "云州市***" in worker.get("visit", pk=case.pk).text

    def test_the_receipt_leads_to_the_next_door(self, worker: Desk, case: Case) -> None:
        after = create_field_case(project=case.project, by=worker.user, code="8-2-1702")
        page = receipt_of(worker, worker.post("visit", typed(case), pk=case.pk))
        assert worker.url("visit", pk=after.pk) in page

    def test_a_limit_that_was_passed_is_said_and_the_visit_kept(self, worker: Desk, case: Case) -> None:
        create_visit(case=case, at=NOW)
        form = worker.get("visit", pk=case.pk).text
        assert "现在不宜上门" in form
        assert "一天内已上门" in form
        page = receipt_of(worker, worker.post("visit", typed(case), pk=case.pk))
        assert "超出了联系限制：每天上门1次" in page
        assert ContactAttempt.objects.latest("pk").breach == "visits_a_day"


class TestMeanwhile:
    def pay(self, case: Case) -> None:
        create_payment(account=case.account, amount=case.overdue)
        follow_ledger(today=TODAY, now=LATER, project=case.project)

    def test_paid_while_the_form_was_open(self, worker: Desk, case: Case) -> None:
        told = typed(case, note="业主说昨天刚转账")
        self.pay(case)
        page = receipt_of(worker, worker.post("visit", told, pk=case.pk))
        assert "其间已缴清" in page
        assert "业主说昨天刚转账" in page
        assert Visit.objects.get().changed_meanwhile == "paid"

    def test_paid_while_a_mistake_is_mended(self, worker: Desk, case: Case) -> None:
        self.pay(case)
        page = worker.post("visit", typed(case, outcome="", note="业主说昨天刚转账"), pk=case.pk).text
        assert "已经没有欠费，不用再去" in page
        assert "请选结果" in page
        assert "业主说昨天刚转账" in page

    def test_handed_to_somebody_else(self, worker: Desk, case: Case, project: Project) -> None:
        told = typed(case)
        Case.objects.update(responsible=None, team=None)  # as before the campaign's first assignment
        colleague = create_officer(project=project, name="林嘉豪")
        team = create_team(project=project, members=[colleague])
        reassign([case.pk], team=case.team, member=worker.user, by=colleague, today=TODAY, now=NOW)
        reassign([case.pk], team=team, member=colleague, by=colleague, today=TODAY, now=NOW)
        page = receipt_of(worker, worker.post("visit", told, pk=case.pk))
        assert "其间已改由林嘉豪负责" in page

    def test_a_session_that_ended_loses_nothing(self, worker: Desk, case: Case) -> None:
        told = typed(case, note="业主说月底发工资")
        worker.client.logout()
        refused = worker.post("visit", told, pk=case.pk)
        assert refused["Location"].startswith("/accounts/login/")
        assert not Visit.objects.exists()
        # The script that asks this before it sends anything keeps the page as it is (tests/browser).
        session = reverse("company:session")
        assert worker.client.get(session).json()["signed_in"] is False
        worker.client.force_login(worker.user)
        assert worker.client.get(session).json()["signed_in"] is True
        assert "业主说月底发工资" in receipt_of(worker, worker.post("visit", told, pk=case.pk))


class TestOnce:
    def test_sent_five_times_it_is_one_visit(self, worker: Desk, case: Case) -> None:
        told = typed(
            case, cash_taken="on", cash_amount="500", cash_receipt="SJ-1", request_kind="repair",
            request_text="主卫渗水", payment="promised", promise_day="2025-11-30", promise_amount="100",
        )  # fmt: skip
        answers = {worker.post("visit", told | {"photos": a_photo()}, pk=case.pk)["Location"] for _ in range(5)}
        assert len(answers) == 1
        for model in (Visit, ContactAttempt, CashTaken, OwnerRequest, PromiseToPay):
            assert model.objects.count() == 1

    def test_other_words_under_its_id_are_refused_and_stay(self, worker: Desk, case: Case) -> None:
        told = typed(case, note="第一次写的")
        first = worker.post("visit", told, pk=case.pk)
        again = worker.post("visit", told | {"note": "后来改的"}, pk=case.pk)
        assert again.status_code == 409
        assert "没有保存：这次上门已登记过" in again.text
        assert "后来改的" in again.text
        assert first["Location"] in again.text
        assert ContactAttempt.objects.get().note == "第一次写的"


class TestBadInput:
    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"outcome": ""}, "outcome"),
            ({"outcome": "wrong_person"}, "outcome"),
            ({"happened_at": ""}, "happened_at"),
            ({"happened_at": "2025-11-25T10:00"}, "happened_at"),
            ({"happened_at": "1025-11-23T10:00"}, "happened_at"),
            ({"payment": "promised", "promise_amount": "100"}, "promise_date"),
            ({"payment": "promised", "promise_day": "2025-11-22", "promise_amount": "100"}, "promise_date"),
            ({"payment": "promised", "promise_day": "other", "promise_date": "2026-11-24"}, "promise_date"),
            ({"payment": "promised", "promise_day": "2025-11-30"}, "promise_other"),
            ({"payment": "promised", "promise_amount": "other", "promise_other": "-5"}, "promise_other"),
            ({"payment": "promised", "promise_amount": "1e400", "promise_day": "2025-11-30"}, "promise_amount"),
            ({"reason": "malicious"}, "reason"),
            ({"request_kind": "repair"}, "request_text"),
            ({"request_text": "主卫渗水"}, "request_kind"),
            ({"new_number": "没有"}, "new_number"),
            ({"number_news": "changed"}, "new_number"),
            ({"cash_taken": "on"}, "cash_receipt"),
            ({"cash_taken": "on", "cash_amount": "-3", "cash_receipt": "SJ-1"}, "cash_amount"),
            ({"cash_taken": "on", "cash_amount": "3.001", "cash_receipt": "SJ-1"}, "cash_amount"),
            ({"next_contact": "other"}, "next_date"),
            ({"next_contact": "other", "next_date": "2025-11-22"}, "next_date"),
            ({"client_id": "no"}, "client_id"),
        ],
    )
    def test_is_refused_and_what_was_typed_stays(
        self, worker: Desk, case: Case, wrong: dict[str, str], field: str
    ) -> None:
        response = worker.post("visit", typed(case, note="业主说月底发工资") | wrong, pk=case.pk)
        assert response.status_code == 200
        assert field in response.context_data["form"].errors
        assert "您填的内容都还在" in response.text
        assert "业主说月底发工资" in response.text
        assert not ContactAttempt.objects.exists()

    @pytest.mark.parametrize(
        ("photos", "said"),
        [
            ([b"MZ" + b"0" * 200], "有文件不是JPEG、PNG或WebP照片"),
            ([b"<svg xmlns='http://www.w3.org/2000/svg'/>"], "有文件不是JPEG、PNG或WebP照片"),
            ([b"\xff\xd8\xff" + b"0" * (20 << 20)], "有照片超过15 MB"),
            ([None] * 10, "最多9张照片"),
        ],
        ids=["program", "svg", "20 MB", "ten"],
    )
    def test_photos_that_cannot_be_kept(self, worker: Desk, case: Case, photos: list[bytes | None], said: str) -> None:
        told = typed(case, note="业主说月底发工资", photos=[a_photo(content) for content in photos])
        page = worker.post("visit", told, pk=case.pk).text
        assert said in page
        assert "请重新选择照片" in page
        assert "业主说月底发工资" in page
        assert not Visit.objects.exists()

    def test_a_receipt_number_that_is_used_names_the_flat(self, worker: Desk, case: Case, project: Project) -> None:
        create_cash(case=create_field_case(project=project, code="3-1-101"), receipt_no="SJ-1")
        told = typed(case, cash_taken="on", cash_amount="500", cash_receipt="SJ-1", note="业主说月底发工资")
        page = worker.post("visit", told, pk=case.pk).text
        assert "这个收据号已用于3-1-101的收款" in page
        assert "业主说月底发工资" in page
        assert CashTaken.objects.count() == 1


class TestWhoMay:
    def test_own_cases_only(self, worker: Desk, case: Case, project: Project) -> None:
        mate = Desk(project, Role.OFFICER, "林嘉豪")
        case.team.members.create(user=mate.user, project=project, joined_on=TODAY)
        assert mate.get("case", pk=case.pk).status_code == 200
        assert mate.get("visit", pk=case.pk).status_code == 404
        assert mate.post("visit", typed(case), pk=case.pk).status_code == 404
        stranger = Desk(project, user=create_field_worker(project=project, name="何思远"))
        assert stranger.get("visit", pk=case.pk).status_code == 404
        assert not Visit.objects.exists()

    def test_a_head_records_for_the_team(self, case: Case, project: Project) -> None:
        head = Desk(project, Role.DEPARTMENT_HEAD, "韩志远")
        case.team.members.create(user=head.user, project=project, joined_on=TODAY)
        assert "由王倩负责" in head.get("visit", pk=case.pk).text
        receipt_of(head, head.post("visit", typed(case, reason="malicious"), pk=case.pk))
        case.refresh_from_db()
        assert case.reason == "malicious"

    def test_the_receipt_is_for_who_recorded(self, worker: Desk, case: Case, project: Project) -> None:
        visit = create_visit(case=case, recorded_by=worker.user)
        assert worker.get("visit_recorded", client_id=visit.client_id).status_code == 200
        assert Desk(project).get("visit_recorded", client_id=visit.client_id).status_code == 404

    def test_photos_are_for_who_sees_the_case(self, worker: Desk, case: Case, project: Project) -> None:
        worker.post("visit", typed(case, photos=a_photo()), pk=case.pk)
        pk = Visit.objects.get().photos.get().pk
        shown = worker.get("visit_photo", pk=pk)
        assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
        assert b"".join(shown.streaming_content)[:3] == b"\xff\xd8\xff"
        stranger = Desk(project, user=create_field_worker(project=project, name="何思远"))
        assert stranger.get("visit_photo", pk=pk).status_code == 404

    def test_the_form_shows_masks_alone(self, worker: Desk, case: Case) -> None:
        page = worker.get("visit", pk=case.pk).text
        assert "138****2617" in page
        assert "13812342617" not in page
        assert "李*博" in page
        assert "李小博" not in page

    def test_an_unverified_case_says_so(self, worker: Desk, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "今天还没有核实欠费" not in worker.get("visit", pk=case.pk).text
        monkeypatch.setattr(timezone, "now", lambda: LATER + dt.timedelta(days=2))
        assert "今天还没有核实欠费" in worker.get("visit", pk=case.pk).text
        verify([case.account], by=worker.user, now=timezone.now(), looked_up=True)
        assert "今天还没有核实欠费" not in worker.get("visit", pk=case.pk).text
