"""Visits: kept exactly once, whatever the phone sends, with all that came of them."""

import datetime as dt
import io
import threading
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from PIL import Image
from pytest_django import Settings

from collection import visit_parts, visits
from collection.contacts import NumberNews, NumberReport
from collection.following import follow_ledger
from collection.limits import Limit, clearances, passed_limits
from collection.models import (
    ArrearsReason,
    Case,
    CashTaken,
    ContactAttempt,
    OwnerRequest,
    PromiseToPay,
    ReasonChange,
    SubReason,
    Visit,
)
from collection.promises import Promised
from collection.reasons import Reason, ReasonRefusedError
from collection.requests import Requested
from collection.visit_revisions import VisitConflictError
from collection.visits import Cash, ReceiptUsedError
from company.models import Project, Role, User
from company.photos import PhotoRefusedError, prepare_photo
from owners.models import Address, Phone
from tests.collection.visits_told import HOUSEKEEPER, send, told
from tests.factories import NOW, TODAY, create_payment, create_project
from tests.field_factories import create_cash, create_field_case, create_field_worker, create_visit, photo

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
HEAD = frozenset({Role.DEPARTMENT_HEAD})


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def case(project: Project, worker: User) -> Case:
    return create_field_case(project=project, by=worker, amount="6210.75")


def record(case: Case, by: User, *, roles: frozenset[Role] = HOUSEKEEPER, **fields: Any) -> Visit:
    return send(case, told(case, **fields), by, roles=roles)


class TestWhatComesOfIt:
    def test_everything_in_one_record(self, case: Case, worker: User) -> None:
        visit = record(
            case,
            worker,
            payment=Payment.PROMISED,
            promised=Promised(TODAY + dt.timedelta(days=5), Decimal("3000.00")),
            requested=Requested(OwnerRequest.Kind.COMPLAINT, "地库照明坏了", OwnerRequest.Department.ENGINEERING),
            reason=Reason(ArrearsReason.OTHER, SubReason.SERVICE),
            next_contact_on=TODAY + dt.timedelta(days=6),
            second_address="江苏省苏州市工业园区星湖街1号",
            photos=[prepare_photo(photo())],
            slip_posted=True,
            note="业主本人在家",
        )
        case.refresh_from_db()
        assert (case.reason, case.sub_reason) == (ArrearsReason.OTHER, SubReason.SERVICE)
        assert case.next_contact_on == TODAY + dt.timedelta(days=6)
        assert PromiseToPay.objects.get(case=case).amount == Decimal("3000.00")
        assert OwnerRequest.objects.get(case=case).contact == visit.contact
        assert ReasonChange.objects.get(case=case).by == worker
        assert Address.objects.get().kind == Address.Kind.SECOND
        assert (visit.slip_posted, visit.photos.count()) == (True, 1)
        assert (visit.contact.breach, visit.changed_meanwhile) == ("", "")
        limits = {
            one.limit for one in clearances([case], Channel.CALL, now=NOW + dt.timedelta(hours=1))[case.pk].reasons
        }
        assert limits == {Limit.PROMISE, Limit.REQUEST}

    def test_cash_is_pending_and_holds_the_case(self, case: Case, worker: User) -> None:
        record(case, worker, cash=Cash(Decimal("500.00"), CashTaken.Method.CASH, "SJ-2025-004385"))
        cash = CashTaken.objects.get()
        assert (cash.state, cash.taken_by, cash.payment) == (CashTaken.State.PENDING, worker, None)
        later = clearances([case], Channel.VISIT, now=NOW + dt.timedelta(days=2))[case.pk]
        assert Limit.CASH_PENDING in {reason.limit for reason in later.reasons}
        case.refresh_from_db()
        assert case.next_step == "confirm_cash"

    def test_a_receipt_number_is_used_once(self, case: Case, worker: User, project: Project) -> None:
        used = create_cash(case=create_field_case(project=project, code="9-1-0402"), receipt_no="SJ-1")
        with pytest.raises(ReceiptUsedError) as refusal:
            record(case, worker, cash=Cash(Decimal("500.00"), CashTaken.Method.CASH, used.receipt_no))
        assert refusal.value.unit_code == "9-1-0402"
        assert not ContactAttempt.objects.filter(case=case).exists(), "nothing of the refused visit is left"

    def test_who_says_it_is_paid_is_left_alone(self, case: Case, worker: User) -> None:
        record(case, worker, payment=Payment.CLAIMS_PAID)
        case.refresh_from_db()
        assert case.claims_paid
        assert case.next_step == "check_claim"

    @pytest.mark.parametrize(
        ("news", "number", "left"),
        [
            (NumberNews.CHANGED, "13900001111", {"1111": Phone.State.VALID}),
            (NumberNews.WRONG_PERSON, "", {"2617": Phone.State.WRONG_PERSON}),
            (NumberNews.UNREACHABLE, "13900001111", {"2617": Phone.State.UNREACHABLE, "1111": Phone.State.VALID}),
        ],
    )
    def test_news_of_a_number_keep_its_history(
        self, case: Case, worker: User, news: NumberNews, number: str, left: dict
    ) -> None:
        phone = Phone.objects.get(owner__memberships__ownership__account=case.account)
        record(case, worker, number=NumberReport(phone.pk, news, number))
        live = Phone.objects.filter(owner=phone.owner, ended_at__isnull=True)
        assert {one.last4: one.state for one in live} == left
        assert Phone.objects.filter(pk=phone.pk).exists()

    def test_a_foreign_number_is_not_touched(self, case: Case, worker: User, project: Project) -> None:
        other = create_field_case(project=project)
        phone = Phone.objects.get(owner__memberships__ownership__account=other.account)
        record(case, worker, number=NumberReport(phone.pk, NumberNews.DO_NOT_CONTACT))
        phone.refresh_from_db()
        assert not phone.do_not_contact

    def test_field_staff_cannot_call_an_owner_malicious(self, case: Case, worker: User) -> None:
        with pytest.raises(ReasonRefusedError):
            record(case, worker, reason=Reason(ArrearsReason.MALICIOUS))
        assert not Visit.objects.exists()
        record(case, worker, roles=HEAD, reason=Reason(ArrearsReason.MALICIOUS))
        case.refresh_from_db()
        assert case.reason == ArrearsReason.MALICIOUS


class TestWhatHappenedIsKept:
    def test_a_visit_over_a_limit_is_recorded_and_flagged(self, case: Case, worker: User) -> None:
        create_visit(case=case, at=NOW - dt.timedelta(hours=3))
        visit = record(case, worker)
        assert passed_limits(visit.contact) == [Limit.VISITS_A_DAY]

    def test_a_late_one_keeps_both_clocks(self, case: Case, worker: User) -> None:
        yesterday_evening = NOW - dt.timedelta(hours=12)
        visit = record(case, worker, happened_at=yesterday_evening)
        assert (visit.contact.happened_at, visit.contact.recorded_at) == (yesterday_evening, NOW)
        assert passed_limits(visit.contact) == [Limit.HOURS]

    def test_a_clock_that_runs_ahead_says_now(self, case: Case, worker: User) -> None:
        assert record(case, worker, happened_at=NOW + dt.timedelta(hours=5)).contact.happened_at == NOW

    def test_a_case_paid_while_the_form_was_open(self, case: Case, worker: User) -> None:
        report = told(case, payment=Payment.CLAIMS_PAID)
        create_payment(account=case.account, amount="6210.75")
        follow_ledger(today=TODAY, now=NOW, project=case.project)
        visit = send(case, report, worker)
        assert visit.changed_meanwhile == Visit.Meanwhile.PAID
        case.refresh_from_db()
        assert (case.state, case.claims_paid) == (Case.State.CLOSED, False)

    def test_a_case_that_went_to_somebody_else(self, case: Case, worker: User, project: Project) -> None:
        report = told(case)
        Case.objects.filter(pk=case.pk).update(responsible=create_field_worker(project=project, name="孙立"))
        visit = send(case, report, worker)
        assert visit.changed_meanwhile == Visit.Meanwhile.REASSIGNED


class TestOnce:
    def test_the_same_visit_again_is_the_same_visit(self, case: Case, worker: User) -> None:
        report = told(case, requested=Requested(OwnerRequest.Kind.REPAIR, "漏水"), photos=[prepare_photo(photo())])
        first, again = (send(case, report, worker) for _ in range(2))
        assert first == again
        assert (Visit.objects.count(), OwnerRequest.objects.count(), ContactAttempt.objects.count()) == (1, 1, 1)

    def test_the_same_revision_with_other_words_is_a_conflict(self, case: Case, worker: User) -> None:
        report = told(case, note="在家")
        first = send(case, report, worker)
        other = replace(report, contact=replace(report.contact, note="不在家"))
        with pytest.raises(VisitConflictError) as conflict:
            send(case, other, worker)
        assert conflict.value.visit == first
        first.contact.refresh_from_db()
        assert first.contact.note == "在家"

    def test_the_same_id_at_another_door_is_a_conflict(self, case: Case, worker: User, project: Project) -> None:
        report = told(case)
        send(case, report, worker)
        with pytest.raises(VisitConflictError):
            send(create_field_case(project=project), report, worker)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Five copies of one visit at the same moment; the control leaves out the locks on visit and case."""

    def send_five_times(self) -> tuple[int, int]:
        """How many visits there are then, and how many of the senders were refused."""
        project = create_project()
        worker = create_field_worker(project=project)
        case = create_field_case(project=project, by=worker)
        report = told(case, requested=Requested(OwnerRequest.Kind.REPAIR, "漏水"))
        start = threading.Barrier(5)

        def send_copy(_number: int) -> bool:
            start.wait()
            try:
                send(case, report, worker)
            except Exception:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(5) as pool:
            accepted = sum(pool.map(send_copy, range(5)))
        return Visit.objects.count() + OwnerRequest.objects.count(), 5 - accepted

    def test_one_visit(self) -> None:
        assert self.send_five_times() == (2, 0)

    def test_the_control_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        checked = threading.Barrier(5)
        look = visits.earlier_visit

        def without_lock(case_ids: Iterable[int]) -> list[Case]:
            return list(Case.objects.select_related("project", "account").filter(pk__in=case_ids))

        def all_look_first(case: Case, client_id: uuid.UUID, *, by: User) -> Visit | None:
            found = look(case, client_id, by=by)
            checked.wait()
            return found

        monkeypatch.setattr(visits, "lock_visit", lambda client_id: None)
        monkeypatch.setattr(visit_parts, "lock_cases", without_lock)
        monkeypatch.setattr(visits, "earlier_visit", all_look_first)
        _rows, refused = self.send_five_times()
        assert refused == 4, "without the lock only the unique key is left, and it turns honest senders away"


class TestPhotos:
    def test_shrunk_upright_and_without_words(self) -> None:
        prepared = prepare_photo(photo(width=4000, height=2000))
        with Image.open(io.BytesIO(prepared.content)) as image:
            assert (image.format, image.size) == ("JPEG", (1600, 800))
            assert not image.getexif()
            assert "exif" not in image.info
        assert b"a phone" not in prepared.content

    def test_a_turned_picture_is_turned_back(self) -> None:
        image = Image.new("RGB", (300, 100))
        exif = Image.Exif()
        exif[0x0112] = 6
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", exif=exif)
        with Image.open(io.BytesIO(prepare_photo(buffer.getvalue()).content)) as upright:
            assert upright.size == (100, 300)

    @pytest.mark.parametrize("sent", [b"", b"MZ\x90\x00 not a photo", b"%PDF-1.7", photo()[:2000]])
    def test_what_is_no_photo_is_refused(self, sent: bytes) -> None:
        with pytest.raises(PhotoRefusedError):
            prepare_photo(sent)
