import pytest
from django.test import Client
from django.urls import reverse

from arrears.posting import reverse_payment
from company.models import AuditEvent, Role
from notices.models import Paper
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_payment,
    create_project,
    create_receipt,
    create_user,
)
from tests.notices.pdf_text import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project():
    return create_project(code="FHC1", company_name="凤凰城物业服务有限公司")


@pytest.fixture
def account(project):
    account = create_account(project=project, code="3-2-1802", names=["陈建国", "王秀兰"])
    create_charge(account=account, amount="130.00")
    return account


def signed_in(project, role=Role.FINANCE):
    client = Client()
    client.user = create_user(name="何琳", role=role, project=project)
    client.force_login(client.user)
    return client


def url(name, **kwargs):
    return reverse(f"notices:{name}", kwargs={"project_code": "FHC1"} | kwargs)


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def pdf(response):
    assert response["Content-Type"] == "application/pdf"
    return text_of(b"".join(response) if response.streaming else response.content)


class TestReceipt:
    def test_finance_issues_and_prints_it(self, project, account):
        client, payment = signed_in(project), create_payment(account=account)
        receipt = url("receipt", pk=payment.pk)
        assert receipt in page(client.get(reverse("arrears:account", args=["FHC1", account.pk])))
        assert receipt in page(client.get(reverse("arrears:payments", args=["FHC1"])))
        html = page(client.post(receipt, follow=True))
        paper = Paper.objects.get()
        assert paper.number in html
        assert url("paper_file", pk=paper.pk) in html
        text = pdf(client.get(url("paper_file", pk=paper.pk)))
        assert "交款人：陈建国、王秀兰" in text
        assert AuditEvent.objects.get(action="papers.downloaded").user == client.user

    def test_twice_posted_it_is_one(self, project, account):
        client, payment = signed_in(project), create_payment(account=account)
        for _ in range(2):
            client.post(url("receipt", pk=payment.pk))
        assert Paper.objects.count() == 1

    def test_after_a_reversal_the_page_says_that_it_is_void_and_the_file_is_gone(self, project, account):
        client, paper = signed_in(project), create_receipt(account=account)
        reverse_payment(paper.payment_id, today=TODAY, now=NOW, by=None)
        html = page(client.get(url("receipt", pk=paper.payment_id)))
        assert f"收据 {paper.number} 已作废" in html
        assert url("paper_file", pk=paper.pk) not in html
        assert client.get(url("paper_file", pk=paper.pk)).status_code == 404
        assert "已作废" in page(client.get(url("papers")))

    @pytest.mark.parametrize("role", [Role.PROJECT_MANAGER, Role.NOTICE_ADMIN, Role.COMPANY_LEADER])
    def test_only_finance_issues(self, project, account, role):
        payment = create_payment(account=account)
        client = signed_in(project, role)
        assert "开收据" not in page(client.get(url("receipt", pk=payment.pk)))
        assert client.post(url("receipt", pk=payment.pk)).status_code == 403
        assert not Paper.objects.exists()

    def test_without_a_company_it_says_what_to_do(self, project, account):
        project.company_name = ""
        project.save()
        payment = create_payment(account=account)
        html = page(signed_in(project).post(url("receipt", pk=payment.pk), follow=True))
        assert "请先在项目设置里填写" in html

    @pytest.mark.parametrize("role", [Role.COMPANY_LEADER, Role.NOTICE_ADMIN])
    def test_who_may_not_export_the_ledger_gets_no_file_that_names_the_owner(self, project, account, role):
        paper, client = create_receipt(account=account), signed_in(project, role)
        html = page(client.get(url("receipt", pk=paper.payment_id)))
        assert "陈建国" not in html
        assert client.get(url("paper_file", pk=paper.pk)).status_code == 403

    @pytest.mark.parametrize("role", [Role.OFFICER, Role.DEPARTMENT_HEAD])
    def test_field_staff_do_not_see_the_ledger_of_the_project(self, project, account, role):
        paper, client = create_receipt(account=account), signed_in(project, role)
        for address in (
            url("papers"),
            url("receipt", pk=paper.payment_id),
            url("account_papers", pk=account.pk),
        ):
            assert client.get(address).status_code == 404


class TestStatement:
    def test_the_page_shows_the_balance_day_by_day_with_names_masked(self, project, account):
        create_payment(account=account, amount="30.00")
        html = page(signed_in(project).get(url("account_papers", pk=account.pk)))
        assert "陈*国" in html
        assert "陈建国" not in html
        assert "100.00" in html

    def test_it_is_issued_for_the_owner(self, project, account):
        client = signed_in(project, Role.PROJECT_MANAGER)
        days = {"since": "2025-01-01", "until": "2025-06-30"}
        html = page(client.post(url("statement_issue", pk=account.pk), days, follow=True))
        paper = Paper.objects.get()
        assert paper.number in html
        assert str(paper.ends_on) == "2025-06-30"
        assert "业主：陈建国、王秀兰" in pdf(client.get(url("paper_file", pk=paper.pk)))

    @pytest.mark.parametrize("days", [{"until": "2999-01-01"}, {"since": "2025-05-01", "until": "2025-01-01"}])
    def test_days_that_cannot_be_are_refused(self, project, account, days):
        html = page(signed_in(project).post(url("statement_issue", pk=account.pk), days, follow=True))
        assert "ad-msg red" in html
        assert not Paper.objects.exists()

    def test_the_copy_for_the_office_has_no_number_and_masks_names(self, project, account):
        client = signed_in(project, Role.COMPANY_LEADER)
        text = pdf(client.post(url("statement_copy", pk=account.pk), {"until": "2025-10-31"}))
        assert "内部查阅" in text
        assert "业主：陈*国、王*兰" in text
        assert not Paper.objects.exists()
        assert AuditEvent.objects.filter(action="papers.copy_printed").exists()


class TestRegister:
    def test_it_is_filtered_and_sorted(self, project, account):
        client = signed_in(project)
        numbers = [create_receipt(account=account).number for _ in range(2)]
        client.post(url("statement_issue", pk=account.pk))
        rows = [paper.number for paper, _ in client.get(url("papers") + "?kind=receipt&sort=number").context["rows"]]
        assert rows == numbers
        assert len(client.get(url("papers") + "?q=ST").context["rows"]) == 1
        assert len(client.get(url("papers") + "?state=void").context["rows"]) == 0
        assert len(client.get(url("papers") + "?q=3-2").context["rows"]) == 3

    def test_it_costs_the_same_for_many_as_for_few(self, project, account, django_assert_max_num_queries):
        client = signed_in(project)
        create_receipt(account=account)
        client.get(url("papers"))
        with django_assert_max_num_queries(14) as few:
            client.get(url("papers"))
        for _ in range(9):
            create_receipt(account=account)
        with django_assert_max_num_queries(len(few)):
            client.get(url("papers"))

    def test_an_empty_one_says_where_to_begin(self, project):
        assert "还没有开具过" in page(signed_in(project).get(url("papers")))
