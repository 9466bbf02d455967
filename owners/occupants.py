"""Who lives in a unit without owning it, and what was agreed on who pays. The owner stays liable whoever pays (O2)."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from company.audit import record
from company.models import User
from owners.contact_points import normalise_phone
from owners.models import Occupant, Unit


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What is known of an occupant; an empty ``phone`` keeps the number on file."""

    name: str
    phone: str = ""
    pays_by_agreement: bool = False
    agreement: str = ""
    starts_on: date | None = None
    ends_on: date | None = None


@transaction.atomic
def add_occupant(unit: Unit, tenancy: Tenancy, *, by: User | None) -> Occupant:
    """Somebody who lives there; the same name from the same day is the one on file.

    Raises contact_points.PhoneNumberError.
    """
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    same = {"name": tenancy.name, "starts_on": tenancy.starts_on, "ends_on": tenancy.ends_on}
    if known := Occupant.objects.filter(unit=unit, **same).first():
        return known
    occupant = Occupant(project_id=unit.project_id, unit=unit)
    _write(occupant, tenancy)
    record(action="owners.occupant_added", by=by, project=unit.project, obj=unit, row=occupant.pk)
    return occupant


@transaction.atomic
def change_occupant(occupant: Occupant, tenancy: Tenancy, *, by: User | None) -> None:
    """Correct what is known, or end the tenancy by its last day. Raises contact_points.PhoneNumberError."""
    locked = Occupant.objects.select_for_update().get(pk=occupant.pk)
    before = {name: getattr(locked, name) for name in ("pays_by_agreement", "agreement", "starts_on", "ends_on")}
    _write(locked, tenancy)
    changed = sorted(name for name, value in before.items() if getattr(locked, name) != value)
    record(
        action="owners.occupant_changed", by=by, project=locked.project, obj=locked.unit, row=locked.pk,
        fields=changed,
    )  # fmt: skip


def _write(occupant: Occupant, tenancy: Tenancy) -> None:
    occupant.name = tenancy.name
    if tenancy.phone:
        occupant.phone = normalise_phone(tenancy.phone)
        occupant.phone_last4 = occupant.phone[-4:]
    occupant.pays_by_agreement, occupant.agreement = tenancy.pays_by_agreement, tenancy.agreement
    occupant.starts_on, occupant.ends_on = tenancy.starts_on, tenancy.ends_on
    occupant.save()
