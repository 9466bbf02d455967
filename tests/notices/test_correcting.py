"""Corrections: a new letter that names the old one; what was issued never changes."""

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.utils import DatabaseError

from arrears.posting import post_payment
from arrears.verification import verify
from company.models import AuditEvent
from notices import correcting
from notices.correcting import NotCorrectableError, check_correction, correct_letter
from notices.following import follow_ledger
from notices.issuing import NothingToSendError
from notices.leaving_out import Held, Reason
from notices.models import Batch, Notice
from notices.states import move
from tests.factories import (
    NOW,
    TODAY,
    create_approved_text,
    create_debtor,
    create_letter_project,
    create_user,
)
from tests.notice_factories import create_file, create_letter, create_letter_batch, send

State = Notice.State


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def made_letter(**fields):
    """A lawyer's letter of 200.00 that is made, of an account on which 60.00 was paid and verified since."""
    project = create_letter_project()
    account = create_debtor(project=project, months=2)
    batch = create_letter_batch(project=project, kind="lawyer_letter")
    create_approved_text(project=project)
    return create_letter(project=project, batch=batch, account=account, **fields)


def made(notice):
    """The letter as a worker leaves it."""
    this, file = Notice.objects.filter(pk=notice.pk), create_file(project=notice.project)
    move(this, State.RENDERING, now=NOW, claimed_at=NOW)
    this.update(file=file, file_sha256=file.sha256, pages=1, issued_at=NOW)
    move(this, State.ISSUED, now=NOW)
    notice.refresh_from_db()
    return notice


def pay(notice, amount=60):
    post_payment(account_id=notice.account_id, amount=Decimal(amount), received_on=TODAY, now=NOW)
    verify([notice.account], by=create_user(), now=NOW, looked_up=True)


def correct(notice, **fields):
    return correct_letter(notice.pk, by=create_user(name="贺兰"), reason="金额有误", now=NOW, **fields)


@pytest.mark.django_db
class TestCorrecting:
    def test_a_letter_in_the_house_becomes_void_and_the_new_one_names_it(self):
        old = made_letter()
        pay(old)
        batch = correct(old)
        new = batch.notices.get()
        old.refresh_from_db()
        assert (old.state, old.void_reason) == (State.VOID, Notice.VoidReason.CORRECTED)
        assert old.transitions.last().reason == "金额有误"
        assert new.corrects == old
        assert new.data["corrects"] == old.number
        assert new.number != old.number
        assert new.principal == Decimal("140.00")
        assert AuditEvent.objects.filter(action="notices.letter_corrected").exists()

    def test_the_files_of_the_old_batch_are_made_anew(self):
        old = made_letter()
        correct(old)
        assert Batch.objects.get(pk=old.batch_id).state == Batch.State.RENDERING

    def test_a_sent_letter_stays_and_is_replaced(self):
        old = made_letter()
        before = (old.data, old.file_sha256)
        send(old)
        pay(old)
        new = correct(old).notices.get()
        old.refresh_from_db()
        assert (old.state, old.superseded) == (State.DISPATCHED, True)
        assert (old.data, old.file_sha256) == before
        assert list(old.corrections.all()) == [new]
        assert set(Notice.objects.standing()) == {new}

    def test_is_done_once(self):
        old = made_letter()
        send(old)
        correct(old)
        with pytest.raises(NotCorrectableError):
            correct(old)
        assert Notice.objects.count() == 2

    def test_a_correction_that_the_ledger_overtakes_gives_the_old_one_its_place_back(self):
        old = made_letter()
        send(old)
        new = correct(old).notices.get()
        pay(old)
        follow_ledger(now=NOW)
        new.refresh_from_db()
        old.refresh_from_db()
        assert (new.state, old.superseded) == (State.VOID, False)
        assert correct(old).notices.get().corrects == old

    def test_a_correction_still_in_the_house_is_corrected_and_the_new_one_names_what_was_sent(self):
        old = made_letter()
        send(old)
        first = made(correct(old).notices.get())
        assert not check_correction(first, now=NOW).left_out
        second = correct(first).notices.get()
        old.refresh_from_db()
        first.refresh_from_db()
        assert (first.state, first.void_reason) == (State.VOID, Notice.VoidReason.CORRECTED)
        assert (second.corrects, second.data["corrects"]) == (old, old.number)
        assert old.superseded
        move(Notice.objects.filter(pk=second.pk), State.VOID, now=NOW, void_reason="cancelled")
        old.refresh_from_db()
        assert not old.superseded

    @pytest.mark.parametrize("state", [State.QUEUED, State.VOID, State.FAILED])
    def test_only_what_is_made_or_sent_is_corrected(self, state):
        old = made_letter(state=State.QUEUED)
        if state == State.VOID:
            move(Notice.objects.all(), state, now=NOW, void_reason="cancelled")
        elif state == State.FAILED:
            move(Notice.objects.all(), State.RENDERING, now=NOW, claimed_at=NOW)
            move(Notice.objects.all(), state, now=NOW, failure="crashed")
        with pytest.raises(NotCorrectableError):
            correct(old)

    def test_who_may_get_no_letter_gets_no_correction_and_the_old_one_stays(self):
        old = made_letter()
        held = lambda _: {old.account_id: Held("承诺", "11月30日前缴清")}  # noqa: E731
        with pytest.raises(NothingToSendError):
            correct(old, held=held)
        old.refresh_from_db()
        assert old.state == State.ISSUED
        preview = check_correction(old, now=NOW, held=held)
        assert [out.reason for out in preview.left_out] == [Reason.HELD]

    def test_what_it_would_say_is_shown_before(self):
        old = made_letter()
        preview = check_correction(old, now=NOW)
        assert preview.included[0].facts.principal == Decimal("200.00")
        assert Notice.objects.count() == 1

    def test_a_slip_says_nothing_that_could_be_corrected(self):
        slip = create_letter(project=create_letter_project(), kind="door_slip")
        with pytest.raises(NotCorrectableError):
            correct(slip)

    def test_a_reason_is_needed(self):
        with pytest.raises(ValueError, match="reason"):
            correct_letter(made_letter().pk, by=create_user(), reason=" ", now=NOW)

    def test_the_database_refuses_two_corrections_of_one_letter_and_a_change_of_what_is_corrected(self):
        old = made_letter()
        send(old)
        new = correct(old).notices.get()
        with pytest.raises(DatabaseError, match="cannot change"), transaction.atomic():
            Notice.objects.filter(pk=new.pk).update(corrects=None)
        new.pk, new.sequence, new.occasion = None, 99, "another"
        with pytest.raises(IntegrityError, match="corrected_once"), transaction.atomic():
            new.save(force_insert=True)


def correct_at_once(notice, monkeypatch, *, locked):
    """Two people correct the same letter; returns what came out of each."""
    meeting = threading.Barrier(2)
    if not locked:
        give_way = correcting._give_way

        def together(*args, **kwargs):
            meeting.wait(timeout=10)  # both have looked, none has written
            give_way(*args, **kwargs)

        monkeypatch.setattr(correcting, "_give_way", together)
        monkeypatch.setattr(correcting, "lock_account", lambda _: None)
        monkeypatch.setattr(
            correcting, "_locked", lambda pk: Notice.objects.select_related("project", "batch__law_firm").get(pk=pk)
        )
    results, by = [], create_user()

    def act():
        try:
            if locked:
                meeting.wait(timeout=10)
            correct_letter(notice.pk, by=by, reason="重复", now=NOW)
            results.append("corrected")
        except (NotCorrectableError, NothingToSendError, IntegrityError) as error:
            results.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_corrected_twice_at_once_there_is_one_correction(self, monkeypatch):
        old = made_letter()
        assert correct_at_once(old, monkeypatch, locked=True) == ["NotCorrectableError", "corrected"]

    def test_control_without_the_locks_both_think_that_they_may(self, monkeypatch):
        old = made_letter()
        assert correct_at_once(old, monkeypatch, locked=False) != ["NotCorrectableError", "corrected"]
