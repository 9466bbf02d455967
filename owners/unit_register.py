"""The register of units and their present owners: filtered and sorted in the database, a fixed number of queries."""

from dataclasses import dataclass
from datetime import date

from django.db.models import CharField, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from company.models import Project
from owners.models import Ownership, OwnershipMember, Phone, Unit, UnitAlias
from owners.unit_codes import normalise

SORTS = {
    "unit": "sort_key",
    "building": "building__sort_key",
    "area": "area",
    "usage": "usage",
    "owner": "party",
    "phones": "phone_count",
}


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """What of the register is listed; empty means all. ``lacks``: units without an owner, or without a phone."""

    buildings: tuple[int, ...] = ()
    usages: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    is_vacant: bool = False
    text: str = ""


def unit_lines(project: Project, wanted: UnitFilter, *, on: date, sort: str = "unit") -> "QuerySet[Unit]":
    """Units of ``project`` that fit, with ``party`` (names of the owners on that day) and ``phone_count``.

    ``sort`` is a key of SORTS, downwards with a leading minus.
    """
    owned = Ownership.objects.filter(unit=OuterRef("pk"), period__contains=on).values("party_name")[:1]
    units = _filtered(Unit.objects.filter(project=project), project, wanted, on).annotate(
        party=Coalesce(Subquery(owned), Value(""), output_field=CharField()), phone_count=_phone_count(on)
    )
    if "owner" in wanted.lacks:
        units = units.filter(party="")
    if "phone" in wanted.lacks:
        units = units.filter(phone_count=0)
    column = SORTS.get(sort.removeprefix("-"), "sort_key")
    order = F(column).desc(nulls_last=True) if sort.startswith("-") else F(column).asc(nulls_last=True)
    return units.select_related("building").order_by(order, "sort_key", "pk")


def _phone_count(on: date) -> Coalesce:
    """How many live numbers the present owners of a unit have."""
    phones = Phone.objects.filter(
        ended_at__isnull=True,
        owner__memberships__ownership__unit=OuterRef("pk"),
        owner__memberships__ownership__period__contains=on,
    )
    counted = phones.order_by().values("owner__memberships__ownership__unit").annotate(count=Count("pk"))
    return Coalesce(Subquery(counted.values("count")), 0, output_field=IntegerField())


def _filtered(units: "QuerySet[Unit]", project: Project, wanted: UnitFilter, on: date) -> "QuerySet[Unit]":
    if wanted.buildings:
        units = units.filter(building__in=wanted.buildings)
    if wanted.usages:
        units = units.filter(usage__in=wanted.usages)
    if wanted.is_vacant:
        units = units.filter(is_vacant=True)
    if wanted.text:
        code = normalise(wanted.text)
        named = OwnershipMember.objects.filter(
            owner__name__contains=wanted.text, ownership__project=project, ownership__period__contains=on
        )
        fits = Q(pk__in=named.values("ownership__unit"))
        if code:
            fits |= Q(code__contains=code)
            fits |= Q(pk__in=UnitAlias.objects.filter(project=project, alias__contains=code).values("unit"))
        units = units.filter(fits)
    return units
