"""The page of limitation dates: what stands on it by account, its sums, filter, order and export."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Account
from arrears.posting import post_charge
from company.models import AuditEvent, Project, Role
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_project, create_user
from tests.relief_factories import create_proof

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


def due(days_left: int) -> dt.date:
    """A due day whose period ends so many days from today."""
    return (TODAY + days_left * DAY).replace(year=TODAY.year - 3 + ((TODAY + days_left * DAY).year - TODAY.year))


@pytest.fixture
def accounts(project: Project) -> dict[str, Account]:
    """Ending in 20, 80, 170 and 200 days, ended, and unknown; one that a letter restarted."""
    found = {}
    for room, left in (("101", 20), ("102", 80), ("103", 170), ("104", 200), ("105", -5), ("107", 10)):
        found[room] = create_account(project=project, code=f"1-1-{room}", names=["康平"])
        start = due(left).replace(day=1)
        create_charge(account=found[room], due_on=due(left), month=start, amount="100.00")
    found["106"] = create_account(project=project, code="1-1-106", names=["齐云"])
    fee = create_fee_type(project=project, name="物业费")
    post_charge(
        account_id=found["106"].pk, fee_type=fee, period_start=dt.date(2025, 10, 31), period_end=dt.date(2025, 10, 31),
        due_on=dt.date(2025, 10, 31), amount=Decimal("30.00"), now=NOW, basis={"start_unknown": True},
    )  # fmt: skip
    charge = found["107"].charges.get()
    create_proof(charge=charge, reached_on=TODAY - DAY)
    return found


def page(client: Client, **query: Any) -> Any:
    return client.get(reverse("arrears:limitation", kwargs={"project_code": "FHC1"}), query)


def signed_in(project: Project, role: Role) -> Client:
    client = Client()
    client.force_login(create_user(role=role, project=project))
    return client


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("role", [Role.FINANCE, Role.PROJECT_MANAGER])
def test_what_ends_soon_by_account_the_most_urgent_first(role: Role, project: Project) -> None:
    response = page(signed_in(project, role))
    codes = [line.account.unit.code for line in response.context["ending"].lines]
    assert codes == ["1-1-106", "1-1-105", "1-1-101", "1-1-102", "1-1-103"]
    sums = {sum_.urgency.value: (sum_.accounts, sum_.amount) for sum_ in response.context["ending"].sums}
    assert sums == {"unknown": (1, 30), "passed": (1, 100), "30": (1, 100), "90": (1, 100), "180": (1, 100)}
    text = response.content.decode()
    assert "起始不明，立即处理" in text
    assert f"/accounts/{response.context['ending'].lines[0].account.pk}/" in text


@pytest.mark.usefixtures("accounts")
def test_filter_and_order(project: Project) -> None:
    client = signed_in(project, Role.FINANCE)
    found = page(client, urgency=["30", "passed"], sort="-unit").context["ending"]
    assert [line.account.unit.code for line in found.lines] == ["1-1-105", "1-1-101"]
    assert (found.amount, found.charges) == (200, 2)
    assert sum(sum_.accounts for sum_ in found.sums) == 5, "the sums of the others stay to be chosen"


@pytest.mark.usefixtures("accounts")
def test_the_export_has_a_row_for_each_charge_and_is_recorded(project: Project) -> None:
    client = signed_in(project, Role.FINANCE)
    response: Any = client.post(reverse("arrears:limitation_export", kwargs={"project_code": "FHC1"}))
    rows = list(
        openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active.iter_rows(values_only=True)
    )
    assert [row[0] for row in rows[3:]] == ["1-1-106", "1-1-105", "1-1-101", "1-1-102", "1-1-103"]
    assert rows[3][3] is None, "nobody knows since when"
    assert rows[3][6] is None
    assert AuditEvent.objects.filter(action="ledger.limitation_exported").count() == 1


def test_field_staff_have_no_such_page(project: Project) -> None:
    assert page(signed_in(project, Role.HOUSEKEEPER)).status_code == 403


def test_the_account_says_that_the_start_is_unknown(project: Project, accounts: dict[str, Account]) -> None:
    client = signed_in(project, Role.FINANCE)
    text = client.get(
        reverse("arrears:account", kwargs={"project_code": "FHC1", "pk": accounts["106"].pk})
    ).content.decode()
    assert "起始不明 – 2025-10-31" in text
