"""Visits for several units of one person, for the tests of their parts."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from collection.contacts import ContactReport
from collection.models import Case, ContactAttempt, Visit
from collection.visits import VisitReport, record_visit
from company.models import Project, Role, User
from owners.merging import merge_persons
from owners.models import Owner
from tests.factories import NOW, create_user
from tests.field_factories import create_field_case


def cases_of_one_person(project: Project, *workers: User) -> list[Case]:
    """A unit for each of ``workers``, who answers for it; all units are one person's."""
    cases = [
        create_field_case(project=project, by=worker, code=f"1-1-10{number}")
        for number, worker in enumerate(workers, start=1)
    ]
    first = owner_of(cases[0]).pk
    for case in cases[1:]:
        merge_persons(Owner.objects.get(pk=first), owner_of(case), by=create_user(), now=NOW)
    return cases


def owner_of(case: Case) -> Owner:
    return case.account.ownership.owners.get()


def told(case: Case, also: Iterable[Case] = (), **fields: Any) -> VisitReport:
    """A visit that met the owner; ``fields`` are of the contact."""
    contact = {
        "channel": ContactAttempt.Channel.VISIT, "outcome": ContactAttempt.Outcome.MET_OWNER, "happened_at": NOW,
        **fields,
    }  # fmt: skip
    return VisitReport(
        client_id=uuid.uuid4(), contact=ContactReport(**contact), responsible_id=case.responsible_id,
        also=tuple(sorted(other.pk for other in also)),
    )  # fmt: skip


def again(report: VisitReport, also: Iterable[Case], **fields: Any) -> VisitReport:
    """The same visit under the next revision."""
    contact = replace(report.contact, **fields)
    return replace(report, contact=contact, revision=report.revision + 1, also=tuple(case.pk for case in also))


def send(case: Case, report: VisitReport, by: User, *, now: dt.datetime = NOW) -> Visit:
    return record_visit(case, report, by=by, roles=frozenset({Role.HOUSEKEEPER}), now=now)
