"""What finance decides for the field, in the browser: money from the door, and claims that it is paid."""

import datetime as dt

import pytest
from django.utils import timezone

from arrears.models import Payment
from collection.models import Case, CashTaken
from company.models import AuditEvent, Project, Role
from tests.collection.desk import Desk, said
from tests.factories import NOW, create_project
from tests.field_factories import create_cash, create_field_case, create_field_worker, queries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW + dt.timedelta(hours=2))


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def finance(project: Project) -> Desk:
    return Desk(project, Role.FINANCE, "郝文娟")


@pytest.fixture
def case(project: Project) -> Case:
    return create_field_case(project=project, by=create_field_worker(project=project), code="8-2-1604")


@pytest.fixture
def taken(case: Case) -> CashTaken:
    return create_cash(case=case, taken_by=case.responsible, receipt_no="SJ-4385")


class TestMoney:
    def test_confirmed_it_is_in_the_ledger(self, finance: Desk, taken: CashTaken, case: Case) -> None:
        page = finance.get("cash").text
        for words in ("SJ-4385", "50.00", "王倩", "李*博"):
            assert words in page
        answer = finance.post("cash_confirm", pk=taken.pk)
        assert "已入账" in said(answer)
        payment = Payment.objects.get()
        assert (payment.amount, payment.receipt_no, payment.account) == (50, "SJ-4385", case.account)
        assert "没有待确认的收款" in finance.get("cash").text

    def test_the_second_is_told_who_decided(self, finance: Desk, taken: CashTaken, project: Project) -> None:
        finance.post("cash_confirm", pk=taken.pk)
        second = Desk(project, Role.FINANCE, "邹敏")
        assert "郝文娟先前已处理：已确认。没有改动" in said(second.post("cash_refuse", {"note": "未交"}, pk=taken.pk))
        assert "郝文娟先前已处理：已确认。没有改动" in said(second.post("cash_confirm", pk=taken.pk))
        assert Payment.objects.count() == 1

    def test_nobody_confirms_what_they_took(self, finance: Desk, case: Case) -> None:
        own = create_cash(case=case, taken_by=finance.user)
        page = finance.get("cash").text
        assert "您经手，须由他人确认" in page
        assert finance.url("cash_confirm", pk=own.pk) not in page
        assert "须由他人确认" in said(finance.post("cash_confirm", pk=own.pk))
        assert not Payment.objects.exists()

    def test_refused_with_what_was_found(self, finance: Desk, taken: CashTaken) -> None:
        assert "请写明核对结果" in said(finance.post("cash_refuse", {"note": "  "}, pk=taken.pk))
        finance.post("cash_refuse", {"note": "款未交来"}, pk=taken.pk)
        taken.refresh_from_db()
        assert (taken.state, taken.decision_note) == ("refused", "款未交来")
        assert "款未交来" in finance.get("cash").text
        assert not Payment.objects.exists()

    def test_only_finance(self, taken: CashTaken, project: Project) -> None:
        manager = Desk(project)
        assert manager.get("cash").status_code == 403
        assert manager.post("cash_confirm", pk=taken.pk).status_code == 403

    def test_its_queries_do_not_grow_with_its_rows(self) -> None:
        def cost(number: int) -> int:
            project = create_project()
            desk = Desk(project, Role.FINANCE)
            for _ in range(number):
                create_cash(case=create_field_case(project=project, claims_paid=True))
            desk.get("cash")
            with queries() as asked:
                desk.get("cash")
            return len(asked)

        assert cost(3) == cost(30)


class TestClaims:
    def test_checked_once_and_the_case_goes_on(self, finance: Desk, case: Case) -> None:
        Case.objects.update(claims_paid=True)
        assert "8-2-1604" in finance.get("cash").text
        assert "请写明核对结果" in said(finance.post("claim_settle", pk=case.pk))
        for _ in range(2):
            finance.post("claim_settle", {"note": "查无此款"}, pk=case.pk)
        case.refresh_from_db()
        assert not case.claims_paid
        assert AuditEvent.objects.get(action="claims.checked").detail == {"note": "查无此款"}
        assert "没有待核对的" in finance.get("cash").text
