"""Lists of owners at the same moment as each other and as somebody at the desk; each test has its control."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.importing import posting, posting_owners, undoing
from arrears.importing.states import LEASE, MoveError, State, work_left
from arrears.importing.steps import post_import
from arrears.importing.undoing import undo_import
from arrears.models import Import, RegisterChange
from company.models import Project
from owners.contact_points import add_phone
from owners.models import Owner, OwnershipMember, Phone, Unit
from tests.arrears.test_importing_owners import line, sheet
from tests.arrears.test_importing_races import kill_while_working, post_all
from tests.arrears.test_races import at_once
from tests.arrears.workbooks import agree, check, create_estate, post, row, xlsx
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 12
NUMBERS = range(101, 101 + ROWS)
LIST = sheet(*(line(str(n), "张三、李四", 联系电话=f"{13900000000 + n}") for n in NUMBERS))


@pytest.fixture(autouse=True)
def _settings(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project() -> Project:
    project = create_estate()
    post(project, xlsx(*(row(str(n), 业主姓名="") for n in NUMBERS)))
    return project


def agreed(project: Project) -> Import:
    workbook = check(project, LIST, kind="owners")
    agree(workbook)
    return workbook


def meet(monkeypatch: pytest.MonkeyPatch, module: object, name: str, *, after: bool) -> None:
    """Both clients reach ``module.name`` before either goes on."""
    act, meeting = getattr(module, name), threading.Barrier(2)

    def together(*args: object, **kwargs: object) -> object:
        if not after:
            meeting.wait(timeout=20)
        result = act(*args, **kwargs)
        if after:
            meeting.wait(timeout=20)
        return result

    monkeypatch.setattr(module, name, together)


def test_the_same_list_twice_at_the_same_moment_adds_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks = [agreed(project), agreed(project)]
    meet(monkeypatch, posting, "lock_project", after=False)
    assert post_all(workbooks) == []
    posted = Import.objects.filter(pk__in=[workbook.pk for workbook in workbooks])
    assert sorted(posted.values_list("posted_rows", flat=True)) == [0, ROWS]
    assert (Owner.objects.count(), Phone.objects.count()) == (2 * ROWS, ROWS)


def test_control_without_the_locks_owners_are_doubled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks = [agreed(project), agreed(project)]
    monkeypatch.setattr(posting, "lock_project", lambda workbook: None)
    monkeypatch.setattr(posting_owners, "lock_register", lambda units: None)
    meet(monkeypatch, posting_owners, "planned", after=True)
    failures = post_all(workbooks)
    assert failures or OwnershipMember.objects.count() == 4 * ROWS


def adds_by_hand(owner: Owner, workbook: Import) -> list[Exception]:
    """A list is posted while somebody adds the same number by hand."""
    acts: list[Callable[[], object]] = [
        lambda: post_import(workbook.pk, now=NOW),
        lambda: add_phone(owner, "13900000101", by=None),
    ]
    return at_once(lambda number: acts[number](), clients=2)


@pytest.fixture
def owner(project: Project) -> Owner:
    """The owner of a unit whom the list then names again, with a number."""
    post(project, sheet(line("101", "张三", 建筑面积="")), kind="owners")
    return Owner.objects.get()


def test_a_number_that_somebody_adds_meanwhile_is_not_doubled(owner: Owner, project: Project) -> None:
    for _ in range(3):
        workbook = check(project, sheet(line("101", "张三", 联系电话="13900000101")), kind="owners")
        agree(workbook)
        assert adds_by_hand(owner, workbook) == []
        assert Phone.objects.count() == 1
        assert Phone.objects.get().is_primary
        Phone.objects.all().delete()


def test_control_without_the_register_locked_one_of_them_fails(
    owner: Owner, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = check(project, sheet(line("101", "张三", 联系电话="13900000101")), kind="owners")
    agree(workbook)
    monkeypatch.setattr(posting_owners, "lock_register", lambda units: None)
    load = posting_owners.planned

    def load_and_wait(*args: object, **kwargs: object) -> object:
        merge = load(*args, **kwargs)  # type: ignore[arg-type]
        adding = threading.Thread(target=add_by_hand)
        adding.start()
        adding.join(timeout=20)
        return merge

    def add_by_hand() -> None:
        from django.db import connection

        add_phone(owner, "13900000101", by=None)
        connection.close()

    monkeypatch.setattr(posting_owners, "planned", load_and_wait)
    with pytest.raises(Exception, match=r"phone_once_per_owner|one_primary_phone"):
        post_import(workbook.pk, now=NOW)


def test_kills_while_posting_leave_nothing_and_the_sweep_finishes(project: Project) -> None:
    workbook, now = agreed(project), NOW
    for point in ("posting.post_owners", "posting.clear_stage"):
        kill_while_working(workbook, at=point, now=now)
        assert (Owner.objects.count(), Phone.objects.count(), RegisterChange.objects.count()) == (0, 0, 0)
        now += LEASE * 2
    for import_id, _waiting in work_left(now=now):
        post_import(import_id, now=now)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.posted_rows, Phone.objects.count()) == (State.POSTED, ROWS, ROWS)


def test_two_who_undo_at_the_same_moment_undo_once() -> None:
    workbook = post(create_estate(), LIST, kind="owners")
    (failure,) = at_once(lambda _number: undo_import(workbook, by=None, now=NOW), clients=2)
    assert isinstance(failure, MoveError)
    assert not Unit.objects.exists()


def test_control_without_the_move_both_say_that_they_undid_it(monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = post(create_estate(), LIST, kind="owners")
    monkeypatch.setattr(undoing, "move", lambda pk, *args, **kwargs: Import.objects.get(pk=pk))
    failures = at_once(lambda _number: undo_import(workbook, by=None, now=NOW), clients=2)
    assert not any(isinstance(failure, MoveError) for failure in failures)
