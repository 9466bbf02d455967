"""Households that owe, written set-wise; Django must be set up before this is imported."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from arrears.models import Account, Charge, ChargeBalance, FeeType
from company.models import Project
from owners.models import Building, Ownership, Unit

MONTH = date(2025, 1, 1)
FLATS_OF_AN_ENTRANCE, ENTRANCES_OF_A_BUILDING = 30, 2
CHUNK = 2000


def create_households(project: Project, amounts: Sequence[Decimal], *, months: int = 1) -> list[Account]:
    """One account for each of ``amounts``, which it owes for each of so many months from January 2025 on."""
    units = _units(project, len(amounts))
    ownerships = Ownership.objects.bulk_create(
        (
            Ownership(project=project, unit=unit, period=DateRange(None, None), party_name=f"业主{unit.room}")
            for unit in units
        ),
        batch_size=CHUNK,
    )
    accounts = Account.objects.bulk_create(
        (Account(project=project, unit=owned.unit, ownership=owned) for owned in ownerships), batch_size=CHUNK
    )
    _charge(accounts, amounts, months)
    return accounts


def _units(project: Project, count: int) -> list[Unit]:
    flats = FLATS_OF_AN_ENTRANCE * ENTRANCES_OF_A_BUILDING
    buildings = Building.objects.bulk_create(
        Building(project=project, name=f"{n}栋", sort_key=f"{n:06d}") for n in range(1, -(-count // flats) + 1)
    )
    return Unit.objects.bulk_create(
        (_unit(buildings[n // flats], str(n % flats // FLATS_OF_AN_ENTRANCE + 1), n) for n in range(count)),
        batch_size=CHUNK,
    )


def _unit(building: Building, entrance: str, number: int) -> Unit:
    room = f"{number:05d}"
    return Unit(
        project_id=building.project_id,
        building=building,
        entrance=entrance,
        room=room,
        code=f"{building.name}-{entrance}-{room}",
        sort_key=room,
    )


def _charge(accounts: Sequence[Account], amounts: Sequence[Decimal], months: int) -> None:
    fee = FeeType.objects.create(project=accounts[0].project, name="物业服务费", nature=FeeType.Nature.PROPERTY)
    charges = Charge.objects.bulk_create(
        (
            _monthly(account, fee, amount, month)
            for account, amount in zip(accounts, amounts, strict=True)
            for month in range(months)
        ),
        batch_size=CHUNK,
    )
    ChargeBalance.objects.bulk_create(
        (
            ChargeBalance(
                charge=charge,
                project_id=charge.project_id,
                account_id=charge.account_id,
                due_on=charge.due_on,
                amount=charge.amount,
            )
            for charge in charges
        ),
        batch_size=CHUNK,
    )


def _monthly(account: Account, fee: FeeType, amount: Decimal, month: int) -> Charge:
    start = MONTH.replace(month=month + 1)
    end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Charge(
        project_id=account.project_id,
        account=account,
        unit_id=account.unit_id,
        fee_type=fee,
        period_start=start,
        period_end=end,
        due_on=end,
        effective_on=end,
        amount=amount,
        posted_at=timezone.now(),
    )
