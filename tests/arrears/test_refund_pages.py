"""Credit paid back by form: never more than there is, once however often sent, reversed like any payment."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Account, Payment
from arrears.statements import statement
from company.models import Project, Role, User
from tests.factories import NOW, TODAY, create_account, create_payment, create_project, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(role=Role.FINANCE, project=project)


@pytest.fixture
def client(finance: User) -> Client:
    client = Client()
    client.force_login(finance)
    return client


@pytest.fixture
def account(project: Project) -> Account:
    account = create_account(project=project, code="8-2-1203")
    create_payment(account=account, amount=Decimal(80))
    return account


def url(name: str, row: Any) -> str:
    return reverse(f"arrears:{name}", kwargs={"project_code": row.project.code, "pk": row.pk})


def given(**changes: Any) -> dict[str, Any]:
    fields = {"submission": uuid.uuid4(), "amount": "30.00", "refunded_on": TODAY, "method": "bank", "note": "退房"}
    return {**fields, **changes}


def credit(account: Account) -> Decimal:
    return statement(account, on=TODAY).credit


def refunds() -> list[Decimal]:
    return list(Payment.objects.filter(kind=Payment.Kind.REFUND).values_list("amount", flat=True))


def test_credit_is_paid_back_and_the_account_leads_there(client: Client, account: Account) -> None:
    assert url("refund_new", account) in client.get(url("account", account)).content.decode()
    assert "80.00" in client.get(url("refund_new", account)).content.decode()
    response = client.post(url("refund_new", account), given(), follow=True)
    assert "已退款 30.00" in response.content.decode()
    assert (refunds(), credit(account)) == ([Decimal(30)], Decimal(50))


def test_an_account_without_credit_offers_no_refund(client: Client, project: Project) -> None:
    empty = create_account(project=project, code="8-2-1204")
    assert url("refund_new", empty) not in client.get(url("account", empty)).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "80.01"}, "预存只有 80.00"),
        ({"amount": "0"}, "0.01"),
        ({"amount": "壹佰"}, "数字"),
        ({"refunded_on": TODAY + dt.timedelta(days=1)}, "退款日不能晚于今天"),
        ({"note": ""}, "必填"),
    ],
)
def test_what_cannot_be_is_refused_and_kept(
    changes: dict[str, Any], said: str, client: Client, account: Account
) -> None:
    response = client.post(url("refund_new", account), given(serial_no="TK-7", **changes))
    page = response.content.decode()
    assert response.status_code == 200
    assert said in page
    assert "TK-7" in page
    assert refunds() == []


def test_a_form_sent_again_is_one_refund_and_with_other_content_409(client: Client, account: Account) -> None:
    sent = given()
    for _time in range(2):
        assert client.post(url("refund_new", account), sent).status_code == 302
    assert client.post(url("refund_new", account), {**sent, "amount": "31"}).status_code == 409
    assert refunds() == [Decimal(30)]


def test_a_refund_is_reversed_and_its_credit_is_back(client: Client, account: Account) -> None:
    client.post(url("refund_new", account), given())
    refund = Payment.objects.get(kind=Payment.Kind.REFUND)
    client.post(url("payment_reverse", refund), {"reason": "登记错"})
    assert credit(account) == Decimal(80)


def test_only_finance_pays_back(account: Account) -> None:
    client = Client()
    client.force_login(create_user(role=Role.PROJECT_MANAGER, project=account.project))
    assert client.post(url("refund_new", account), given()).status_code == 403
    assert url("refund_new", account) not in client.get(url("account", account)).content.decode()
    assert refunds() == []
