"""Rows of the ledger name parents that exist and say the same (docs/decisions/0015)."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from arrears.models import Account, Allocation, Charge, ChargeBalance, FeeType, Import, Payment, PaymentBalance
from tests.arrears.spoiling import as_owner
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_payment, create_project

NOBODY = 987_654_321


@pytest.fixture
def account(db: None) -> Account:
    account = create_account()
    create_charge(account=account)
    create_payment(account=account)
    return account


def copy(row: models.Model, **changes: object) -> None:
    """Insert a second row like ``row`` but for ``changes``."""
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if not f.auto_created}
    type(row).objects.create(**{**values, **changes})


def create_import(account: Account) -> Import:
    return Import.objects.create(project=account.project, kind=Import.Kind.CHARGES, file_name="a.xlsx")


def a_fee_elsewhere() -> int:
    return create_fee_type(project=create_project()).pk


NEXT_MONTH = {"period_start": dt.date(2024, 1, 1), "period_end": dt.date(2024, 1, 31)}
LIES: dict[str, tuple[type[models.Model], Any]] = {
    "charge of an account that is not there": (Charge, lambda: {"account_id": NOBODY}),
    "charge of another unit": (Charge, lambda: {"unit_id": create_account().unit_id}),
    "charge of another project": (Charge, lambda: {"project_id": create_project().pk}),
    "charge of a fee that is not there": (Charge, lambda: {"fee_type_id": NOBODY}),
    "charge of another project's fee": (Charge, lambda: {"fee_type_id": a_fee_elsewhere()}),
    "charge of an import that is not there": (Charge, lambda: {"source_id": NOBODY}),
    "charge of another project's import": (Charge, lambda: {"source_id": create_import(create_account()).pk}),
    "payment of an account that is not there": (Payment, lambda: {"account_id": NOBODY}),
    "payment of another project": (Payment, lambda: {"project_id": create_project().pk}),
    "payment of another project's import": (Payment, lambda: {"source_id": create_import(create_account()).pk}),
    "allocation of a payment that is not there": (Allocation, lambda: {"payment_id": NOBODY}),
    "allocation to a charge that is not there": (Allocation, lambda: {"charge_id": NOBODY}),
    "allocation of another project": (Allocation, lambda: {"project_id": create_project().pk}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_contradicts_its_parents_is_refused(lie: str, account: Account) -> None:
    model, changes = LIES[lie]
    row = model._default_manager.first()
    further = NEXT_MONTH if model is Charge else {}
    with pytest.raises(IntegrityError, match="contradicts what it names"), transaction.atomic():
        copy(row, **further, **changes())
    copy(row, **further)


@pytest.mark.parametrize("name", ["project_id", "account_id", "due_on", "amount"])
def test_a_balance_repeats_its_charge(name: str, account: Account) -> None:
    other = create_account()
    lies = {"project_id": other.project_id, "account_id": other.pk, "due_on": TODAY, "amount": Decimal(99_999)}
    truth = {f.attname: getattr(ChargeBalance.objects.get(), f.attname) for f in ChargeBalance._meta.concrete_fields}
    charge = Charge.objects.get()
    copy(charge, **NEXT_MONTH)
    truth["charge_id"] = Charge.objects.latest("pk").pk
    with pytest.raises(IntegrityError, match="contradicts what it names"), transaction.atomic():
        ChargeBalance.objects.create(**{**truth, name: lies[name]})
    balance = ChargeBalance.objects.create(**truth)
    with pytest.raises(DatabaseError, match="repeats what its parent says"), transaction.atomic():
        ChargeBalance.objects.filter(pk=balance.pk).update(**{name: lies[name]})


@pytest.mark.parametrize("name", ["project_id", "account_id", "amount"])
def test_a_balance_repeats_its_payment(name: str, account: Account) -> None:
    other = create_account()
    lies = {"project_id": other.project_id, "account_id": other.pk, "amount": Decimal(99_999)}
    with pytest.raises(DatabaseError, match="repeats what its parent says"), transaction.atomic():
        PaymentBalance.objects.update(**{name: lies[name]})


def test_what_a_balance_says_of_itself_may_change(account: Account) -> None:
    """The control of the two above."""
    assert ChargeBalance.objects.update(settled=Decimal("0.01"), account_id=account.pk)


@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET project_id = {other}"])
@pytest.mark.parametrize("model", [Account, Import])
def test_accounts_and_imports_are_kept(model: type[models.Model], statement: str, account: Account) -> None:
    create_import(account)
    other = create_project()
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(statement.format(table=model._meta.db_table, other=other.pk))
    assert model._default_manager.filter(project=account.project).exists()


def test_a_fee_goes_while_nobody_names_it(account: Account) -> None:
    unused = create_fee_type(project=account.project, name="垃圾费")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM arrears_feetype WHERE id = %s", [unused.pk])
        with pytest.raises(IntegrityError, match="name this row"), transaction.atomic():
            cursor.execute("DELETE FROM arrears_feetype WHERE id = %s", [Charge.objects.get().fee_type_id])
    assert FeeType.objects.filter(charges__isnull=False).exists()


def remove_while_posting(account: Account, fee: FeeType) -> BaseException | None:
    """One posts a charge of the fee, another removes the fee before that is committed; what the latter met."""
    posted, tried = threading.Event(), threading.Event()

    def post() -> None:
        with transaction.atomic():
            Charge.objects.create(
                project=account.project, account=account, unit=account.unit, fee_type=fee, due_on=TODAY,
                period_start=TODAY, period_end=TODAY, effective_on=TODAY, amount=Decimal(1), posted_at=NOW,
            )  # fmt: skip
            posted.set()
            tried.wait(timeout=1)
        connection.close()

    def remove() -> None:
        posted.wait(timeout=10)
        try:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM arrears_feetype WHERE id = %s", [fee.pk])
        finally:
            tried.set()
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        posting, removing = pool.submit(post), pool.submit(remove)
        posting.result(timeout=30)
        return removing.exception(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_a_fee_is_not_removed_under_a_charge_that_is_being_posted() -> None:
    account = create_account()
    fee = create_fee_type(project=account.project, name="垃圾费")
    assert isinstance(remove_while_posting(account, fee), IntegrityError)
    assert FeeType.objects.filter(pk=fee.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_of_the_charges_trigger_the_fee_goes() -> None:
    """The control."""
    account = create_account()
    fee = create_fee_type(project=account.project, name="垃圾费")
    trigger = next(trigger for trigger in Charge._meta.triggers if trigger.name == "names_parents").get_pgid(Charge)
    with as_owner() as owner:  # which switches it on again at the end
        owner.execute(f"ALTER TABLE arrears_charge DISABLE TRIGGER {trigger}")
        owner.commit()
        assert remove_while_posting(account, fee) is None
        assert not FeeType.objects.filter(pk=fee.pk).exists()
