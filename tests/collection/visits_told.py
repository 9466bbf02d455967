"""Visits as a phone tells of them: a first time, anew, and sent."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from collection.contacts import ContactReport
from collection.models import Case, ContactAttempt, Visit
from collection.visits import VisitReport, record_visit
from company.models import Role, User
from tests.factories import NOW

HOUSEKEEPER = frozenset({Role.HOUSEKEEPER})
OF_THE_VISIT = ("client_id", "revision", "slip_posted", "cash", "photos")


def told(case: Case, also: Iterable[Case] = (), **fields: Any) -> VisitReport:
    """A visit that met the owner; ``fields`` of the visit by name, all others are of the contact."""
    own = {"client_id": uuid.uuid4(), **_own(fields)}
    met = {"channel": ContactAttempt.Channel.VISIT, "outcome": ContactAttempt.Outcome.MET_OWNER, "happened_at": NOW}
    return VisitReport(
        contact=ContactReport(**{**met, **fields}), responsible_id=case.responsible_id, also=_ids(also), **own
    )


def again(report: VisitReport, also: Iterable[Case] = (), **fields: Any) -> VisitReport:
    """The same visit told anew under the next revision; ``fields`` as of ``told``."""
    own = {"revision": report.revision + 1, **_own(fields)}
    return replace(report, contact=replace(report.contact, **fields), also=_ids(also), **own)


def send(
    case: Case, report: VisitReport, by: User, *, roles: frozenset[Role] = HOUSEKEEPER, now: dt.datetime = NOW
) -> Visit:  # fmt: skip
    return record_visit(case, report, by=by, roles=roles, now=now)


def _own(fields: dict[str, Any]) -> dict[str, Any]:
    """What of ``fields`` is of the visit, taken out of them."""
    return {name: fields.pop(name) for name in OF_THE_VISIT if name in fields}


def _ids(cases: Iterable[Case]) -> tuple[int, ...]:
    return tuple(sorted(case.pk for case in cases))
