"""The same file at the same moment, and processes killed while they post (promises 3 and 9). Each with its control."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing import posting
from arrears.importing.states import LEASE, State, claim, hold, is_free, work_left
from arrears.importing.steps import check_import, post_import
from arrears.models import Charge, Import, Payment, StagedCharge
from company.models import Project
from owners.models import Unit
from tests.arrears.spoiling import as_owner
from tests.arrears.test_races import at_once
from tests.arrears.workbooks import agree, check, confirm, create_estate, post, read, row, xlsx
from tests.factories import NOW, TODAY

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 40
WORKBOOK = [row(f"{n}", 100, 30) for n in range(101, 101 + ROWS)]


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project() -> Project:
    return create_estate()


def agreed(project: Project, content: bytes) -> Import:
    workbook = check(project, content)
    agree(workbook)
    return workbook


def post_all(workbooks: list[Import]) -> list[Exception]:
    return at_once(lambda number: post_import(workbooks[number].pk, now=NOW), clients=len(workbooks))


@contextmanager
def together(monkeypatch: pytest.MonkeyPatch, point: str, *, clients: int) -> Iterator[None]:
    """All clients meet before ``point``, so that each has read what the others have not written yet."""
    act, meeting = getattr(posting, point), threading.Barrier(clients)

    def wait_and_act(*args: object, **kwargs: object) -> object:
        meeting.wait(timeout=20)
        return act(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(posting, point, wait_and_act)
        yield


# --- the same file at the same moment -------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["_register_units", "_post_charges"])
def test_the_same_file_posted_twice_at_the_same_moment_adds_once(
    point: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have begun; the second meets the first at its accounts or at its keys."""
    post(project, xlsx(row("101", 1, 0, 收费项目="水费")))
    content = xlsx(*WORKBOOK)
    workbooks = [agreed(project, content), agreed(project, content)]
    slow = posting._post_charges
    monkeypatch.setattr(posting, "_post_charges", lambda *a, **k: (time.sleep(0.2), slow(*a, **k))[1])
    if point == "_register_units":
        with together(monkeypatch, point, clients=2):
            assert post_all(workbooks) == []
    else:
        assert post_all(workbooks) == []
    assert Charge.objects.count() == ROWS + 1
    assert (Payment.objects.count(), Unit.objects.count()) == (ROWS, ROWS)
    posted = Import.objects.filter(pk__in=[workbook.pk for workbook in workbooks], state=State.POSTED)
    assert sorted(posted.values_list("posted_rows", flat=True)) == [0, ROWS]
    assert check_ledger() == []


@contextmanager
def without_keys() -> Iterator[None]:
    """The ledger without the keys that make a charge one of its kind."""
    find = "SELECT indexdef FROM pg_indexes WHERE indexname = 'charge_once_per_period'"
    with connection.cursor() as cursor:
        cursor.execute(find)
        (definition,) = cursor.fetchone()
    with as_owner() as owner:
        owner.execute("DROP INDEX charge_once_per_period")
    try:
        yield
    finally:
        with as_owner(without_triggers=True) as owner:
            owner.execute("TRUNCATE arrears_charge CASCADE")
            owner.execute(definition)


def test_control_without_the_keys_the_same_file_is_charged_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = xlsx(*WORKBOOK)
    workbooks = [agreed(project, content), agreed(project, content)]
    monkeypatch.setattr(posting, "_make_sure_of_every_row", lambda *args: None)
    monkeypatch.setattr(posting, "_post_increases", lambda *args, **kwargs: [])
    with without_keys():
        assert post_all(workbooks) == []
        assert Charge.objects.count() == 2 * ROWS


def received_later_by_two(project: Project) -> list[Import]:
    post(project, xlsx(*(row(f"{n}", 100, 0) for n in range(101, 101 + ROWS))))
    content = xlsx(*(row(f"{n}", 100, 30) for n in range(101, 101 + ROWS)))
    return [agreed(project, content), agreed(project, content)]


def test_what_was_received_is_posted_once_at_the_same_moment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks = received_later_by_two(project)
    make_sure = posting._make_sure_of_every_row
    monkeypatch.setattr(posting, "_make_sure_of_every_row", lambda *args: (make_sure(*args), time.sleep(0.3)))
    assert post_all(workbooks) == []
    assert Payment.objects.count() == ROWS
    assert totals(project=project).outstanding == ROWS * Decimal(70)
    assert check_ledger() == []


def test_control_without_the_locks_it_is_posted_twice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks = received_later_by_two(project)
    monkeypatch.setattr(posting, "_lock_accounts", lambda workbook: None)
    with together(monkeypatch, "_post_increases", clients=2):
        post_all(workbooks)
    assert Payment.objects.count() == 2 * ROWS


def test_one_import_is_posted_by_one_of_many_workers(project: Project) -> None:
    workbook = agreed(project, xlsx(*WORKBOOK))
    assert post_all([workbook] * 4) == []
    assert (Charge.objects.count(), Payment.objects.count()) == (ROWS, ROWS)


# --- killed while posting -------------------------------------------------------------------------------------------

KILLED_AT = ("_register_units", "_lock_accounts", "_post_charges", "apply_credit", "clear_stage")
KILLED_WHILE_CHECKING = ("staging.explain_empty_cells", "staging.set_stage", "staging._save_issues", "steps.move")


def kill_while_working(workbook: Import, *, at: str, now: dt.datetime) -> None:
    environment = os.environ | {
        "TEST_DATABASE": connection.settings_dict["NAME"],
        "TEST_MEDIA": str(django_settings.MEDIA_ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.arrears.import_poster", str(workbook.pk), now.isoformat(), at],
        cwd=django_settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def written() -> list[int]:
    return [model.objects.count() for model in (Unit, Charge, Payment, StagedCharge)]


def test_five_kills_while_posting_leave_nothing_partial_and_the_sweep_finishes(project: Project) -> None:
    workbook = agreed(project, xlsx(*WORKBOOK))
    before, now = written(), NOW
    for point in KILLED_AT:
        assert work_left(now=now) == [(workbook.pk, State.APPROVED)]
        kill_while_working(workbook, at=f"posting.{point}", now=now)
        assert written() == before
        workbook.refresh_from_db()
        assert (workbook.state, workbook.posted_rows) == (State.POSTING, 0)
        assert work_left(now=now + LEASE / 2) == [], "it may still be alive"
        now += LEASE * 2
    until_released(workbook)
    for import_id, _waiting in work_left(now=now):
        post_import(import_id, now=now)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.posted_rows) == (State.POSTED, ROWS)
    assert written() == [ROWS, ROWS, ROWS, 0]
    assert check_ledger() == []


def test_kills_while_checking_leave_nothing_and_the_sweep_finishes(project: Project) -> None:
    workbook = read(project, xlsx(*WORKBOOK, row("900", "壹佰元")))
    confirm(workbook)
    now = NOW
    for point in KILLED_WHILE_CHECKING:
        assert work_left(now=now) == [(workbook.pk, State.CONFIRMED)]
        kill_while_working(workbook, at=point, now=now)
        workbook.refresh_from_db()
        assert workbook.state == State.CHECKING
        assert (written(), workbook.issues.count(), workbook.findings) == ([0, 0, 0, 0], 0, {})
        now += LEASE * 2
    until_released(workbook)
    for import_id, _waiting in work_left(now=now):
        check_import(import_id, today=TODAY, now=now)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.good_rows, workbook.bad_rows) == (State.CHECKED, ROWS, 1)
    assert written() == [0, 0, 0, ROWS]


def until_released(workbook: Import) -> None:
    """The server notices the end of a killed process in its own time."""
    deadline = time.monotonic() + 30
    while not transaction.atomic(is_free)(workbook.pk):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- working longer than the lease -----------------------------------------------------------------------------------


@contextmanager
def another_worker_at(workbook: Import, *, holds: bool) -> Iterator[None]:
    """A worker of another process in the middle of its transaction."""
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with transaction.atomic():
                if holds:
                    hold(workbook.pk)
                ready.set()
                done.wait(timeout=30)
        finally:
            ready.set()
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    ready.wait(timeout=30)
    try:
        yield
    finally:
        done.set()
        worker.join()


def test_work_that_lasts_longer_than_the_lease_is_not_taken_over(project: Project) -> None:
    workbook = read(project, xlsx(*WORKBOOK))
    confirm(workbook)
    claim(workbook.pk, State.CONFIRMED, now=NOW)
    late = NOW + LEASE * 2
    with another_worker_at(workbook, holds=True):
        check_import(workbook.pk, today=TODAY, now=late)
        workbook.refresh_from_db()
        assert (workbook.state, workbook.claimed_at) == (State.CHECKING, NOW)
    check_import(workbook.pk, today=TODAY, now=late)
    workbook.refresh_from_db()
    assert workbook.state == State.CHECKED


def test_control_without_the_lock_it_is_taken_over(project: Project) -> None:
    workbook = read(project, xlsx(*WORKBOOK))
    confirm(workbook)
    claim(workbook.pk, State.CONFIRMED, now=NOW)
    with another_worker_at(workbook, holds=False):
        check_import(workbook.pk, today=TODAY, now=NOW + LEASE * 2)
        workbook.refresh_from_db()
        assert workbook.state == State.CHECKED


class KilledError(Exception):
    """Stands for the end of the process."""


@contextmanager
def without_the_transaction() -> Iterator[None]:
    """Each statement for itself, and what is not committed is lost."""
    connection.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_control_with_a_commit_between_the_steps_a_kill_leaves_half(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the one transaction is for: stopped without it, all is in the ledger and the import still waits."""
    workbook = agreed(project, xlsx(*WORKBOOK))

    def die(*args: object, **kwargs: object) -> None:
        connection.commit()
        raise KilledError

    monkeypatch.setattr(posting, "apply_credit", die)
    with pytest.raises(KilledError), without_the_transaction():
        posting.post_staged.__wrapped__(workbook, now=NOW, by=None)
    assert written() == [ROWS, ROWS, ROWS, ROWS]
