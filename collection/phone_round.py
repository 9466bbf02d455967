"""Today's round as it lies on a phone: what the way from door to door needs, and no more (V4, P1).

Masked names and a band instead of the amount; no number, no address beyond the room. Only cases that are verified may
be visited; of the others the room is told and why.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from collection.dossier import talk_fields
from collection.limits import in_brief
from collection.models import Case, ContactAttempt
from collection.rounds import Entrance, RoundRow, Stop, build_round
from collection.talking_points import talking_points
from company.models import Project, User

BANDS = tuple(Decimal(bound) for bound in (1_000, 3_000, 5_000, 10_000, 20_000, 50_000))


def phone_round(project: Project, user: User, *, now: datetime) -> dict[str, Any]:
    """What a phone downloads for today, fit for JSON; a fixed number of queries."""
    walk = build_round(project, user, now=now)
    last = _last_contacts([row.case for row in walk.rows])
    held = {row.case.pk: _why_not(row) for row in walk.rows if not row.may_be_visited}
    return {
        "person": user.pk,
        "day": timezone.localdate(now).isoformat(),
        "made_at": now.isoformat(),
        "ticked": walk.checklist.completed_at is not None,
        "to_visit": sum(row.may_be_visited for row in walk.rows),
        "entrances": [
            {"title": _title(entrance), "rows": [_row(row, user, last, held) for row in entrance.rows]}
            for entrance in walk.entrances
        ],
    }


def band(amount: Decimal) -> str:
    """About how much it is (CNY), so that the exact amount need not be on a phone."""
    over = [bound for bound in BANDS if amount >= bound]
    under = [bound for bound in BANDS if amount < bound]
    if not over:
        return _("under %(bound)s") % {"bound": f"{under[0]:,}"}
    if not under:
        return _("%(bound)s and more") % {"bound": f"{over[-1]:,}"}
    return f"{over[-1]:,}–{under[0]:,}"


def _title(entrance: Entrance) -> str:
    if not entrance.entrance:
        return entrance.building
    place = {"building": entrance.building, "entrance": entrance.entrance}
    return _("%(building)s, entrance %(entrance)s") % place


def _row(
    row: RoundRow, user: User, last: Mapping[int, ContactAttempt], held: Mapping[int, str]
) -> dict[str, Any]:  # fmt: skip
    """``held`` says of cases that are not to be visited why: where others of the person are among them, their ticks are
    left out."""
    unit = row.case.account.unit
    told: dict[str, Any] = {"case": row.case.pk, "unit": unit.code, "room": unit.room, "stop": row.stop.value}
    if row.stop in (Stop.TO_VISIT, Stop.NOT_TODAY) and not row.may_be_visited:
        told |= {"stop": Stop.NOT_TODAY.value, "why": held[row.case.pk]}
    if not row.may_be_visited:
        return told
    points = talking_points(row.reason, talk_fields(row.case, user))
    return told | {
        "responsible": row.case.responsible_id,
        "party": row.party,
        "band": band(row.owed),
        "age": str(row.bucket.label) if row.bucket else "",
        "reason": row.reason.label,
        "last": _last(last.get(row.case.pk)),
        "same": [case.account.unit.code for case in row.same_person],
        "also": [_other(case, why_not=held.get(case.pk, "")) for case in row.same_person],
        "say": points.say,
        "never": points.never,
    }


def _why_not(row: RoundRow) -> str:
    if row.stop == Stop.TO_VISIT:
        return _("not verified: not to be visited yet")
    return in_brief(row.why_not) if row.stop == Stop.NOT_TODAY else _("visited today")


def _other(case: Case, *, why_not: str) -> dict[str, Any]:
    return {"case": case.pk, "unit": case.account.unit.code, "ticked": not why_not, "why": why_not}


def _last_contacts(cases: Iterable[Case]) -> dict[int, ContactAttempt]:
    found = ContactAttempt.objects.filter(case__in=list(cases)).order_by("case_id", "-happened_at")
    return {contact.case_id: contact for contact in found.distinct("case_id")}


def _last(contact: ContactAttempt | None) -> str:
    if contact is None:
        return ""
    day = date_format(timezone.localdate(contact.happened_at), "MONTH_DAY_FORMAT")
    return f"{day} {ContactAttempt.Outcome(contact.outcome).word_for(contact.channel)}"
