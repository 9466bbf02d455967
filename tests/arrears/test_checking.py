"""check_ledger finds every way in which balances and rows could part. Rows are spoilt here by the owner's role."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from arrears.assessing import assess_late_fees, reverse_late_fee
from arrears.checking import CHECKS, check_ledger, totals
from arrears.models import Account, LateFee
from arrears.posting import post_refund, reverse_charge, reverse_payment
from arrears.relief import revoke_relief
from company.rights import Right
from tests.arrears.spoiling import as_owner
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
    create_project,
    create_user,
)
from tests.relief_factories import create_contract, create_late_fee_policy, create_relief

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    """An account with every kind of row on it, and nothing wrong."""
    account = create_account(project=create_project(code="S1"), code="1-2-1001")
    charges = [create_charge(account=account, month=TODAY.replace(month=month, day=1)) for month in (1, 2, 3)]
    create_payment(account=account, amount="20.00", kind="imported", designated={charges[2].pk: Decimal("20.00")})
    create_payment(account=account, amount="150.00")
    wrong = create_payment(account=account, amount="10.00")
    reverse_payment(wrong.pk, today=TODAY, now=NOW, by=None)
    reverse_charge(charges[0].pk, today=TODAY, now=NOW, by=None)
    assess_twice(account)
    for amount in ("1.00", "2.00"):
        waived = create_relief(account=account, charge=charges[2], amount=amount, approved=True)
    revoke_relief(waived.pk, by=create_user(), rights=frozenset(Right), now=NOW, today=TODAY, note="误批")
    ahead = create_account(project=account.project, code="1-2-1002")
    create_payment(account=ahead, amount="150.00")
    post_refund(account_id=ahead.pk, amount=Decimal("50.00"), refunded_on=TODAY, now=NOW)
    return account


def assess_twice(account: Account) -> None:
    """Late fees of which one is reversed, on the charges due in March."""
    create_contract(project=account.project)
    create_late_fee_policy(fee_type=create_fee_type(project=account.project), valid_from=TODAY.replace(month=3, day=1))
    assess_late_fees(account.project, as_of=TODAY, now=NOW, by=None)
    reverse_late_fee(LateFee.objects.get().pk, today=TODAY, now=NOW, by=None)
    assess_late_fees(account.project, as_of=TODAY, now=NOW, by=None)


SPOIL = {
    "settled of a charge": "UPDATE arrears_chargebalance SET settled = settled - 0.01 WHERE settled > 0",
    "used of a payment": "UPDATE arrears_paymentbalance SET allocated = allocated - 0.01 WHERE allocated > 0",
    "settled of a late fee": "UPDATE arrears_latefeebalance SET settled = settled + 0.01 WHERE is_live",
    "balance of a late fee": "UPDATE arrears_latefeebalance SET amount = amount + 0.01 WHERE is_live",
    "late fee of a live charge": """
        UPDATE arrears_latefee SET charge_id = (SELECT id FROM arrears_charge WHERE reversed_by_id IS NOT NULL)""",
    "reversal of a late fee": "UPDATE arrears_latefee SET reversed_by_id = NULL WHERE reversed_by_id IS NOT NULL",
    "waiver that was approved": "UPDATE arrears_relief SET state = 'revoked'",
    "reversal of a waiver": "UPDATE arrears_waiver SET amount = amount + 1 WHERE kind = 'reversal'",
    "balance of a charge": "UPDATE arrears_chargebalance SET due_on = due_on + 1",
    "balance of a payment": "DELETE FROM arrears_paymentbalance WHERE is_live",
    "balance of a row that has none": """
        INSERT INTO arrears_chargebalance (charge_id, project_id, account_id, due_on, amount)
        SELECT id, project_id, account_id, due_on, amount FROM arrears_charge WHERE kind = 'reversal'""",
    "refund covered by credit": """
        UPDATE arrears_allocation SET amount = amount - 1 WHERE refund_id IS NOT NULL""",
    "amount bound to a charge": """
        UPDATE arrears_paymentbalance SET allocated = 0 WHERE payment_id IN
               (SELECT id FROM arrears_payment WHERE kind = 'imported')""",
    "credit beside open charges": """
        UPDATE arrears_chargebalance SET settled = 0 WHERE settled > 0;
        UPDATE arrears_paymentbalance SET allocated = 0""",
    "allocation within one account": """
        UPDATE arrears_allocation SET account_id = (SELECT max(id) FROM arrears_account) WHERE charge_id IS NOT NULL""",
    "reversal of a charge": "UPDATE arrears_charge SET amount = amount + 1 WHERE kind = 'reversal'",
    "reversal of a payment": "UPDATE arrears_payment SET reversed_by_id = NULL WHERE reversed_by_id IS NOT NULL",
    "release of an allocation": "UPDATE arrears_allocation SET amount = amount + 1 WHERE kind = 'release'",
    "unit and project of an account": """
        UPDATE arrears_charge SET unit_id = (SELECT max(id) FROM owners_unit) WHERE kind = 'charge'""",
}  # fmt: skip


def test_a_sound_ledger_has_no_differences(account: Account) -> None:
    assert check_ledger() == []
    assert totals(project=account.project).outstanding == Decimal("29.00")
    assert totals().credit == Decimal("100.00")


def test_every_check_has_its_attack() -> None:
    assert set(SPOIL) == set(CHECKS)


@pytest.mark.parametrize("check", SPOIL)
def test_each_check_finds_its_fault(check: str, account: Account) -> None:
    with as_owner(without_triggers=True) as owner:
        owner.execute(SPOIL[check])
    found = [difference for difference in check_ledger() if difference.check == check]
    assert found
    assert {difference.project for difference in found} == {"S1"}
    assert {difference.unit for difference in found} <= {"1-2-1001", "1-2-1002"}


def test_the_command_exits_with_an_error_and_names_unit_and_difference(account: Account) -> None:
    with as_owner() as owner:
        owner.execute("UPDATE arrears_chargebalance SET settled = settled - 0.05 WHERE settled > 1")
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError):
        call_command("check_ledger", "--json", stdout=out, stderr=err)
    answer = json.loads(out.getvalue().splitlines()[-1])
    assert not answer["ok"]
    assert any("1-2-1001" in line and "settled of a charge" in line for line in err.getvalue().splitlines())
    difference = next(d for d in answer["differences"] if d["check"] == "settled of a charge")
    assert Decimal(difference["expected"]) - Decimal(difference["actual"]) == Decimal("0.05")


def test_the_command_is_content_with_a_sound_ledger(account: Account) -> None:
    out = StringIO()
    call_command("check_ledger", "--project", "S1", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["ok"], answer["outstanding"], answer["differences"]) == (True, "29.00", [])


def test_only_the_named_project_is_checked(account: Account) -> None:
    create_project(code="S2")
    with as_owner() as owner:
        owner.execute("UPDATE arrears_chargebalance SET settled = settled - 0.05 WHERE settled > 1")
    call_command("check_ledger", "--project", "S2", stdout=StringIO())
    with pytest.raises(CommandError, match="no project"):
        call_command("check_ledger", "--project", "S3")
