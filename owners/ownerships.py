"""Who owns a unit from when to when: co-owners of a party, and the sale of a unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from company.audit import record
from company.models import Project, User
from owners.contact_points import add_phone
from owners.models import Owner, Ownership, OwnershipMember, Unit
from owners.parties import join_names, kind_of, pinyin_initials
from owners.persons import id_hash, lock_person

PARTY_NAME_LENGTH = 400


class SaleError(ValueError):
    """A sale that contradicts what is known: the unit changed hands on that day or later."""


class SaleStandsError(ValueError):
    """A sale that cannot be taken back: the unit was sold on since."""


class PartyChangedError(ValueError):
    """The co-owners are not what the person saw, or nobody would be left."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is to own a unit: somebody on file (``owner``), or a new person with what is known of them."""

    name: str
    owner: Owner | None = None
    id_number: str = ""
    phone: str = ""


def create_owner(*, project: Project, name: str, kind: Owner.Kind | None = None, id_number: str = "") -> Owner:
    """A new owner; whether person, organisation or developer is told by the name unless given."""
    return Owner.objects.create(
        project=project,
        name=name,
        kind=kind or kind_of(name),
        pinyin_initials=pinyin_initials(name),
        id_number=id_number,
        id_number_hash=id_hash(id_number),
    )


@transaction.atomic
def change_owner(owner: Owner, *, name: str, kind: Owner.Kind, id_number: str = "", by: User | None) -> None:
    """Correct a name, kind or ID number (an empty one keeps what is on file); the units' parties follow the name."""
    lock_parties_of(owner.pk)
    locked = Owner.objects.select_for_update(no_key=True).get(pk=owner.pk)
    given = {"name": name, "kind": kind, **({"id_number": id_number} if id_number else {})}
    changed = [field for field, value in given.items() if getattr(locked, field) != value]
    for field in changed:
        setattr(locked, field, given[field])
    locked.pinyin_initials, locked.id_number_hash = pinyin_initials(locked.name), id_hash(locked.id_number)
    locked.save()
    refresh_party_names(Ownership.objects.filter(members__owner=locked))
    record(action="owners.owner_changed", by=by, project=locked.project, obj=locked, fields=changed)


@transaction.atomic
def take_on(project: Project, buyers: Sequence[Buyer], *, by: User | None) -> list[Owner]:
    """The owners that ``buyers`` are: those on file, and new ones with their first phone.

    Raises contact_points.PhoneNumberError.
    """
    owners = []
    for buyer in buyers:
        owner = (
            lock_person(buyer.owner)
            if buyer.owner
            else create_owner(project=project, name=buyer.name, id_number=buyer.id_number)
        )
        if buyer.owner is None:
            record(action="owners.owner_added", by=by, project=project, obj=owner)
        if buyer.phone:
            add_phone(owner, buyer.phone, by=by)
        owners.append(owner)
    return owners


def refresh_party_names(parties: Iterable[Ownership]) -> None:
    """The line in which each party is written follows the names of its members."""
    for party in parties:
        party.party_name = join_names([owner.name for owner in members_of(party)])[:PARTY_NAME_LENGTH]
        party.save(update_fields=["party_name"])


def members_of(ownership: Ownership) -> list[Owner]:
    """The co-owners in their order; none while the owner is unknown."""
    return [member.owner for member in ownership.members.select_related("owner").order_by("position", "pk")]


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
def add_members(ownership: Ownership, buyers: Sequence[Buyer], *, by: User | None, expected: int) -> list[Owner]:
    """Name owners of a party that had ``expected``: those of a placeholder, or further co-owners.

    The account stays, and with it what is owed. Raises PartyChangedError where the party has another number of owners
    or holds one of them already, and contact_points.PhoneNumberError.
    """
    Ownership.objects.select_for_update().get(pk=ownership.pk)
    present = members_of(ownership)
    owners = take_on(ownership.project, buyers, by=by)
    if len(present) != expected or {owner.pk for owner in present} & {owner.pk for owner in owners}:
        raise PartyChangedError(ownership.pk)
    set_members(ownership, [*present, *owners], by=by)
    _tell_unit(ownership, by)
    return owners


@transaction.atomic
def remove_member(ownership: Ownership, owner: Owner, *, by: User | None) -> None:
    """Take a co-owner out who was named by mistake. Raises PartyChangedError where nobody would be left."""
    Ownership.objects.select_for_update().get(pk=ownership.pk)
    left = [member for member in members_of(ownership) if member.pk != owner.pk]
    if not left:
        raise PartyChangedError(ownership.pk)
    set_members(ownership, left, by=by)
    _tell_unit(ownership, by)


def _tell_unit(ownership: Ownership, by: User | None) -> None:
    """The unit's history tells of its owners too."""
    record(action="owners.members_set", by=by, project=ownership.project, obj=ownership.unit, party=ownership.pk)


@transaction.atomic
def sell_to_buyers(unit: Unit, buyers: Sequence[Buyer], *, sold_on: date, by: User | None) -> Ownership:
    """A sale to ``buyers``, of whom new ones are entered with it. Raises SaleError, contact_points.PhoneNumberError."""
    lock_unit(unit.pk)
    return sell_unit(unit, take_on(unit.project, buyers, by=by), sold_on=sold_on, by=by)


@transaction.atomic
def sell_unit(unit: Unit, owners: Sequence[Owner], *, sold_on: date, by: User | None) -> Ownership:
    """A new party owns ``unit`` from ``sold_on``; the one before keeps its account, and with it its debt.

    Later charges find the new party by themselves: a charge belongs to who owns the unit on the last day of its
    period. Returns the new ownership. Raises SaleError when the unit changed hands on that day or later.
    """
    lock_unit(unit.pk)
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


def is_latest_sale(party: Ownership) -> bool:
    """Whether this party bought the unit and owns it still."""
    return party.period.lower is not None and party.period.upper is None


@transaction.atomic
def take_back_sale(sold: Ownership, *, by: User | None) -> Ownership | None:
    """A sale that was recorded by mistake never happened: the party before owns the unit on, without a gap.

    That nothing was posted for the new party is for the caller to make sure; ``sold`` is deleted. Returns the party
    before, None where none was known. Raises SaleStandsError when the unit was sold on since, or was not bought.
    """
    lock_unit(sold.unit_id)
    sold = Ownership.objects.select_for_update().get(pk=sold.pk)
    if not is_latest_sale(sold):
        raise SaleStandsError(sold.pk)
    before = Ownership.objects.filter(unit=sold.unit_id, period__endswith=sold.period.lower).first()
    record(
        action="owners.sale_taken_back", by=by, project=sold.project, obj=sold.unit,
        sold_on=sold.period.lower.isoformat(), taken_back=sold.pk, before=before.pk if before else None,
        owners=[owner.pk for owner in members_of(sold)],
    )  # fmt: skip
    sold.delete()
    if before:
        before.period = DateRange(before.period.lower, None, "[)")
        before.save(update_fields=["period"])
    return before


def lock_unit(unit_id: int) -> None:
    """Hold a unit and its parties until the end of the transaction.

    Everybody takes these locks in one order, units, parties, owners, so that nobody waits in a ring.
    """
    Unit.objects.select_for_update(no_key=True).get(pk=unit_id)
    list(Ownership.objects.select_for_update(no_key=True).filter(unit=unit_id).order_by("pk").values_list("pk"))


def lock_parties_of(*owner_ids: int) -> None:
    """Hold the parties of these owners, which comes before the owners themselves."""
    parties = OwnershipMember.objects.filter(owner__in=owner_ids).values("ownership")
    list(Ownership.objects.select_for_update(no_key=True).filter(pk__in=parties).order_by("pk").values_list("pk"))


def _write_members(ownership: Ownership, owners: Sequence[Owner]) -> None:
    if any(owner.project_id != ownership.project_id for owner in owners):
        raise ValueError("an owner of another project")
    ownership.members.all().delete()
    OwnershipMember.objects.bulk_create(
        OwnershipMember(ownership=ownership, owner=owner, position=position) for position, owner in enumerate(owners)
    )
    ownership.party_name = join_names([owner.name for owner in owners])[:PARTY_NAME_LENGTH]
    ownership.save(update_fields=["party_name"])
