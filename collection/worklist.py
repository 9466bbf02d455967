"""What is due today: steps, calls, promises, agreed days and answers to pass on, one line a case (C6, C8).

The number of queries is fixed; what a reason counts and what it lists are the same condition.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import models
from django.db.models import Count, DateField, Exists, F, OuterRef, Q, QuerySet, Subquery, TextChoices, Value
from django.db.models.functions import Coalesce, Least
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arrears.queries import Bucket, bucket_of
from collection.alerts import LATEST_PROMISE_STATE, LATEST_PROMISES, NOT_KEPT
from collection.default_playbook import ANSWER_REQUEST
from collection.events import SPOKEN, WRITTEN
from collection.ladders import Ladders, read_ladders
from collection.limits import Clearance, Limit, clearances
from collection.models import (
    ArrearsReason,
    Case,
    ContactAttempt,
    Doer,
    Measure,
    OwnerRequest,
    Playbook,
    PlaybookStep,
    PromiseToPay,
)
from collection.models.cases import CaseQuerySet
from collection.reasons import Reason
from collection.steps import Step
from company.models import Project, Role
from company.rights import HEAD, MANAGER
from owners.personal_data import mask_party

BY_PHONE = (Measure.REMIND, Measure.CALL, Measure.PASS_ON)


class Due(TextChoices):
    """Why a case stands on the list, the most urgent first."""

    BROKEN = "broken", _("promise not kept")
    PROMISE = "promise", _("promise due")
    ANSWERED = "answered", _("answer to pass on")
    CALL = "call", _("call due")
    STEP = "step", _("step due")
    CONTACT = "contact", _("contact agreed")


COLOURS: Mapping[Due, str] = {Due.BROKEN: "red", Due.PROMISE: "amber", Due.ANSWERED: "blue"}


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One case of the list; ``doer`` is who takes the next step."""

    case: Case
    party: str
    reason: Reason
    bucket: Bucket | None
    whys: list["Why"]
    step: str | Promise
    doer: Doer | None
    clearance: Clearance
    promise: PromiseToPay | None

    @property
    def is_verified(self) -> bool:
        return all(reason.limit != Limit.NOT_VERIFIED for reason in self.clearance.reasons)


@dataclass(frozen=True, slots=True)
class Why:
    """One reason to work on a case today, and since when it is due."""

    due: Due
    colour: str
    on: date | None = None

    @property
    def label(self) -> str | Promise:
        return self.due.label


def due_today(
    cases: CaseQuerySet, *, project: Project, roles: frozenset[Role], today: date, what: Due | None = None
) -> QuerySet[Case]:
    """The open ones of ``cases`` with something due, the longest waiting first; ``what`` narrows to one reason.

    ``roles`` say whose steps count: a step of the department head is not on the list of field staff.
    """
    flagged = _flagged(cases.open(), project=project, roles=roles, today=today)
    fits = Q(**{what.value: True}) if what else _any_of(Due)
    waits_since = Coalesce(Least("step_on", "contact_on", "promise_on"), Value(today), output_field=DateField())
    return flagged.filter(fits).alias(waits_since=waits_since).order_by(
        "waits_since", "account__unit__sort_key", "pk"
    )  # fmt: skip


def count_due(cases: CaseQuerySet, *, project: Project, roles: frozenset[Role], today: date) -> dict[Due | None, int]:
    """How many cases each reason puts on the list, and under None how many there are; two queries."""
    flagged = _flagged(cases.open().order_by(), project=project, roles=roles, today=today)
    numbers = flagged.aggregate(
        total=Count("pk", filter=_any_of(Due)),
        **{f"number_{due.value}": Count("pk", filter=Q(**{due.value: True})) for due in Due},
    )
    return {None: numbers["total"], **{due: numbers[f"number_{due.value}"] for due in Due}}


def work_lines(cases: Iterable[Case], *, now: datetime) -> list[WorkLine]:
    """What the list shows of ``cases`` of one project, which come from due_today; a fixed number of queries."""
    shown = list(cases)
    cleared = clearances(shown, ContactAttempt.Channel.CALL, now=now)
    ladders = read_ladders(shown)
    promises = _promises(shown)
    return [_line(case, ladders, cleared[case.pk], promises.get(case.pk), timezone.localdate(now)) for case in shown]


def _line(
    case: Case, ladders: Ladders, clearance: Clearance, promise: PromiseToPay | None, today: date
) -> WorkLine:  # fmt: skip
    step = _step_of(case, ladders)
    return WorkLine(
        case=case,
        party=mask_party(case.account.ownership.party_name),
        reason=Reason.of(case),
        bucket=bucket_of((today - case.oldest_due_on).days) if case.oldest_due_on else None,
        whys=_whys(case),
        step=step.title if step else case.get_next_measure_display(),
        doer=step.doer if step else None,
        clearance=clearance,
        promise=promise,
    )


def _whys(case: Case) -> list[Why]:
    """The reasons that due_today noted on the case; none where it came from elsewhere."""
    days = {Due.CALL: "step_on", Due.STEP: "step_on", Due.CONTACT: "contact_on", Due.PROMISE: "promise_on",
            Due.BROKEN: "promise_on"}  # fmt: skip
    return [
        Why(due, COLOURS.get(due, ""), getattr(case, days[due]) if due in days else None)
        for due in Due
        if getattr(case, due.value, False)
    ]


def _step_of(case: Case, ladders: Ladders) -> Step | None:
    known = [*ladders.of(case).steps, ANSWER_REQUEST]
    return next((step for step in known if (step.key, step.measure) == (case.next_step, case.next_measure)), None)


def _promises(cases: Sequence[Case]) -> dict[int, PromiseToPay]:
    """By case id the promise that counts now."""
    rows = PromiseToPay.objects.filter(case__in=cases).exclude(state=PromiseToPay.State.REPLACED)
    return {promise.case_id: promise for promise in rows.order_by("pay_by", "pk")}


def _flagged(cases: CaseQuerySet, *, project: Project, roles: frozenset[Role], today: date) -> QuerySet[Case]:
    """Each case with a yes or no for each reason, and the days on which they fell due."""
    heeded = ContactAttempt.objects.filter(case=OuterRef("case"), happened_at__date__gte=OuterRef("judged_on"))
    unheeded = PromiseToPay.objects.filter(~Exists(heeded), case=OuterRef("pk"), state__in=NOT_KEPT)
    promised = PromiseToPay.objects.filter(case=OuterRef("pk"), state=PromiseToPay.State.WAITING, pay_by__lte=today)
    is_step = Q(next_step_on__lte=today) & _steps_of(_doers(roles), project)
    by_phone, is_agreed = Q(next_measure__in=BY_PHONE), Q(next_contact_on__lte=today)
    flagged = cases.alias(last_promise=LATEST_PROMISE_STATE).annotate(
        broken=Q(Exists(unheeded)) & Q(last_promise__in=NOT_KEPT),
        promise=Exists(promised),
        answered=Exists(_answers_not_passed_on()),
        call=is_step & by_phone,
        step=is_step & ~by_phone,
        contact=is_agreed,
        step_on=_only(is_step, F("next_step_on")),
        contact_on=_only(is_agreed, F("next_contact_on")),
    )
    promised_for = Subquery(LATEST_PROMISES.values("pay_by")[:1])
    return flagged.annotate(promise_on=_only(Q(broken=True) | Q(promise=True), promised_for))


def _answers_not_passed_on() -> QuerySet[OwnerRequest]:
    told = ContactAttempt.objects.filter(
        Q(outcome__in=SPOKEN) | Q(channel__in=WRITTEN), case=OuterRef("case"), is_incoming=False,
        emergency_contact=None, happened_at__gt=OuterRef("answered_at"),
    )  # fmt: skip
    return OwnerRequest.objects.filter(~Exists(told), case=OuterRef("pk"), answered_at__isnull=False)


def _only(condition: Q, day: F | Subquery) -> models.Case:
    """The day where the condition holds."""
    return models.Case(models.When(condition, then=day), default=None, output_field=DateField(null=True))


def _any_of(dues: Iterable[Due]) -> Q:
    found = Q()
    for due in dues:
        found |= Q(**{due.value: True})
    return found


def _doers(roles: frozenset[Role]) -> list[Doer]:
    """Whose steps a holder of ``roles`` takes or watches over; letters and money have desks of their own."""
    doers = [Doer.RESPONSIBLE, Doer.HEAD_AND_HOUSEKEEPER]
    if roles & (HEAD | MANAGER):
        doers.append(Doer.HEAD)
    return [*doers, Doer.MANAGER] if roles & MANAGER else doers


def _steps_of(doers: Collection[Doer], project: Project) -> Q:
    """Cases whose next step is one of ``doers``'s, by the case's own plan or the project's playbook; one query."""
    own = PlaybookStep.objects.filter(playbook__case=OuterRef("pk"), playbook__state=Playbook.State.ACTIVE, is_on=True)
    by_playbook = Q()
    for reason, steps in _playbook_steps(project).items():
        keys = [step.key for step in steps if step.doer in doers]
        by_playbook |= Q(reason=reason, next_step__in=keys)
    own_step = Q(Exists(own.filter(key=OuterRef("next_step"), doer__in=doers)))
    first = Q(next_step=ANSWER_REQUEST.key, next_measure=Measure.ANSWER)
    if ANSWER_REQUEST.doer in doers:
        return own_step | (~Exists(own) & by_playbook) | first
    return (own_step | (~Exists(own) & by_playbook)) & ~first


def _playbook_steps(project: Project) -> dict[ArrearsReason, Sequence[Step]]:
    samples = [Case(project=project, reason=reason) for reason in ArrearsReason]
    ladders = read_ladders(samples)
    return {ArrearsReason(sample.reason): ladders.of(sample).steps for sample in samples}
