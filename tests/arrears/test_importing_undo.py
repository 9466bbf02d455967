"""A posted import is taken back as a whole, or refused with the names of what depends on it."""

from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.allocation import free_since
from arrears.checking import check_ledger, totals
from arrears.importing import undoing
from arrears.importing.ledger_match import imports_payments
from arrears.importing.states import LEASE, MoveError, State, work_left
from arrears.importing.steps import ask_for_undo
from arrears.importing.steps import undo as undo_by_worker
from arrears.importing.undoing import DependedOnError, undo_import
from arrears.models import Account, Import, Payment
from arrears.posting import post_refund, reverse_payment
from arrears.verification import payments_known_until
from company.models import AuditEvent, Project, Role
from tests.arrears.import_desk import act, page_of, signed_in, state_of, text_of, url
from tests.arrears.test_importing_lists import line, money, months, wide
from tests.arrears.workbooks import LONG, create_estate, post, row, sample, xlsx
from tests.factories import NOW, TODAY, create_payment, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def undo(workbook: Import) -> Import:
    return undo_import(workbook, by=workbook.created_by, now=NOW)


def figures(project: Project) -> tuple[Decimal, Decimal]:
    """What is owed and credit, and the proof that every balance is the sum of its rows."""
    assert check_ledger(project=project) == []
    found = totals(project=project)
    return found.outstanding, found.credit


def test_charges_with_what_was_received_beside_them(project: Project) -> None:
    workbook = post(project, sample(LONG), name=LONG)
    version = Account.objects.order_by("pk")[0].version
    assert undo(workbook).state == "undone"
    assert figures(project) == (0, 0)
    assert Account.objects.order_by("pk")[0].version == version + 1
    assert free_since(*Account.objects.values_list("pk", flat=True)).charges == {}, "no day keeps a trace"
    assert AuditEvent.objects.filter(action="arrears.import_undone").count() == 1
    assert post(project, sample(LONG), name=LONG).posted_rows == 2616


def test_payments_whose_charges_are_open_again(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9)))
    workbook = post(project, money(("101", "物业费", 250, "2025-11-05")), kind="payments")
    assert figures(project) == (0, 50)
    undo(workbook)
    assert figures(project) == (200, 0)


def test_other_credit_settles_what_is_open_again(project: Project) -> None:
    post(project, xlsx(*months("101", 8)))
    workbook = post(project, money(("101", "物业费", 100, "2025-11-05")), kind="payments")
    create_payment(account=Account.objects.get(), amount="70.00")
    undo(workbook)
    assert figures(project) == (30, 0)


def test_a_list_and_its_payments_in_turn(project: Project) -> None:
    post(project, xlsx(*months("101", 8, 9, 10)))
    listed = post(project, wide(line("101", 20, 0, 150, 0, 0)), kind="arrears_list")
    paid = post(project, money(("101", "物业费", 110, "2025-11-05")), kind="payments")
    assert figures(project) == (170, 0)
    with pytest.raises(DependedOnError) as refused:
        undo(listed)
    assert "1-1-101" in refused.value.text
    assert Import.objects.get(pk=listed.pk).state == "posted"
    undo(paid)
    assert figures(project) == (170, 0), "what the list had settled is settled outside again"
    undo(listed)
    assert figures(project) == (300, 0)
    assert not Payment.objects.filter(kind="settled_outside", reversed_by=None).exists()


def test_refused_while_other_money_has_settled_its_charges(project: Project) -> None:
    workbook = post(project, xlsx(*months("101", 8, 9)))
    create_payment(account=Account.objects.get(), amount="70.00")
    with pytest.raises(DependedOnError) as refused:
        undo(workbook)
    assert "1-1-101" in refused.value.names[0]
    assert figures(project) == (130, 0)


def test_refused_while_its_money_was_paid_back(project: Project) -> None:
    workbook = post(project, money(("101", "物业费", 110, "2025-11-05")), kind="payments")
    post_refund(account_id=Account.objects.get().pk, amount=Decimal(10), refunded_on=TODAY, now=NOW)
    with pytest.raises(DependedOnError):
        undo(workbook)
    assert figures(project) == (0, 100)


def test_refused_while_a_later_list_is_posted(project: Project) -> None:
    first = post(project, wide(line("101", 20, 0, 150, 0, 0)), kind="arrears_list")
    second = post(project, wide(line("101", 20, 0, 150, 0, 0), day="截至2025-11-21"), kind="arrears_list")
    with pytest.raises(DependedOnError) as refused:
        undo(first)
    assert "2025-11-21" in refused.value.text
    undo(second)
    undo(first)
    assert figures(project) == (0, 0)


def test_once_only(project: Project) -> None:
    workbook = post(project, xlsx(row("101")))
    undo(workbook)
    with pytest.raises(MoveError):
        undo(workbook)


def test_a_failure_undoes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = post(project, xlsx(row("101", 100, 30)))

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(undoing, "cancel_charges", fail)
    with pytest.raises(RuntimeError):
        undo(workbook)
    assert figures(project) == (70, 0)
    assert Import.objects.get(pk=workbook.pk).state == "posted"


def test_finance_is_asked_first_and_told_why_not(project: Project) -> None:
    by = create_user(name="邹敏", project=project, role=Role.FINANCE)
    client, workbook = signed_in(by), post(project, xlsx(*months("101", 8)))
    assert "/undo/" in client.get(page_of(workbook)).content.decode()
    asked = client.get(url("import_undo", project, pk=workbook.pk))
    assert asked.status_code == 200
    assert figures(project) == (100, 0)
    paid = create_payment(account=Account.objects.get(), amount="70.00")
    act(client, workbook, "undo")
    assert state_of(workbook) == State.UNDO_ASKED
    undo_by_worker(workbook.pk, now=NOW)
    refused = text_of(client.get(page_of(workbook)))
    assert "1-1-101" in refused
    assert state_of(workbook) == State.POSTED
    reverse_payment(paid.pk, today=TODAY, now=NOW, by=None)
    assert "每一行" in text_of(act(client, workbook, "undo")), "it says that undoing is one act"
    assert "邹敏" in text_of(act(client, workbook, "undo")), "whoever asks again is told who asked before"
    undo_by_worker(workbook.pk, now=NOW)
    assert "邹敏" in text_of(client.get(page_of(workbook)))
    assert figures(project) == (0, 0)


def test_while_an_undo_waits_the_import_counts_as_posted(project: Project) -> None:
    workbook = post(project, money(("101", "物业费", 20, "2025-11-05")), kind="payments")
    known = payments_known_until(project)
    ask_for_undo(workbook, by=workbook.created_by)
    assert payments_known_until(project) == known
    assert imports_payments(project.pk)
    with pytest.raises(MoveError):
        ask_for_undo(workbook, by=workbook.created_by)


def test_an_undo_whose_worker_died_is_found_by_the_sweep_and_done_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = post(project, xlsx(row("101", 100, 30)))
    ask_for_undo(workbook, by=workbook.created_by)
    assert work_left(now=NOW) == [(workbook.pk, State.UNDO_ASKED)]

    def die(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(undoing, "raise_versions", die)
        with pytest.raises(KeyboardInterrupt):
            undo_by_worker(workbook.pk, now=NOW)
    assert (state_of(workbook), figures(project)) == (State.UNDOING, (70, 0))
    assert work_left(now=NOW) == []
    later = NOW + LEASE * 2
    assert work_left(now=later) == [(workbook.pk, State.UNDO_ASKED)]
    undo_by_worker(workbook.pk, now=later)
    undo_by_worker(workbook.pk, now=later)
    assert (state_of(workbook), figures(project)) == (State.UNDONE, (0, 0))
    assert AuditEvent.objects.filter(action="arrears.import_undone").count() == 1


def test_a_payment_in_place_of_what_a_sheet_printed_gives_it_back(project: Project) -> None:
    post(project, xlsx(*months("101", 8), row("102", 100, 80)))
    paid = post(project, money(("102", "物业费", 30, "2025-11-05")), kind="payments")
    assert figures(project) == (120, 0)
    assert paid.findings["replaces"] == "30.00"
    undo(paid)
    assert figures(project) == (120, 0), "the sheet says that 80 are paid"
    live = Payment.objects.filter(kind="imported", reversed_by=None)
    assert sorted(live.values_list("amount", flat=True)) == [30, 50]
