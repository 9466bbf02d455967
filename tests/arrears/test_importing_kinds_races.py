"""Payments, lists, undoing: at the same moment, and killed while they post (promises 3, 7, 9). Each has a control."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing import posting, posting_lists, posting_payments, undoing
from arrears.importing.states import LEASE, MoveError, State, work_left
from arrears.importing.steps import post_import
from arrears.importing.undoing import undo_import
from arrears.models import Allocation, Charge, Import, Payment
from company.models import Project
from tests.arrears.test_importing_lists import line, months, wide
from tests.arrears.test_importing_races import kill_while_working, post_all, together, until_released
from tests.arrears.test_races import at_once
from tests.arrears.workbooks import agree, check, create_estate, post, xlsx
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 20
HEADER = ["收款日期", "房号", "收费项目", "收款金额"]
MONEY = xlsx(*([dt.date(2025, 11, 3), f"1-1-{n}", "物业费", 60] for n in range(101, 101 + ROWS)), header=HEADER)
LIST = wide(*(line(str(n), 10, 0, 150, 0, 0) for n in range(101, 101 + ROWS)))


@pytest.fixture(autouse=True)
def _settings(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project() -> Project:
    project = create_estate()
    post(project, xlsx(*(charge for n in range(101, 101 + ROWS) for charge in months(str(n), 8, 9))))
    return project


def agreed(project: Project, content: bytes, kind: str) -> Import:
    workbook = check(project, content, kind=kind)
    agree(workbook)
    return workbook


@pytest.mark.parametrize(("kind", "content"), [("payments", MONEY), ("arrears_list", LIST)])
def test_the_same_file_twice_at_the_same_moment_adds_once(
    kind: str, content: bytes, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbooks = [agreed(project, content, kind), agreed(project, content, kind)]
    with together(monkeypatch, "_lock_accounts", clients=2):
        assert post_all(workbooks) == []
    posted = Import.objects.filter(pk__in=[workbook.pk for workbook in workbooks])
    assert sorted(posted.values_list("posted_rows", flat=True)) == [0, ROWS]
    owed = {"payments": 140, "arrears_list": 160}[kind]
    assert totals(project=project).outstanding == ROWS * Decimal(owed)
    assert check_ledger() == []


@pytest.mark.parametrize(("kind", "content"), [("payments", MONEY), ("arrears_list", LIST)])
def test_control_without_the_locks_it_is_counted_twice_or_breaks(
    kind: str, content: bytes, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the ledger before either has written."""
    workbooks = [agreed(project, content, kind), agreed(project, content, kind)]
    monkeypatch.setattr(posting, "_lock_accounts", lambda workbook: None)
    module, reading = {
        "payments": (posting_payments, "_make_sure_of_every_row"),
        "arrears_list": (posting_lists, "newest_list"),
    }[kind]
    act, meeting = getattr(module, reading), threading.Barrier(2)

    def meet(*args: object) -> object:
        meeting.wait(timeout=20)
        return act(*args)

    monkeypatch.setattr(module, reading, meet)
    failures = post_all(workbooks)
    rows = Payment.objects.filter(kind__in=["received", "settled_outside"]).count()
    assert failures or rows == 2 * ROWS


KILLED_AT = ("apply_credit", "clear_stage")


@pytest.mark.parametrize(("kind", "content"), [("payments", MONEY), ("arrears_list", LIST)])
def test_kills_while_posting_leave_nothing_partial_and_the_sweep_finishes(
    kind: str, content: bytes, project: Project
) -> None:
    workbook, now = agreed(project, content, kind), NOW
    before = [model.objects.count() for model in (Charge, Payment, Allocation)]
    for point in KILLED_AT:
        kill_while_working(workbook, at=f"posting.{point}", now=now)
        assert [model.objects.count() for model in (Charge, Payment, Allocation)] == before
        now += LEASE * 2
    until_released(workbook)
    for import_id, _waiting in work_left(now=now):
        post_import(import_id, now=now)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.posted_rows) == (State.POSTED, ROWS)
    assert check_ledger() == []


def undo_by_two(workbook: Import) -> list[Exception]:
    return at_once(lambda _number: undo_import(workbook, by=None, now=NOW), clients=2)


def test_two_who_undo_at_the_same_moment_undo_once(project: Project) -> None:
    workbook = post(project, MONEY, kind="payments")
    (failure,) = undo_by_two(workbook)
    assert isinstance(failure, MoveError)
    assert Payment.objects.filter(kind="reversal").count() == ROWS
    assert check_ledger() == []


def test_control_without_the_move_the_second_finds_nothing_left_but_says_it_did(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = post(project, MONEY, kind="payments")
    move: Callable[..., Import] = lambda pk, *args, **kwargs: Import.objects.get(pk=pk)  # noqa: E731
    monkeypatch.setattr(undoing, "move", move)
    assert undo_by_two(workbook) == []
