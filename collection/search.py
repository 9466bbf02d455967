"""What the search box shows of a unit: who owns it, what is overdue, and where it leads (O4)."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from collection.models import Case
from company.models import Project, User
from owners.models import Ownership
from owners.search import Hit, search

LIMIT = 20
LIMIT_WHILE_TYPING = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A unit that fits. ``case`` is the viewer's to see; ``overdue`` in CNY, None where they may not know it."""

    hit: Hit
    case: Case | None
    overdue: Decimal | None


def find(project: Project, text: str, *, viewer: User, whole_ledger: bool, limit: int = LIMIT) -> list[Found]:
    """Units that fit, with their cases; who does not see the whole ledger finds only what their cases are about.

    A fixed number of queries.
    """
    cases = Case.objects.visible_to(viewer).filter(project=project)
    within = None if whole_ledger else _parties_of(cases)
    hits = search(project, text, limit=limit, within=within)
    of_party = _latest(cases, [hit.ownership_id for hit in hits if hit.ownership_id])
    return [_found(hit, of_party.get(hit.ownership_id or 0), whole_ledger=whole_ledger) for hit in hits]


def _found(hit: Hit, case: Case | None, *, whole_ledger: bool) -> Found:
    if case is not None:
        return Found(hit, case, case.overdue)
    return Found(hit, None, Decimal("0.00") if whole_ledger else None)


def _parties_of(cases: QuerySet[Case]) -> QuerySet[Ownership]:
    return Ownership.objects.filter(account__cases__in=cases)


def _latest(cases: QuerySet[Case], ownership_ids: list[int]) -> dict[int, Case]:
    """The open case of each party, else the one that closed last."""
    rows = cases.filter(account__ownership__in=ownership_ids).select_related("account").order_by("-closed_on")
    found: dict[int, Case] = {}
    for case in rows:
        if case.state == Case.State.OPEN or case.account.ownership_id not in found:
            found[case.account.ownership_id] = case
    return found
