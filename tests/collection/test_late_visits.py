"""A visit that waited on a phone while others worked on: what was said later stands."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from collection.models import ArrearsReason, Case, ContactAttempt, PromiseToPay, SubReason, VisitRevision
from collection.promises import Promised
from collection.reasons import Reason
from collection.visit_revisions import remove_visit
from company.models import Project, User
from tests.collection.visits_told import send, told
from tests.factories import NOW, TODAY, create_project
from tests.field_factories import create_field_case, create_field_worker

Payment = ContactAttempt.Payment
PROMISED = Promised(TODAY + dt.timedelta(days=5), Decimal("3000.00"))
LATER = NOW + dt.timedelta(minutes=10)
SOON, EARLIER = TODAY + dt.timedelta(days=3), NOW - dt.timedelta(hours=3)


@pytest.fixture
def worker(db: None) -> User:
    return create_field_worker(project=create_project())


@pytest.fixture
def case(worker: User) -> Case:
    return create_field_case(project=Project.objects.get(), by=worker, amount="6210.75")


def test_it_takes_nothing_back(case: Case, worker: User) -> None:
    newer = Promised(TODAY + dt.timedelta(days=2), Decimal("100.00"))
    reason = Reason(ArrearsReason.OTHER, SubReason.SERVICE)
    send(case, told(case, payment=Payment.PROMISED, promised=newer, reason=reason, next_contact_on=SOON), worker)
    late = told(
        case, happened_at=EARLIER, payment=Payment.PROMISED, promised=PROMISED,
        reason=Reason(ArrearsReason.BURGLED), next_contact_on=TODAY,
    )  # fmt: skip
    visit = send(case, late, worker, now=LATER)
    case.refresh_from_db()
    assert (Reason.of(case), case.next_contact_on) == (reason, SOON)
    states = dict(PromiseToPay.objects.values_list("amount", "state"))
    assert states == {newer.amount: PromiseToPay.State.WAITING, PROMISED.amount: PromiseToPay.State.REPLACED}
    told_then = VisitRevision.objects.get(client_id=visit.client_id).content
    assert (told_then["reason"], told_then["next_contact_on"]) == ("burgled", TODAY.isoformat())


def test_of_two_late_ones_the_later_counts_however_they_arrive(case: Case, worker: User) -> None:
    first = told(case, happened_at=EARLIER, reason=Reason(ArrearsReason.BURGLED))
    second = told(case, reason=Reason(ArrearsReason.OTHER, SubReason.SERVICE))
    for report in (first, second):
        send(case, report, worker, now=LATER)
    case.refresh_from_db()
    assert case.sub_reason == SubReason.SERVICE


def test_without_a_later_promise_the_earlier_waits_again(case: Case, worker: User) -> None:
    newer = told(case, payment=Payment.PROMISED, promised=replace(PROMISED, amount=Decimal("100.00")))
    send(case, newer, worker)
    send(case, told(case, happened_at=EARLIER, payment=Payment.PROMISED, promised=PROMISED), worker, now=LATER)
    remove_visit(case, newer.client_id, 2, by=worker, now=LATER)
    promise = PromiseToPay.objects.get()
    assert (promise.amount, promise.state, promise.judged_on) == (
        PROMISED.amount, PromiseToPay.State.WAITING, None,
    )  # fmt: skip
