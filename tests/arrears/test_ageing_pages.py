"""Ages by any group as of any day: what is shown, what each number leads to, and statements of groups with them."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arrears.aged import GroupBy
from arrears.group_statements import StatementGroup, group_statement, statement_group
from arrears.models import Account, Charge, FeeType, Relief
from arrears.movements import account_movements
from arrears.posting import reverse_charge, reverse_payment
from company.models import AuditEvent, Project, Role
from owners.models import Owner
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_owner,
    create_ownership,
    create_payment,
    create_project,
    create_unit,
    create_user,
)
from tests.relief_factories import create_relief

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def client(project: Project) -> Client:
    client = Client()
    client.force_login(create_user(role=Role.FINANCE, project=project))
    return client


@pytest.fixture
def accounts(project: Project) -> dict[str, Account]:
    """One owner of two flats in two houses, another one with water; of the old debt 300 was paid a month ago."""
    water = create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)
    owner = create_owner(project=project, name="李小博")
    found = {}
    for code in ("8-2-1203", "9-1-402"):
        unit = create_unit(project=project, code=code)
        ownership = create_ownership(unit=unit, owners=[owner])
        found[code] = Account.objects.create(project=project, unit=unit, ownership=ownership)
    found["9-1-501"] = create_account(project=project, code="9-1-501", names=["康平"])
    create_charge(account=found["8-2-1203"], due_on=TODAY - 400 * DAY, amount="800.00")
    create_charge(account=found["9-1-402"], due_on=TODAY - 10 * DAY, amount="45.50", fee_type=water)
    create_charge(account=found["9-1-501"], due_on=TODAY - 100 * DAY, amount="60.00", fee_type=water)
    create_payment(account=found["8-2-1203"], amount="300.00", received_on=TODAY - 30 * DAY)
    return found


def url(name: str, **query: Any) -> str:
    space = "notices" if name.startswith("group_statement") and "export" not in name else "arrears"
    address = reverse(f"{space}:{name}", kwargs={"project_code": "FHC1"})
    return address + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def table(client: Client, **query: Any) -> dict[str, Decimal]:
    """The overdue amount by label."""
    response = client.get(url("ageing", **query))
    assert response.status_code == 200
    return {row["label"]: row["overdue"] for row in response.context["rows"]}


@pytest.mark.usefixtures("accounts")
def test_every_group_adds_up_and_leads_to_its_charges(client: Client) -> None:
    assert table(client, by="project") == {"凤凰城一期": Decimal("605.50")}
    assert table(client, by="building") == {"8": 500, "9": Decimal("105.50")}
    assert table(client, by="unit") == {"8-2-1203": 500, "9-1-402": Decimal("45.50"), "9-1-501": 60}
    assert table(client, by="owner") == {"李*博": Decimal("545.50"), "康*": 60}
    for by in GroupBy:
        response = client.get(url("ageing", by=by.value))
        totals = response.context["totals"]
        assert totals["overdue"] == Decimal("605.50")
        for row in response.context["rows"] if by is not GroupBy.CHARGE else ():
            for _label, amount, link in (("", row["overdue"], row["url"]), *row["cells"]):
                behind = client.get(url("ageing") + link).context
                assert behind["by"] == GroupBy.CHARGE
                assert behind["totals"]["overdue"] == amount
                assert sum(line["overdue"] for line in behind["rows"]) == amount


@pytest.mark.usefixtures("accounts")
def test_as_of_a_past_day_by_age_and_sorted(client: Client) -> None:
    past = TODAY - 40 * DAY
    assert table(client, by="unit", on=past) == {"8-2-1203": 800, "9-1-501": 60}
    assert table(client, by="unit", age="y2") == {"8-2-1203": 500}
    assert list(table(client, by="unit", sort="-overdue")) == ["8-2-1203", "9-1-501", "9-1-402"]
    for nonsense in ({"by": "nonsense", "on": "2025-99-99", "age": "x"}, {"on": "0001-01-01"}):
        assert table(client, **nonsense) == {"8": 500, "9": Decimal("105.50")}


@pytest.mark.usefixtures("accounts")
def test_charges_of_a_past_day_are_listed_one_by_one(client: Client) -> None:
    past, due_on = TODAY - 40 * DAY, TODAY - 400 * DAY
    response = client.get(url("ageing", by="charge", on=past))
    assert [(row["label"], row["overdue"], row["due"]) for row in response.context["rows"]][:1] == [
        ("8-2-1203", 800, due_on)
    ]
    assert str(Charge.objects.get(due_on=due_on).period_end) in response.content.decode()
    exported: Any = client.post(url("ageing_export", by="charge", on=past))
    rows = list(openpyxl.load_workbook(io.BytesIO(b"".join(exported.streaming_content))).active.values)
    assert (rows[3][0], rows[3][4].date(), rows[3][5]) == ("8-2-1203", due_on, 800)


@pytest.mark.usefixtures("accounts")
def test_the_page_costs_the_same_whatever_is_owed(client: Client, project: Project) -> None:
    client.get(url("ageing", by="unit"))
    with CaptureQueriesContext(connection) as few:
        client.get(url("ageing", by="unit"))
    for number in range(20):
        create_charge(account=create_account(project=project, code=f"9-1-6{number:02}"), due_on=TODAY - 50 * DAY)
    with CaptureQueriesContext(connection) as many:
        client.get(url("ageing", by="unit"))
    assert len(many) == len(few)


@pytest.mark.usefixtures("accounts")
def test_the_export_is_recorded_masked_and_adds_up(client: Client) -> None:
    response: Any = client.post(url("ageing_export", by="owner"))
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[0] for row in rows[3:]] == ["康*", "李*博", "合计"]
    assert rows[-1][1] == 605.5
    assert AuditEvent.objects.filter(action="ledger.ageing_exported").count() == 1


def test_the_statement_of_a_group_is_the_sum_of_its_accounts(
    client: Client, project: Project, accounts: dict[str, Account]
) -> None:
    owner = Owner.objects.get(name="李小博")
    assert client.get(url("group_statement", of="owner", key="9" * 5000)).status_code == 404
    assert client.get(url("group_statement", until="0001-01-01")).status_code == 200
    response = client.get(url("group_statement", of="owner", key=owner.pk))
    stated = response.context["stated"]
    assert [line.account.unit.code for line in stated.lines] == ["8-2-1203", "9-1-402"]
    assert (stated.charged, stated.received, stated.closing) == (Decimal("845.50"), 300, Decimal("545.50"))
    assert "李小博" not in response.content.decode()
    copy = client.post(url("group_statement_copy", of="building", key=accounts["9-1-402"].unit.building_id))
    assert copy.content.startswith(b"%PDF")
    export: Any = client.post(url("group_statement_export", of="project", key=project.pk), {"until": TODAY - 40 * DAY})
    rows = list(
        openpyxl.load_workbook(io.BytesIO(b"".join(export.streaming_content))).active.iter_rows(values_only=True)
    )
    assert rows[-1][5] == 860
    assert AuditEvent.objects.filter(action__in=["papers.copy_printed", "ledger.statement_exported"]).count() == 2


def test_groups_of_another_project_are_not_found(client: Client, project: Project) -> None:
    other = create_account(project=create_project(), code="1-1-101")
    for of, key in (("unit", other.unit_id), ("building", other.unit.building_id), ("project", other.project_id)):
        assert client.get(url("group_statement", of=of, key=key)).status_code == 404
    assert client.get(url("group_statement", of="unit", key="x")).status_code == 404


@pytest.mark.parametrize("since", [None, TODAY - 60 * DAY, TODAY - 15 * DAY])
def test_lines_say_what_the_movements_say(
    since: dt.date | None, project: Project, accounts: dict[str, Account]
) -> None:
    """Also of what was reversed, waived, imported without a day, or settled outside."""
    account = accounts["8-2-1203"]
    charge = create_charge(account=account, due_on=TODAY - 80 * DAY, amount="90.00", month=dt.date(2024, 3, 1))
    create_relief(account=account, charge=charge, amount="10.00", kind=Relief.Kind.PRINCIPAL, approved=True)
    gone = create_charge(account=account, due_on=TODAY - 70 * DAY, amount="33.00", month=dt.date(2024, 2, 1))
    reverse_charge(gone.pk, today=TODAY - 20 * DAY, now=NOW, by=None)
    paid = create_payment(account=account, amount="25.00", received_on=TODAY - 50 * DAY)
    reverse_payment(paid.pk, today=TODAY - 12 * DAY, now=NOW, by=None)
    group = statement_group(project, GroupBy.PROJECT, project.pk)
    assert isinstance(group, StatementGroup)
    for until in (TODAY, TODAY - 13 * DAY, TODAY - 45 * DAY):
        if since and since > until:
            continue
        lines = {line.account.pk: line for line in group_statement(group, since=since, until=until, today=TODAY).lines}
        for one in accounts.values():
            told, line = account_movements(one, since=since, until=until), lines.get(one.pk)
            if line is None:
                assert not told.lines
                continue
            assert (line.opening, line.charged, line.received) == (told.opening, told.charged, told.received)
