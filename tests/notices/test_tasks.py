from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import timezone

from arrears.posting import post_payment
from arrears.verification import verify
from notices import making, tasks
from notices.models import Batch, Notice
from tests.factories import confirm_letters, create_debtor, create_letter_project, create_user


@pytest.fixture
def sent(monkeypatch):
    """What would have been sent to the workers."""
    messages = []
    monkeypatch.setattr("notices.waking.current_app.send_task", lambda name, args=(): messages.append((name, *args)))
    return messages


@pytest.fixture
def batch(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    project, now = create_letter_project(), timezone.now()
    accounts = [create_debtor(project=project, verified=False) for _ in range(3)]
    verify(accounts, by=create_user(), now=now, looked_up=True)
    return confirm_letters(project=project, accounts=accounts, now=now)


def test_one_task_makes_a_small_batch(batch):
    tasks.render_batch(batch.pk)
    assert Batch.objects.get().state == Batch.State.READY
    tasks.render_batch(batch.pk)
    assert set(batch.notices.values_list("state", flat=True)) == {"issued"}


def test_after_its_turn_a_worker_asks_for_another(batch, sent, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.render_batch(batch.pk)
    assert sent == [("notices.render_batch", batch.pk)]
    assert set(batch.notices.values_list("state", flat=True)) == {"queued"}


def test_confirmation_wakes_a_worker_a_chunk(sent, monkeypatch, django_capture_on_commit_callbacks, db):
    monkeypatch.setattr("notices.issuing.CHUNK", 2)
    project, now = create_letter_project(), timezone.now()
    accounts = [create_debtor(project=project, verified=False) for _ in range(3)]
    verify(accounts, by=create_user(), now=now, looked_up=True)
    with django_capture_on_commit_callbacks(execute=True):
        batch = confirm_letters(project=project, accounts=accounts, now=now)
    assert sent == [("notices.render_batch", batch.pk)] * 2


def test_the_sweep_finds_what_was_left_behind(batch, sent, django_capture_on_commit_callbacks):
    claim = making.claim_chunk(batch.pk, now=timezone.now() - making.STALE_AFTER * 2)
    assert claim is not None
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert set(batch.notices.values_list("state", flat=True)) == {"queued"}
    assert sent == [("notices.render_batch", batch.pk)]


def test_a_finished_batch_is_left_in_peace(batch, sent, django_capture_on_commit_callbacks):
    tasks.render_batch(batch.pk)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert sent == []


def test_a_posting_reaches_the_letters(batch):
    notice = batch.notices.first()
    post_payment(account_id=notice.account_id, amount=Decimal(5), received_on=timezone.localdate(), now=timezone.now())
    tasks.follow_ledger()
    notice.refresh_from_db()
    assert notice.state == Notice.State.VOID


def test_a_broker_that_is_down_does_not_fail_the_confirmation(
    batch, monkeypatch, django_capture_on_commit_callbacks, caplog
):
    asked = []

    def refuse(name, arguments):
        asked.append((name, arguments))
        raise ConnectionError

    monkeypatch.setattr("notices.waking.current_app.send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.wake(batch.pk)
    assert asked == [("notices.render_batch", [batch.pk])]
    assert set(batch.notices.values_list("state", flat=True)) == {Notice.State.QUEUED}, "left for the sweep"


def test_tasks_are_scheduled_and_named_as_the_settings_expect():
    assert settings.CELERY_BEAT_SCHEDULE["notices.sweep"]["task"] == tasks.sweep.name
    assert tasks.follow_ledger.name in settings.LEDGER_FOLLOWERS
