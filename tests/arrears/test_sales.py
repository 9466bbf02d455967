"""The sale of a unit: shown before it is recorded, debt stays where it is, a mistake is taken back."""

import datetime as dt
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from arrears.accounts import account_on
from arrears.models import Account, Charge
from arrears.sales import PostedSinceError, preview_sale, undo_sale
from arrears.verification import verify
from company.models import AuditEvent, Project, Role
from owners import ownerships
from owners.contact_points import add_phone
from owners.models import Owner, Ownership, Phone
from owners.ownerships import SaleError, SaleStandsError, sell_unit
from owners.personal_data import keyed_hash
from tests.arrears.test_races import at_once
from tests.factories import (
    NOW,
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

pytestmark = pytest.mark.django_db
SOLD_ON = dt.date(2025, 6, 1)
TYPED = {
    "sold_on": "2025-06-01",
    "buyers-TOTAL_FORMS": "3",
    "buyers-INITIAL_FORMS": "0",
    "buyers-0-name": "孙立",
    "buyers-0-phone": "139 0000 1234",
    "buyers-0-id_number": "330206198001011234",
}


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def account(project: Project) -> Account:
    """Owes January; June, after the sale, is charged already and paid in part; 30.00 paid ahead are credit."""
    account = create_account(project=project, code="8-2-1203", names=["李小博"])
    create_charge(account=account, month=dt.date(2025, 6, 1), amount="60.00")
    create_payment(account=account, amount="90.00", received_on=dt.date(2025, 6, 15))
    create_charge(account=account, month=dt.date(2025, 1, 1), amount="100.00")
    return account


@pytest.fixture
def finance(project: Project) -> Client:
    client = Client()
    client.force_login(create_user(name="何琳", role=Role.FINANCE, project=project))
    return client


def url(name: str, unit: Any) -> str:
    return reverse(name, kwargs={"project_code": unit.project.code, "pk": unit.pk})


def sale(account: Account) -> str:
    return url("arrears:unit_sale", account.unit)


def test_what_stays_and_what_is_misplaced(account: Account, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6):
        preview = preview_sale(account.unit, sold_on=SOLD_ON)
        assert [balance.charge.period_start.month for balance in preview.stays] == [1]
        assert [balance.charge.period_start.month for balance in preview.misplaced] == [6]
        assert [payment.amount for payment in preview.late_payments] == [Decimal("90.00")]
    assert preview.debt == Decimal("70.00")
    assert preview.credit == Decimal("0.00")


def test_a_period_that_ends_on_the_day_of_the_sale_is_the_new_owners(account: Account) -> None:
    last_of_january = preview_sale(account.unit, sold_on=dt.date(2025, 1, 31))
    assert [balance.charge.period_start.month for balance in last_of_january.misplaced] == [1, 6]
    assert not last_of_january.stays


def test_a_sale_is_shown_first_and_recorded_on_confirming(account: Account, finance: Client) -> None:
    shown = finance.post(sale(account), TYPED).content.decode()
    for told in ("李*博", "孙立", "70.00", "2025-06-01 – 2025-06-30", "今后入账"):
        assert told in shown
    assert Ownership.objects.count() == 1
    finance.post(sale(account), {**TYPED, "act": "confirm"})
    before, after = Ownership.objects.order_by("period")
    assert (before.period.upper, after.period.lower, after.party_name) == (SOLD_ON, SOLD_ON, "孙立")
    new = after.owners.get()
    assert (new.id_number_hash, new.phones.get().last4) == (keyed_hash("330206198001011234"), "1234")
    theirs = account_on(account.unit, SOLD_ON)
    create_charge(account=theirs, month=dt.date(2025, 7, 1), amount="60.00")
    assert theirs != account
    assert Charge.objects.filter(account=account).count() == 2
    assert AuditEvent.objects.filter(action="owners.unit_sold", user__name="何琳").exists()


def test_several_buyers_one_of_them_on_file(account: Account, project: Project, finance: Client) -> None:
    known = create_owner(project=project, name="王敏")
    add_phone(known, "13812342617", by=None)
    typed = {**TYPED, "buyers-1-name": "王敏", "buyers-1-last4": "2617"}
    assert "本项目" in finance.get(sale(account)).content.decode()
    finance.post(sale(account), {**typed, "act": "confirm"})
    party = Ownership.objects.get(period__endswith__isnull=True)
    assert party.party_name == "孙立、王敏"
    assert known in party.owners.all()
    assert Owner.objects.filter(name="王敏").count() == 1


def test_a_namesake_is_pointed_out(account: Account, project: Project, finance: Client) -> None:
    create_owner(project=project, name="孙立")
    assert "已有同名业主" in finance.post(sale(account), TYPED).content.decode()


def test_the_same_name_and_id_number_is_who_is_on_file(account: Account, project: Project, finance: Client) -> None:
    known = create_owner(project=project, name="孙立", id_number_hash=keyed_hash("330206198001011234"))
    finance.post(sale(account), {**TYPED, "act": "confirm"})
    assert Ownership.objects.get(period__endswith__isnull=True).owners.get() == known


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"sold_on": "2099-01-01"}, "sold_on"),
        ({"sold_on": ""}, "sold_on"),
        ({"buyers-0-name": "", "buyers-0-phone": "", "buyers-0-id_number": ""}, "set"),
        ({"buyers-0-phone": "12"}, "phone"),
        ({"buyers-0-id_number": "", "buyers-0-last4": "0000"}, "last4"),
        ({"buyers-0-last4": "0000"}, "id_number"),
        ({"buyers-1-name": "孙立", "buyers-1-id_number": "330206198001011234"}, "set"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    typed: dict[str, str], field: str, account: Account, finance: Client
) -> None:
    response = finance.post(sale(account), {**TYPED, **typed, "act": "confirm"})
    form, rows = response.context["form"], response.context["rows"]
    wrong = {*form.errors, *rows.forms[0].errors, *(["set"] if rows.non_form_errors() else [])}
    assert field in wrong
    assert "没有保存" in response.content.decode()
    assert Ownership.objects.count() == 1
    assert not Phone.objects.exists()


def test_a_second_sale_of_the_day_is_refused_in_words(account: Account, finance: Client) -> None:
    finance.post(sale(account), {**TYPED, "act": "confirm"})
    response = finance.post(sale(account), {**TYPED, "act": "confirm"})
    assert "2025-06-01" in str(response.context["form"].errors["sold_on"])
    assert Ownership.objects.count() == 2
    assert Owner.objects.filter(name="孙立").count() == 1


@pytest.mark.parametrize("role", [Role.NOTICE_ADMIN, Role.COMPANY_LEADER, Role.OFFICER, Role.DEPARTMENT_HEAD])
def test_others_record_no_sale(role: Role, account: Account, project: Project) -> None:
    client = Client()
    client.force_login(create_user(role=role, project=project))
    assert client.post(sale(account), {**TYPED, "act": "confirm"}).status_code == 403
    sold = sell_unit(account.unit, [create_owner(project=project)], sold_on=SOLD_ON, by=None)
    assert client.post(url("arrears:sale_undo", sold)).status_code == 403
    assert Ownership.objects.count() == 2


def test_a_mistaken_sale_is_taken_back_without_a_gap(account: Account, finance: Client) -> None:
    sold = sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)
    finance.post(url("arrears:sale_undo", sold))
    left = Ownership.objects.get()
    assert (left, left.period.upper) == (account.ownership, None)
    assert Account.objects.get() == account
    assert AuditEvent.objects.filter(action="owners.sale_taken_back").exists()
    sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)


def test_once_something_is_posted_the_sale_stays(account: Account, finance: Client) -> None:
    sold = sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)
    create_charge(account=account_on(account.unit, SOLD_ON), month=dt.date(2025, 7, 1))
    response = finance.post(url("arrears:sale_undo", sold), follow=True)
    assert "新业主名下已有入账" in response.content.decode()
    assert Ownership.objects.count() == 2


def test_a_verification_keeps_the_sale_too(account: Account) -> None:
    sold = sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)
    verify([account_on(account.unit, SOLD_ON)], by=create_user(), now=NOW, looked_up=True)
    with pytest.raises(PostedSinceError):
        undo_sale(sold, by=create_user())
    assert Ownership.objects.count() == 2


def test_only_the_latest_sale_is_taken_back(account: Account) -> None:
    first = sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)
    sell_unit(account.unit, [create_owner(project=account.project)], sold_on=dt.date(2025, 8, 1), by=None)
    for party in (first, account.ownership):
        with pytest.raises(SaleStandsError):
            undo_sale(party, by=create_user())
    assert Ownership.objects.count() == 3


def test_an_owner_who_was_not_known_is_entered(project: Project, finance: Client) -> None:
    account = create_account(unit=create_unit(project=project, code="8-2-1204"), names=[])
    create_charge(account=account)
    edit = reverse("owners:party_edit", kwargs={"project_code": project.code, "pk": account.ownership_id})
    typed = {key: value for key, value in TYPED.items() if key != "sold_on"}
    finance.post(edit, {**typed, "had": "0"})
    account.refresh_from_db()
    assert account.ownership.party_name == "孙立"
    assert account.ownership.period.upper is None
    assert Account.objects.get().charges.count() == 1
    # Sent again by somebody who saw no owner: nothing is added.
    answer = finance.post(edit, {**typed, "buyers-0-name": "王敏", "buyers-0-id_number": "", "had": "0"}, follow=True)
    assert "未作更改" in answer.content.decode()
    assert not Owner.objects.filter(name="王敏").exists()


def test_a_co_owner_comes_and_goes(account: Account, project: Project, finance: Client) -> None:
    party = account.ownership
    here = {"project_code": project.code, "pk": party.pk}
    typed = {key: value for key, value in TYPED.items() if key != "sold_on"}
    finance.post(reverse("owners:party_edit", kwargs=here), {**typed, "had": "1"})
    party.refresh_from_db()
    assert party.party_name == "李小博、孙立"
    first, second = party.owners.order_by("pk")
    finance.post(reverse("owners:member_remove", kwargs={**here, "member": first.pk}))
    party.refresh_from_db()
    assert party.party_name == "孙立"
    answer = finance.post(reverse("owners:member_remove", kwargs={**here, "member": second.pk}), follow=True)
    assert "最后一位业主不能移除" in answer.content.decode()
    assert party.members.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "control"])
def test_two_sales_at_once_are_one_sale(locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: without the unit's lock only the exclusion constraint stops the second, with an error page."""
    unit = create_unit(project=create_project())
    create_ownership(unit=unit, owners=[create_owner(project=unit.project)])
    buyers = [create_owner(project=unit.project, name=name) for name in ("孙立", "王敏")]
    write = ownerships._write_members

    def slow(*args: Any) -> None:
        time.sleep(0.1)
        write(*args)

    monkeypatch.setattr(ownerships, "_write_members", slow)
    if not locked:
        monkeypatch.setattr(ownerships, "lock_unit", lambda _pk: None)
    failures = at_once(lambda n: sell_unit(unit, [buyers[n]], sold_on=SOLD_ON, by=None), clients=2)
    assert Ownership.objects.count() == 2
    assert [type(failure) for failure in failures] == [SaleError if locked else IntegrityError]


@pytest.mark.django_db(transaction=True)
def test_what_is_posted_while_the_sale_is_taken_back_is_never_without_its_owner(settings) -> None:
    """The posting has begun and is not seen yet: one of the two is refused whole."""
    settings.LEDGER_FOLLOWERS = []
    account = create_account()
    sold = sell_unit(account.unit, [create_owner(project=account.project)], sold_on=SOLD_ON, by=None)
    fee, by = create_fee_type(project=account.project), create_user()
    posting = threading.Event()

    def act(number: int) -> None:
        if number:
            posting.wait(timeout=30)
            undo_sale(sold, by=by)
            return
        with transaction.atomic():
            theirs = account_on(account.unit, SOLD_ON)
            create_charge(account=theirs, month=dt.date(2025, 7, 1), fee_type=fee)
            posting.set()
            time.sleep(0.3)

    failures = at_once(act, clients=2)
    assert len(failures) == 1
    assert isinstance(failures[0], IntegrityError | PostedSinceError)
    owned = set(Ownership.objects.values_list("pk", flat=True))
    assert set(Account.objects.values_list("ownership_id", flat=True)) <= owned
    assert Charge.objects.count() == len(owned) - 1
