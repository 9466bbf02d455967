"""One box finds a unit or owner: by code or alias, name, pinyin initials, or the last four digits of a phone (O4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When

from company.models import Project
from owners.contact_points import LONGEST, PhoneNumberError, normalise_phone
from owners.models import Ownership, OwnershipMember, Phone, Unit, UnitAlias
from owners.personal_data import keyed_hash, mask_party
from owners.unit_codes import normalise

LIMIT = 20
SHORTEST_INITIALS = 2
LAST_DIGITS = 4
WHOLE_NUMBER = 7


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that fits. ``party`` and ``former_owner`` are masked; ``last4`` is what was asked for, where it fits."""

    unit: Unit
    party: str
    former_owner: str = ""
    last4: str = ""


def search(project: Project, text: str, *, limit: int = LIMIT) -> list[Hit]:
    """Units that fit ``text``, best first: by code, then by owner and phone, former owners last.

    A fixed number of queries; nothing for an empty text.
    """
    text = text.strip()
    if not text:
        return []
    by_code = _units_by_code(project, text, limit)
    parties = _parties(project, text, limit)
    found = list(dict.fromkeys([*by_code, *(party.unit_id for party, _by in parties)]))[:limit]
    units = Unit.objects.select_related("building").in_bulk(found)
    now_owned = {party.unit_id: party for party in _current(found)}
    matched = {party.unit_id: (party, by) for party, by in reversed(parties)}
    last4 = text[-LAST_DIGITS:] if text.isdecimal() else ""
    return [
        Hit(
            unit=units[pk],
            party=mask_party(now_owned[pk].party_name) if pk in now_owned else "",
            former_owner=_former(matched[pk][0], now_owned.get(pk)) if pk in matched else "",
            last4=last4 if pk in matched and matched[pk][1] == "phone" else "",
        )
        for pk in found
    ]


def _units_by_code(project: Project, text: str, limit: int) -> list[int]:
    """Exact codes first, then those that begin with it, then those that hold it."""
    code = normalise(text)
    if not code:
        return []
    aliases = UnitAlias.objects.filter(project=project)
    exact = Q(code=code) | Q(pk__in=aliases.filter(alias=code).values("unit"))
    begins = Q(code__startswith=code) | Q(pk__in=aliases.filter(alias__startswith=code).values("unit"))
    units = Unit.objects.filter(exact | begins | Q(code__endswith=f"-{code}"), project=project)
    rank = Case(When(exact, then=0), When(begins, then=1), default=2)
    return list(units.order_by(rank, "sort_key").values_list("pk", flat=True)[:limit])


def _parties(project: Project, text: str, limit: int) -> list[tuple[Ownership, str]]:
    """Ownerships with an owner who fits, present ones first, each with what fits: ``name`` or ``phone``."""
    members = OwnershipMember.objects.filter(owner__project=project)
    of_owner = members.filter(_names(text)).values_list("ownership_id", Value("name", CharField()))
    wanted = of_owner
    if numbers := _numbers(project, text):
        of_phone = members.filter(owner__in=numbers.values("owner"))
        wanted = of_owner.union(of_phone.values_list("ownership_id", Value("phone", CharField())))
    how = dict(wanted[: 2 * limit])
    parties = Ownership.objects.filter(pk__in=how).order_by(
        F("period__endswith").desc(nulls_first=True), "unit__sort_key"
    )
    return [(party, how[party.pk]) for party in parties[:limit]]


def _names(text: str) -> Q:
    names = Q(owner__name__contains=text)
    initials = text.lower()
    if len(text) >= SHORTEST_INITIALS and initials.isascii() and initials.isalpha():
        names |= Q(owner__pinyin_initials__startswith=initials)
    return names


def _numbers(project: Project, text: str) -> QuerySet[Phone] | None:
    """Live phones that fit the last four digits or the whole number; None for a text that is neither."""
    live = Phone.objects.filter(project=project, ended_at__isnull=True)
    if text.isdecimal() and len(text) == LAST_DIGITS:
        return live.filter(last4=text)
    digits = _digits(text)
    return live.filter(number_hash=keyed_hash(digits)) if digits else None


def _digits(text: str) -> str:
    if not WHOLE_NUMBER <= sum(map(str.isdecimal, text)) <= LONGEST or any(map(str.isalpha, text)):
        return ""
    try:
        return normalise_phone(text)
    except PhoneNumberError:
        return ""


def _current(unit_ids: Iterable[int]) -> QuerySet[Ownership]:
    """The parties that own these units without an end."""
    return Ownership.objects.filter(unit__in=list(unit_ids), period__endswith__isnull=True)


def _former(matched: Ownership, now: Ownership | None) -> str:
    return mask_party(matched.party_name) if now and matched.pk != now.pk else ""
