"""What holds cases back, read for many at once: promises, requests, money in doubt, numbers, leave to go on."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from arrears.plans import Due, kept_until
from collection.models import (
    Case,
    CashTaken,
    ContactAttempt,
    LimitOverride,
    OwnerRequest,
    PromiseToPay,
    RectificationItem,
)
from collection.repair_dates import agreed_until
from owners.models import Phone


@dataclass(frozen=True, slots=True)
class Holds:
    """By case id. ``reachable``: cases with a number that may be dialled; ``overrides``: (case, channel) of today."""

    promises: dict[int, PromiseToPay] = field(default_factory=dict)
    requests: dict[int, OwnerRequest] = field(default_factory=dict)
    agreed: dict[int, date] = field(default_factory=dict)
    repairs: dict[int, RectificationItem] = field(default_factory=dict)
    cash: dict[int, date] = field(default_factory=dict)
    plans: dict[int, Due] = field(default_factory=dict)
    claims: dict[int, date] = field(default_factory=dict)
    reachable: set[int] = field(default_factory=set)
    overrides: set[tuple[int, str]] = field(default_factory=set)


def read_holds(cases: Collection[Case], *, now: datetime, numbers: bool = False, leave_out: int | None = None) -> Holds:
    """As they stood at ``now``, also a moment that has passed. One query, one more for each kind of which there is any,
    two for plans, and one for ``numbers``.

    ``leave_out``: a contact that is judged itself; what came of it did not hold it back.
    """
    ids = [case.pk for case in cases]
    today, there_are = timezone.localdate(now), _kinds_there(cases)
    requests = _requests(ids, today=today, now=now, leave_out=leave_out) if there_are.requests else []
    return Holds(
        promises=_promises(ids, today=today, now=now, leave_out=leave_out) if there_are.promises else {},
        requests={request.case_id: request for request in requests if _is_unanswered(request, now)},
        agreed=_latest_agreed(requests, today),
        repairs=agreed_until(ids, now=now) if there_are.repairs else {},
        cash=_pending_cash(ids, now=now, leave_out=leave_out) if there_are.cash else {},
        plans=_plans(cases, today=today, now=now) if there_are.plans else {},
        claims=_claims(ids, now=now, leave_out=leave_out) if there_are.claims else {},
        reachable=_reachable(ids) if numbers else set(),
        overrides=_overrides(ids, today=today, now=now) if there_are.overrides else set(),
    )


class _KindsThere(NamedTuple):
    promises: bool
    requests: bool
    repairs: bool
    cash: bool
    plans: bool
    claims: bool
    overrides: bool


def _kinds_there(cases: Collection[Case]) -> _KindsThere:
    """Which kinds of hold these cases have ever had: of most of them there is none, and nothing more to ask."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT FROM collection_promisetopay p WHERE p.case_id = ANY(%(cases)s::bigint[])),
                   EXISTS (SELECT FROM collection_ownerrequest r WHERE r.case_id = ANY(%(cases)s::bigint[])),
                   EXISTS (SELECT FROM collection_rectificationitem i WHERE i.case_id = ANY(%(cases)s::bigint[])),
                   EXISTS (SELECT FROM collection_cashtaken t JOIN collection_visit v ON v.id = t.visit_id
                           JOIN collection_contactattempt c ON c.id = v.contact_id
                           WHERE c.case_id = ANY(%(cases)s::bigint[])),
                   EXISTS (SELECT FROM arrears_instalmentplan p WHERE p.account_id = ANY(%(accounts)s::bigint[])),
                   EXISTS (SELECT FROM collection_contactattempt c
                           WHERE c.case_id = ANY(%(cases)s::bigint[]) AND c.payment = 'claims_paid'),
                   EXISTS (SELECT FROM collection_limitoverride o WHERE o.case_id = ANY(%(cases)s::bigint[]))
            """,
            {"cases": [case.pk for case in cases], "accounts": [case.account_id for case in cases]},
        )
        return _KindsThere(*cursor.fetchone())


def _requests(case_ids: Collection[int], *, today: date, now: datetime, leave_out: int | None) -> list[OwnerRequest]:
    """Requests that were unanswered at ``now``, and those whose agreed date lay ahead; the latest first."""
    asked = OwnerRequest.objects.filter(_not_of("contact", leave_out), case__in=case_ids, created_at__lte=now)
    unanswered = asked.filter(Q(answered_at__isnull=True) | Q(answered_at__gt=now))
    agreed = asked.filter(agreed_on__gt=today)
    return list((unanswered | agreed).order_by("-created_at"))


def _not_of(contact: str, left_out: int | None) -> Q:
    """Rows that did not come of the contact ``left_out``; ``contact`` leads to theirs."""
    return Q() if left_out is None else ~Q(**{contact: left_out}) | Q(**{f"{contact}__isnull": True})


def _overrides(case_ids: Collection[int], *, today: date, now: datetime) -> set[tuple[int, str]]:
    """Leave given by ``now``: what was done before it was given is a breach all the same."""
    given = LimitOverride.objects.filter(case__in=case_ids, day=today, granted_at__lte=now)
    return set(given.values_list("case_id", "channel"))


def _promises(
    case_ids: Collection[int], *, today: date, now: datetime, leave_out: int | None
) -> dict[int, PromiseToPay]:
    """The latest promise of each case that was given before ``now`` and is not due before today."""
    given = PromiseToPay.objects.filter(_not_of("contact", leave_out), case__in=case_ids)
    waiting = given.filter(pay_by__gte=today, contact__happened_at__lte=now)
    waiting = waiting.filter(Q(state=PromiseToPay.State.WAITING) | Q(judged_on__gt=today)).order_by("pay_by", "pk")
    return {promise.case_id: promise for promise in waiting}


def _plans(cases: Collection[Case], *, today: date, now: datetime) -> dict[int, Due]:
    """The next instalment of each case whose plan runs and was kept so far."""
    by_account = kept_until([case.account_id for case in cases], on=today, at=now)
    return {case.pk: by_account[case.account_id] for case in cases if case.account_id in by_account}


def _is_unanswered(request: OwnerRequest, now: datetime) -> bool:
    return request.answered_at is None or request.answered_at > now


def _latest_agreed(requests: Collection[OwnerRequest], today: date) -> dict[int, date]:
    found: dict[int, date] = {}
    for request in requests:
        if request.agreed_on and request.agreed_on > today:
            found[request.case_id] = max(request.agreed_on, found.get(request.case_id, request.agreed_on))
    return found


def _pending_cash(case_ids: Collection[int], *, now: datetime, leave_out: int | None) -> dict[int, date]:
    """The day on which money was taken that finance has not decided on."""
    of_cases = CashTaken.objects.filter(_not_of("visit__contact", leave_out), visit__contact__case__in=case_ids)
    taken = of_cases.filter(visit__contact__happened_at__lte=now)
    pending = taken.filter(Q(decided_at__isnull=True) | Q(decided_at__gt=now))
    rows = pending.values_list("visit__contact__case_id", "visit__contact__happened_at")
    return {case_id: timezone.localdate(at) for case_id, at in rows}


def _claims(case_ids: Collection[int], *, now: datetime, leave_out: int | None) -> dict[int, date]:
    """The latest day on which the owner said that it is paid."""
    claimed = ContactAttempt.objects.filter(case__in=case_ids, payment=ContactAttempt.Payment.CLAIMS_PAID)
    said = claimed.exclude(pk=leave_out) if leave_out else claimed
    rows = said.filter(happened_at__lte=now).order_by("happened_at").values_list("case_id", "happened_at")
    return {case_id: timezone.localdate(at) for case_id, at in rows}


def _reachable(case_ids: Collection[int]) -> set[int]:
    usable = Phone.objects.filter(ended_at__isnull=True, do_not_contact=False).exclude(state=Phone.State.WRONG_PERSON)
    of_case = "owner__memberships__ownership__account__cases"
    return set(usable.filter(**{f"{of_case}__in": case_ids}).values_list(of_case, flat=True))
