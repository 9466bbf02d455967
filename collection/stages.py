"""Where a case stands: its stage, and its next step with who and by when, computed from reason and history (C5, C6).

A ladder is walked up along what happened: a step is done by the first event of its kind after the step before it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation

from collection.default_playbook import ANSWER_REQUEST, CHECK_CLAIM, CONFIRM_CASH
from collection.events import Event, Happening, events_of
from collection.holding import Holds, read_holds
from collection.ladders import Ladder, read_ladders
from collection.models import ArrearsReason, Case, Measure, Precondition, Stage, StepReached
from collection.steps import Step
from company.models import Project

CASES_AT_ONCE = 1000

# By measure the happenings that count as having done it.
DONE_BY: Mapping[Measure, frozenset[Happening]] = {
    Measure.VERIFY: frozenset({Happening.VERIFIED, Happening.ATTEMPTED}),  # whoever went there had read the file
    Measure.REMIND: frozenset({Happening.REACHED, Happening.HEAD_TALKED, Happening.MESSAGE_SENT, Happening.FEE_NOTICE}),
    Measure.CALL: frozenset({Happening.REACHED, Happening.HEAD_TALKED}),
    Measure.TALK: frozenset({Happening.HEAD_TALKED}),
    Measure.ANSWER: frozenset({Happening.ANSWERED}),
    Measure.COORDINATE: frozenset({Happening.AGREED_DATE}),
    Measure.PASS_ON: frozenset({Happening.PASSED_ON}),
    Measure.VISIT: frozenset({Happening.VISITED}),
    Measure.SLIP: frozenset({Happening.SLIP_LEFT}),
    Measure.EMS_NOTICE: frozenset({Happening.EMS_NOTICE}),
    Measure.LAWYER_LETTER: frozenset({Happening.LAWYER_LETTER}),
    Measure.LITIGATE: frozenset(),
    Measure.CHECK_CLAIM: frozenset(),
    Measure.CONFIRM_CASH: frozenset(),
    Measure.CUT_UTILITIES: frozenset(),
}
MEETS: Mapping[Precondition, frozenset[Happening]] = {
    Precondition.REACHED: frozenset({Happening.REACHED, Happening.HEAD_TALKED}),
    Precondition.HEAD_TALKED: frozenset({Happening.HEAD_TALKED}),
    Precondition.VISITED: frozenset({Happening.VISITED}),
    Precondition.WRITTEN: frozenset({Happening.MESSAGE_SENT, Happening.FEE_NOTICE, Happening.EMS_NOTICE}),
    Precondition.ANSWERED: frozenset({Happening.ANSWERED}),
}
# What one contact is at the same moment: whichever of these does a step, the others do none after it.
OF_ONE_CONTACT = frozenset(
    {
        Happening.ATTEMPTED, Happening.MESSAGE_SENT, Happening.REACHED, Happening.HEAD_TALKED, Happening.PASSED_ON,
        Happening.VISITED, Happening.SLIP_LEFT,
    }
)  # fmt: skip
# Nobody who cannot be reached can be talked to: there an attempt is enough for the reminder.
ATTEMPTS = frozenset({Happening.ATTEMPTED, Happening.VISITED})


@dataclass(frozen=True, slots=True)
class DoneStep:
    step: Step
    on: date


@dataclass(frozen=True, slots=True)
class Standing:
    """``number`` of ``total`` in the ladder, 0 for what comes before any step; ``ready_on``: not before that day.

    ``lacking``: what must have happened before the step may be taken, and has not. ``playbook_id``: the version that
    the step stands in, None for one of the ladders that a project starts with.
    """

    stage: Stage
    step: Step
    number: int
    total: int
    ready_on: date
    due_on: date
    done: list[DoneStep] = field(default_factory=list)
    ahead: list[Step] = field(default_factory=list)
    lacking: Precondition | None = None
    playbook_id: int | None = None

    def is_late(self, today: date) -> bool:
        return self.due_on < today

    def step_before(self, measure: Measure) -> Step | None:
        """The step that must be done before ``measure``; None where ``measure`` is the next step, or none at all."""
        for before, step in zip([self.step, *self.ahead], self.ahead, strict=False):
            if step.measure == measure:
                return before
        return None


def standings(cases: Collection[Case], *, now: datetime) -> dict[int, Standing]:
    """By case id where each open case stands; the number of queries is fixed."""
    open_cases = [case for case in cases if case.state == Case.State.OPEN]
    if not open_cases:
        return {}
    happened = events_of(open_cases, now=now)
    holds = read_holds(open_cases, now=now)
    ladders = read_ladders(open_cases)
    today = timezone.localdate(now)
    return {
        case.pk: standing(case, ladders.of(case), happened[case.pk], holds, today=today) for case in open_cases
    }  # fmt: skip


def standing(case: Case, ladder: Ladder, events: Sequence[Event], holds: Holds, *, today: date) -> Standing:
    """Where one case stands on its ladder, from its events in any order."""
    age = (today - case.oldest_due_on).days if case.oldest_due_on else 0
    steps = ladder.steps_for(overdue=case.overdue, overdue_days=age)
    done = list(_climb(steps, sorted(events), ArrearsReason(case.reason), start=case.opened_on))
    current = steps[min(len(done), len(steps) - 1)]
    ready_on = _ready_on(current, done, events, case, holds)
    due_on = ready_on + timedelta(days=current.due_days)
    number = steps.index(current) + 1
    ladder_standing = Standing(
        current.stage, current, number, len(steps), ready_on, due_on, done, steps[number:],
        lacking=_lacking(current, case, events), playbook_id=ladder.playbook_id,
    )  # fmt: skip
    return _with_what_comes_first(case, holds, ladder_standing)


def lacking_for(
    cases: Collection[Case], measure: Measure, *, now: datetime
) -> dict[int, tuple[Step, Precondition]]:  # fmt: skip
    """By case id the next step of its ladder that is ``measure``, whose precondition is not met yet; others left out.

    One query where no ladder asks for any, else eight.
    """
    open_cases = [case for case in cases if case.state == Case.State.OPEN]
    ladders = read_ladders(open_cases)
    asking = [case for case in open_cases if any(_asks(step, measure) for step in ladders.of(case).steps)]
    if not asking:
        return {}
    happened, today = events_of(asking, now=now), timezone.localdate(now)
    found = {}
    for case in asking:
        age = (today - case.oldest_due_on).days if case.oldest_due_on else 0
        steps = ladders.of(case).steps_for(overdue=case.overdue, overdue_days=age)
        done = list(_climb(steps, sorted(happened[case.pk]), ArrearsReason(case.reason), start=case.opened_on))
        step = next((step for step in steps[len(done) :] if step.measure == measure), None)
        lacking = _lacking(step, case, happened[case.pk]) if step else None
        if step and lacking:
            found[case.pk] = (step, lacking)
    return found


def _asks(step: Step, measure: Measure) -> bool:
    return step.measure == measure and step.precondition is not None


def refresh(cases: Collection[Case], *, now: datetime) -> None:
    """Write stage and next step onto the cases; closed ones keep their stage and have no next step."""
    found = standings(cases, now=now)
    rows, reached = [], []
    for case in cases:
        at = found.get(case.pk)
        new = (at.stage, at.step.key, at.step.measure, at.due_on) if at else (case.stage, "", "", None)
        if at and (at.step.key, at.step.measure) != (case.next_step, case.next_measure):
            reached.append(_reached(case, at, now=now))
        if new != (case.stage, case.next_step, case.next_measure, case.next_step_on):
            rows.append((case.pk, *new))
            case.stage, case.next_step, case.next_measure, case.next_step_on = new
    _write(rows)
    StepReached.objects.bulk_create(reached)


def refresh_soon(cases: Collection[Case], *, now: datetime) -> None:
    """Leave it to the worker, which comes within seconds: whoever waits for an answer need not wait for that."""
    Case.objects.filter(pk__in=[case.pk for case in cases], outdated_at__isnull=True).update(outdated_at=now)


def refresh_outdated(*, now: datetime) -> int:
    """Write what was left to the worker, a thousand cases at a time; returns how many.

    A case that somebody works on is found again. Safe to run twice and at the same time.
    """
    outdated, looked_at = Case.objects.filter(outdated_at__isnull=False).order_by("outdated_at", "pk"), 0
    while True:
        with transaction.atomic():
            chunk = list(outdated.select_for_update(of=("self",), no_key=True, skip_locked=True)[:CASES_AT_ONCE])
            if not chunk:
                return looked_at
            refresh(chunk, now=now)
            Case.objects.filter(pk__in=[case.pk for case in chunk]).update(outdated_at=None)
        looked_at += len(chunk)


def refresh_all(*, now: datetime) -> int:
    """The same for every case of every active project; returns how many were looked at."""
    projects = Project.objects.filter(is_active=True).order_by("pk")
    return sum(refresh_project(project.pk, now=now) for project in projects)


def refresh_project(project_id: int, *, now: datetime) -> int:
    """The same for every open case of a project, a thousand at a time under lock; returns how many were looked at.

    Whoever writes steps holds the case and reads the ladders after that, so that none is left on an old version.
    """
    cases = Case.objects.filter(project=project_id).open().order_by("pk")
    last = looked_at = 0
    while True:
        with transaction.atomic():
            chunk = list(cases.filter(pk__gt=last).select_for_update(of=("self",), no_key=True)[:CASES_AT_ONCE])
            if not chunk:
                return looked_at
            refresh(chunk, now=now)
        last, looked_at = chunk[-1].pk, looked_at + len(chunk)


def _reached(case: Case, at: Standing, *, now: datetime) -> StepReached:
    step = at.step
    with translation.override(settings.LANGUAGE_CODE):  # kept for good, so not in the language of whoever looks now
        title = str(step.title)
    return StepReached(
        case=case, playbook_id=at.playbook_id if at.number else None, key=step.key, measure=step.measure,
        title=title, stage=at.stage, at=now,
    )  # fmt: skip


def _lacking(step: Step, case: Case, events: Iterable[Event]) -> Precondition | None:
    """The step's precondition where nothing since the case was opened meets it."""
    if step.precondition is None:
        return None
    met = any(event.happening in MEETS[step.precondition] for event in events if event.on >= case.opened_on)
    return None if met else step.precondition


def _climb(steps: Sequence[Step], events: Sequence[Event], reason: ArrearsReason, *, start: date) -> Iterator[DoneStep]:
    """The steps done one after the other; each contact does one step at most, and the one that shows that somebody
    had read the file may do the next one too."""
    left = [event for event in events if event.on >= start]
    for step in steps:
        counts = DONE_BY[step.measure]
        if reason == ArrearsReason.UNREACHABLE and step.measure == Measure.REMIND:
            counts |= ATTEMPTS
        index = next((index for index, event in enumerate(left) if event.happening in counts), None)
        if index is None:
            return
        yield DoneStep(step, left[index].on)
        left = left[index:] if step.measure == Measure.VERIFY else _after(left[index], left[index + 1 :])


def _after(done: Event, later: Sequence[Event]) -> list[Event]:
    """What may do the next step: without what else the same contact was."""
    if done.happening not in OF_ONE_CONTACT:
        return list(later)
    return [event for event in later if event.at != done.at or event.happening not in OF_ONE_CONTACT]


def _ready_on(step: Step, done: Sequence[DoneStep], events: Iterable[Event], case: Case, holds: Holds) -> date:
    """The wait after the step before; a broken promise ends it, a promise or plan that is kept makes it longer."""
    since = done[-1].on if done else case.opened_on
    ready_on = since + timedelta(days=step.wait_days)
    broken = [event.on for event in events if event.happening == Happening.PROMISE_BROKEN and event.on >= since]
    if broken:
        ready_on = min(ready_on, max(broken))
    if promise := holds.promises.get(case.pk):
        ready_on = max(ready_on, promise.pay_by + timedelta(days=1))
    if due := holds.plans.get(case.pk):
        ready_on = max(ready_on, due.due_on + timedelta(days=1))
    if agreed_on := holds.agreed.get(case.pk):
        ready_on = max(ready_on, agreed_on)
    if (repair := holds.repairs.get(case.pk)) and repair.agreed_on:
        ready_on = max(ready_on, repair.agreed_on)
    if case.held_until:
        ready_on = max(ready_on, case.held_until + timedelta(days=1))
    return ready_on


def _with_what_comes_first(case: Case, holds: Holds, at: Standing) -> Standing:
    """Money that may be in, and an owner who waits for an answer, come before the ladder goes on."""
    if case.pk in holds.cash:
        return _first(CONFIRM_CASH, at, holds.cash[case.pk])
    if case.claims_paid:
        return _first(CHECK_CLAIM, at, holds.claims.get(case.pk, case.followed_on))
    request = holds.requests.get(case.pk)
    if request and at.step.measure != Measure.ANSWER:
        return _first(ANSWER_REQUEST, at, timezone.localdate(request.created_at))
    return at


def _first(step: Step, at: Standing, since: date) -> Standing:
    due_on = since + timedelta(days=step.due_days)
    return Standing(
        at.stage, step, 0, at.total, since, due_on, at.done, [at.step, *at.ahead], playbook_id=at.playbook_id
    )  # fmt: skip


def _write(rows: Sequence[tuple[int, str, str, str, date | None]]) -> None:
    if not rows:
        return
    columns: dict[int, list[object]] = defaultdict(list)
    for row in rows:
        for index, value in enumerate(row):
            columns[index].append(str(value) if index in {1, 2, 3} else value)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE collection_case
            SET stage = v.stage, next_step = v.step, next_measure = v.measure, next_step_on = v.due_on
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::date[])
                 AS v (id, stage, step, measure, due_on)
            WHERE collection_case.id = v.id
            """,
            [columns[index] for index in range(5)],
        )
