"""Who is one person: owners of the same name and ID number, and rows that were merged by hand (O7)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from company.models import Project
from company.scoping import ProjectScoped
from owners.models import Owner, Phone
from owners.personal_data import keyed_hash

PersonKey = tuple[str, str] | int
LIMIT = 50

SAME_ID = _("same ID number")
SAME_PHONE = _("same name and phone")


@dataclass(frozen=True, slots=True)
class Likeness:
    """Rows that are probably one person, and why; the first is the oldest."""

    owners: list[Owner]
    reason: str | Promise


def person_key(owner_id: int, name: str, id_number_hash: str) -> PersonKey:
    """What two rows of one person have in common without having been merged."""
    return (name, id_number_hash) if id_number_hash else owner_id


def lock_person(owner: Owner) -> Owner:
    """The row that stands for ``owner`` now, while nobody merges it or changes how it is reached."""
    locked = Owner.objects.select_for_update(no_key=True).get(pk=owner.pk)
    return lock_person(locked.merged_into) if locked.merged_into else locked


def rows_of(people: Collection[PersonKey], *, projects: Collection[int]) -> dict[int, PersonKey]:
    """Every owner row that is one of ``people``; one query."""
    rows: dict[int, PersonKey] = {person: person for person in people if isinstance(person, int)}
    hashes = {person[1] for person in people if not isinstance(person, int)}
    same = Owner.objects.filter(project__in=projects, id_number_hash__in=hashes)
    for owner_id, name, id_number_hash in same.values_list("pk", "name", "id_number_hash"):
        if (name, id_number_hash) in people:
            rows[owner_id] = (name, id_number_hash)
    return rows


def find_person(project: Project, name: str, last4: str) -> list[Owner]:
    """Owners of this name whose ID number or a live phone ends with ``last4``."""
    named = list(_unmerged(project).filter(name=name.strip()).order_by("pk"))
    by_phone = set(
        Phone.objects.filter(owner__in=named, last4=last4, ended_at__isnull=True).values_list("owner_id", flat=True)
    )
    return [owner for owner in named if owner.pk in by_phone or owner.id_number.upper().endswith(last4.upper())]


def namesakes(project: Project, names: Iterable[str]) -> list[Owner]:
    """Owners who are already on file under one of these names."""
    return list(_unmerged(project).filter(name__in=list(names)).order_by("pk"))


def probable_duplicates(project: Project, *, limit: int = LIMIT) -> list[Likeness]:
    """Rows that are probably one person, with the reason; a fixed number of queries."""
    by_id = _unmerged(project).exclude(id_number_hash="").values("id_number_hash").order_by("id_number_hash")
    hashes = by_id.annotate(number=Count("pk")).filter(number__gt=1).values_list("id_number_hash", flat=True)[:limit]
    groups: dict[tuple[str, ...], list[Owner]] = {}
    for owner in _unmerged(project).filter(id_number_hash__in=list(hashes)).order_by("pk"):
        groups.setdefault((owner.id_number_hash,), []).append(owner)
    found = [Likeness(owners, SAME_ID) for owners in groups.values()]
    return [*found, *_same_phone(project, known=found, limit=limit)][:limit]


def like(owner: Owner) -> list[tuple[Owner, str | Promise]]:
    """Who is probably the same person as ``owner``, each with the reason; two queries."""
    others = _unmerged(owner.project).exclude(pk=owner.pk).order_by("pk")
    same_id = list(others.filter(id_number_hash=owner.id_number_hash)) if owner.id_number_hash else []
    numbers = Phone.objects.filter(owner=owner, ended_at__isnull=True).values("number_hash")
    phones = Phone.objects.filter(project=owner.project_id, number_hash__in=numbers, ended_at__isnull=True)
    by_phone = others.filter(name=owner.name, pk__in=phones.values("owner"))
    known = {other.pk for other in same_id}
    return [
        *((other, SAME_ID) for other in same_id),
        *((other, SAME_PHONE) for other in by_phone if other.pk not in known),
    ]


def id_hash(number: str) -> str:
    """The keyed hash under which an ID number is found."""
    return keyed_hash(number.strip().upper())


def _unmerged(project: Project) -> ProjectScoped[Owner]:
    return Owner.objects.filter(project=project, merged_into__isnull=True)


def _same_phone(project: Project, *, known: list[Likeness], limit: int) -> list[Likeness]:
    live = Phone.objects.filter(project=project, ended_at__isnull=True, owner__merged_into__isnull=True)
    shared = live.values("number_hash", "owner__name").order_by("number_hash", "owner__name")
    pairs = set(
        shared.annotate(number=Count("owner", distinct=True))
        .filter(number__gt=1)
        .values_list("number_hash", "owner__name")[:limit]
    )
    groups: dict[tuple[str, str], dict[int, Owner]] = {}
    for phone in (
        live.filter(number_hash__in={number for number, _name in pairs}).select_related("owner").order_by("pk")
    ):
        if (key := (phone.number_hash, phone.owner.name)) in pairs:
            groups.setdefault(key, {})[phone.owner_id] = phone.owner
    told = [{owner.pk for owner in likeness.owners} for likeness in known]
    found: list[Likeness] = []
    for owners in groups.values():
        if not any(owners.keys() <= pks for pks in told):
            told.append(set(owners))
            found.append(Likeness(sorted(owners.values(), key=lambda owner: owner.pk), SAME_PHONE))
    return found
