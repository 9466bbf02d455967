"""A person's round of today: their cases by building and entrance, in walking order, each with where it stands (V1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from django.db.models import Q
from django.utils import timezone

from arrears.models import Verification
from arrears.queries import Bucket, bucket_of, settled_since
from arrears.verification import valid_verifications
from collection.limits import Clearance, Limit, Refusal, clearances, hour_refusals
from collection.models import Case, CaseTransition, ContactAttempt, PromiseToPay, RoundChecklist
from collection.reasons import Reason, every_reason
from collection.same_person import together
from company.models import Project, User
from owners.models import Building
from owners.personal_data import mask_party

ZERO = Decimal("0.00")
OF_THE_WHOLE_ROUND = frozenset({Limit.NOT_VERIFIED, Limit.HOURS, Limit.NIGHT})


class Stop(StrEnum):
    """What a case is on today's round."""

    TO_VISIT = "to_visit"
    VISITED = "visited"
    NOT_TODAY = "not_today"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class RoundRow:
    case: Case
    stop: Stop
    party: str
    bucket: Bucket | None
    reason: Reason
    clearance: Clearance
    is_verified: bool
    visit: ContactAttempt | None = None
    promise: PromiseToPay | None = None
    paid_at: datetime | None = None
    owed: Decimal = ZERO
    same_person: list[Case] = field(default_factory=list)

    @property
    def may_be_visited(self) -> bool:
        """Whether somebody may set out for it: nothing of its own speaks against it, and it is verified."""
        return self.stop == Stop.TO_VISIT and self.is_verified

    @property
    def why_not(self) -> list[Refusal]:
        return own_reasons(self.clearance)

    @property
    def counts_as(self) -> Stop:
        """Whoever has paid is not visited today either."""
        return Stop.NOT_TODAY if self.stop == Stop.PAID else self.stop


@dataclass(frozen=True, slots=True)
class Entrance:
    """The stops behind one door."""

    building: str
    entrance: str
    rows: list[RoundRow]

    @property
    def to_visit(self) -> int:
        return sum(row.stop == Stop.TO_VISIT for row in self.rows)


@dataclass(frozen=True, slots=True)
class RoundFilter:
    """What of a round is shown; None narrows nothing. ``stop`` limits the list alone, the others its numbers too."""

    stop: Stop | None = None
    building_id: int | None = None
    reason: Reason | None = None

    def narrows(self, row: RoundRow) -> bool:
        """Whether ``row`` is in the building and has the reason that are asked for."""
        is_there = self.building_id in (None, row.case.account.unit.building_id)
        return is_there and self.reason in (None, row.reason)

    def shows(self, row: RoundRow) -> bool:
        """Whether ``row`` stands in the list."""
        return self.narrows(row) and self.stop in (None, row.counts_as)


EVERYTHING = RoundFilter()


@dataclass(frozen=True, slots=True)
class Round:
    """``rows`` are the whole round, ``counted`` those that its numbers count, ``entrances`` hold what is shown."""

    entrances: list[Entrance]
    unverified: list[Case]
    checklist: RoundChecklist
    outside_hours: list[Refusal]
    rows: list[RoundRow] = field(default_factory=list)
    counted: list[RoundRow] = field(default_factory=list)

    def count(self, stop: Stop) -> int:
        return sum(row.counts_as == stop for row in self.counted)

    @property
    def buildings(self) -> list[Building]:
        """Those of the whole round, in walking order."""
        return list(dict.fromkeys(row.case.account.unit.building for row in self.rows))

    @property
    def reasons(self) -> list[Reason]:
        """Those of the whole round, in the order in which reasons are offered."""
        met = {row.reason for row in self.rows}
        return [reason for reason in every_reason() if reason in met]

    def next_after(self, case: Case) -> RoundRow | None:
        """The next door on the way from ``case``, and from the start again behind the last; None where none is left."""
        place = case.account.unit.sort_key
        waiting = [row for row in self.rows if row.stop == Stop.TO_VISIT and row.case.pk != case.pk]
        ahead = (row for row in waiting if row.case.account.unit.sort_key >= place)
        return next(ahead, waiting[0] if waiting else None)


def build_round(project: Project, user: User, *, now: datetime, only: RoundFilter = EVERYTHING) -> Round:
    """The cases that ``user`` answers for, with those paid today; ``only`` narrows what is shown of them.

    A fixed number of queries.
    """
    today = timezone.localdate(now)
    rows = _rows(_cases_of(project, user, today), project, now=now)
    return Round(
        entrances=list(_by_entrance(row for row in rows if only.shows(row))),
        unverified=[row.case for row in rows if row.stop == Stop.TO_VISIT and not row.is_verified],
        checklist=checklist_of(project, user, today),
        outside_hours=hour_refusals(project, now=now),
        rows=rows,
        counted=[row for row in rows if only.narrows(row)],
    )


def checklist_of(project: Project, user: User, day: date) -> RoundChecklist:
    """What is ticked for a day's round; an empty list that is not saved yet where nothing is."""
    found = RoundChecklist.objects.filter(project=project, user=user, day=day).first()
    return found or RoundChecklist(project=project, user=user, day=day)


def tick(project: Project, user: User, items: Iterable[str], *, day: date, now: datetime) -> RoundChecklist:
    """Write down what is ticked for a day's round; complete when everything is."""
    wanted = set(items)
    ticked = [item for item in RoundChecklist.ITEMS if item in wanted]
    is_complete = len(ticked) == len(RoundChecklist.ITEMS)
    checklist, _created = RoundChecklist.objects.update_or_create(
        project=project,
        user=user,
        day=day,
        defaults={"ticked": ticked, "completed_at": now if is_complete else None},
    )
    return checklist


def _cases_of(project: Project, user: User, today: date) -> list[Case]:
    mine = Case.objects.filter(project=project, responsible=user)
    on_today = mine.filter(Q(state=Case.State.OPEN) | Q(closed_on=today))
    return list(
        on_today.in_round_order().select_related("project", "account__unit__building", "account__ownership")
    )  # fmt: skip


def _rows(cases: list[Case], project: Project, *, now: datetime) -> list[RoundRow]:
    closed = [case for case in cases if case.state == Case.State.CLOSED]
    still_open = [case for case in cases if case.state == Case.State.OPEN]
    paid_at, owed_before, visits = _paid_at(closed), _owed_before(closed, now), _visits_today(cases, now)
    cleared = clearances(still_open, ContactAttempt.Channel.VISIT, now=now)
    verified = valid_verifications(project, [case.account_id for case in cases], now=now)
    today = timezone.localdate(now)
    of_one_person = together(still_open)
    rows = []
    for case in cases:
        visit, clearance = visits.get(case.pk), cleared.get(case.pk, Clearance())
        row = RoundRow(
            case=case,
            stop=_stop_of(case, visit, clearance),
            party=mask_party(case.account.ownership.party_name),
            bucket=bucket_of((today - case.oldest_due_on).days) if case.oldest_due_on else None,
            reason=Reason.of(case),
            clearance=clearance,
            is_verified=case.account_id in verified,
            visit=visit,
            promise=getattr(visit, "promise", None),
            paid_at=paid_at.get(case.pk),
            owed=case.overdue or owed_before.get(case.account_id, ZERO),
            same_person=of_one_person.get(case.pk, []),
        )
        rows.append(row)
    return rows


def _visits_today(cases: Iterable[Case], now: datetime) -> dict[int, ContactAttempt]:
    """The latest visit of today by case, also where it was told at the door of another unit of the person."""
    today = ContactAttempt.objects.filter(case__in=list(cases), happened_at__gte=_midnight(now))
    visits = today.filter(Q(visit__isnull=False) | Q(part_of__isnull=False)).order_by("happened_at")
    return {visit.case_id: visit for visit in visits.select_related("visit", "promise", "part_of__case__account__unit")}


def _midnight(now: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate(now), time()))


def _paid_at(cases: Iterable[Case]) -> dict[int, datetime]:
    closed = CaseTransition.objects.filter(case__in=list(cases), to_state=Case.State.CLOSED).order_by("pk")
    return dict(closed.values_list("case_id", "at"))


def _owed_before(closed: Iterable[Case], now: datetime) -> dict[int, Decimal]:
    """By account id what cases that closed today owed this morning: what was settled since, CNY.

    Where nothing was settled, since the charge itself was taken back, what was last verified.
    """
    accounts = [case.account_id for case in closed]
    verified = Verification.objects.filter(account__in=accounts, outstanding__gt=0).order_by("account_id", "-pk")
    known = dict(verified.distinct("account_id").values_list("account_id", "outstanding"))
    return known | settled_since(accounts, since=_midnight(now), due_before=timezone.localdate(now))


def _stop_of(case: Case, visit: ContactAttempt | None, clearance: Clearance) -> Stop:
    if case.state == Case.State.CLOSED:
        return Stop.PAID
    if visit:
        return Stop.VISITED
    return Stop.NOT_TODAY if own_reasons(clearance) else Stop.TO_VISIT


def own_reasons(clearance: Clearance) -> list[Refusal]:
    """What speaks against this very visit; the hour and the verifying concern the whole round."""
    return [reason for reason in clearance.reasons if reason.limit not in OF_THE_WHOLE_ROUND]


def _by_entrance(rows: Iterable[RoundRow]) -> Iterable[Entrance]:
    def door(row: RoundRow) -> tuple[str, str]:
        return row.case.account.unit.building.name, row.case.account.unit.entrance

    for (building, entrance), behind in groupby(rows, key=door):
        yield Entrance(building, entrance, list(behind))
