"""Posting: what was checked stands in the ledger once, all of it or nothing (promises 3, 8 and 9)."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing import posting, steps
from arrears.importing.reading import Refusal
from arrears.importing.states import ALLOWED, LEASE, MoveError, State, claim, move, work_left
from arrears.importing.steps import cancel, check_import, post_import, read_import
from arrears.models import Account, Allocation, Charge, FeeType, Import, Payment, StagedCharge, StagedUnit
from arrears.posting import reverse_charge, reverse_payment
from company.models import AuditEvent, Project
from owners.models import Owner, Unit
from tests.arrears.workbooks import (
    HEADER,
    LONG,
    agree,
    check,
    confirm,
    create_estate,
    mistakes,
    post,
    read,
    row,
    sample,
    upload,
    xlsx,
)
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def ledger() -> dict[str, int]:
    """How many rows of each kind there are."""
    return {model.__name__: model.objects.count() for model in (Unit, Owner, Account, Charge, Payment, Allocation)}


def owed(project: Project) -> Decimal:
    """What the project is owed, and the proof that every balance is the sum of its rows."""
    assert check_ledger(project=project) == []
    return totals(project=project).outstanding


# --- into the ledger, once ------------------------------------------------------------------------------------------


def test_the_long_sample_stands_in_the_ledger_to_the_cent_and_once(project: Project) -> None:
    first = post(project, sample(LONG), name=LONG)
    assert (first.state, first.posted_rows) == (Import.State.POSTED, 2616)
    assert owed(project) == Decimal("427497.35")
    assert sum(Charge.objects.values_list("amount", flat=True)) == Decimal("494608.89")
    before = ledger()
    again = post(project, sample(LONG), name=LONG)
    assert (again.posted_rows, again.known_rows) == (0, 2616)
    assert ledger() == before
    assert not StagedCharge.objects.exists()
    assert not StagedUnit.objects.exists()


def test_a_posting_says_where_each_row_came_from_and_who_agreed(project: Project) -> None:
    by = create_user(name="邹敏")
    workbook = post(project, xlsx(row("101", 100, 30)), by=by)
    charge, payment = Charge.objects.get(), Payment.objects.get()
    assert (charge.source_id, charge.source_sheet, charge.source_row, charge.posted_by) == (workbook.pk, "应收", 2, by)
    assert (charge.unit.code, charge.amount, charge.due_on) == ("1-1-101", 100, dt.date(2025, 3, 31))
    assert (payment.kind, payment.amount, payment.source_id) == ("imported", 30, workbook.pk)
    event = AuditEvent.objects.get(action="arrears.import_posted")
    assert (event.user, event.detail["rows"]) == (by, 1)


def test_units_that_are_missing_are_made_with_their_owners(project: Project) -> None:
    post(project, xlsx(row("101", 业主姓名="李小博、王敏"), row("A24", 楼栋="商铺", 单元="", 业主姓名="")))
    assert sorted(Unit.objects.values_list("code", flat=True)) == ["1-1-101", "商铺-A24"]
    assert sorted(Owner.objects.values_list("name", flat=True)) == ["李小博", "王敏"]


def test_a_sheet_that_says_nothing_of_money_received_settles_nothing(project: Project) -> None:
    header = [name for name in HEADER if name not in ("已收金额", "欠费金额")]
    lines = [row(room)[: len(header)] for room in ("101", "102")]
    post(project, xlsx(*lines, header=header))
    assert not Payment.objects.exists()
    assert owed(project) == 200
    create_payment(account=Account.objects.first(), amount="60.00")
    assert post(project, xlsx(*lines, header=header)).posted_rows == 0
    assert owed(project) == 140


def test_what_is_received_later_posts_only_the_increase_and_settles_its_own_charge(project: Project) -> None:
    post(project, xlsx(row("101", 100, 30), row("101", 50, 0, 收费项目="水费")))
    post(project, xlsx(row("101", 100, 80)))
    post(project, xlsx(row("101", 100, 80)))
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [30, 50]
    assert set(Allocation.objects.values_list("charge__amount", flat=True)) == {100}
    assert owed(project) == 70


def test_what_was_paid_at_the_desk_is_not_posted_again_as_received(project: Project) -> None:
    post(project, xlsx(row("101", 100)))
    create_payment(account=Account.objects.get(), amount="60.00")
    post(project, xlsx(row("101", 100, 80)))
    assert sorted(Payment.objects.values_list("kind", "amount")) == [("imported", 20), ("received", 60)]


def test_received_money_never_settles_a_past_day_twice(project: Project) -> None:
    post(project, xlsx(row("101", 100)))
    paid_on = dt.date(2025, 4, 10)
    paid = create_payment(account=Account.objects.get(), received_on=paid_on)
    reverse_payment(paid.pk, today=TODAY, now=NOW, by=None)
    post(project, xlsx(row("101", 100, 100)))
    imported = Allocation.objects.get(payment__kind="imported")
    assert imported.effective_on == TODAY
    assert owed(project) == 0


def test_money_paid_ahead_settles_the_new_charge(project: Project) -> None:
    account = create_account(project=project, code="1-1-101")
    create_payment(account=account, amount="70.00")
    version = Account.objects.get().version
    post(project, xlsx(row("101", 100)))
    assert owed(project) == 30
    assert Account.objects.get().version > version


def test_rows_with_nothing_due_make_no_charge(project: Project) -> None:
    workbook = post(project, xlsx(row("101", 0), row("102", 100)))
    assert (workbook.posted_rows, Charge.objects.count()) == (1, 1)


def test_a_row_of_two_years_is_charged_by_month_and_again_adds_nothing(project: Project) -> None:
    lines = xlsx(row("101", 400, 150, 计费开始=dt.date(2024, 11, 1), 计费结束=dt.date(2025, 2, 28)))
    workbook = post(project, lines)
    assert (workbook.posted_rows, Charge.objects.count()) == (1, 4)
    assert post(project, lines).posted_rows == 0
    assert owed(project) == 250


def test_a_reversed_charge_is_charged_anew(project: Project) -> None:
    post(project, xlsx(row("101")))
    reverse_charge(Charge.objects.get().pk, today=TODAY, now=NOW, by=None)
    assert post(project, xlsx(row("101", 90))).posted_rows == 1
    assert owed(project) == 90


# --- good rows only -------------------------------------------------------------------------------------------------


def test_nothing_is_posted_while_nobody_agreed_to_leave_mistakes_out(project: Project) -> None:
    workbook = check(project, xlsx(row("101"), row("102"), row("103", "壹佰元")))
    assert len(mistakes(workbook)) == 1
    with pytest.raises(Refusal) as refused:
        agree(workbook)
    assert (refused.value.code, refused.value.params) == ("has_errors", {"rows": 1})
    workbook.refresh_from_db()
    assert workbook.state == Import.State.CHECKED
    assert not Charge.objects.exists()


def test_the_good_rows_alone_and_later_the_corrected_file(project: Project) -> None:
    post(project, xlsx(row("101"), row("102"), row("103", "壹佰元")), good_rows_only=True)
    assert Charge.objects.count() == 2
    corrected = post(project, xlsx(row("101"), row("102"), row("103", 100)))
    assert (corrected.posted_rows, Charge.objects.count()) == (1, 3)


# --- all or nothing -------------------------------------------------------------------------------------------------

POINTS = ["_register_units", "_lock_accounts", "_post_charges", "apply_credit", "raise_versions", "clear_stage"]


def fails(function: Callable[..., object]) -> Callable[..., object]:
    def act_and_fail(*args: object, **kwargs: object) -> object:
        function(*args, **kwargs)
        raise RuntimeError("the database went away")

    return act_and_fail


@pytest.mark.parametrize("point", POINTS)
def test_a_failure_at_any_point_of_the_posting_writes_nothing(
    point: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = check(project, xlsx(row("101", 100, 30), row("102")))
    agree(workbook)
    before = ledger()
    with monkeypatch.context() as patched:
        patched.setattr(posting, point, fails(getattr(posting, point)))
        with pytest.raises(RuntimeError):
            post_import(workbook.pk, now=NOW)
    workbook.refresh_from_db()
    assert ledger() == before
    assert workbook.state == Import.State.POSTING
    post_import(workbook.pk, now=NOW + LEASE + dt.timedelta(seconds=1))
    workbook.refresh_from_db()
    assert (workbook.state, workbook.posted_rows, Charge.objects.count()) == (Import.State.POSTED, 2, 2)


def test_a_ledger_that_moved_since_the_check_sends_the_file_back_to_it(project: Project) -> None:
    workbook = check(project, xlsx(row("101", 100), row("102")))
    agree(workbook)
    fee = FeeType.objects.get(project=project, name="物业服务费")
    account = create_account(project=project, code="1-1-101")
    create_charge(account=account, amount="80.00", month=dt.date(2025, 3, 1), fee_type=fee)
    post_import(workbook.pk, now=NOW)
    workbook.refresh_from_db()
    assert (workbook.state, Charge.objects.count()) == (Import.State.CONFIRMED, 1)
    check_import(workbook.pk, today=TODAY, now=NOW)
    assert mistakes(workbook) == [(2, "H", "conflict")]


# --- states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_only_the_moves_of_the_table_are_made(state: State, project: Project) -> None:
    workbook = Import.objects.create(project=project, kind="charges", file_name="a.xlsx")
    for to in State:
        values = {"state": state, "refusal": "empty", "posted_at": NOW, "undone_at": NOW}
        Import.objects.filter(pk=workbook.pk).update(**values)
        if to in ALLOWED[state]:
            assert move(workbook.pk, to, undone_at=NOW).state == to
        else:
            with pytest.raises(MoveError) as refused:
                move(workbook.pk, to)
            assert refused.value.state == state


def test_two_workers_never_share_an_import(project: Project) -> None:
    workbook = upload(project, xlsx(row()))
    assert claim(workbook.pk, State.UPLOADED, now=NOW) is not None
    assert claim(workbook.pk, State.UPLOADED, now=NOW + LEASE / 2) is None
    assert claim(workbook.pk, State.UPLOADED, now=NOW + LEASE * 2) is not None, "the first is taken for dead"


def test_a_worker_that_was_taken_for_dead_writes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = read(project, xlsx(row("101")))
    confirm(workbook)
    load = steps.load_register

    def overtaken(*args: object, **kwargs: object) -> object:
        Import.objects.filter(pk=workbook.pk).update(claimed_at=NOW + LEASE)
        return load(*args, **kwargs)

    monkeypatch.setattr(steps, "load_register", overtaken)
    with pytest.raises(MoveError):
        check_import(workbook.pk, today=TODAY, now=NOW)
    assert not workbook.staged.exists()


def test_an_import_that_is_cancelled_while_it_is_read_stays_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = upload(project, xlsx(row()))
    load = steps.load_register

    def cancelled(*args: object, **kwargs: object) -> object:
        cancel(workbook, by=workbook.created_by)
        return load(*args, **kwargs)

    monkeypatch.setattr(steps, "load_register", cancelled)
    with pytest.raises(MoveError):
        read_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.layout) == (Import.State.CANCELLED, {})


def test_what_is_cancelled_leaves_no_rows_behind(project: Project) -> None:
    workbook = check(project, xlsx(row("101")))
    cancel(workbook, by=workbook.created_by)
    assert not StagedCharge.objects.exists()
    assert not Charge.objects.exists()
    assert AuditEvent.objects.filter(action="arrears.import_cancelled").exists()


def test_the_sweep_finds_what_waits_and_what_a_dead_worker_left(project: Project) -> None:
    waiting = upload(project, xlsx(row()))
    dead, alive, done = (upload(project, xlsx(row(str(n)))) for n in (1, 2, 3))
    Import.objects.filter(pk=dead.pk).update(state=State.POSTING, claimed_at=NOW - LEASE * 2)
    Import.objects.filter(pk=alive.pk).update(state=State.POSTING, claimed_at=NOW)
    Import.objects.filter(pk=done.pk).update(state=State.CHECKED)
    assert work_left(now=NOW) == [(waiting.pk, State.UPLOADED), (dead.pk, State.APPROVED)]


def test_a_header_without_rows_is_told_as_nothing_to_post(project: Project) -> None:
    workbook = check(project, xlsx())
    assert (workbook.state, workbook.rows, workbook.good_rows) == (Import.State.CHECKED, 0, 0)
