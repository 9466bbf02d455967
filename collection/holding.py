"""What holds cases back, read for many at once: promises, requests, money in doubt, numbers, leave to go on."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

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
    """As they stood at ``now``, also a moment that has passed. Seven queries, one for ``numbers``, two for plans.

    ``leave_out``: a contact that is judged itself; what came of it did not hold it back.
    """
    ids = [case.pk for case in cases]
    today = timezone.localdate(now)
    asked = OwnerRequest.objects.filter(_not_of("contact", leave_out), case__in=ids, created_at__lte=now)
    unanswered = asked.filter(Q(answered_at__isnull=True) | Q(answered_at__gt=now))
    agreed = asked.filter(agreed_on__gt=today)
    open_or_agreed = list((unanswered | agreed).order_by("-created_at"))
    return Holds(
        promises=_promises(ids, today=today, now=now, leave_out=leave_out),
        requests={request.case_id: request for request in open_or_agreed if _is_unanswered(request, now)},
        agreed=_latest_agreed(open_or_agreed, today),
        repairs=agreed_until(ids, now=now),
        cash=_pending_cash(ids, now=now, leave_out=leave_out),
        plans=_plans(cases, today=today, now=now),
        claims=_claims(ids, now=now, leave_out=leave_out),
        reachable=_reachable(ids) if numbers else set(),
        overrides=_overrides(ids, today=today, now=now),
    )


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
