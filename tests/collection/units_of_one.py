"""Visits for several units of one person, for the tests of their parts."""

from collection.models import Case
from company.models import Project, User
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
