"""One box finds a unit or owner: by code or alias, name, pinyin initials, or the last four digits of a phone (O4).

Every way in goes over an index that begins with the project, so that the cost does not grow with other projects.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, IntegerField, QuerySet, Value

from company.models import Project
from owners.contact_points import LONGEST, PhoneNumberError, normalise_phone
from owners.models import Owner, Ownership, OwnershipMember, Phone, SignsOfName, Unit, UnitAlias
from owners.personal_data import keyed_hash, mask_party
from owners.unit_codes import normalise

LIMIT = 20
SHORTEST_INITIALS = 2
LAST_DIGITS = 4
WHOLE_NUMBER = 7
NO_WHOLE_NUMBER = rf"^(?!.*[0-9]{{{WHOLE_NUMBER}}}).*$"
"""For fields that stand in an address: the browser refuses a phone number before it is sent."""
DIGITS_OF_NO_UNIT = 10
RUN_OF_DIGITS = re.compile(rf"[0-9０-９]{{{WHOLE_NUMBER}}}")
MOST_OWNERS = 200
"""Of so many owners who fit the first ones are shown; whoever has more has typed too little."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that fits, and the party by which: the present one, or where it is named ``former_owner`` an earlier one.

    ``party`` and ``former_owner`` are masked; ``last4`` is what was asked for, where it fits. ``owner_id`` is the
    owner who fits, None where the unit was found by its code.
    """

    unit: Unit
    party: str
    former_owner: str = ""
    last4: str = ""
    owner_id: int | None = None
    ownership_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Match:
    party: Ownership
    owner_id: int
    by_phone: bool


def search(project: Project, text: str, *, limit: int = LIMIT, within: QuerySet[Ownership] | None = None) -> list[Hit]:
    """Units that fit ``text``, best first: by code, then by owner and phone, former owners last.

    ``within`` limits it to these ownerships, for who sees only some cases. A fixed number of queries; nothing for an
    empty text.
    """
    text = text.strip()
    if not text:
        return []
    by_code = _units_by_code(project, text, limit, within)
    matches = _parties(project, text, limit, within)
    found = list(dict.fromkeys([*by_code, *(match.party.unit_id for match in matches)]))[:limit]
    units = Unit.objects.select_related("building").in_bulk(found)
    now_owned = {party.unit_id: party for party in _current(found)}
    matched = {match.party.unit_id: match for match in reversed(matches)}
    last4 = text[-LAST_DIGITS:] if text.isdecimal() else ""
    return [_hit(units[pk], matched.get(pk), now_owned.get(pk), last4) for pk in found]


def is_whole_number(text: str) -> bool:
    """Whether ``text`` looks like a whole phone or ID number, which must stand in no address and no log."""
    digits = sum(map(str.isdecimal, text))
    return digits >= DIGITS_OF_NO_UNIT or bool(RUN_OF_DIGITS.search(text))


def _hit(unit: Unit, match: _Match | None, now: Ownership | None, last4: str) -> Hit:
    former = match is not None and now is not None and match.party.pk != now.pk
    party = match.party if match else now
    return Hit(
        unit=unit,
        party=mask_party(now.party_name) if now else "",
        former_owner=mask_party(match.party.party_name) if match and former else "",
        last4=last4 if match and match.by_phone else "",
        owner_id=match.owner_id if match else None,
        ownership_id=party.pk if party else None,
    )


def _units_by_code(project: Project, text: str, limit: int, within: QuerySet[Ownership] | None) -> list[int]:
    """Exact codes first, then those that begin with it, then those whose room it is."""
    code = normalise(text)
    if not code:
        return []
    units: Any = Unit.objects.filter(project=project)
    aliases: Any = UnitAlias.objects.filter(project=project)
    if within is not None:
        units, aliases = units.filter(pk__in=within.values("unit")), aliases.filter(unit__in=within.values("unit"))
    _building, _dash, room = code.rpartition("-")
    # One index each: joined by OR the planner would walk through the project.
    ways = [
        units.filter(code=code).order_by("sort_key").values_list("pk", _rank(0), "sort_key"),
        aliases.filter(alias=code).order_by("unit__sort_key").values_list("unit_id", _rank(0), "unit__sort_key"),
        units.filter(code__startswith=code).order_by("sort_key").values_list("pk", _rank(1), "sort_key"),
        aliases.filter(alias__startswith=code)
        .order_by("unit__sort_key")
        .values_list("unit_id", _rank(1), "unit__sort_key"),
        units.filter(room=room, code__endswith=f"-{code}").order_by("sort_key").values_list("pk", _rank(2), "sort_key"),
    ]
    limited = [way[:limit] for way in ways]
    rows = limited[0].union(*limited[1:], all=True)
    best = sorted(rows, key=lambda row: row[1:])
    return list(dict.fromkeys(pk for pk, _rank, _key in best))[:limit]


def _rank(rank: int) -> Value:
    return Value(rank, IntegerField())


def _parties(project: Project, text: str, limit: int, within: QuerySet[Ownership] | None) -> list[_Match]:
    """Ownerships with an owner who fits, present ones first, each once."""
    fitting = _owners_by_name(project, text)
    numbers = _numbers(project, text)
    if numbers is not None:
        of_phone = numbers.values_list("owner_id", Value("phone", CharField()))[:MOST_OWNERS]
        fitting = fitting.union(of_phone, all=True)
    how = {owner_id: way == "phone" for owner_id, way in fitting}
    members = OwnershipMember.objects.filter(owner__in=how)
    if within is not None:
        members = members.filter(ownership__in=within)
    in_order = members.select_related("ownership").order_by(
        F("ownership__period__endswith").desc(nulls_first=True), "ownership__unit__sort_key", "position"
    )
    found: dict[int, _Match] = {}
    for member in in_order[: 2 * limit]:
        match = _Match(member.ownership, member.owner_id, how[member.owner_id])
        found.setdefault(member.ownership_id, match)
    return list(found.values())[:limit]


def _owners_by_name(project: Project, text: str) -> QuerySet[Any, tuple[int, str]]:
    """Owners whose name holds ``text``, or whose initials begin with it."""
    owners: Any = Owner.objects.filter(project=project).order_by("pk")
    initials = text.lower()
    if initials.isascii():
        wanted = initials if len(text) >= SHORTEST_INITIALS and initials.isalpha() else "-"  # none begin so
        named = owners.filter(pinyin_initials__startswith=wanted)
    else:
        signs = owners.alias(signs=SignsOfName()).filter(signs__contains=SignsOfName.wanted(project.pk, text))
        named = signs.filter(name__contains=text)  # the signs are there; this says whether in this order
    found: QuerySet[Any, tuple[int, str]] = named.values_list("pk", Value("name", CharField()))[:MOST_OWNERS]
    return found


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
