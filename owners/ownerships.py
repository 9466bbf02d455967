"""Who owns a unit from when to when: co-owners of a party, and the sale of a unit."""

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from company.audit import record
from company.models import Project, User
from owners.models import Owner, Ownership, OwnershipMember, Unit
from owners.parties import join_names, kind_of, pinyin_initials

PARTY_NAME_LENGTH = 400


class SaleError(ValueError):
    """A sale that contradicts what is known: the unit changed hands on that day or later."""


def create_owner(*, project: Project, name: str, kind: Owner.Kind | None = None) -> Owner:
    """A new owner; whether person, organisation or developer is told by the name unless given."""
    return Owner.objects.create(
        project=project, name=name, kind=kind or kind_of(name), pinyin_initials=pinyin_initials(name)
    )


@transaction.atomic
def set_members(ownership: Ownership, owners: Sequence[Owner], *, by: User | None) -> None:
    """Make ``owners`` the co-owners of this party, in this order; the period and the account stay as they are.

    Raises ValueError for an owner of another project.
    """
    locked = Ownership.objects.select_for_update().get(pk=ownership.pk)
    _write_members(locked, owners)
    ownership.party_name = locked.party_name
    record(action="owners.members_set", by=by, project=locked.project, obj=locked, owners=[o.pk for o in owners])


@transaction.atomic
def sell_unit(unit: Unit, owners: Sequence[Owner], *, sold_on: date, by: User | None) -> Ownership:
    """A new party owns ``unit`` from ``sold_on``; the one before keeps its account, and with it its debt.

    Later charges find the new party by themselves: a charge belongs to who owns the unit on the last day of its
    period. Returns the new ownership. Raises SaleError when the unit changed hands on that day or later.
    """
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    if Ownership.objects.filter(unit=unit, period__startswith__gte=sold_on).exists():
        raise SaleError(sold_on)
    before = Ownership.objects.filter(unit=unit, period__contains=sold_on).first()
    if before:
        before.period = DateRange(before.period.lower, sold_on, "[)")
        before.save(update_fields=["period"])
    after = Ownership.objects.create(project_id=unit.project_id, unit=unit, period=DateRange(sold_on, None, "[)"))
    _write_members(after, owners)
    record(
        action="owners.unit_sold",
        by=by,
        project=unit.project,
        obj=unit,
        sold_on=sold_on.isoformat(),
        before=before.pk if before else None,
        after=after.pk,
    )
    return after


def _write_members(ownership: Ownership, owners: Sequence[Owner]) -> None:
    if any(owner.project_id != ownership.project_id for owner in owners):
        raise ValueError("an owner of another project")
    ownership.members.all().delete()
    OwnershipMember.objects.bulk_create(
        OwnershipMember(ownership=ownership, owner=owner, position=position) for position, owner in enumerate(owners)
    )
    ownership.party_name = join_names([owner.name for owner in owners])[:PARTY_NAME_LENGTH]
    ownership.save(update_fields=["party_name"])
