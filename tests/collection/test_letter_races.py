"""What is written down about a case while its letter is being confirmed: it is seen, or comes after the letter."""

import threading
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from arrears.models import Account
from arrears.posting import lock_account, post_payment
from arrears.verification import verify
from collection import letters
from collection.contacts import ContactReport, record_contact
from collection.letters import LetterOrder, issue_letters
from collection.models import Case, ContactAttempt
from collection.requests import Requested, open_request
from company.models import Role
from notices import issuing
from notices.following import follow_ledger
from notices.issuing import NothingToSendError
from notices.models import Notice, NoticeKind
from tests.factories import TODAY, create_case, create_debtor, create_letter_project, create_user


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "wake", lambda *_, **__: None)


def debtor() -> Case:
    account = create_debtor(project=create_letter_project(), months=2, verified=False)
    verify([account], by=create_user(), now=timezone.now(), looked_up=True)
    return create_case(account=account, today=timezone.localdate())


def claims_paid(case: Case) -> None:
    report = ContactReport(
        channel=ContactAttempt.Channel.CALL, outcome=ContactAttempt.Outcome.MET_OWNER, happened_at=timezone.now(),
        payment=ContactAttempt.Payment.CLAIMS_PAID,
    )  # fmt: skip
    record_contact(
        case, report, by=create_user(), roles=frozenset({Role.OFFICER}), now=timezone.now(), submission=uuid4()
    )


def asks(case: Case) -> None:
    open_request(case, Requested("repair", "主卫渗水"), by=create_user(), now=timezone.now(), contact=None)


def letter_while(act: Callable[[Case], None]) -> str:
    """The letter is confirmed after ``act`` has been written and before that is committed."""
    case = debtor()
    written, commit, results = threading.Event(), threading.Event(), []
    by = create_user(name="贺兰")

    def write() -> None:
        try:
            with transaction.atomic():
                act(case)
                written.set()
                commit.wait(5)
        finally:
            connections.close_all()

    def issue() -> None:
        now = timezone.now()
        order = LetterOrder(case.project, NoticeKind.LAWYER_LETTER, "2025-11", cases=[case])
        try:
            issue_letters(order, by=by, now=now)
            results.append("issued")
        except NothingToSendError as error:
            results.append(error.left_out[0].reason.value)
        finally:
            connections.close_all()

    first, second = threading.Thread(target=write), threading.Thread(target=issue)
    first.start()
    written.wait(5)
    second.start()
    second.join(0.7)
    commit.set()
    first.join()
    second.join()
    return str(results[0])


@pytest.mark.django_db(transaction=True)
class TestHoldsAreReadUnderTheLocks:
    @pytest.mark.parametrize("act", [claims_paid, asks])
    def test_what_was_written_down_meanwhile_holds_the_letter(self, act: Callable[[Case], None]) -> None:
        assert letter_while(act) == "held"

    @pytest.mark.parametrize("act", [claims_paid, asks])
    def test_control_without_the_lock_on_the_case_the_letter_goes_out(
        self, act: Callable[[Case], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        holder = letters.holder
        monkeypatch.setattr(
            letters, "holder", lambda project, *, now, lock=False, kind=None: holder(project, now=now, kind=kind)
        )
        assert letter_while(act) == "issued"


def pay_while_confirming(monkeypatch: pytest.MonkeyPatch, *, locked: bool) -> Notice | None:
    """A payment is posted by somebody who holds the account when the letter is confirmed."""
    case = debtor()
    account = case.account
    held, go_on, result = threading.Event(), threading.Event(), []
    by = create_user(name="贺兰")
    if not locked:
        monkeypatch.setattr(issuing, "lock_accounts", lambda ids: list(Account.objects.filter(pk__in=ids)))

    def pay() -> None:
        try:
            with transaction.atomic():
                lock_account(account.pk)
                held.set()
                go_on.wait(5)
                post_payment(account_id=account.pk, amount=Decimal(200), received_on=TODAY, now=timezone.now())
        finally:
            connections.close_all()

    def issue() -> None:
        order = LetterOrder(case.project, NoticeKind.LAWYER_LETTER, "2025-11", cases=[case])
        try:
            result.append(issue_letters(order, by=by, now=timezone.now()))
        except NothingToSendError:
            pass
        finally:
            connections.close_all()

    first, second = threading.Thread(target=pay), threading.Thread(target=issue)
    first.start()
    held.wait(5)
    second.start()
    second.join(0.7)
    go_on.set()
    first.join()
    second.join()
    connection.close()
    return Notice.objects.filter(account=account).first()


@pytest.mark.django_db(transaction=True)
class TestAPaymentRacesTheBatch:
    def test_the_payer_gets_no_letter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert pay_while_confirming(monkeypatch, locked=True) is None

    def test_control_without_the_locks_there_is_a_letter_which_following_the_ledger_voids(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notice = pay_while_confirming(monkeypatch, locked=False)
        assert notice is not None
        assert notice.state == Notice.State.QUEUED
        follow_ledger(now=timezone.now())
        notice.refresh_from_db()
        assert (notice.state, notice.void_reason) == ("void", "ledger_changed")
