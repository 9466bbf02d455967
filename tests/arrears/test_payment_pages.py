"""Payments and charges by form: once however often sent, refused with a word, reversed with a reason."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Account, Charge, ChargeBalance, Payment, PaymentBalance
from arrears.posting import post_refund
from company.models import AuditEvent, Project, Role, User
from owners.ownerships import sell_unit
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_owner,
    create_payment,
    create_project,
    create_user,
)

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
    create_charge(account=account, month=dt.date(2025, 1, 1))
    create_charge(account=account, month=dt.date(2025, 2, 1))
    return account


def url(name: str, row: Any) -> str:
    return reverse(f"arrears:{name}", kwargs={"project_code": row.project.code, "pk": row.pk})


def given(**changes: Any) -> dict[str, Any]:
    fields = {"submission": uuid.uuid4(), "amount": "130.00", "received_on": TODAY, "method": "wechat"}
    return {**fields, **changes}


def test_a_payment_is_posted_and_recorded(client: Client, account: Account, finance: User) -> None:
    response = client.post(url("payment_new", account), given(serial_no="W1"), follow=True)
    payment = Payment.objects.get()
    assert (payment.amount, payment.posted_by, payment.serial_no) == (Decimal("130.00"), finance, "W1")
    assert "核销 2 笔应收" in response.content.decode()
    assert AuditEvent.objects.get(action="ledger.payment_posted").object_id == str(payment.pk)


def test_what_is_overpaid_is_said_to_be_credit(client: Client, account: Account) -> None:
    response = client.post(url("payment_new", account), given(amount="230.00"), follow=True)
    assert "余 30.00 记为预存" in response.content.decode()


def test_a_designation_is_followed(client: Client, account: Account) -> None:
    january, february = Charge.objects.order_by("due_on")
    client.post(url("payment_new", account), given(amount="90.00", **{f"charge_{february.pk}": "60.00"}))
    assert ChargeBalance.objects.get(pk=february.pk).settled == Decimal("60.00")
    assert ChargeBalance.objects.get(pk=january.pk).settled == Decimal("30.00")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": "0"}, "0.01"),
        ({"amount": "-5"}, "0.01"),
        ({"amount": "1.005"}, "2"),
        ({"amount": "一百"}, "数字"),
        ({"amount": ""}, "必填"),
        ({"received_on": TODAY + dt.timedelta(days=1)}, "收款日不能晚于今天"),
        ({"received_on": "2025-02-30"}, "日期"),
        ({"method": "barter"}, "barter"),
        ({"submission": ""}, "必填"),
        ({"submission": "x"}, "UUID"),
    ],
)
def test_what_cannot_be_is_refused_with_a_word_and_kept(
    changes: dict[str, Any], message: str, client: Client, account: Account
) -> None:
    response = client.post(url("payment_new", account), given(note="请转 8-2-1203", **changes))
    assert message in response.content.decode()
    assert "请转 8-2-1203" in response.content.decode()
    assert not Payment.objects.exists()


def test_more_designated_than_paid_or_open_is_refused(client: Client, account: Account) -> None:
    january = Charge.objects.order_by("due_on").first()
    for wanted, amount in (("60.00", "50.00"), ("100.01", "200.00")):
        response = client.post(url("payment_new", account), given(amount=amount, **{f"charge_{january.pk}": wanted}))
        assert response.context["form"].errors
    assert not Payment.objects.exists()


def test_a_row_that_was_reversed_is_not_offered_for_reversing(client: Client, account: Account) -> None:
    client.post(url("payment_new", account), given())
    address = reverse(
        "arrears:payment_reverse", kwargs={"project_code": account.project.code, "pk": Payment.objects.get().pk}
    )
    assert 'name="reason"' in client.get(address).content.decode()
    client.post(address, {"reason": "录错户"})
    page = client.get(address).content.decode()
    assert "这笔记录已经红冲过" in page
    assert 'name="reason"' not in page


def test_nobody_posts_money_that_they_took(client: Client, account: Account, finance: User) -> None:
    response = client.post(url("payment_new", account), given(taken_by=finance.pk))
    assert "这笔钱由您经手，须由他人登记" in response.content.decode()
    assert not Payment.objects.exists()
    colleague = create_user(role=Role.HOUSEKEEPER, project=account.project)
    client.post(url("payment_new", account), given(taken_by=colleague.pk))
    assert Payment.objects.get().taken_by == colleague


def test_who_took_the_money_must_work_in_the_project(client: Client, account: Account) -> None:
    client.post(url("payment_new", account), given(taken_by=create_user().pk))
    assert not Payment.objects.exists()


def test_a_serial_number_in_the_ledger_is_refused(client: Client, account: Account) -> None:
    create_payment(account=account, serial_no="W1")
    response = client.post(url("payment_new", account), given(serial_no="W1"))
    assert "台账里已有此流水号的收款" in response.content.decode()


def test_a_form_sent_again_is_one_payment_and_with_other_content_409(client: Client, account: Account) -> None:
    fields = given()
    for _ in range(3):
        assert client.post(url("payment_new", account), fields).status_code == 302
    assert Payment.objects.count() == 1
    changed = client.post(url("payment_new", account), {**fields, "amount": "131.00"})
    assert changed.status_code == 409
    assert "内容不同" in changed.content.decode()
    other = create_account(project=account.project)
    assert client.post(url("payment_new", other), fields).status_code == 409
    assert Payment.objects.count() == 1


def test_other_content_is_also_who_took_it_and_what_it_was_for(
    client: Client, account: Account, project: Project
) -> None:
    first, second = Charge.objects.order_by("due_on")
    fields = given(amount="40.00", **{f"charge_{first.pk}": "40.00"})
    assert client.post(url("payment_new", account), fields).status_code == 302
    assert client.post(url("payment_new", account), fields).status_code == 302
    taker = create_user(role=Role.HOUSEKEEPER, project=project)
    designated_otherwise = {**fields, f"charge_{first.pk}": "", f"charge_{second.pk}": "40.00"}
    for changed in ({**fields, "taken_by": taker.pk}, designated_otherwise):
        assert client.post(url("payment_new", account), changed).status_code == 409
    assert Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_five_times_at_once_is_one_payment(account: Account, finance: User, settings: Any) -> None:
    settings.LEDGER_FOLLOWERS = []
    fields = given()
    session = Client()
    session.force_login(finance)

    def send(_: int) -> int:
        client = Client()
        client.cookies = session.cookies
        try:
            return client.post(url("payment_new", account), fields).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(send, range(5))) == [302] * 5
    assert Payment.objects.count() == 1
    assert AuditEvent.objects.filter(action="ledger.payment_posted").count() == 1


def test_only_finance_posts(account: Account) -> None:
    client = Client()
    client.force_login(create_user(role=Role.PROJECT_MANAGER, project=account.project))
    assert client.post(url("payment_new", account), given()).status_code == 403
    assert client.post(url("payment_reverse", create_payment(account=account)), {"reason": "错"}).status_code == 403


# --- reversing ------------------------------------------------------------------------------------------------------


def test_reversing_asks_first_and_needs_a_reason(client: Client, account: Account) -> None:
    payment = create_payment(account=account, amount="100.00")
    page = client.get(url("payment_reverse", payment))
    assert [part.amount for part in page.context["allocations"]] == [Decimal("100.00")]
    client.post(url("payment_reverse", payment), {"reason": ""})
    payment.refresh_from_db()
    assert payment.reversed_by is None
    client.post(url("payment_reverse", payment), {"reason": "记错户"})
    payment.refresh_from_db()
    assert payment.reversed_by.note == "记错户"
    event = AuditEvent.objects.get(action="ledger.payment_reversed")
    assert (event.detail["reason"], event.detail["amount"]) == ("记错户", "100.00")


def test_a_second_reversal_says_so(client: Client, account: Account) -> None:
    payment = create_payment(account=account)
    client.post(url("payment_reverse", payment), {"reason": "错"})
    again = client.post(url("payment_reverse", payment), {"reason": "错"})
    assert "已经红冲过" in again.content.decode()
    assert Payment.objects.filter(kind=Payment.Kind.REVERSAL).count() == 1
    assert AuditEvent.objects.filter(action="ledger.payment_reversed").count() == 1


def test_nobody_reverses_money_that_they_took(client: Client, account: Account, finance: User) -> None:
    payment = create_payment(account=account, taken_by=finance, by=create_user())
    response = client.post(url("payment_reverse", payment), {"reason": "错"})
    assert "须由他人红冲" in response.content.decode()


def test_a_refunded_payment_says_what_to_reverse_first(client: Client, account: Account) -> None:
    payment = create_payment(account=account, amount="300.00")
    post_refund(account_id=account.pk, amount=Decimal("10.00"), refunded_on=TODAY, now=NOW)
    response = client.post(url("payment_reverse", payment), {"reason": "错"})
    assert "请先红冲退款" in response.content.decode()


def test_reversing_a_charge_turns_its_money_into_credit(client: Client, account: Account) -> None:
    create_payment(account=account, amount="200.00")
    charge = Charge.objects.order_by("due_on").first()
    client.post(url("charge_reverse", charge), {"reason": "重复计费"})
    assert sum(balance.left for balance in PaymentBalance.objects.all()) == Decimal("100.00")
    assert AuditEvent.objects.get(action="ledger.charge_reversed").detail["reason"] == "重复计费"


# --- charges by hand ------------------------------------------------------------------------------------------------


def charge_fields(account: Account, **changes: Any) -> dict[str, Any]:
    fee = create_fee_type(project=account.project)
    fields = {
        "fee_type": fee.pk, "period_start": "2025-03-01", "period_end": "2025-03-31", "due_on": "2025-03-31",
        "amount": "88.00", "reason": "补收",
    }  # fmt: skip
    return {**fields, **changes}


def test_a_charge_is_added_once_a_period(client: Client, account: Account) -> None:
    assert client.post(url("charge_new", account), charge_fields(account)).status_code == 302
    charge = Charge.objects.get(amount="88.00")
    assert charge.basis == {"reason": "补收"}
    again = client.post(url("charge_new", account), charge_fields(account))
    assert "在此所属期已有应收" in again.content.decode()
    assert Charge.objects.filter(amount="88.00").count() == 1


@pytest.mark.parametrize(
    "changes", [{"period_end": "2025-02-28"}, {"amount": "0"}, {"fee_type": "0"}, {"reason": ""}, {"due_on": "x"}]
)
def test_a_charge_that_cannot_be_is_refused(changes: dict[str, Any], client: Client, account: Account) -> None:
    response = client.post(url("charge_new", account), charge_fields(account, **changes))
    assert response.context["form"].errors
    assert Charge.objects.count() == 2


def test_a_charge_belongs_to_who_owned_the_unit_on_its_last_day(client: Client, account: Account) -> None:
    buyer = create_owner(project=account.project, name="周敏")
    sell_unit(account.unit, [buyer], sold_on=dt.date(2025, 3, 15), by=None)
    response = client.post(url("charge_new", account), charge_fields(account))
    assert "当日该房屋属于其他业主" in response.content.decode()
    assert Charge.objects.count() == 2
    earlier = charge_fields(account, period_start="2024-12-01", period_end="2024-12-31")
    assert client.post(url("charge_new", account), earlier).status_code == 302


def test_a_fee_of_another_project_is_not_offered(client: Client, account: Account) -> None:
    foreign = create_fee_type(project=create_project())
    response = client.post(url("charge_new", account), charge_fields(account, fee_type=foreign.pk))
    assert response.context["form"].errors["fee_type"]


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_newest_payments_are_read_from_an_index_not_sorted(account: Account, finance: User) -> None:
    newest = Payment.objects.visible_to(finance).filter(project=account.project).order_by("-posted_at", "-pk")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    assert "payment_project_newest" in newest[:50].explain()
