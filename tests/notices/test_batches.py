"""Cancelling a whole batch; what the ledger does to letters, and whom it tells."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from arrears.posting import post_payment, reverse_charge, reverse_payment
from company.models import AuditEvent, Notification
from notices.batches import BatchMovedError, BatchSentError, cancel_batch
from notices.following import follow_ledger
from notices.making import claim_chunk, print_claim, settle_claim
from notices.models import Batch, Notice
from notices.queries import overtaken_in
from tests.factories import (
    NOW,
    TODAY,
    confirm_letters,
    create_debtor,
    create_letter_project,
    create_made_batch,
    create_user,
)
from tests.notice_factories import create_letter, send

State = Notice.State
LATER = NOW + dt.timedelta(minutes=5)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_letter_project()


def cancel(batch, reason="模板有误"):
    return cancel_batch(batch, by=create_user(name="贺兰"), reason=reason, now=LATER)


class TestCancelling:
    def test_voids_all_letters_and_keeps_numbers_and_reason(self, project):
        batch = confirm_letters(project=project, accounts=[create_debtor(project=project) for _ in range(3)])
        numbers = list(batch.notices.values_list("number", flat=True))
        assert cancel(batch) == 3
        batch.refresh_from_db()
        assert (batch.state, batch.cancel_reason) == (Batch.State.CANCELLED, "模板有误")
        assert set(batch.notices.values_list("state", "void_reason")) == {("void", "batch_cancelled")}
        assert list(batch.notices.values_list("number", flat=True)) == numbers
        assert {t.reason for n in batch.notices.all() for t in n.transitions.filter(to_state="void")} == {"模板有误"}
        assert AuditEvent.objects.filter(action="notices.batch_cancelled").exists()

    def test_takes_the_files_away_and_lets_the_accounts_be_written_to_again(self, project):
        batch = create_made_batch(project=project)
        cancel(batch)
        batch.refresh_from_db()
        assert (batch.merged_file, batch.zip_file, batch.finished_at) == (None, None, None)

    def test_a_worker_that_is_at_it_issues_nothing(self, project):
        batch = confirm_letters(project=project, accounts=[create_debtor(project=project)])
        claim = claim_chunk(batch.pk, now=NOW)
        outcome = print_claim(claim)
        cancel(batch)
        settle_claim(claim, outcome, now=LATER)
        assert batch.notices.get().state == State.VOID
        assert claim_chunk(batch.pk, now=LATER) is None

    def test_is_refused_once_a_letter_is_out(self, project):
        batch = create_letter(project=project).batch
        create_letter(project=project, batch=batch)
        send(batch.notices.first())
        with pytest.raises(BatchSentError):
            cancel(batch)
        assert set(batch.notices.values_list("state", flat=True)) == {"issued", "dispatched"}

    def test_a_second_time_and_without_a_reason(self, project):
        batch = create_made_batch(project=project)
        with pytest.raises(ValueError, match="reason"):
            cancel(batch, " ")
        cancel(batch)
        with pytest.raises(BatchMovedError):
            cancel(batch)

    @pytest.mark.parametrize(
        "change",
        [
            {"state": "cancelled"},
            {"cancel_reason": "x"},
            {"state": "cancelled", "cancelled_at": NOW, "finished_at": None},
        ],
    )
    def test_the_database_refuses_half_a_cancellation(self, project, change):
        create_made_batch(project=project)
        with pytest.raises(IntegrityError), transaction.atomic():
            Batch.objects.update(**change)


def pay(notice, received_on=TODAY):
    return post_payment(account_id=notice.account_id, amount=Decimal(40), received_on=received_on, now=LATER)


def reverse_a_charge(notice):
    charge = notice.account.charges.first()
    reverse_charge(charge.pk, today=TODAY, now=LATER, by=create_user())


class TestTheLedgerMoves:
    @pytest.mark.parametrize(
        "act",
        [pay, lambda notice: pay(notice, TODAY - dt.timedelta(days=30)), reverse_a_charge],
        ids=["payment", "back-dated payment", "reversed charge"],
    )
    def test_a_letter_in_the_house_is_void_and_who_confirmed_it_is_told_once(self, project, act):
        notice = create_letter(project=project)
        act(notice)
        assert follow_ledger(now=LATER) == 1
        follow_ledger(now=LATER)
        line = Notification.objects.get(user=notice.batch.confirmed_by)
        assert "账目有变" in line.title
        assert line.url.endswith(f"/batches/{notice.batch_id}/?state=void")
        assert [letter.pk for letter in overtaken_in(notice.batch)] == [notice.pk]

    def test_a_reversed_payment_voids_the_letter_that_counted_it(self, project):
        account = create_debtor(project=project, months=2)
        payment = post_payment(account_id=account.pk, amount=Decimal(40), received_on=TODAY, now=NOW)
        notice = create_letter(project=project, account=account)
        reverse_payment(payment.pk, today=TODAY, now=LATER, by=None)
        assert follow_ledger(now=LATER) == 1
        notice.refresh_from_db()
        assert notice.state == State.VOID

    def test_a_sent_letter_stays_and_is_flagged(self, project):
        notice = create_letter(project=project)
        send(notice)
        pay(notice)
        assert follow_ledger(now=LATER) == 0
        notice.refresh_from_db()
        assert (notice.state, notice.overtaken_at) == (State.DISPATCHED, LATER)
        pay(notice)
        follow_ledger(now=LATER + dt.timedelta(days=1))
        notice.refresh_from_db()
        assert notice.overtaken_at == LATER

    def test_the_flag_goes_when_the_payment_is_reversed(self, project):
        notice = create_letter(project=project)
        send(notice)
        payment = pay(notice)
        follow_ledger(now=LATER)
        reverse_payment(payment.pk, today=TODAY, now=LATER, by=None)
        follow_ledger(now=LATER)
        notice.refresh_from_db()
        assert notice.overtaken_at is None

    def test_a_posting_that_leaves_its_charges_alone_flags_nothing(self, project):
        notice = create_letter(project=project)
        send(notice)
        reverse_payment(pay(notice).pk, today=TODAY, now=LATER, by=None)
        follow_ledger(now=LATER)
        notice.refresh_from_db()
        assert notice.overtaken_at is None
        assert not Notice.objects.sent_behind_the_ledger().exists()
