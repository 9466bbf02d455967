"""Making sure in bulk that cases still owe, before anybody sets out or dials (A8)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from arrears.posting import lock_accounts
from arrears.verification import payments_known_until, valid_verifications, verify
from collection import stages
from collection.following import follow_ledger
from collection.models import Case
from company.models import Project, User


@dataclass(frozen=True, slots=True)
class Verified:
    """How many cases were verified now, were so already, and turned out to be paid and were closed on the spot."""

    now: int
    before: int
    paid: int


def needs_looking_up(project: Project, *, now: datetime) -> bool:
    """Whether payment data are too old, so that the charging system must be asked before a verification counts."""
    until = payments_known_until(project)
    return until is None or until <= now - timedelta(hours=project.verification_hours)


def verify_cases(
    cases: Collection[Case], *, project: Project, by: User, today: date, now: datetime, looked_up: bool = False
) -> Verified:
    """Bring ``cases`` of ``project`` up to the ledger and verify those that still owe and are not verified yet.

    ``looked_up``: the person has looked them up in the charging system. Safe to send twice.
    """
    follow_ledger(today=today, now=now, project=project)
    with transaction.atomic():
        lock_accounts(case.account_id for case in cases)
        still_open = _lock_open([case.pk for case in cases])
        valid = valid_verifications(project, [case.account_id for case in still_open], now=now)
        fresh = [case for case in still_open if case.account_id not in valid]
        verify([case.account for case in fresh], by=by, now=now, looked_up=looked_up)
        stages.refresh(still_open, now=now)
    return Verified(now=len(fresh), before=len(still_open) - len(fresh), paid=len(cases) - len(still_open))


def _lock_open(case_ids: Collection[int]) -> list[Case]:
    """Those that are still open, under lock: the next step is computed from what nobody changes meanwhile."""
    cases = Case.objects.filter(pk__in=case_ids).open().select_related("account", "project").order_by("pk")
    return list(cases.select_for_update(of=("self",)))
