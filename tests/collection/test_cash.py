"""Money taken at the door becomes a payment once, through somebody else's hands."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from arrears.models import Payment
from arrears.posting import OwnMoneyError
from collection import cash as module
from collection.cash import AlreadyDecidedError, confirm_cash, refuse_cash
from collection.contacts import settle_claim
from collection.limits import Limit, holds_of
from collection.models import Case, CashTaken
from company.models import AuditEvent, Role, User
from tests.factories import NOW, TODAY, create_case, create_user
from tests.field_factories import create_cash


@pytest.fixture
def taken(db: None) -> CashTaken:
    case = create_case(amount="500.00")
    return create_cash(case=case, amount="120.00", taken_by=create_user(name="王倩"))


@pytest.fixture
def finance(taken: CashTaken) -> User:
    return create_user(name="邹敏", project=taken.project, role=Role.FINANCE)


def case_of(taken: CashTaken) -> Case:
    return taken.visit.contact.case


def test_confirming_posts_the_money_as_of_the_visit(taken: CashTaken, finance: User) -> None:
    confirm_cash(taken.pk, by=finance, now=NOW)
    payment = Payment.objects.get()
    assert (payment.amount, payment.received_on, payment.method) == (Decimal("120.00"), TODAY, "cash")
    assert (payment.taken_by, payment.posted_by, payment.receipt_no) == (taken.taken_by, finance, taken.receipt_no)
    taken.refresh_from_db()
    assert (taken.state, taken.payment) == (CashTaken.State.CONFIRMED, payment)
    assert not holds_of([case_of(taken)], now=NOW)


def test_again_changes_nothing(taken: CashTaken, finance: User) -> None:
    confirm_cash(taken.pk, by=finance, now=NOW)
    confirm_cash(taken.pk, by=finance, now=NOW)
    assert Payment.objects.count() == 1
    with pytest.raises(AlreadyDecidedError):
        refuse_cash(taken.pk, by=finance, now=NOW, note="没有交来")
    with pytest.raises(AlreadyDecidedError):
        confirm_cash(taken.pk, by=create_user(), now=NOW)


def test_nobody_confirms_what_they_took(taken: CashTaken) -> None:
    for decide in (lambda: confirm_cash(taken.pk, by=taken.taken_by, now=NOW),
                   lambda: refuse_cash(taken.pk, by=taken.taken_by, now=NOW, note="")):  # fmt: skip
        with pytest.raises(OwnMoneyError):
            decide()
    assert not Payment.objects.exists()


def test_the_database_refuses_it_too(taken: CashTaken) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CashTaken.objects.filter(pk=taken.pk).update(
            state=CashTaken.State.REFUSED, decided_by=taken.taken_by, decided_at=NOW
        )


def test_money_that_was_not_handed_in(taken: CashTaken, finance: User) -> None:
    assert {refusal.limit for refusal in holds_of([case_of(taken)], now=NOW)[case_of(taken).pk]} == {Limit.CASH_PENDING}
    refuse_cash(taken.pk, by=finance, now=NOW, note="没有交来")
    taken.refresh_from_db()
    assert (taken.state, taken.decision_note) == (CashTaken.State.REFUSED, "没有交来")
    assert not Payment.objects.exists()
    assert not holds_of([case_of(taken)], now=NOW)


def test_a_claim_is_checked_once(taken: CashTaken, finance: User) -> None:
    case = case_of(taken)
    Case.objects.filter(pk=case.pk).update(claims_paid=True)
    for _time in range(2):
        settle_claim(case.pk, by=finance, now=NOW, note="查无入账")
    case.refresh_from_db()
    assert not case.claims_paid
    assert AuditEvent.objects.filter(action="claims.checked").count() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def confirm_five_times(self) -> int:
        """How many payments there are then, or how many confirmations failed."""
        case = create_case(amount="500.00")
        taken = create_cash(case=case, amount="120.00")
        finance = create_user(name="邹敏", project=case.project, role=Role.FINANCE)
        start = threading.Barrier(5)

        def confirm(_number: int) -> bool:
            start.wait()
            try:
                confirm_cash(taken.pk, by=finance, now=NOW)
            except Exception:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(5) as pool:
            return sum(not done for done in pool.map(confirm, range(5)))

    def test_one_payment(self) -> None:
        assert self.confirm_five_times() == 0
        assert Payment.objects.count() == 1

    def test_the_control_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read = threading.Barrier(5)

        def without_lock(cash_id: int, _decision: str, *, by: User) -> CashTaken:
            cash = CashTaken.objects.select_related("visit__contact__case", "taken_by", "project").get(pk=cash_id)
            read.wait()
            return cash

        monkeypatch.setattr(module, "_lock_pending", without_lock)
        monkeypatch.setattr(module.uuid, "uuid5", lambda *_words: None)
        self.confirm_five_times()
        assert Payment.objects.count() > 1
