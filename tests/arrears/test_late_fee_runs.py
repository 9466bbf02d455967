"""A whole project assessed by a worker: shown before, counted while it runs, whole after a kill, never twice."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears import assessing
from arrears.assessing import LEASE, ask_for_run, preview_run, runs_left, work_run
from arrears.models import LateFee, LateFeeRun
from arrears.posting import FutureDayError
from company.models import Project, Role, User
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_project, create_user
from tests.relief_factories import create_contract, create_late_fee_policy

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def project() -> Project:
    """Five accounts, each with 100 a hundred days overdue at 0.05 % a day: 5.00 each."""
    project = create_project(code="FHC1")
    create_contract(project=project)
    create_late_fee_policy(fee_type=create_fee_type(project=project))
    supplier = create_fee_type(project=project, name="水费", is_on_behalf=True)
    for number in range(5):
        account = create_account(project=project, code=f"1-1-10{number}")
        create_charge(account=account, due_on=TODAY - 100 * DAY, amount="100.00")
        create_charge(account=account, due_on=TODAY - 100 * DAY, amount="50.00", fee_type=supplier)
    return project


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(role=Role.FINANCE, project=project)


def test_the_preview_says_what_the_run_posts(project: Project, finance: User) -> None:
    (line,) = preview_run(project, as_of=TODAY)
    assert (line.accounts, line.charges, line.amount) == (5, 5, 25), "fees collected for a supplier bear none"
    run = ask_for_run(project, as_of=TODAY, by=finance, now=NOW)
    work_run(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.accounts, run.accounts_done, run.charges, run.amount) == ("done", 5, 5, 5, 25)
    assert set(LateFee.objects.values_list("amount", "posted_by")) == {(5, finance.pk)}
    assert preview_run(project, as_of=TODAY) == []
    work_run(run.pk, now=NOW)
    assert LateFee.objects.count() == 5


def test_who_asks_again_gets_the_run_under_way(project: Project, finance: User) -> None:
    first = ask_for_run(project, as_of=TODAY, by=finance, now=NOW)
    assert ask_for_run(project, as_of=TODAY - DAY, by=create_user(), now=NOW) == first
    with pytest.raises(IntegrityError, match="late_fee_run_one_at_a_time"), transaction.atomic():
        LateFeeRun.objects.create(project=project, as_of=TODAY, asked_by=finance, asked_at=NOW)
    with pytest.raises(FutureDayError):
        ask_for_run(project, as_of=TODAY + DAY, by=finance, now=NOW)


def test_a_run_whose_worker_died_goes_on_where_it_stood(
    project: Project, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assessing, "CHUNK", 2)
    run = ask_for_run(project, as_of=TODAY, by=finance, now=NOW)
    assess, calls = assessing.assess_accounts, 0

    def die_in_the_second(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        done = assess(*args, **kwargs)  # type: ignore[arg-type]
        if calls == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(assessing, "assess_accounts", die_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        work_run(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.accounts_done, run.amount, LateFee.objects.count()) == (2, 10, 2)
    assert runs_left(now=NOW) == []
    later = NOW + LEASE * 2
    assert runs_left(now=later) == [run.pk]
    work_run(run.pk, now=later)
    run.refresh_from_db()
    assert (run.state, run.accounts_done, run.amount, LateFee.objects.count()) == ("done", 5, 25, 5)


def test_who_was_taken_for_dead_writes_nothing_more(
    project: Project, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assessing, "CHUNK", 2)
    run = ask_for_run(project, as_of=TODAY, by=finance, now=NOW)
    assess, later = assessing.assess_accounts, NOW + LEASE * 2

    def be_slow(*args: object, **kwargs: object) -> object:
        done = assess(*args, **kwargs)  # type: ignore[arg-type]
        LateFeeRun.objects.filter(pk=run.pk).update(claimed_at=later)
        return done

    monkeypatch.setattr(assessing, "assess_accounts", be_slow)
    work_run(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.accounts_done) == ("running", 0)


def test_finance_sees_sums_confirms_and_watches(
    project: Project, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    client = Client()
    client.force_login(finance)
    address = reverse("arrears:late_fee_run", kwargs={"project_code": "FHC1"})
    assert "25.00" in client.get(address).content.decode()
    ahead = client.post(address, {"as_of": TODAY + DAY})
    assert ahead.status_code == 200
    assert not LateFeeRun.objects.exists()
    page = client.post(address, {"as_of": TODAY}, follow=True).content.decode()
    assert "0 / 5" in page
    work_run(LateFeeRun.objects.get().pk, now=NOW)
    assert "25.00" in client.get(address).content.decode()
    manager = Client()
    manager.force_login(create_user(role=Role.PROJECT_MANAGER, project=project))
    assert manager.get(address).status_code == 403
