"""What happened on cases, read for many at once, in the words in which playbooks speak of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from django.db.models import F, Min
from django.utils import timezone

from arrears.models import Verification
from collection.models import Case, ContactAttempt, OwnerRequest, PromiseToPay
from collection.repair_dates import followed_at
from company.models import ProjectAccess
from company.rights import HEAD, MANAGER
from notices.models import Notice

Channel, Outcome = ContactAttempt.Channel, ContactAttempt.Outcome
SPOKEN = frozenset({Outcome.MET_OWNER, Outcome.MET_OTHER, Outcome.REFUSED, Outcome.POSTPONED})
WRITTEN = frozenset({Channel.SMS, Channel.WECHAT, Channel.EMAIL})


class Happening(StrEnum):
    VERIFIED = "verified"
    ATTEMPTED = "attempted"
    MESSAGE_SENT = "message_sent"
    REACHED = "reached"
    HEAD_TALKED = "head_talked"
    PASSED_ON = "passed_on"
    VISITED = "visited"
    SLIP_LEFT = "slip_left"
    ANSWERED = "answered"
    AGREED_DATE = "agreed_date"
    PROMISE_BROKEN = "promise_broken"
    FEE_NOTICE = "fee_notice"
    EMS_NOTICE = "ems_notice"
    LAWYER_LETTER = "lawyer_letter"


NOTICES = {happening.value for happening in (Happening.FEE_NOTICE, Happening.EMS_NOTICE, Happening.LAWYER_LETTER)}


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """A contact is several events at the same moment: one visit can be an attempt, a talk and a slip."""

    at: datetime
    happening: Happening

    @property
    def on(self) -> date:
        return timezone.localdate(self.at)


def events_of(cases: Collection[Case], *, now: datetime) -> dict[int, list[Event]]:
    """By case id, up to ``now``; seven queries."""
    found: dict[int, list[Event]] = defaultdict(list, {case.pk: [] for case in cases})
    by_account = {case.account_id: case.pk for case in cases}
    ids = list(found)
    repairs = followed_at(ids)
    for source in (
        _verifications(ids),
        _contacts(ids, heads=_heads({case.project_id for case in cases})),
        _requests(ids, with_items=repairs.keys()),
        _repairs(repairs),
        _broken_promises(ids),
        _notices(by_account),
    ):
        for case_id, at, happening in source:
            if at <= now:
                found[case_id].append(Event(at, happening))
    return found


Row = tuple[int, datetime, Happening]


def _verifications(case_ids: list[int]) -> Iterator[Row]:
    """The first one since each case was opened; later ones do no step."""
    since = Verification.objects.filter(
        account__cases__in=case_ids, verified_at__date__gte=F("account__cases__opened_on")
    ).order_by()
    for case_id, at in since.values_list("account__cases").annotate(Min("verified_at")):
        yield case_id, at, Happening.VERIFIED


def _heads(project_ids: Collection[int]) -> set[tuple[int, int]]:
    """Project and person where the talk of that person counts as the department head's."""
    leading = ProjectAccess.objects.filter(project__in=project_ids, role__in=sorted(HEAD | MANAGER))
    return {(project_id, user_id) for project_id, user_id in leading.values_list("project_id", "user_id") if project_id}


def _contacts(case_ids: list[int], *, heads: set[tuple[int, int]]) -> Iterator[Row]:
    rows = ContactAttempt.objects.filter(case__in=case_ids).values_list(
        "case_id", "happened_at", "channel", "outcome", "project_id", "recorded_by_id", "emergency_contact_id",
        "visit__slip_posted",
    )  # fmt: skip
    for case_id, at, channel, outcome, project_id, by, emergency_contact, slip in rows:
        for happening in _happenings(Channel(channel), Outcome(outcome), by_head=(project_id, by) in heads):
            yield case_id, at, happening
        if emergency_contact or outcome == Outcome.PASSED_ON:
            yield case_id, at, Happening.PASSED_ON
        if slip:
            yield case_id, at, Happening.SLIP_LEFT


def _happenings(
    channel: ContactAttempt.Channel, outcome: ContactAttempt.Outcome, *, by_head: bool
) -> Iterator[Happening]:
    yield Happening.ATTEMPTED
    if channel in WRITTEN:
        yield Happening.MESSAGE_SENT
    if channel == Channel.VISIT:
        yield Happening.VISITED
    if outcome in SPOKEN:
        yield Happening.REACHED
        if by_head:
            yield Happening.HEAD_TALKED


def _requests(case_ids: list[int], *, with_items: Collection[int]) -> Iterator[Row]:
    """``with_items``: cases whose repairs are followed by items, so that an answer alone is no end of them."""
    rows = OwnerRequest.objects.filter(case__in=case_ids, answered_at__isnull=False)
    for case_id, answered_at, agreed_on in rows.values_list("case_id", "answered_at", "agreed_on"):
        if answered_at:
            yield case_id, answered_at, Happening.ANSWERED
            if case_id not in with_items:
                until = max(_start_of(agreed_on), answered_at) if agreed_on else answered_at
                yield case_id, until, Happening.AGREED_DATE


def _repairs(followed: Mapping[int, datetime | None]) -> Iterator[Row]:
    for case_id, at in followed.items():
        if at:
            yield case_id, at, Happening.AGREED_DATE


def _broken_promises(case_ids: list[int]) -> Iterator[Row]:
    broken = PromiseToPay.objects.filter(
        case__in=case_ids, state__in=[PromiseToPay.State.BROKEN, PromiseToPay.State.PARTLY]
    )
    for case_id, judged_on in broken.values_list("case_id", "judged_on"):
        if judged_on:
            yield case_id, _start_of(judged_on), Happening.PROMISE_BROKEN


def _notices(case_by_account: dict[int, int]) -> Iterator[Row]:
    issued = Notice.objects.in_force().filter(account__in=case_by_account, kind__in=NOTICES)
    for account_id, kind, at in issued.values_list("account_id", "kind", "batch__confirmed_at"):
        yield case_by_account[account_id], at, Happening(kind)


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
