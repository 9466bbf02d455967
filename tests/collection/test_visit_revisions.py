"""A visit told again: corrected by a higher revision with its history, removed for good, and never by half."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import Settings

from collection import visit_parts, visit_revisions, visits
from collection.models import (
    ArrearsReason,
    Case,
    CashTaken,
    ContactAttempt,
    OwnerRequest,
    PromiseToPay,
    SubReason,
    Visit,
    VisitRevision,
)
from collection.promises import Promised
from collection.reasons import Reason
from collection.requests import Requested, answer_request
from collection.timeline import timeline
from collection.timeline_entries import Entry, Group
from collection.visit_revisions import (
    Settled,
    VisitConflictError,
    VisitRemovedError,
    VisitSettledError,
    remove_visit,
)
from collection.visits import Cash, VisitReport
from company.models import AuditEvent, Project, User
from company.photos import prepare_photo
from tests.collection.visits_told import again, send, told
from tests.conduct_factories import create_complaint
from tests.factories import NOW, TODAY, create_project
from tests.field_factories import create_field_case, create_field_worker, photo

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
PROMISED = Promised(TODAY + dt.timedelta(days=5), Decimal("3000.00"))
LEAK = Requested(OwnerRequest.Kind.REPAIR, "主卫渗水", OwnerRequest.Department.ENGINEERING)
LATER = NOW + dt.timedelta(minutes=10)


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


BY_REVISION, RISE = "changes with a higher revision only", "higher than those before it, and none follows its removal"
SAYS, FROZEN = "visit_removal_says_nothing", "append-only|permission denied"


class TestCorrecting:
    def test_a_higher_revision_takes_the_place_and_keeps_what_was_told(self, case: Case, worker: User) -> None:
        first = told(case, payment=Payment.PROMISED, promised=PROMISED, note="在家", photos=[prepare_photo(photo())])
        visit = send(case, first, worker)
        second = again(
            first, payment=Payment.WILL_NOT_PAY, promised=None, requested=LEAK, note="不肯缴",
            photos=[prepare_photo(photo(colour="red")), prepare_photo(photo(colour="blue"))],
        )  # fmt: skip
        assert send(case, second, worker, now=LATER) == visit
        visit.refresh_from_db()
        assert (visit.revision, visit.contact.note, visit.photos.count()) == (2, "不肯缴", 2)
        assert (Visit.objects.count(), ContactAttempt.objects.count(), PromiseToPay.objects.count()) == (1, 1, 0)
        assert OwnerRequest.objects.get().contact == visit.contact
        kept = list(VisitRevision.objects.values_list("revision", "content__note", "content__promised"))
        assert kept == [(1, "在家", [PROMISED.pay_by.isoformat(), "3000.00"]), (2, "不肯缴", None)]
        assert AuditEvent.objects.filter(action="visits.corrected").count() == 1

    def test_a_corrected_visit_is_no_second_one_of_the_day(self, case: Case, worker: User) -> None:
        first = told(case)
        send(case, first, worker)
        visit = send(case, again(first, outcome=Outcome.NO_ANSWER), worker)
        assert visit.contact.breach == ""

    def test_an_older_revision_that_comes_after_changes_nothing(self, case: Case, worker: User) -> None:
        first = told(case, note="在家")
        second = again(first, note="不在家")
        visit = send(case, second, worker)
        assert send(case, first, worker) == visit
        visit.refresh_from_db()
        assert (visit.revision, visit.contact.note) == (2, "不在家")

    def test_what_is_told_again_is_not_done_again(self, case: Case, worker: User) -> None:
        cash = Cash(Decimal("500.00"), CashTaken.Method.CASH, "SJ-1")
        first = told(case, payment=Payment.PROMISED, promised=PROMISED, requested=LEAK, cash=cash)
        send(case, first, worker)
        before = PromiseToPay.objects.get().pk, OwnerRequest.objects.get().pk, CashTaken.objects.get().pk
        visit = send(case, again(first, note="月底发工资"), worker)
        assert visit.contact.breach == "", "its own promise, request and money do not hold it back"
        assert (PromiseToPay.objects.get().pk, OwnerRequest.objects.get().pk, CashTaken.objects.get().pk) == before

    def test_a_reason_that_is_not_told_again_is_as_it_was(self, case: Case, worker: User) -> None:
        first = told(case, reason=Reason(ArrearsReason.OTHER, SubReason.SERVICE))
        send(case, first, worker)
        send(case, again(first, reason=None), worker)
        case.refresh_from_db()
        assert (case.reason, case.sub_reason) == (ArrearsReason.UNKNOWN, "")
        assert case.reason_changes.count() == 2, "both are in the history"

    def test_a_reason_is_taken_back_after_several_corrections(self, case: Case, worker: User) -> None:
        first = told(case, reason=Reason(ArrearsReason.OTHER, SubReason.SERVICE))
        second = again(first, reason=Reason(ArrearsReason.BURGLED))
        third = again(second, note="门口遇到")
        for minutes, report in enumerate((first, second, third)):
            send(case, report, worker, now=NOW + dt.timedelta(minutes=minutes))
        case.refresh_from_db()
        assert case.reason == ArrearsReason.BURGLED, "the last word on it"
        send(case, again(third, reason=None), worker, now=LATER)
        case.refresh_from_db()
        assert (case.reason, case.sub_reason) == (ArrearsReason.UNKNOWN, "")

    def test_a_correction_on_another_day_is_no_late_visit(self, case: Case, worker: User) -> None:
        first = told(case)
        send(case, first, worker)
        visit = send(case, again(first, note="不在家"), worker, now=NOW + dt.timedelta(days=1))
        visit.refresh_from_db()
        assert (visit.came_late, visit.contact.recorded_at) == (False, NOW)

    def test_a_request_goes_to_the_department_named_last(self, case: Case, worker: User) -> None:
        first = told(case, requested=LEAK)
        send(case, first, worker)
        send(case, again(first, requested=replace(LEAK, department=OwnerRequest.Department.SERVICE)), worker)
        assert OwnerRequest.objects.get().department == OwnerRequest.Department.SERVICE

    def test_a_claim_that_was_a_slip_of_the_finger(self, case: Case, worker: User) -> None:
        first = told(case, payment=Payment.CLAIMS_PAID)
        send(case, first, worker)
        send(case, again(first, payment=Payment.NOT_DISCUSSED), worker)
        case.refresh_from_db()
        assert not case.claims_paid

    def test_nobody_corrects_the_visit_of_somebody_else(self, case: Case, worker: User, project: Project) -> None:
        first = told(case, note="在家")
        send(case, first, worker)
        with pytest.raises(VisitConflictError):
            send(case, again(first, note="不在家"), create_field_worker(project=project, name="孙立"))


class TestSettled:
    """What somebody else has acted on stays; then nothing of the correction is written."""

    def refuse(self, case: Case, report: VisitReport, by: User, what: Settled) -> None:
        with pytest.raises(VisitSettledError) as refusal:
            send(case, report, by)
        assert refusal.value.what == what
        assert VisitRevision.objects.count() == 1
        assert ContactAttempt.objects.get().note == "在家"

    def test_money_that_was_told(self, case: Case, worker: User) -> None:
        cash = Cash(Decimal("500.00"), CashTaken.Method.CASH, "SJ-1")
        first = told(case, cash=cash, note="在家")
        send(case, first, worker)
        self.refuse(case, again(first, cash=None, note="不在家"), worker, Settled.CASH)
        self.refuse(case, again(first, cash=replace(cash, amount=Decimal("50.00")), note="x"), worker, Settled.CASH)
        with pytest.raises(VisitSettledError):
            remove_visit(case, first.client_id, 2, by=worker, now=NOW)
        assert CashTaken.objects.get().amount == Decimal("500.00")

    def test_a_promise_that_was_judged(self, case: Case, worker: User) -> None:
        first = told(case, payment=Payment.PROMISED, promised=PROMISED, note="在家")
        send(case, first, worker)
        PromiseToPay.objects.update(state=PromiseToPay.State.BROKEN, judged_on=TODAY)
        self.refuse(case, again(first, promised=None, payment=Payment.NOT_DISCUSSED), worker, Settled.PROMISE)

    def test_a_request_that_was_answered(self, case: Case, worker: User) -> None:
        first = told(case, requested=LEAK, note="在家")
        send(case, first, worker)
        answer_request(OwnerRequest.objects.get().pk, "明天上门维修", by=worker, now=NOW)
        self.refuse(case, again(first, requested=None), worker, Settled.REQUEST)

    def test_a_visit_that_somebody_complained_of(self, case: Case, worker: User) -> None:
        first = told(case, note="在家")
        create_complaint(contact=send(case, first, worker).contact)
        self.refuse(case, again(first, note="不在家"), worker, Settled.CONDUCT)
        with pytest.raises(VisitSettledError):
            remove_visit(case, first.client_id, 2, by=worker, now=NOW)


class TestOnTheTimeline:
    def test_what_was_said_before_stays_readable(self, case: Case, worker: User) -> None:
        first = told(case, note="在家", payment=Payment.WILL_NOT_PAY)
        send(case, first, worker)
        send(case, again(first, note="不在家"), worker, now=LATER)
        [corrected] = self.moves(case)
        assert (corrected.person, "在家" in corrected.detail) == (worker.name, True)
        remove_visit(case, first.client_id, 3, by=worker, now=LATER)
        assert any("不在家" in move.detail for move in self.moves(case))

    def moves(self, case: Case) -> list[Entry]:
        return [entry for entry in timeline(case) if (entry.group, entry.icon) == (Group.INTERNAL, "walk")]


class TestRemoving:
    def test_everything_that_came_of_it_goes_and_the_history_stays(self, case: Case, worker: User) -> None:
        send(case, told(case, payment=Payment.PROMISED, promised=PROMISED), worker)
        wrong = told(
            case, payment=Payment.PROMISED, promised=replace(PROMISED, amount=Decimal("1.00")), requested=LEAK,
            photos=[prepare_photo(photo())], reason=Reason(ArrearsReason.BURGLED),
        )  # fmt: skip
        send(case, wrong, worker)
        remove_visit(case, wrong.client_id, 2, by=worker, now=LATER)
        remove_visit(case, wrong.client_id, 2, by=worker, now=LATER)
        case.refresh_from_db()
        promise = PromiseToPay.objects.get()
        assert (promise.amount, promise.state) == (PROMISED.amount, PromiseToPay.State.WAITING)
        assert (Visit.objects.count(), ContactAttempt.objects.count(), OwnerRequest.objects.count()) == (1, 1, 0)
        assert (case.reason, case.next_contact_on) == (ArrearsReason.UNKNOWN, TODAY)
        kept = VisitRevision.objects.filter(client_id=wrong.client_id).values_list("revision", "is_removal")
        assert list(kept) == [(1, False), (2, True)]

    def test_what_was_removed_before_it_arrived_does_not_come(self, case: Case, worker: User) -> None:
        first = told(case)
        remove_visit(case, first.client_id, 2, by=worker, now=NOW)
        for late in (first, again(first, revision=3)):
            with pytest.raises(VisitRemovedError):
                send(case, late, worker)
        assert not ContactAttempt.objects.exists()

    def test_a_removal_older_than_what_is_kept_is_refused(self, case: Case, worker: User) -> None:
        first = told(case, revision=3)
        send(case, first, worker)
        with pytest.raises(VisitConflictError):
            remove_visit(case, first.client_id, 3, by=worker, now=NOW)
        assert Visit.objects.count() == 1


class TestDatabaseHolds:
    """What no code may do, whatever it is told."""

    @pytest.fixture
    def visit(self, case: Case, worker: User) -> Visit:
        return send(case, told(case, revision=2), worker)

    def refused(self, act: Callable[[], object], by: str) -> None:
        """``by`` is what the database says: another reason would prove nothing of this defence."""
        with pytest.raises(DatabaseError, match=by), transaction.atomic():
            act()

    def row(self, visit: Visit, **fields: Any) -> VisitRevision:
        return VisitRevision.objects.create(
            project_id=visit.project_id, case=visit.contact.case, client_id=visit.client_id, received_at=NOW,
            sent_by=visit.contact.recorded_by, **fields,
        )  # fmt: skip

    def test_content_changes_with_a_higher_revision_only(self, visit: Visit) -> None:
        visits = Visit.objects.filter(pk=visit.pk)
        self.refused(lambda: visits.update(content_sha256="f" * 64), BY_REVISION)
        self.refused(lambda: visits.update(content_sha256="f" * 64, revision=1), BY_REVISION)
        self.refused(lambda: visits.update(client_id=uuid.uuid4()), BY_REVISION)
        visits.update(content_sha256="f" * 64, revision=3)

    def test_a_visit_goes_with_a_removal_only(self, visit: Visit) -> None:
        self.refused(lambda: Visit.objects.filter(pk=visit.pk).delete(), "removed by a removal")
        self.row(visit, revision=3, is_removal=True)
        Visit.objects.filter(pk=visit.pk).delete()

    def test_a_removed_visit_does_not_come_back(self, visit: Visit) -> None:
        self.row(visit, revision=3, is_removal=True)
        visit.delete()
        visit.pk = None
        self.refused(lambda: visit.save(force_insert=True), "removed by a removal")
        content = {"content": {"note": ""}, "content_sha256": "0" * 64}
        self.refused(lambda: self.row(visit, revision=4, **content), RISE)

    def test_revisions_rise(self, visit: Visit) -> None:
        content = {"content": {"note": ""}, "content_sha256": "0" * 64}
        self.refused(lambda: self.row(visit, revision=2, **content), RISE)
        self.refused(lambda: self.row(visit, revision=1, **content), RISE)
        self.refused(lambda: self.row(visit, revision=0, **content), RISE)

    def test_a_removal_says_nothing_and_a_revision_something(self, visit: Visit) -> None:
        self.refused(lambda: self.row(visit, revision=3, is_removal=True, content={"note": "x"}), SAYS)
        self.refused(lambda: self.row(visit, revision=3), SAYS)

    def test_history_is_frozen(self, visit: Visit) -> None:
        history = VisitRevision.objects.filter(client_id=visit.client_id)
        self.refused(lambda: history.update(content={"note": "nobody said that"}), FROZEN)
        self.refused(history.delete, FROZEN)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """A correction and a removal at one moment; the control leaves out the locks on visit and case."""

    @pytest.fixture(autouse=True)
    def removed(self) -> threading.Event:
        return threading.Event()

    def at_once(self, removed: threading.Event) -> tuple[int, int]:
        """How many visits are left, and how many acts failed in a way that no phone can be told."""
        project = create_project()
        worker = create_field_worker(project=project)
        case = create_field_case(project=project, by=worker)
        first = told(case)
        send(case, first, worker)
        start = threading.Barrier(2)

        def run(act: Callable[[], object]) -> bool:
            start.wait()
            try:
                act()
            except (VisitRemovedError, VisitConflictError):
                return True
            except IntegrityError:
                return False
            finally:
                connection.close()
            return True

        def remove() -> None:
            remove_visit(case, first.client_id, 3, by=worker, now=NOW)
            removed.set()

        with ThreadPoolExecutor(2) as pool:
            told_clearly = sum(pool.map(run, [lambda: send(case, again(first, note="不在家"), worker), remove]))
        return Visit.objects.count(), 2 - told_clearly

    def test_the_removal_wins(self, removed: threading.Event) -> None:
        assert self.at_once(removed) == (0, 0)

    def test_control_without_the_locks(self, removed: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
        looked = threading.Event()
        look = visit_revisions.earlier_visit

        def without_lock(case_ids: Iterable[int]) -> list[Case]:
            return list(Case.objects.select_related("project", "account").filter(pk__in=case_ids))

        def correcting(case: Case, client_id: uuid.UUID, *, by: User) -> Visit | None:
            found = look(case, client_id, by=by)
            if found:
                looked.set()
                removed.wait(5)
            return found

        def removing(case: Case, client_id: uuid.UUID, *, by: User) -> Visit | None:
            looked.wait(5)
            return look(case, client_id, by=by)

        for module in (visits, visit_revisions):
            monkeypatch.setattr(module, "lock_visit", lambda client_id: None)
        monkeypatch.setattr(visit_parts, "lock_cases", without_lock)
        monkeypatch.setattr(visits, "earlier_visit", correcting)
        monkeypatch.setattr(visit_revisions, "earlier_visit", removing)
        assert self.at_once(removed) == (0, 1), "only the trigger is left, and tells the phone nothing"
