"""The address to which phones send their queue: each visit once, what is refused said, nothing of others told."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from collection.assignment import reassign
from collection.following import follow_ledger
from collection.models import Case, CashTaken, ContactAttempt, PromiseToPay, Visit
from collection.syncing import MESSAGE_VERSION
from company.models import Project, Role
from owners.models import Phone
from tests.collection.desk import Desk
from tests.factories import NOW, TODAY, create_payment, create_project
from tests.field_factories import create_cash, create_field_case, create_field_worker, photo

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)


class Clock:
    now = LATER


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(timezone, "now", lambda: stopped.now)
    settings.MEDIA_ROOT = tmp_path
    return stopped


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user, code="8-2-1604", amount="6210.75")


def message(case: Case, **fields: Any) -> dict[str, Any]:
    return {
        "client_id": str(uuid.uuid4()), "revision": 1, "case": case.pk, "responsible_id": case.responsible_id,
        "happened_at": "2025-11-23T10:40", "outcome": "met_owner", "payment": "not_discussed", "phone": "first",
        "next_contact": "by_rule",
    } | fields  # fmt: skip


def send(worker: Desk, told: dict[str, Any], *photos: bytes, **envelope: Any) -> HttpResponse:
    files = [SimpleUploadedFile(f"{at}.jpg", content, "image/jpeg") for at, content in enumerate(photos)]
    data = {"version": MESSAGE_VERSION, "visit": json.dumps(told), "photos": files} | envelope
    return worker.post("visits_sync", {name: value for name, value in data.items() if value != []})


def texts(response: HttpResponse) -> str:
    return " ".join(error["text"] for error in response.json()["errors"])


class TestArriving:
    def test_a_visit_with_photos_arrives_once(self, worker: Desk, case: Case) -> None:
        told = message(
            case, payment="promised", promise_day="2025-11-30", promise_amount="whole", note="月底发工资",
            slip_posted="on",
        )  # fmt: skip
        pictures = [photo(width=60, height=40), photo(width=40, height=60)]
        first, again = (send(worker, told, *pictures, person=worker.user.pk) for _ in range(2))
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert (first.json()["state"], first.json()["flags"]) == ("recorded", [])
        visit = Visit.objects.get()
        assert (visit.photos.count(), visit.slip_posted, visit.contact.note) == (2, True, "月底发工资")
        assert PromiseToPay.objects.get().amount == Decimal("6210.75")
        assert worker.client.get(first.json()["url"]).status_code == 200

    def test_the_same_message_days_later_is_still_the_same(self, worker: Desk, case: Case, clock: Clock) -> None:
        told = message(case, number_news="changed", new_number="13900001111")
        assert send(worker, told).json()["state"] == "recorded"
        clock.now = LATER + dt.timedelta(days=3)
        assert send(worker, told).json()["state"] == "recorded"
        assert Visit.objects.count() == 1
        assert Phone.objects.filter(ended_at=None).count() == 1

    def test_what_the_page_recorded_is_the_same_visit(self, worker: Desk, case: Case) -> None:
        told = message(case, phone="")
        form = {name: value for name, value in told.items() if name not in {"case", "revision"}}
        assert worker.post("visit", form | {"reason": "", "request_kind": ""}, pk=case.pk).status_code == 302
        assert send(worker, told).json()["state"] == "recorded"
        assert Visit.objects.count() == 1

    def test_a_correction_and_a_removal(self, worker: Desk, case: Case) -> None:
        told = message(case, note="在家")
        send(worker, told)
        assert send(worker, told | {"revision": 2, "note": "不在家"}).json()["state"] == "recorded"
        assert ContactAttempt.objects.get().note == "不在家"
        removal = {"client_id": told["client_id"], "case": case.pk, "revision": 3, "deleted": True}
        assert [send(worker, removal).json()["state"] for _ in range(2)] == ["deleted", "deleted"]
        assert not ContactAttempt.objects.exists()
        assert send(worker, told).json()["state"] == "deleted"

    def test_other_content_under_the_same_revision_is_a_conflict(self, worker: Desk, case: Case) -> None:
        told = message(case, note="在家")
        send(worker, told)
        other = send(worker, told | {"note": "不在家"})
        assert (other.status_code, other.json()["state"]) == (409, "refused")
        assert texts(other)
        assert ContactAttempt.objects.get().note == "在家"


class TestFlagged:
    def flags(self, response: HttpResponse) -> list[str]:
        assert response.json()["state"] == "flagged", response.content.decode()
        return [flag["key"] for flag in response.json()["flags"]]

    def test_paid_meanwhile(self, worker: Desk, case: Case) -> None:
        create_payment(account=case.account, amount="6210.75")
        follow_ledger(today=TODAY, now=LATER, project=case.project)
        told = message(case, payment="promised", promise_day="2025-11-30", promise_amount="whole")
        assert self.flags(send(worker, told)) == ["paid"]
        assert not PromiseToPay.objects.exists()
        assert Visit.objects.get().changed_meanwhile == Visit.Meanwhile.PAID

    def test_handed_over_meanwhile(self, worker: Desk, case: Case, project: Project) -> None:
        other = create_field_worker(project=project, name="孙立")
        told = message(case)
        mine, team = (person.team_memberships.get().team for person in (worker.user, other))
        Case.objects.update(responsible=None, team=None)  # as before the campaign's first assignment
        reassign([case.pk], team=mine, member=worker.user, by=other, today=TODAY, now=NOW)
        reassign([case.pk], team=team, member=other, by=other, today=TODAY, now=NOW)
        assert self.flags(send(worker, told)) == ["reassigned"]

    def test_a_late_one_keeps_both_times(self, worker: Desk, case: Case, clock: Clock) -> None:
        clock.now = LATER + dt.timedelta(days=5)
        told = message(case, payment="promised", promise_day="2025-11-25", promise_amount="500.00")
        assert self.flags(send(worker, told)) == ["late"]
        contact = ContactAttempt.objects.get()
        assert timezone.localtime(contact.happened_at).isoformat() == "2025-11-23T10:40:00+08:00"
        assert contact.recorded_at == clock.now
        assert PromiseToPay.objects.get().pay_by == dt.date(2025, 11, 25)

    def test_limits_hold_for_what_a_phone_sends(self, worker: Desk, case: Case) -> None:
        send(worker, message(case, happened_at="2025-11-23T09:30"))
        second = send(worker, message(case))
        assert self.flags(second) == ["visits_a_day"]
        assert second.json()["flags"][0]["text"] == "突破限制：每天上门1次"
        assert "night" in self.flags(send(worker, message(case, happened_at="2025-11-22T23:10")))
        assert ContactAttempt.objects.exclude(breach="").count() == 2


class TestRefused:
    def test_says_which_field_and_writes_nothing(self, worker: Desk, case: Case, project: Project) -> None:
        used = create_cash(case=create_field_case(project=project, code="9-1-0402"), receipt_no="SJ-1")
        cash = {"cash_taken": "on", "cash_amount": "500", "cash_method": "cash", "cash_receipt": used.receipt_no}
        refused = send(worker, message(case, **cash))
        assert (refused.status_code, refused.json()["state"]) == (200, "refused")
        [error] = refused.json()["errors"]
        assert (error["field"], error["label"]) == ("cash_receipt", "收据号")
        assert "9-1-0402" in error["text"]
        assert CashTaken.objects.count() == 1
        assert not Visit.objects.filter(contact__case=case).exists()

    def test_a_reason_above_ones_station(self, worker: Desk, case: Case) -> None:
        refused = send(worker, message(case, reason="malicious"))
        assert refused.json()["errors"][0]["field"] == "reason"

    def test_a_file_that_is_no_photo(self, worker: Desk, case: Case) -> None:
        refused = send(worker, message(case), b"<svg onload='alert(1)'/>")
        assert refused.json()["errors"][0]["field"] == "photos"

    def test_fields_of_an_older_form_are_named_and_not_lost(self, worker: Desk, case: Case) -> None:
        refused = send(worker, message(case, mood="friendly"))
        assert (refused.status_code, refused.json()["state"]) == (200, "refused")
        assert "mood" in texts(refused)
        assert not Visit.objects.exists()

    @pytest.mark.parametrize(
        "visit",
        ["", "null", "[]", "{", '{"client_id": "x"}', '{"client_id": 5, "case": "a", "revision": 1}',
         '{"client_id": "00000000-0000-4000-8000-000000000000", "case": 1, "revision": -1}',
         '{"client_id": "00000000-0000-4000-8000-000000000000", "case": 1, "revision": true}',
         '{"client_id": "00000000-0000-4000-8000-000000000000", "case": 1, "revision": 1, "note": {"a": 1}}',
         '{"client_id": "00000000-0000-4000-8000-000000000000", "case": 1, "revision": 1, "note": "\\ud800"}',
         "[" * 100_000],
    )  # fmt: skip
    def test_what_cannot_be_read(self, worker: Desk, visit: str) -> None:
        refused = worker.post("visits_sync", {"version": MESSAGE_VERSION, "visit": visit})
        assert (refused.status_code, refused.json()["state"]) == (200, "refused")

    def test_an_older_page_has_to_load_itself_anew(self, worker: Desk, case: Case) -> None:
        for version in (MESSAGE_VERSION - 1, ""):
            refused = send(worker, message(case), version=version)
            assert (refused.status_code, refused.json()["state"]) == (409, "outdated")
        assert not Visit.objects.exists()

    def test_the_queue_of_somebody_else_is_not_taken(self, worker: Desk, case: Case) -> None:
        refused = send(worker, message(case), person=worker.user.pk + 1)
        assert (refused.status_code, refused.json()["state"]) == (409, "other_person")
        assert not Visit.objects.exists()

    def test_a_case_out_of_reach_is_refused_in_words(self, worker: Desk, project: Project) -> None:
        others = create_field_case(project=project, by=create_field_worker(project=project, name="孙立"))
        refused = send(worker, message(others))
        assert (refused.status_code, refused.json()["state"]) == (200, "refused")
        elsewhere = send(worker, message(create_field_case(project=create_project(code="other"))))
        assert elsewhere.json()["errors"] == refused.json()["errors"], "whether there is such a case is not told"

    def test_without_a_token_nothing_is_taken(self, worker: Desk, case: Case) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(worker.user)
        data = {"version": MESSAGE_VERSION, "visit": json.dumps(message(case))}
        assert client.post(worker.url("visits_sync"), data).status_code == 403
        assert not Visit.objects.exists()

    def test_only_who_may_log(self, project: Project, case: Case) -> None:
        assert send(Desk(project, Role.FINANCE), message(case)).status_code == 403
