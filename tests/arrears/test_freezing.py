"""The ledger cannot be edited: every way that the application's role has is refused (promise 6)."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from arrears.assessing import assess_late_fees, reverse_late_fee
from arrears.models import (
    Account,
    Allocation,
    Charge,
    ChargeBalance,
    FeeType,
    LateFee,
    LateFeeBalance,
    Payment,
    PaymentBalance,
    Verification,
    Waiver,
)
from arrears.posting import reverse_charge, reverse_payment
from arrears.verification import verify
from company.freezing import freeze_of
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
    create_unit,
    create_user,
)
from tests.relief_factories import create_contract, create_late_fee_policy, create_relief

pytestmark = pytest.mark.django_db

FROZEN: list[type[models.Model]] = [Charge, Payment, Allocation, LateFee, Waiver, Verification]
WITH_REVERSAL = [Charge, Payment, Allocation, LateFee, Waiver]
MUTABLE: list[type[models.Model]] = [Account, ChargeBalance, PaymentBalance, LateFeeBalance, FeeType]


@pytest.fixture
def account() -> Account:
    account = create_account()
    create_charge(account=account)
    create_contract(project=account.project)
    create_late_fee_policy(fee_type=create_fee_type(project=account.project))
    assess_late_fees(account.project, as_of=TODAY, now=NOW, by=None)
    create_relief(account=account, amount="1.00", approved=True)
    create_payment(account=account)
    verify([account], by=create_user(), now=NOW)
    return account


def test_each_model_of_the_ledger_is_frozen_or_mutable_on_purpose() -> None:
    assert all(freeze_of(model) for model in FROZEN)
    assert not any(freeze_of(model) for model in MUTABLE)


def _save(row: models.Model) -> None:
    row.project_id = row.project_id  # any save writes every column
    row.save()


def _sql(statement: str) -> Callable[[models.Model], None]:
    def run(row: models.Model) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement.format(table=row._meta.db_table, pk=row.pk))

    return run


ATTACKS: dict[str, Callable[[models.Model], None]] = {
    "save": _save,
    "delete": lambda row: row.delete(),
    "queryset update": lambda row: type(row).objects.filter(pk=row.pk).update(account_id=row.account_id),
    "queryset delete": lambda row: type(row).objects.filter(pk=row.pk).delete(),
    "raw delete": lambda row: type(row).objects.filter(pk=row.pk)._raw_delete("default"),
    "bulk update": lambda row: type(row).objects.bulk_update([row], ["account_id"]),
    "upsert": lambda row: type(row).objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["id"], update_fields=["account_id"]
    ),
    "sql update": _sql("UPDATE {table} SET account_id = account_id WHERE id = {pk}"),
    "sql delete": _sql("DELETE FROM {table} WHERE id = {pk}"),
    "truncate": _sql("TRUNCATE {table} CASCADE"),
    "truncate only": _sql("TRUNCATE ONLY {table}"),
    "merge": _sql(
        "MERGE INTO {table} t USING (SELECT {pk}::bigint AS id) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET account_id = t.account_id"
    ),
    "merge delete": _sql(
        "MERGE INTO {table} t USING (SELECT {pk}::bigint AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE"
    ),
    "trigger off": _sql("ALTER TABLE {table} DISABLE TRIGGER ALL"),
    "replica role": _sql("SET LOCAL session_replication_role = replica"),
    "owner's role": _sql("SET LOCAL ROLE arrears_owner"),
    "drop": _sql("DROP TABLE {table} CASCADE"),
    "grant": _sql("GRANT ALL ON {table} TO CURRENT_USER; UPDATE {table} SET account_id = account_id"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("model", FROZEN)
def test_every_edit_is_refused(model: type[models.Model], attack: str, account: Account) -> None:
    row = model.objects.first()
    before = model.objects.values().get(pk=row.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        ATTACKS[attack](row)
    assert model.objects.values().get(pk=row.pk) == before


def test_the_same_attacks_work_on_a_row_that_may_change(account: Account) -> None:
    """The control: what is refused above is refused by the freeze, not because the attack is badly made."""
    balance = ChargeBalance.objects.get()

    def place() -> str | None:
        """Where the row lies, which any edit changes; None once it is gone."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid::text FROM arrears_chargebalance WHERE charge_id = %s", [balance.pk])
            found = cursor.fetchone()
        return found[0] if found else None

    attacks = {name: ATTACKS[name] for name in ("save", "queryset update", "raw delete")}
    attacks["sql update"] = _sql("UPDATE {table} SET account_id = account_id WHERE charge_id = {pk}")
    for name, attack in attacks.items():
        before = place()
        with transaction.atomic():
            attack(balance)
            assert place() != before, name
            transaction.set_rollback(True)
    assert place() is not None


@pytest.fixture
def reversed_account(account: Account) -> Account:
    reverse_late_fee(LateFee.objects.get().pk, today=TODAY, now=NOW, by=None)
    reverse_charge(Charge.objects.get().pk, today=TODAY, now=NOW, by=None)
    reverse_payment(Payment.objects.get(kind=Payment.Kind.RECEIVED).pk, today=TODAY, now=NOW, by=None)
    return account


@pytest.mark.parametrize("value", ["NULL", "id"])
@pytest.mark.parametrize("ignoring", [False, True])
@pytest.mark.parametrize("model", WITH_REVERSAL)
def test_a_reversal_is_said_once_and_never_taken_back(
    model: type[models.Model], ignoring: bool, value: str, reversed_account: Account
) -> None:
    row = model.objects.exclude(reversed_by=None).first()
    attack = f"UPDATE {{table}} SET reversed_by_id = {value} WHERE id = {{pk}}"
    if ignoring:
        attack = _ignoring(model, "freeze") + attack
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        _sql(attack)(row)
    assert model.objects.get(pk=row.pk).reversed_by_id == row.reversed_by_id


def _ignoring(model: type[models.Model], name: str) -> str:
    """What pgtrigger.ignore() sends before a statement."""
    trigger = next(t for t in model._meta.triggers if t.name == name)
    return f"SELECT set_config('pgtrigger.ignore', '{{{{{trigger.get_pgid(model)}}}}}', true); "


def test_the_application_may_say_that_a_row_is_reversed_but_nothing_else_in_the_same_breath(account: Account) -> None:
    charge = Charge.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        Charge.objects.filter(pk=charge.pk).update(reversed_by=charge, amount=Decimal("1.00"))


# --- what must never be, whoever writes it -----------------------------------------------------------------------


def _copy(row: models.Model, **changes: object) -> None:
    """Insert a second row like ``row`` but for ``changes``."""
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if not f.primary_key}
    type(row).objects.create(**{**values, **changes})


CONSTRAINTS: dict[str, Callable[[], None]] = {
    "charge_amount_positive": lambda: _copy(Charge.objects.get(), amount=Decimal(0), external_id="x"),
    "charge_kind_known": lambda: _copy(Charge.objects.get(), kind="gift", external_id="x"),
    "charge_period_in_order": lambda: _copy(Charge.objects.get(), period_start=TODAY, external_id="x"),
    "charge_once_per_period": lambda: _copy(Charge.objects.get()),
    "charge_reversal_is_final": lambda: _copy(
        Charge.objects.get(), kind="reversal", reversed_by_id=Charge.objects.get().pk
    ),
    "payment_amount_positive": lambda: _copy(Payment.objects.get(), amount=Decimal("-1")),
    "payment_kind_known": lambda: _copy(Payment.objects.get(), kind="gift"),
    "payment_has_a_day": lambda: _copy(Payment.objects.get(), received_on=None),
    "payment_reversal_is_final": lambda: _copy(
        Payment.objects.get(), kind="reversal", reversed_by_id=Payment.objects.get().pk
    ),
    "late_fee_amount_positive": lambda: _copy(LateFee.objects.get(), amount=Decimal(0), number=2),
    "late_fee_kind_known": lambda: _copy(LateFee.objects.get(), kind="gift", number=2),
    "late_fee_accrual_in_order": lambda: _copy(LateFee.objects.get(), accrued_from=TODAY.replace(year=2030), number=2),
    "late_fee_reversal_is_final": lambda: _copy(
        LateFee.objects.get(), kind="reversal", reversed_by_id=LateFee.objects.get().pk
    ),
    "late_fee_assessed_once": lambda: _copy(LateFee.objects.get()),
    "late_fee_settled_within_amount": lambda: LateFeeBalance.objects.update(settled=Decimal("100.01")),
    "reversed_late_fee_is_unsettled": lambda: LateFeeBalance.objects.update(settled=Decimal("0.01"), is_live=False),
    "waiver_amount_positive": lambda: _copy(Waiver.objects.get(), amount=Decimal(0)),
    "waiver_kind_known": lambda: _copy(Waiver.objects.get(), kind="gift"),
    "waiver_of_one_thing": lambda: _copy(Waiver.objects.get(), late_fee_id=LateFee.objects.get().pk),
    "waiver_reversal_is_final": lambda: _copy(
        Waiver.objects.get(), kind="reversal", reversed_by_id=Waiver.objects.get().pk
    ),
    "allocation_amount_positive": lambda: _copy(Allocation.objects.get(charge__isnull=False), amount=Decimal(0)),
    "allocation_kind_known": lambda: _copy(Allocation.objects.get(charge__isnull=False), kind="gift"),
    "allocation_release_is_final": lambda: _copy(
        Allocation.objects.get(charge__isnull=False), kind="release", reversed_by_id=Allocation.objects.first().pk
    ),
    "allocation_to_one_thing": lambda: _copy(
        Allocation.objects.get(charge__isnull=False), refund_id=Payment.objects.get().pk
    ),
    "settled_within_amount": lambda: ChargeBalance.objects.update(settled=Decimal("100.01")),
    "reversed_charge_is_unsettled": lambda: ChargeBalance.objects.update(is_live=False),
    "allocated_within_amount": lambda: PaymentBalance.objects.update(allocated=Decimal("-0.01")),
    "reversed_payment_is_unallocated": lambda: PaymentBalance.objects.update(is_live=False),
    "verification_not_negative": lambda: _copy(Verification.objects.get(), outstanding=Decimal("-1")),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_database_refuses_what_must_never_be(name: str, account: Account) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        CONSTRAINTS[name]()


def test_an_external_id_is_charged_once_in_a_project(account: Account) -> None:
    create_charge(account=account, month=TODAY.replace(month=2, day=1), external_id="E1")
    other = create_account(project=account.project)
    with pytest.raises(IntegrityError, match="charge_external_id"), transaction.atomic():
        create_charge(account=other, external_id="E1")
    create_charge(account=create_account(), external_id="E1")


@pytest.mark.parametrize("side", ["account_id", "payment_id", "charge_id"])
def test_an_allocation_cannot_cross_accounts(side: str, account: Account) -> None:
    other = create_account(project=account.project)
    theirs = {
        "account_id": other.pk,
        "payment_id": create_payment(account=other).pk,
        "charge_id": create_charge(account=other, month=TODAY.replace(month=2, day=1)).pk,
    }
    ours = Allocation.objects.get(account=account, charge__isnull=False)
    _sql(_ignoring(Allocation, "names_parents"))(ours)
    with pytest.raises(IntegrityError, match="contradicts what it names"), transaction.atomic():
        _copy(ours, **{side: theirs[side]})
    _copy(ours)


def test_periods_of_ownership_never_overlap(account: Account) -> None:
    ownership = account.ownership
    with pytest.raises(IntegrityError, match="ownership_no_overlap"), transaction.atomic():
        type(ownership).objects.create(project=account.project, unit=account.unit, period=DateRange(TODAY, None, "[)"))
    type(ownership).objects.create(
        project=account.project, unit=create_unit(project=account.project), period=DateRange(TODAY, None, "[)")
    )


def test_a_period_of_ownership_is_not_empty(account: Account) -> None:
    unit = create_unit(project=account.project)
    with pytest.raises(IntegrityError, match="ownership_period_not_empty"), transaction.atomic():
        type(account.ownership).objects.create(project=account.project, unit=unit, period=DateRange(TODAY, TODAY, "[)"))
