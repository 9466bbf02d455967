"""The lists that offices pass on: arrears by year with months owed, and the reasons of arrears (D5)."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from django.http import HttpResponse
from pytest_django import Settings

from arrears.models import Account, FeeType
from arrears.posting import post_charge
from collection.fixed_exports import owed_by_year
from collection.models import ArrearsReason, Case, ContactAttempt
from collection.reasons import Reason, write_reason
from company.models import AuditEvent, Project, Role
from owners.models import ExportConsent
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_case,
    create_charge,
    create_contact,
    create_fee_type,
    create_payment,
    create_project,
    create_promise,
    create_user,
)
from tests.field_factories import queries

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def account(project: Project) -> Account:
    """Owes two months of 2023, of one of them for two fees, and three of 2025, of which one is paid in part."""
    account = create_account(project=project, code="1-1-101", names=["=张三"])
    for month in (dt.date(2023, 11, 1), dt.date(2023, 12, 1), *(dt.date(2025, m, 1) for m in (1, 2, 3))):
        create_charge(account=account, month=month)
    create_charge(account=account, month=dt.date(2023, 12, 1), amount="7.50", fee_type=_water(project))
    create_payment(account=account, amount="30.00", received_on=dt.date(2025, 4, 1))  # the oldest: November 2023
    return account


def _water(project: Project) -> FeeType:
    return create_fee_type(project=project, name="水费", nature=FeeType.Nature.WATER)


def sheets(response: HttpResponse) -> dict[str, list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.rows] for sheet in book}


class TestByYear:
    def test_amounts_by_year_and_months_each_once(self, project: Project, account: Account) -> None:
        owed = owed_by_year(project, on=TODAY)[account.pk]
        assert owed.by_year == {2023: D("177.50"), 2025: D("300.00")}
        assert owed.months == 5
        assert owed.undated == 0

    def test_a_quarter_is_three_months_and_what_is_not_due_none(self, project: Project) -> None:
        account = create_account(project=project)
        quarter = {"period_start": dt.date(2025, 4, 1), "period_end": dt.date(2025, 6, 30)}
        post_charge(
            account_id=account.pk, fee_type=create_fee_type(project=project), due_on=dt.date(2025, 6, 30),
            amount=D(300), now=NOW, **quarter,
        )  # fmt: skip
        create_charge(account=account, month=dt.date(2025, 11, 1))  # due on the 30th
        assert owed_by_year(project, on=TODAY)[account.pk].months == 3

    def test_sums_are_those_of_the_cases(self, project: Project, account: Account) -> None:
        case = create_case(account=account)
        owed = owed_by_year(project, on=TODAY)[account.pk]
        assert sum(owed.by_year.values()) == case.overdue

    def test_another_project_is_not_in_it(self, project: Project, account: Account) -> None:
        assert not owed_by_year(create_project(code="X"), on=TODAY)

    def test_takes_as_many_queries_for_many_as_for_few(self, project: Project) -> None:
        counted = []
        for number in (3, 27):
            for _n in range(number):
                create_charge(account=create_account(project=project))
            with queries() as captured:
                owed_by_year(project, on=TODAY)
            counted.append(len(captured))
        assert counted == [2, 2]


class TestWorkbooks:
    @pytest.fixture
    def case(self, account: Account) -> Case:
        case = create_case(account=account, responsible=create_user(name="王倩"))
        write_reason([case], Reason(ArrearsReason.BURGLED), by=create_user(name="赵启明"), now=NOW, note="11月被盗")
        create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER)
        create_promise(case=case, pay_by=TODAY + dt.timedelta(days=3), amount="200.00")
        return case

    def test_the_ledger_says_what_the_office_asks_for(self, project: Project, case: Case) -> None:
        desk = Desk(project, Role.FINANCE, "何琳")
        [(_name, rows)] = sheets(desk.post("fixed_export", name="arrears-by-year")).items()
        head = next(row for row in rows if "欠费月数" in row)
        line = dict(zip(head, rows[rows.index(head) + 1], strict=True))
        assert (line["2023"], line["2025"], line["合计"], line["欠费月数"]) == (177.5, 300, 477.5, 5)
        assert (line["原因"], line["负责"], line["承诺金额"]) == ("家中被盗", "王倩", 200)
        assert line["业主"] == "=*三"
        assert AuditEvent.objects.get(action="cases.fixed_export").detail["names"] == "masked"

    def test_the_reasons_add_up_and_say_what_they_rest_on(self, project: Project, case: Case) -> None:
        create_case(project=project, amount="22.50")
        book = sheets(Desk(project, Role.PROJECT_MANAGER).post("fixed_export", name="reasons"))
        summary, listed = book.values()
        assert [row[1] for row in summary if row[0] in {"家中被盗", "合计"}] == [1, 2]
        assert next(row for row in summary if row[0] == "合计")[3] == 500
        line = next(row for row in listed if row[0] == "家中被盗")
        assert "11月被盗" in line
        assert "赵启明" in line

    def test_cells_do_not_compute(self, project: Project, case: Case) -> None:
        desk = Desk(project, Role.FINANCE, "何琳")
        response = desk.post("fixed_export", {"names": "full"}, name="arrears-by-year")
        book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
        cell = next(cell for row in book.active.rows for cell in row if cell.value == "=张三")
        assert cell.data_type == "s"

    def test_names_of_many_need_a_second_person(self, project: Project, case: Case, settings: Settings) -> None:
        settings.PERSONAL_EXPORT_LIMIT = 1
        create_case(project=project)
        desk = Desk(project, Role.FINANCE, "何琳")
        answer = desk.post("fixed_export", {"names": "full"}, name="reasons")
        assert "需要第二人同意" in answer.content.decode()
        form = answer.context["form"]
        told = {"submission": form["submission"].value(), "export": form["export"].value(), "reason": "交街道"}
        desk.client.post(f"/p/{project.code}/exports/ask/", told)
        assert ExportConsent.objects.get().people == 2

    def test_others_export_nothing(self, project: Project, case: Case) -> None:
        for role in (Role.OFFICER, Role.DEPARTMENT_HEAD, Role.NOTICE_ADMIN, Role.COMPANY_LEADER):
            assert Desk(project, role, "某人").post("fixed_export", name="reasons").status_code == 403
