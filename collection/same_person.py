"""Cases of one person: what they owe for other units, so that one visit or one envelope can serve several (O7)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from collection.limits import COUNT_RULES, Limit, clearances, in_brief
from collection.models import Case, ContactAttempt
from collection.models.cases import CaseQuerySet
from collection.people_contacted import people_of
from owners.persons import PersonKey, rows_of

OF_THE_VISIT = frozenset({Limit.HOURS, Limit.NIGHT, *(rule.limit for rule in COUNT_RULES)})


def other_cases(case: Case, *, visible: CaseQuerySet, chosen: Collection[int] = ()) -> list[Case]:
    """Open cases among ``visible`` for which one of the people of ``case`` answers too; three queries.

    Those of ``chosen`` are among them also where they are paid by now.
    """
    rows = rows_of(people_of([case.pk])[case.pk], projects=[case.project_id])
    wanted = visible.filter(Q(state=Case.State.OPEN) | Q(pk__in=chosen))
    found = wanted.filter(account__ownership__members__owner__in=rows).exclude(pk=case.pk)
    return list(found.select_related("account__unit__building", "responsible").distinct().in_round_order())


def together(cases: Collection[Case]) -> dict[int, list[Case]]:
    """By case id the others of ``cases`` that belong to one of its people; one query, cases alone are left out."""
    by_person: dict[PersonKey, set[int]] = defaultdict(set)
    people = people_of([case.pk for case in cases])
    for case_id, persons in people.items():
        for person in persons:
            by_person[person].add(case_id)
    found: dict[int, list[Case]] = {}
    for case_id, persons in people.items():
        others = set[int]().union(*(by_person[person] for person in persons)) - {case_id}
        if others:
            found[case_id] = [case for case in cases if case.pk in others]
    return found


def held_back(cases: Collection[Case], *, now: datetime) -> dict[int, str]:
    """Why a visit to their person is not meant for some of ``cases`` (of one project), by case id: what speaks against
    them beside the hour and what the person has had enough of. A fixed number of queries."""
    cleared = clearances(cases, ContactAttempt.Channel.VISIT, now=now)
    of_its_own = {
        case_id: [refusal for refusal in clearance.reasons if refusal.limit not in OF_THE_VISIT]
        for case_id, clearance in cleared.items()
    }
    return {case_id: in_brief(refusals) for case_id, refusals in of_its_own.items() if refusals}
