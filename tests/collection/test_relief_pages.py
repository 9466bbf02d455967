"""The pages of relief and late fees: who sees and does what, in words that say what to do (A5, A6)."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arrears.models import Account, InstalmentPlan, LateFee, LateFeePolicy, Relief, Waiver
from arrears.relief import set_limit
from company.models import Project, Role, User
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_project, create_user
from tests.field_factories import create_field_case
from tests.relief_factories import create_contract, create_late_fee_policy, create_plan, create_relief

pytestmark = pytest.mark.django_db
D = Decimal
SUBMISSION = str(uuid.uuid4())


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    project = create_project()
    create_contract(project=project)
    create_late_fee_policy(fee_type=create_fee_type(project=project))
    return project


@pytest.fixture
def account(project: Project) -> Account:
    account = create_account(project=project, code="8-2-1203")
    create_charge(account=account, amount="1000.00", due_on=TODAY - dt.timedelta(days=100))
    return account


def signed_in(project: Project, role: Role) -> tuple[Client, User]:
    user, client = create_user(role=role, project=project), Client()
    client.force_login(user)
    return client, user


def url(name: str, project: Project, **arguments: object) -> str:
    return reverse(name, kwargs={"project_code": project.code, **arguments})


def test_the_account_page_tells_late_fees_only_where_the_contract_has_a_clause(account: Account) -> None:
    client, _user = signed_in(account.project, Role.FINANCE)
    page = url("arrears:account", account.project, pk=account.pk)
    assert "违约金" in client.get(page).text
    account.project.contracts.update(late_fee_word="滞纳金")
    assert "滞纳金" in client.get(page).text
    account.project.contracts.update(late_fee_clause="")
    assert "滞纳金" not in client.get(page).text


def test_a_figure_opens_to_its_days(account: Account) -> None:
    client, _user = signed_in(account.project, Role.FINANCE)
    text = client.get(url("arrears:account_late_fees", account.project, pk=account.pk)).text
    assert "2025-08-16 – 2025-11-23" in text
    assert "50.00" in text


def test_finance_assesses_once_and_reverses(account: Account) -> None:
    client, _user = signed_in(account.project, Role.FINANCE)
    for _ in range(2):
        client.post(url("arrears:account_assess", account.project, pk=account.pk))
    late_fee = LateFee.objects.get()
    assert late_fee.amount == D("50.00")
    client.post(url("arrears:late_fee_reverse", account.project, pk=late_fee.pk), {"reason": "算错"})
    late_fee.refresh_from_db()
    assert late_fee.reversed_by_id


def test_finance_sets_a_policy_and_a_suppliers_fee_needs_the_contract(project: Project) -> None:
    client, _user = signed_in(project, Role.FINANCE)
    water = create_fee_type(project=project, name="水费", nature="water", is_on_behalf=True)
    given = {"fee_type": water.pk, "daily_percent": "0.3", "grace_days": "5", "cap_percent": "30"}
    given["valid_from"] = "2025-01-01"
    client.post(url("arrears:late_fees", project), given)
    assert not LateFeePolicy.objects.filter(fee_type=water).exists()
    client.post(url("arrears:late_fees", project), {**given, "agreed_on_behalf": "on"})
    policy = LateFeePolicy.objects.get(fee_type=water)
    assert (policy.daily_rate, policy.grace_days, policy.cap_percent) == (D("0.003"), 5, D(30))


def test_a_manager_sees_the_policies_and_changes_none(project: Project) -> None:
    client, _user = signed_in(project, Role.PROJECT_MANAGER)
    page = url("arrears:late_fees", project)
    client.post(page, {"fee_type": create_fee_type(project=project).pk, "daily_percent": "0.3", "grace_days": "0"})
    assert client.get(page).status_code == 200
    assert LateFeePolicy.objects.count() == 1


def test_proposed_by_finance_decided_by_the_manager(account: Account) -> None:
    finance, _user = signed_in(account.project, Role.FINANCE)
    manager, _user = signed_in(account.project, Role.PROJECT_MANAGER)
    page = url("collection:relief_new", account.project, pk=account.pk, kind="principal")
    charge = account.charges.get()
    sent = {
        "submission": SUBMISSION,
        "reason": "计费有误",
        "effective_on": TODAY.isoformat(),
        f"charge_{charge.pk}": "200",
    }
    for _ in range(2):
        finance.post(page, sent)
    relief = Relief.objects.get()
    decide = url("collection:relief_decide", account.project, pk=relief.pk)
    assert "审批" in finance.post(decide, {"act": "approve"}, follow=True).text
    assert not Waiver.objects.exists()
    manager.post(decide, {"act": "approve"})
    assert Waiver.objects.get().amount == D("200.00")
    assert "其中减免 200.00" in finance.get(url("arrears:account", account.project, pk=account.pk)).text
    manager.post(decide, {"act": "revoke"})
    relief.refresh_from_db()
    assert relief.state == Relief.State.APPROVED  # not without a reason
    manager.post(decide, {"act": "revoke", "note": "误批"})
    relief.refresh_from_db()
    assert relief.state == Relief.State.REVOKED


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("late_fee", {"amount": "50.01"}, "50.00"),
        ("principal", {}, "请填写各笔应收减免多少"),
        ("principal", {"effective_on": "2025-11-24"}, "生效日不能晚于今天"),
        ("vacancy", {"vacant_from": "2025-05-01", "vacant_until": "2025-04-01"}, "空置结束日早于开始日"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    kind: str, values: dict, words: str, account: Account
) -> None:
    client, _user = signed_in(account.project, Role.FINANCE)
    page = url("collection:relief_new", account.project, pk=account.pk, kind=kind)
    sent = {"submission": SUBMISSION, "reason": "理由还在", "effective_on": TODAY.isoformat(), **values}
    text = client.post(page, sent).text
    assert words in text
    assert "理由还在" in text
    assert not Relief.objects.exists()


def test_a_vacancy_takes_a_real_picture_or_pdf(account: Account) -> None:
    client, _user = signed_in(account.project, Role.FINANCE)
    page = url("collection:relief_new", account.project, pk=account.pk, kind="vacancy")
    sent = {
        "submission": SUBMISSION, "reason": "空置半年", "effective_on": TODAY.isoformat(), "vacant_from": "2025-01-01",
        "vacant_until": "2025-06-30", f"charge_{account.charges.get().pk}": "300",
    }  # fmt: skip
    client.post(page, {**sent, "proof": SimpleUploadedFile("空置.pdf", b"<html>")})
    assert not Relief.objects.exists()
    client.post(page, {**sent, "proof": SimpleUploadedFile("空置.pdf", b"%PDF-1.7")})
    proof = client.get(url("collection:relief_proof", account.project, pk=Relief.objects.get().pk))
    assert proof["Content-Type"] == "application/pdf"


def test_a_head_sees_and_decides_the_own_teams_up_to_the_limit(project: Project) -> None:
    client, head = signed_in(project, Role.DEPARTMENT_HEAD)
    own = create_field_case(project=project, by=head).account
    foreign = create_account(project=project, code="9-1-0909")
    create_charge(account=foreign, due_on=TODAY - dt.timedelta(days=200))
    for account in (own, foreign):
        create_relief(account=account, kind=Relief.Kind.LATE_FEE, amount="0.50")
    text = client.get(url("collection:relief", project)).text
    assert own.unit.code in text
    assert "9-1-0909" not in text
    theirs = Relief.objects.get(account=foreign)
    assert client.post(url("collection:relief_decide", project, pk=theirs.pk), {"act": "approve"}).status_code == 404
    ours = url("collection:relief_decide", project, pk=Relief.objects.get(account=own).pk)
    assert "超出您的审批额度" in client.post(ours, {"act": "approve"}, follow=True).text
    set_limit(project, D("100.00"), by=create_user(), now=NOW)
    client.post(ours, {"act": "approve"})
    assert Relief.objects.get(account=own).state == Relief.State.APPROVED


def test_only_the_manager_sets_the_limit(project: Project) -> None:
    for role, status in ((Role.FINANCE, 403), (Role.DEPARTMENT_HEAD, 403), (Role.PROJECT_MANAGER, 302)):
        client, _user = signed_in(project, role)
        assert client.post(url("collection:relief_limit", project), {"late_fee": "500"}).status_code == status


def test_a_plan_is_proposed_by_form_and_runs_when_the_manager_says_so(account: Account) -> None:
    finance, _user = signed_in(account.project, Role.FINANCE)
    manager, _user = signed_in(account.project, Role.PROJECT_MANAGER)
    page = url("collection:plan_new", account.project, pk=account.pk)
    assert 'value="2025-12-31"' in finance.get(page).text
    sent = {"submission": SUBMISSION, "reason": "分两期", "day_1": "2025-12-31", "amount_1": "500"}
    assert "超过欠费" in finance.post(page, {**sent, "day_2": "2026-01-31", "amount_2": "900"}).text
    for _ in range(2):
        finance.post(page, {**sent, "day_2": "2026-01-31", "amount_2": "550"})
    plan = InstalmentPlan.objects.get()
    manager.post(url("collection:plan_decide", account.project, pk=plan.pk), {"act": "approve"})
    plan.refresh_from_db()
    assert plan.state == InstalmentPlan.State.RUNNING
    assert "2026-01-31" in manager.get(url("collection:relief", account.project)).text


@pytest.mark.parametrize("size", [3, 30])
def test_the_list_costs_a_fixed_number_of_queries(size: int, project: Project, django_assert_max_num_queries) -> None:
    client, _user = signed_in(project, Role.PROJECT_MANAGER)
    for number in range(size):
        account = create_account(project=project)
        create_charge(account=account, month=dt.date(2025, 1, 1))
        create_relief(account=account, approved=number % 2 == 0)
        create_plan(account=account, running=number % 2 == 0)
    with django_assert_max_num_queries(25):
        client.get(url("collection:relief", project))
