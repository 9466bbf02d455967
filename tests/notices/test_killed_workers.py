"""Workers killed with SIGKILL in the middle of a batch: every letter exists exactly once (promises 1, 2)."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate

import pikepdf
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from arrears.verification import verify
from config.celery import app
from notices import making, tasks
from notices.models import Batch, Notice
from tests.factories import confirm_letters, create_debtor, create_letter_project, create_user
from tests.notices.pdf_text import pages_of

LETTERS = 60
PATIENCE = 150  # seconds without anything new
State = Notice.State
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def worker(media):
    """A worker with all its children in a group of their own; killed at the end."""
    environment = os.environ | {"TEST_DATABASE": connection.settings_dict["NAME"], "TEST_MEDIA": str(media)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.notices.worker"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition, *, sweeping=False, patience=PATIENCE):
    deadline = time.monotonic() + patience
    last_sweep = 0.0
    while not condition():
        assert time.monotonic() < deadline, "nothing came of it"
        if sweeping and time.monotonic() - last_sweep > 1:
            tasks.sweep()
            last_sweep = time.monotonic()
        time.sleep(0.05)


@pytest.fixture
def letters():
    return LETTERS


@pytest.fixture
def batch(letters, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    # Shorter than a chunk takes on a busy machine it would take work away from workers that live.
    monkeypatch.setattr(making, "STALE_AFTER", timedelta(seconds=6 if letters == LETTERS else 20))
    project = create_letter_project()
    accounts = [create_debtor(project=project, verified=False) for _ in range(letters)]
    now = timezone.now()
    verify(accounts, by=create_user(), now=now, looked_up=True)
    return confirm_letters(project=project, accounts=accounts, now=now)


def empty_the_broker():
    """As it is after a crash of one that keeps nothing: queue, unacknowledged and scheduled messages are gone."""
    with app.connection() as connected:
        connected.default_channel.client.flushdb()


def count(batch, *states):
    return batch.notices.filter(state__in=states).count()


@pytest.mark.parametrize(
    ("letters", "kills"), [(LETTERS, 3), pytest.param(3000, 20, marks=pytest.mark.long)], ids=["60", "3000"]
)
def test_each_letter_exists_once_after_kills_at_random_points(batch, letters, kills, tmp_path):
    chance = random.Random(20251123)
    thresholds = sorted(chance.sample(range(2, letters * 3 // 4), kills))
    for number, threshold in enumerate(thresholds, start=1):
        with worker(tmp_path):
            wait_until(lambda limit=threshold: count(batch, State.ISSUED) >= limit, sweeping=True)
            if number in (kills // 3, kills * 2 // 3):
                empty_the_broker()
            time.sleep(chance.uniform(0, 1))
        assert Batch.objects.get().state == Batch.State.RENDERING
    stuck = batch.notices.filter(pk__in=list(batch.notices.filter(state=State.RENDERING).values_list("pk", flat=True)))
    with worker(tmp_path):
        wait_until(lambda: not stuck.exclude(state=State.ISSUED).exists(), sweeping=True, patience=180)
        wait_until(lambda: Batch.objects.get().state == Batch.State.READY, sweeping=True, patience=letters)
    check_that_each_exists_once(batch, letters)


def check_that_each_exists_once(batch, expected):
    letters = list(batch.notices.select_related("file").order_by("sequence"))
    assert [letter.state for letter in letters] == [State.ISSUED] * expected
    assert [letter.sequence for letter in letters] == list(range(1, expected + 1))
    assert len({letter.number for letter in letters}) == expected
    assert len({letter.file_id for letter in letters}) == expected
    for letter in letters:
        with pikepdf.open(letter.file.file) as pdf:
            assert str(pdf.docinfo["/Title"]) == letter.number
            assert len(pdf.pages) == letter.pages
        assert letter.transitions.filter(to_state=State.ISSUED).count() == 1
    batch.refresh_from_db()
    letters.sort(key=lambda letter: letter.position)
    first_pages = list(accumulate((letter.pages for letter in letters), initial=0))
    pages = pages_of(batch.merged_file.file.read(), among=first_pages[:-1])
    assert all(letter.number in "".join(page.split()) for letter, page in zip(letters, pages, strict=True))
    with pikepdf.open(batch.merged_file.file) as pdf:
        assert len(pdf.pages) == first_pages[-1]


def test_control_without_the_sweep_the_letters_of_a_killed_worker_stay_behind(batch, tmp_path):
    with worker(tmp_path):
        wait_until(lambda: count(batch, State.ISSUED) >= 2 and count(batch, State.RENDERING) > 0)
    left_behind = set(batch.notices.filter(state=State.RENDERING).values_list("pk", flat=True))
    assert left_behind
    with worker(tmp_path):
        time.sleep(15)
    assert set(batch.notices.filter(state=State.RENDERING, pk__in=left_behind)) != set()
    assert Batch.objects.get().state == Batch.State.RENDERING


def test_a_broker_that_lost_its_messages_loses_no_letters(batch, tmp_path):
    empty_the_broker()
    with worker(tmp_path):
        wait_until(lambda: count(batch, State.ISSUED) > 0, sweeping=True)
        empty_the_broker()
        wait_until(lambda: Batch.objects.get().state == Batch.State.READY, sweeping=True)
    assert count(batch, State.ISSUED) == LETTERS
