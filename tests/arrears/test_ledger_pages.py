"""The pages of finance: what they show and add up, what they cost, who sees them, what leaves the house."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Account, FeeType, Import
from arrears.posting import reverse_payment
from company.models import AuditEvent, Project, Role, User
from company.rights import WHOLE_LEDGER_ROLES
from owners.models import UnitAlias
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
    create_phone,
    create_project,
    create_user,
)
from tests.relief_factories import create_plan, create_relief

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
Estate = dict[str, Account]


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(role=Role.FINANCE, project=project)


@pytest.fixture
def client(finance: User) -> Client:
    client = Client()
    client.force_login(finance)
    return client


@pytest.fixture
def estate(project: Project) -> dict[str, Account]:
    """Three units: one old and large debt, one with water only, one settled and with a charge that is not due."""
    water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
    parking = create_fee_type(project=project, name="车位费", nature=FeeType.Nature.PARKING)
    old = create_account(project=project, code="8-2-1203", names=["李小博", "王敏"])
    create_charge(account=old, month=dt.date(2023, 5, 1), amount="800.00")
    create_charge(account=old, month=dt.date(2025, 10, 1), amount="200.00", fee_type=parking)
    new = create_account(project=project, code="9-1-402", names=["康平"])
    create_charge(account=new, due_on=TODAY - 10 * DAY, amount="45.50", fee_type=water)
    settled = create_account(project=project, code="10-1-101", names=["齐云"])
    create_charge(account=settled, amount="100.00")
    create_payment(account=settled, amount="100.00")
    create_charge(account=settled, month=dt.date(2025, 12, 1), due_on=TODAY + DAY, amount="70.00")
    return {"old": old, "new": new, "settled": settled}


def url(name: str, project: Project, **kwargs: Any) -> str:
    return reverse(f"arrears:{name}", kwargs={"project_code": project.code, **kwargs})


def listed(client: Client, project: Project, query: str = "") -> list[str]:
    return [row["unit_code"] for row in client.get(url("ledger", project) + query).context["rows"]]


# --- ledger ---------------------------------------------------------------------------------------------------------


def test_the_ledger_lists_overdue_accounts_in_walking_order_with_totals(
    client: Client, project: Project, estate: Estate
) -> None:
    context = client.get(url("ledger", project)).context
    assert [row["unit_code"] for row in context["rows"]] == ["8-2-1203", "9-1-402"]
    old, new = context["rows"]
    assert (old["property_fee"], old["others"], old["overdue"], old["charges"]) == (800, 200, 1000, 2)
    assert (old["party"], old["bucket"].key) == ("李*博、王*", "y3")
    assert (new["utilities"], new["bucket"].key) == (Decimal("45.50"), "d30")
    totals = context["totals"]
    assert (totals.accounts, totals.overdue, totals.utilities) == (2, Decimal("1045.50"), Decimal("45.50"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?age=d30", ["8-2-1203", "9-1-402"]),
        ("?age=y3", ["8-2-1203"]),
        ("?age=d90&age=y3", ["8-2-1203"]),
        ("?age=older", []),
        ("?least=500", ["8-2-1203"]),
        ("?least=1000.01", []),
        ("?q=王敏", ["8-2-1203"]),
        ("?q=8栋2单元", ["8-2-1203"]),
        ("?q=A0018", ["9-1-402"]),
        ("?sort=-unit", ["9-1-402", "8-2-1203"]),
        ("?sort=overdue", ["9-1-402", "8-2-1203"]),
        ("?sort=no-such-column", ["8-2-1203", "9-1-402"]),
        ("?least=abc&age=nonsense&building=x&fee=999999&size=7&page=99", ["8-2-1203", "9-1-402"]),
        ("?q=%27%3B%20DROP%20TABLE", []),
    ],
)
def test_filters_and_sorting_stay_in_the_address(
    query: str, found: list[str], client: Client, project: Project, estate: Estate
) -> None:
    UnitAlias.objects.create(project=project, unit=estate["new"].unit, alias="A0018")
    assert listed(client, project, query) == found


def test_by_building_and_fee(client: Client, project: Project, estate: Estate) -> None:
    building = estate["old"].unit.building_id
    assert listed(client, project, f"?building={building}") == ["8-2-1203"]
    parking = FeeType.objects.get(name="车位费")
    response = client.get(url("ledger", project) + f"?fee={parking.pk}")
    assert response.context["totals"].overdue == Decimal("200.00"), "only charges of that fee are added up"
    assert [chip.label for chip in response.context["chips"]] == ["车位费"]
    assert response.context["chips"][0].url == "?"


def test_a_chip_takes_only_itself_away(client: Client, project: Project, estate: Estate) -> None:
    chips = client.get(url("ledger", project) + "?age=d30&age=y3&least=10&page=2").context["chips"]
    assert [chip.url for chip in chips] == ["?age=y3&least=10", "?age=d30&least=10", "?age=d30&age=y3"]


def test_an_earlier_day_shows_the_ledger_as_it_was(client: Client, project: Project, estate: Estate) -> None:
    response = client.get(url("ledger", project) + "?on=2025-06-30")
    assert [row["unit_code"] for row in response.context["rows"]] == ["8-2-1203", "10-1-101"]
    assert response.context["totals"].overdue == Decimal("900.00")
    later = client.get(url("ledger", project) + f"?on={TODAY + 9 * DAY}")
    assert later.context["on"] == TODAY, "nobody knows the ledger of tomorrow"


def test_the_ageing_bars_open_what_they_count(client: Client, project: Project, estate: Estate) -> None:
    desk = client.get(url("home", project)).context
    for line, _share in desk["ageing"]:
        totals = client.get(url("ledger", project) + f"?age={line.bucket.key}").context["totals"]
        assert (totals.overdue, totals.accounts) == (line.amount, line.accounts)
    assert desk["overdue"] == Decimal("1045.50")
    assert desk["accounts"] == 2


def test_the_desk_tells_what_waits_for_a_decision(client: Client, project: Project, estate: Estate) -> None:
    assert "没有待办" in client.get(url("home", project)).content.decode()
    create_relief(account=estate["old"])
    create_plan(account=estate["new"])
    create_relief(account=estate["old"], amount="5.00", approved=True)
    page = client.get(url("home", project))
    assert page.context["undecided"] == 2
    assert reverse("collection:relief", kwargs={"project_code": project.code}) in page.content.decode()


def test_a_page_holds_what_is_asked_for(client: Client, project: Project) -> None:
    for _ in range(30):
        create_charge(account=create_account(project=project))
    first = client.get(url("ledger", project)).context
    assert (len(first["rows"]), first["totals"].accounts, first["page_sums"]["overdue"]) == (25, 30, 2500)
    assert len(client.get(url("ledger", project) + "?page=2").context["rows"]) == 5
    assert len(client.get(url("ledger", project) + "?size=100").context["rows"]) == 30


def test_an_empty_ledger_says_what_to_do(client: Client, project: Project) -> None:
    assert "这里还没有欠费" in client.get(url("ledger", project)).content.decode()


# --- what it costs, and who sees it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["home", "ledger", "payments"])
def test_a_list_costs_the_same_at_3_and_at_30_rows(
    name: str, client: Client, project: Project, django_assert_max_num_queries
) -> None:
    client.get(url(name, project))
    counts = []
    for size in (3, 27):
        for _ in range(size):
            account = create_account(project=project)
            create_charge(account=account)
            create_payment(account=account, amount="10.00")
            Import.objects.create(project=project, kind="charges", state="checked", file_name="a.xlsx")
        with django_assert_max_num_queries(40) as captured:
            client.get(url(name, project) + "?size=50")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_an_account_costs_the_same_however_long_its_history(
    client: Client, project: Project, django_assert_max_num_queries
) -> None:
    account = create_account(project=project)
    client.get(url("account", project, pk=account.pk))
    counts = []
    for year in (2023, 2024):
        for month in range(1, 13):
            create_charge(account=account, month=dt.date(year, month, 1))
            create_payment(account=account, amount="70.00")
        with django_assert_max_num_queries(40) as captured:
            client.get(url("account", project, pk=account.pk) + "?show=all")
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.DEPARTMENT_HEAD])
def test_field_staff_find_no_ledger_here(role: Role, project: Project, estate: Estate) -> None:
    client = Client()
    user = create_user(role=role, project=project)
    client.force_login(user)
    assert not Account.objects.visible_to(user).exists()
    assert "8-2-1203" not in client.get(url("ledger", project)).content.decode()
    assert client.get(url("account", project, pk=estate["old"].pk)).status_code == 404
    assert client.get(url("unit_account", project, pk=estate["old"].unit_id)).status_code == 404
    assert client.post(url("account_export", project, pk=estate["old"].pk)).status_code == 404
    assert client.post(url("ledger_export", project)).status_code == 403


@pytest.mark.parametrize("role", sorted(WHOLE_LEDGER_ROLES))
def test_project_wide_roles_see_their_project_only(role: Role, project: Project, estate: Estate) -> None:
    stranger = create_account()
    user = create_user(role=role, project=project)
    assert set(Account.objects.visible_to(user)) == set(estate.values())
    client = Client()
    client.force_login(user)
    assert client.get(url("account", project, pk=estate["old"].pk)).status_code == 200
    assert client.get(url("account", project, pk=stranger.pk)).status_code == 404


def test_names_and_phones_are_masked_on_every_page(client: Client, project: Project, estate: Estate) -> None:
    account = estate["old"]
    create_phone(owner=account.ownership.owners.first(), number="13812342617")
    create_payment(account=account, amount="1.00")
    pages = [url(name, project) for name in ("home", "ledger", "payments")] + [
        url(name, project, pk=account.pk) for name in ("account", "payment_new", "charge_new")
    ]
    for page in pages:
        text = client.get(page).content.decode()
        assert "李小博" not in text
        assert "13812342617" not in text
    assert "138****2617" in client.get(url("account", project, pk=account.pk)).content.decode()


# --- exports --------------------------------------------------------------------------------------------------------


def sheets_of(response: Any) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


def test_the_export_holds_what_is_filtered_and_is_recorded(
    client: Client, project: Project, estate: Estate, finance: User
) -> None:
    (rows,) = sheets_of(client.post(url("ledger_export", project) + "?least=500")).values()
    assert rows[3][:6] == ["8-2-1203", "李*博、王*", 800, 0, 200, 1000]
    assert len(rows) == 4
    event = AuditEvent.objects.get(action="ledger.exported")
    assert (event.user, event.project) == (finance, project)
    assert event.detail == {"filter": "least=500", "names": "masked", "accounts": 1}


def test_names_in_clear_leave_only_when_asked_for_and_that_is_recorded(
    client: Client, project: Project, estate: Estate
) -> None:
    (rows,) = sheets_of(client.post(url("ledger_export", project), {"names": "full"})).values()
    assert rows[3][1] == "李小博、王敏"
    assert AuditEvent.objects.get(action="ledger.exported").detail["names"] == "full"


@pytest.mark.parametrize(
    "name", ["=1+1", "+A1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "==1", "＝1+1", "=cmd|'/C calc'!A0"]
)
def test_no_cell_of_an_export_computes(name: str, client: Client, project: Project) -> None:
    account = create_account(project=project, names=[name])
    create_charge(account=account)
    create_payment(account=account, amount="1.00", serial_no=name)
    exports = [
        client.post(url("ledger_export", project), {"names": "full"}),
        client.post(url("account_export", project, pk=account.pk)),
    ]
    found = []
    for response in exports:
        book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
        for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None):
            assert cell.data_type != "f"
            found += [cell.value] if cell.data_type == "s" else []
    assert sum(name.strip() in str(value) for value in found) >= 2


def test_a_statement_tells_charges_payments_and_what_settled_what(client: Client, project: Project) -> None:
    account = create_account(project=project, code="1-1-101")
    create_charge(account=account, amount="100.00")
    wrong = create_payment(account=account, amount="30.00")
    reverse_payment(wrong.pk, today=TODAY, now=NOW, by=None)
    create_payment(account=account, amount="60.00", serial_no="W9")
    exported = sheets_of(client.post(url("account_export", project, pk=account.pk))).values()
    movements, charges, payments, settled = exported
    assert [row[4:7] for row in movements[3:]] == [
        [None, None, 0],
        [100, None, 100],
        [None, 30, 70],
        [None, -30, 100],
        [None, 60, 40],
        [100, 60, 40],
    ]
    assert charges[3][5:8] == [100, 60, 40]
    assert charges[-1][5:8] == [100, 60, 40]
    assert sorted(row[5] for row in payments[1:]) == [30, 30, 60]
    assert sorted(row[4] for row in settled[1:]) == [30, 60]
    assert AuditEvent.objects.filter(action="ledger.statement_exported").exists()


def test_a_statement_of_a_past_day_tells_what_was_open_then(client: Client, project: Project) -> None:
    account = create_account(project=project, code="1-1-101")
    create_charge(account=account, amount="100.00", month=dt.date(2025, 1, 1))
    create_charge(account=account, amount="70.00", month=dt.date(2025, 9, 1))
    create_payment(account=account, amount="100.00", received_on=TODAY)
    days = {"since": "2025-02-01", "until": "2025-06-30"}
    movements, still_open = sheets_of(client.post(url("account_export", project, pk=account.pk), days)).values()
    assert [row[6] for row in movements[3:]] == [100, 100]
    assert [row[4:7] for row in still_open[3:]] == [[100, 100, 150]]


# --- account --------------------------------------------------------------------------------------------------------


def test_the_balance_is_explained(client: Client, project: Project, estate: Estate) -> None:
    stated = client.get(url("account", project, pk=estate["settled"].pk)).context["statement"]
    assert (stated.charged, stated.settled, stated.overdue, stated.not_due) == (170, 100, 0, 70)
    assert stated.charged - stated.settled == stated.outstanding


def test_a_unit_leads_to_the_account_of_its_present_owner(client: Client, project: Project, estate: Estate) -> None:
    response = client.get(url("unit_account", project, pk=estate["old"].unit_id))
    assert response["Location"] == url("account", project, pk=estate["old"].pk)


def test_looking_up_in_the_charging_system_verifies(client: Client, project: Project, estate: Estate) -> None:
    account = estate["old"]
    client.post(url("account_verify", project, pk=account.pk))
    verified = client.get(url("account", project, pk=account.pk)).context["verified"]
    assert (verified.looked_up, verified.outstanding) == (True, Decimal("1000.00"))
    create_payment(account=account, amount="1.00")
    assert client.get(url("account", project, pk=account.pk)).context["verified"] is None
