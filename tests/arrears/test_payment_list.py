"""The list of payments: narrowed, sorted, added up, exported with names masked, and of one project only."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Payment
from arrears.posting import reverse_payment
from arrears.views import payment_list
from company.models import AuditEvent, Project, Role
from tests.factories import NOW, TODAY, create_account, create_payment, create_project, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def client(project: Project) -> Client:
    client = Client()
    client.force_login(create_user(role=Role.FINANCE, project=project))
    return client


@pytest.fixture(autouse=True)
def received(project: Project) -> list[Payment]:
    """Three that stand and one that was reversed; one more in another project."""
    near, far = (create_account(project=project, code=code, names=["李小博"]) for code in ("8-2-1203", "9-1-402"))
    create_payment(account=create_account(project=create_project(), code="8-2-1203"), amount=Decimal(999))
    rows = [
        create_payment(account=near, amount=Decimal(10), received_on=TODAY - 3 * DAY, method="cash", serial_no="=1+1"),
        create_payment(account=far, amount=Decimal(30), received_on=TODAY - DAY, method="wechat"),
        create_payment(account=near, amount=Decimal(20), received_on=TODAY, method="cash"),
        create_payment(account=near, amount=Decimal(40), received_on=TODAY, method="cash"),
    ]
    reverse_payment(rows[-1].pk, today=TODAY, now=NOW, by=None)
    return rows


def url(project: Project, name: str = "payments") -> str:
    return reverse(f"arrears:{name}", kwargs={"project_code": project.code})


def shown(client: Client, project: Project, query: str) -> list[int]:
    rows = client.get(url(project) + query).context["rows"]
    return [int(payment.amount) for payment, _party in rows if payment.kind == "received"]


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("", {10, 20, 30, 40}),
        (f"?since={TODAY - DAY}&until={TODAY - DAY}", {30}),
        (f"?since={TODAY - DAY}", {20, 30, 40}),
        ("?method=cash", {10, 20, 40}),
        ("?unit=9栋1单元", {30}),
        ("?kind=received&method=wechat", {30}),
        ("?kind=reversal", set()),
        ("?since=2025-02-30&kind=gold", {10, 20, 30, 40}),
    ],
)
def test_the_list_is_narrowed(query: str, amounts: set[int], client: Client, project: Project) -> None:
    assert set(shown(client, project, query)) == amounts


@pytest.mark.parametrize(
    ("sort", "amounts"), [("amount", [10, 20, 30, 40]), ("-amount", [40, 30, 20, 10]), ("day", [10, 30, 40, 20])]
)
def test_the_list_is_sorted(sort: str, amounts: list[int], client: Client, project: Project) -> None:
    assert shown(client, project, f"?sort={sort}") == amounts


def test_what_stands_is_added_up_where_the_list_is_narrowed(client: Client, project: Project) -> None:
    assert client.get(url(project)).context["sums"] == []
    (line,) = client.get(url(project) + "?method=cash").context["sums"]
    assert (line.kind, line.number, line.amount) == ("received", 2, Decimal(30))


def test_the_export_holds_what_is_shown_masked_and_is_recorded(client: Client, project: Project) -> None:
    response: Any = client.post(url(project, "payments_export") + "?method=cash&sort=amount")
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert [(row[0], row[1], row[5], row[9]) for row in rows[:4]] == [
        ("8-2-1203", "李*博", 10, None), ("8-2-1203", "李*博", 20, None), ("8-2-1203", "李*博", -40, None),
        ("8-2-1203", "李*博", 40, "是"),
    ]  # fmt: skip
    assert rows[0][6] == "=1+1"
    assert rows[4][:6] == ["合计", None, None, "收款", 2, 30]
    assert AuditEvent.objects.get(action="ledger.payments_exported").detail["payments"] == 4


def test_more_rows_than_a_workbook_takes_are_refused(
    client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_list, "MOST_EXPORTED", 2)
    response = client.post(url(project, "payments_export"), follow=True)
    assert "请筛选到 2 笔以内" in response.content.decode()
    assert not AuditEvent.objects.filter(action="ledger.payments_exported").exists()


def test_the_list_costs_the_same_at_4_and_at_40_rows(
    client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    account = create_account(project=project, code="8-2-1204")
    for amount in range(1, 37):
        create_payment(account=account, amount=Decimal(amount))
    with django_assert_max_num_queries(14):
        client.get(url(project) + "?kind=received")


def test_field_staff_find_no_list(project: Project) -> None:
    client = Client()
    client.force_login(create_user(role=Role.OFFICER, project=project))
    assert client.get(url(project)).status_code == 403
    assert client.post(url(project, "payments_export")).status_code == 403
