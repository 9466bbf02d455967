"""What was done to whom: outbound contacts counted per person across all their units (C9).

A person is an owner, together with owners of the same name and ID number in the project; rows that were merged by
hand are one row of owners anyway. Each of several co-owners
answers for the whole and is counted alone: a visit to a flat of two is a visit to both. A visit that served several
units is one, for whoever answers for any of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from collection.models import Case, ContactAttempt
from collection.models.contacts import WHOLE_ID
from owners.models import Owner, OwnershipMember
from owners.persons import PersonKey, person_key, rows_of


@dataclass(frozen=True, slots=True)
class PastContact:
    channel: ContactAttempt.Channel
    at: datetime


Histories = Mapping[int, Sequence[Sequence[PastContact]]]


def histories(
    cases: Collection[Case], *, after: datetime, until: datetime, leave_out: int | None = None
) -> dict[int, list[list[PastContact]]]:
    """By case id what happened to each of its people in that time, and to the case itself; four queries.

    ``leave_out`` is the id of a contact that is not to count, with its parts. Incoming contacts never do.
    """
    ids = [case.pk for case in cases]
    counted = ContactAttempt.objects.filter(is_incoming=False, happened_at__gt=after, happened_at__lte=until)
    if leave_out is not None:
        counted = counted.exclude(Q(pk=leave_out) | Q(part_of=leave_out))
    people = people_of(ids)
    owners = _owners_of(cases, {person for persons in people.values() for person in persons})
    by_case = _grouped(counted.filter(case__in=ids).values_list("case_id", "channel", "happened_at"))
    to_owner = counted.filter(case__account__ownership__members__owner__in=owners).order_by()
    by_owner = to_owner.values_list("case__account__ownership__members__owner_id", WHOLE_ID, "channel", "happened_at")
    by_person: dict[PersonKey, dict[int, PastContact]] = defaultdict(dict)
    for owner_id, contact_id, channel, at in by_owner:
        if owner_id in owners:
            by_person[owners[owner_id]][contact_id] = PastContact(ContactAttempt.Channel(channel), at)
    return {
        case_id: [by_case.get(case_id, []), *(list(by_person[person].values()) for person in people.get(case_id, ()))]
        for case_id in ids
    }


def lock_people(cases: Collection[Case]) -> None:
    """Whoever records a contact with one of these people, be it on another of their units, waits for the transaction.

    Two contacts at one moment would not see each other, and neither would be the one too many.
    """
    persons = people_of([case.pk for case in cases]).values()
    owners = _owners_of(cases, {person for people in persons for person in people})
    list(Owner.objects.filter(pk__in=owners).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def people_of(case_ids: Collection[int]) -> dict[int, set[PersonKey]]:
    """By case id the persons who answer for it; one query."""
    found: dict[int, set[PersonKey]] = defaultdict(set)
    members = OwnershipMember.objects.filter(ownership__account__cases__in=case_ids).order_by()
    columns = ("ownership__account__cases", "owner_id", "owner__name", "owner__id_number_hash")
    for case_id, *owner in members.values_list(*columns):
        found[case_id].add(person_key(*owner))
    return found


def _owners_of(cases: Collection[Case], people: Collection[PersonKey]) -> dict[int, PersonKey]:
    """Every owner row that is one of ``people``."""
    return rows_of(people, projects={case.project_id for case in cases})


def _grouped(rows: Collection[tuple[int, str, datetime]]) -> dict[int, list[PastContact]]:
    grouped: dict[int, list[PastContact]] = defaultdict(list)
    for case_id, channel, at in rows:
        grouped[case_id].append(PastContact(ContactAttempt.Channel(channel), at))
    return grouped
