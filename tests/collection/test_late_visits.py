"""A visit that waited on a phone while others worked on: what was said later stands."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from collection.contacts import NumberNews, NumberReport, settle_claim
from collection.models import ArrearsReason, Case, ContactAttempt, PromiseToPay, SubReason, VisitRevision
from collection.promises import Promised
from collection.reasons import Reason
from collection.visit_revisions import remove_visit
from company.models import Project, User
from owners.contact_points import make_primary
from owners.models import Address, Phone
from tests.collection.visits_told import again, send, told
from tests.factories import NOW, TODAY, create_project
from tests.field_factories import create_field_case, create_field_worker

Payment = ContactAttempt.Payment
PROMISED = Promised(TODAY + dt.timedelta(days=5), Decimal("3000.00"))
LATER, MINUTE = NOW + dt.timedelta(minutes=10), dt.timedelta(minutes=1)
SOON, EARLIER = TODAY + dt.timedelta(days=3), NOW - dt.timedelta(hours=3)


@pytest.fixture
def worker(db: None) -> User:
    return create_field_worker(project=create_project())


@pytest.fixture
def case(worker: User) -> Case:
    return create_field_case(project=Project.objects.get(), by=worker, amount="6210.75")


def waits_for_finance(case: Case) -> bool:
    """Whether somebody still has to check what the owner says was paid."""
    return Case.objects.get(pk=case.pk).claims_paid


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


def test_what_finance_has_checked_since_is_not_claimed_anew(case: Case, worker: User) -> None:
    claim = told(case, payment=Payment.CLAIMS_PAID)
    send(case, claim, worker)
    settle_claim(case.pk, by=worker, now=LATER, note="查无此款")
    send(case, again(claim, note="改了一个字"), worker, now=LATER + MINUTE)
    assert not waits_for_finance(case)
    newer = told(case, happened_at=EARLIER, payment=Payment.CLAIMS_PAID)  # nobody has seen its proof
    send(case, newer, worker, now=LATER + 2 * MINUTE)
    assert waits_for_finance(case)
    remove_visit(case, newer.client_id, 2, by=worker, now=LATER + 3 * MINUTE)
    assert not waits_for_finance(case), "the claims before were checked"


def test_what_was_learnt_of_a_number_later_stands(case: Case, worker: User) -> None:
    phone = Phone.objects.get()
    send(case, told(case, number=NumberReport(phone.pk, NumberNews.CONFIRMED)), worker)
    send(case, told(case, happened_at=EARLIER, number=NumberReport(phone.pk, NumberNews.WRONG_PERSON)), worker)
    phone.refresh_from_db()
    assert (phone.state, phone.confirmed_on) == (Phone.State.VALID, TODAY)
    send(case, told(case, happened_at=EARLIER, number=NumberReport(phone.pk, NumberNews.DO_NOT_CONTACT)), worker)
    phone.refresh_from_db()
    assert phone.do_not_contact, "a wish not to be contacted holds whenever it was said"


@pytest.mark.parametrize("news", [NumberNews.CONFIRMED, NumberNews.CHANGED])
def test_a_number_that_was_learnt_late_stands_beside(case: Case, worker: User, news: NumberNews) -> None:
    phone = Phone.objects.get()
    make_primary(phone, by=worker)
    newer = "13800002222" if news == NumberNews.CHANGED else ""
    send(case, told(case, number=NumberReport(phone.pk, news, newer)), worker)
    late = told(case, happened_at=EARLIER, number=NumberReport(phone.pk, NumberNews.CHANGED, "13800003333"))
    send(case, late, worker, now=LATER)
    kept = Phone.objects.filter(ended_at=None).order_by("-is_primary").values_list("number", "is_primary")
    assert list(kept) == [(newer or phone.number, True), ("13800003333", False)]


def test_a_correction_brings_no_number_back_that_was_changed_since(case: Case, worker: User) -> None:
    first = told(case, number=NumberReport(Phone.objects.get().pk, NumberNews.CHANGED, "13800002222"))
    send(case, first, worker)
    [second] = Phone.objects.filter(ended_at=None)
    changed_again = NumberReport(second.pk, NumberNews.CHANGED, "13800003333")
    send(case, told(case, happened_at=LATER, number=changed_again), worker, now=LATER)
    send(case, again(first, note="改了一个字"), worker, now=LATER + MINUTE)
    assert [phone.number for phone in Phone.objects.filter(ended_at=None)] == ["13800003333"]


def test_a_correction_to_an_earlier_hour_corrects_its_own_news(case: Case, worker: User) -> None:
    phone = Phone.objects.get()
    wrong = NumberReport(phone.pk, NumberNews.WRONG_PERSON)
    first = told(case, number=wrong, second_address="青石区云栖路1号")
    send(case, first, worker)
    right = replace(wrong, news=NumberNews.CONFIRMED)
    corrected = again(first, happened_at=EARLIER, number=right, second_address="青石区云栖路2号")
    send(case, corrected, worker, now=LATER)
    phone.refresh_from_db()
    assert phone.state == Phone.State.VALID
    assert Address.objects.get(ended_at=None).text == "青石区云栖路2号"


def test_a_visit_corrected_to_the_day_before_confirms_its_number_then(case: Case, worker: User) -> None:
    first = told(case, number=NumberReport(None, NumberNews.CONFIRMED, "13800002222"))
    send(case, first, worker)
    send(case, again(first, happened_at=NOW - dt.timedelta(days=1)), worker, now=LATER)
    assert Phone.objects.get(last4="2222").confirmed_on == TODAY - dt.timedelta(days=1)


def test_an_address_that_was_learnt_late_goes_into_the_history(case: Case, worker: User) -> None:
    newer = told(case, second_address="青石区云栖路2号")
    send(case, newer, worker, now=LATER)
    late = told(case, happened_at=EARLIER, second_address="青石区云栖路1号")
    send(case, late, worker, now=LATER)
    rows = {row.text: row.ended_at for row in Address.objects.all()}
    assert rows == {"青石区云栖路2号": None, "青石区云栖路1号": LATER}
    send(case, again(late, note="改了一个字"), worker, now=LATER)
    assert Address.objects.count() == 2, "told again it is in the history already"
    send(case, told(case, happened_at=NOW + 3 * MINUTE, second_address="青石区云栖路2号"), worker, now=LATER)
    send(case, told(case, happened_at=NOW + 2 * MINUTE, second_address="青石区云栖路1号"), worker, now=LATER)
    assert Address.objects.get(ended_at=None).text == "青石区云栖路2号", "it was said again"
    after = told(case, happened_at=NOW + 4 * MINUTE, second_address="青石区云栖路3号")
    send(case, after, worker, now=LATER + MINUTE)
    assert Address.objects.get(ended_at=None).text == "青石区云栖路3号", "what counts is when it was said"


def test_without_a_later_promise_the_earlier_waits_again(case: Case, worker: User) -> None:
    newer = told(case, payment=Payment.PROMISED, promised=replace(PROMISED, amount=Decimal("100.00")))
    send(case, newer, worker)
    send(case, told(case, happened_at=EARLIER, payment=Payment.PROMISED, promised=PROMISED), worker, now=LATER)
    remove_visit(case, newer.client_id, 2, by=worker, now=LATER)
    promise = PromiseToPay.objects.get()
    assert (promise.amount, promise.state, promise.judged_on) == (
        PROMISED.amount, PromiseToPay.State.WAITING, None,
    )  # fmt: skip
