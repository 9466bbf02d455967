"""Complaints about conduct: kept from whom they are about, settled by another, unchangeable in the database."""

import datetime as dt
import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from collection.conduct import (
    Complained,
    OwnConductError,
    SentBeforeError,
    SettledAlreadyError,
    answer_complaint,
    record_complaint,
)
from collection.models import Case, ConductComplaint, ContactAttempt
from collection.timeline import timeline
from company.models import AuditEvent, Notification, Project, Role
from tests.collection.desk import Desk, said
from tests.conduct_factories import create_call_back, create_complaint, create_draw
from tests.factories import NOW, create_contact, create_project, create_user
from tests.field_factories import create_field_case, create_field_worker

pytestmark = pytest.mark.django_db
MET = ContactAttempt.Outcome.MET_OWNER
LATER = NOW + dt.timedelta(hours=2)
TEXT = "说话很冲，在楼道里大声讲欠费"


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
def manager(project: Project) -> Desk:
    return Desk(project)


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user)


@pytest.fixture
def contact(case: Case, worker: Desk) -> ContactAttempt:
    return create_contact(case=case, outcome=MET, recorded_by=worker.user)


def told(**fields: str) -> dict[str, str]:
    return {
        "submission": str(uuid.uuid4()), "complainant": "owner", "text": TEXT, "complained_at": "2025-11-23T10:20",
    } | fields  # fmt: skip


class TestRecording:
    def test_the_manager_is_told_and_sees_it_the_member_does_not(
        self, contact: ContactAttempt, case: Case, worker: Desk, manager: Desk
    ) -> None:
        desk = Desk(case.project, Role.FINANCE)
        assert desk.url("complaint_new", pk=contact.pk) in desk.get("case", pk=case.pk).text
        answer = desk.post("complaint_new", told(), pk=contact.pk)
        assert "项目经理" in said(answer)
        complaint = ConductComplaint.objects.get()
        assert (complaint.member, complaint.recorded_by, complaint.text) == (worker.user, desk.user, TEXT)
        assert list(Notification.objects.values_list("user", flat=True)) == [manager.user.pk]
        assert TEXT in manager.get("conduct").text
        assert TEXT in manager.get("case", "?all", pk=case.pk).text
        for other in (worker, desk):
            assert TEXT not in other.get("case", "?all", pk=case.pk).text
            assert other.get("conduct").status_code == 403
        assert AuditEvent.objects.filter(action="conduct.complained").exists()

    def test_sent_twice_it_is_one(self, contact: ContactAttempt, manager: Desk) -> None:
        form = told()
        for text in (TEXT, TEXT, "另一件事"):
            answer = manager.post("complaint_new", form | {"text": text}, pk=contact.pk)
        assert answer.status_code == 409
        assert ConductComplaint.objects.count() == Notification.objects.count() == 1
        with pytest.raises(SentBeforeError):
            record_complaint(
                contact, Complained(ConductComplaint.Complainant.OWNER, "x", NOW), by=manager.user, now=LATER,
                submission=uuid.UUID(form["submission"]),
            )  # fmt: skip

    @pytest.mark.parametrize(
        ("field", "value"),
        [("text", ""), ("complained_at", "2025-11-24T10:00"), ("complained_at", "2025-11-20T10:00"),
         ("complained_at", "yesterday"), ("complainant", "nobody")],
    )  # fmt: skip
    def test_a_mistake_is_said_and_nothing_written(
        self, contact: ContactAttempt, manager: Desk, field: str, value: str
    ) -> None:
        answer = manager.post("complaint_new", told(**{field: value}), pk=contact.pk)
        assert answer.context_data["form"].errors.keys() == {field}
        assert not ConductComplaint.objects.exists()

    def test_not_on_a_contact_that_one_does_not_see(self, contact: ContactAttempt, project: Project) -> None:
        stranger = Desk(project, user=create_field_worker(project=project, name="林嘉豪"))
        assert stranger.post("complaint_new", told(), pk=contact.pk).status_code == 404


class TestAboutTheManager:
    """Where the complaint is about the only manager, the company leader is told, and answers."""

    @pytest.fixture
    def leader(self, case: Case) -> Desk:
        return Desk(case.project, user=create_user(name="顾伟珍", role=Role.COMPANY_LEADER))

    @pytest.fixture
    def complaint(self, case: Case, manager: Desk, leader: Desk) -> ConductComplaint:
        contact = create_contact(case=case, outcome=MET, recorded_by=manager.user)
        Desk(case.project, Role.FINANCE).post("complaint_new", told(), pk=contact.pk)
        return ConductComplaint.objects.get()

    def test_is_hidden_from_the_manager_and_answered_by_the_leader(
        self, complaint: ConductComplaint, case: Case, manager: Desk, leader: Desk
    ) -> None:
        assert list(Notification.objects.values_list("user", flat=True)) == [leader.user.pk]
        assert TEXT not in manager.get("conduct").text
        assert TEXT not in manager.get("case", "?all", pk=case.pk).text
        assert manager.get("conduct_complaint", pk=complaint.pk).status_code == 404
        leader.post("conduct_complaint", {"answer": "已谈话"}, pk=complaint.pk)
        complaint.refresh_from_db()
        assert (complaint.answer, complaint.answered_by) == ("已谈话", leader.user)

    def test_nobody_answers_for_themselves(self, complaint: ConductComplaint, manager: Desk) -> None:
        with pytest.raises(OwnConductError):
            answer_complaint(complaint.pk, "没有的事", by=manager.user, now=LATER)


class TestAnswering:
    def test_once(self, contact: ContactAttempt, manager: Desk, case: Case) -> None:
        complaint = create_complaint(contact=contact)
        manager.post("conduct_complaint", {"answer": "已核实并致歉"}, pk=complaint.pk)
        manager.post("conduct_complaint", {"answer": "改口"}, pk=complaint.pk)
        complaint.refresh_from_db()
        assert complaint.answer == "已核实并致歉"
        with pytest.raises(SettledAlreadyError):
            answer_complaint(complaint.pk, "改口", by=manager.user, now=LATER)
        assert answer_complaint(complaint.pk, "已核实并致歉", by=manager.user, now=LATER).answer == "已核实并致歉"
        [entry] = [entry for entry in timeline(case, viewer=manager.user) if TEXT in entry.detail]
        assert "已核实并致歉" in entry.detail

    def test_an_empty_answer_is_none(self, contact: ContactAttempt, manager: Desk) -> None:
        complaint = create_complaint(contact=contact)
        answer = manager.post("conduct_complaint", {"answer": "  "}, pk=complaint.pk)
        assert answer.context_data["form"].errors
        complaint.refresh_from_db()
        assert complaint.answered_at is None


class TestDatabase:
    """What the database refuses by itself."""

    def refused(self, sql: str, *values: object) -> str:
        with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
        return str(error.value)

    @pytest.mark.parametrize("change", ["text = 'nothing'", "member_id = recorded_by_id", "complained_at = now()"])
    def test_what_was_said_does_not_change(self, contact: ContactAttempt, change: str) -> None:
        complaint = create_complaint(contact=contact)
        sql = f"UPDATE collection_conductcomplaint SET {change} WHERE id = %s"
        assert "permission denied" in self.refused(sql, complaint.pk)

    def test_neither_goes_away(self, contact: ContactAttempt) -> None:
        complaint, call_back = create_complaint(contact=contact), create_call_back(case=contact.case, contact=contact)
        for row in (complaint, call_back, call_back.draw):
            sql = f"DELETE FROM {row._meta.db_table} WHERE id = %s"
            assert "permission denied" in self.refused(sql, row.pk)

    def test_an_answer_stays(self, contact: ContactAttempt) -> None:
        complaint = create_complaint(contact=contact)
        answer_complaint(complaint.pk, "已致歉", by=create_user(), now=LATER)
        sql = "UPDATE collection_conductcomplaint SET answer = 'x' WHERE id = %s"
        assert "append-only" in self.refused(sql, complaint.pk)

    def test_the_member_never_answers_nor_calls(self, contact: ContactAttempt) -> None:
        complaint, call_back = create_complaint(contact=contact), create_call_back(case=contact.case, contact=contact)
        with pytest.raises(IntegrityError, match="conduct_answered_by_another"), transaction.atomic():
            ConductComplaint.objects.filter(pk=complaint.pk).update(
                answer="x", answered_at=NOW, answered_by=contact.recorded_by
            )
        with pytest.raises(IntegrityError, match="call_back_by_another"), transaction.atomic():
            type(call_back).objects.filter(pk=call_back.pk).update(
                result="as_recorded", note="", called_at=NOW, called_by=contact.recorded_by
            )

    def test_half_an_answer_is_none(self, contact: ContactAttempt) -> None:
        complaint = create_complaint(contact=contact)
        with pytest.raises(IntegrityError, match="conduct_answer_whole"), transaction.atomic():
            ConductComplaint.objects.filter(pk=complaint.pk).update(answer="x")

    def test_it_is_about_who_recorded_the_contact(self, contact: ContactAttempt) -> None:
        for make in (
            lambda: create_complaint(contact=contact, member_id=create_user().pk),
            lambda: create_call_back(case=contact.case, contact=contact, member_id=create_user().pk),
        ):
            with pytest.raises(IntegrityError, match="did not record"), transaction.atomic():
                make()

    def test_a_week_is_drawn_once_and_starts_on_monday(self, case: Case) -> None:
        draw = create_draw(case=case)
        draw.pk = None
        with pytest.raises(IntegrityError, match="one_draw_a_week"), transaction.atomic():
            draw.save(force_insert=True)
        with pytest.raises(IntegrityError, match="draw_week_starts_on_monday"), transaction.atomic():
            create_draw(case=case, week_start=dt.date(2025, 11, 18))
