"""The list of cases: filtered, sorted and added up in the database, with what each line shows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from arrears.models import ChargeBalance, FeeType
from arrears.queries import BUCKET_BY_KEY, MONEY, ZERO, Bucket, bucket_of
from arrears.verification import valid_verifications
from collection.agenda import PlannedDay, planned_on
from collection.alerts import closed_lately, untouched, with_broken_promise, with_late_step, with_open_request
from collection.limits import Refusal, holds_of
from collection.models import Campaign, Case, ContactAttempt, PromiseToPay, TargetClass
from collection.models.cases import CaseQuerySet
from collection.reasons import Reason
from collection.scope import cases_in_scope
from company.models import Project
from owners.models import OwnershipMember, Phone, Unit, UnitAlias
from owners.personal_data import mask_party
from owners.unit_codes import normalise

SORTS = {
    "unit": "account__unit__sort_key",
    "overdue": "overdue",
    "age": "oldest_due_on",
    "reason": "reason",
    "stage": "stage",
    "due": "next_step_on",
    "member": "responsible__name_key",
    "contact": "last_contact_at",
}
NOBODY = "none"
LAST_DIGITS = 4
CHANNELS: dict[Any, Any] = dict(ContactAttempt.Channel.choices)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What of the cases is listed; empty means all of them. ``team`` and ``member`` are ids, or "none" for nobody."""

    text: str = ""
    state: Case.State = Case.State.OPEN
    team: str = ""
    member: str = ""
    reason: Reason | None = None
    stage: str = ""
    age: str = ""
    target_class: TargetClass | None = None
    building: int | None = None
    promise: str = ""
    request: bool = False
    untouched: bool = False
    step: str = ""
    closed: str = ""
    campaign: Campaign | None = None
    planned: PlannedDay | None = None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case as the list shows it."""

    case: Case
    party: str
    bucket: Bucket | None
    reason: Reason
    next_step: str
    is_late: bool
    is_verified: bool
    last_contact_at: datetime | None
    last_channel: str
    promise: PromiseToPay | None
    holds: list[Refusal] = field(default_factory=list)

    @property
    def last_contact_on(self) -> date | None:
        return timezone.localdate(self.last_contact_at) if self.last_contact_at else None


@dataclass(frozen=True, slots=True)
class CaseTotals:
    cases: int
    overdue: Decimal  # CNY


def filtered(cases: CaseQuerySet, wanted: CaseFilter, *, project: Project, today: date) -> QuerySet[Case]:
    """Those of ``cases`` that fit."""
    cases = cases.filter(state=Case.State.CLOSED if wanted.closed else wanted.state)
    for name, value in {"team": wanted.team, "responsible": wanted.member}.items():
        if value:
            cases = cases.filter(**{name: None if value == NOBODY else value})
    if wanted.reason:
        cases = cases.filter(reason=wanted.reason.reason)
        if wanted.reason.sub_reason:
            cases = cases.filter(sub_reason=wanted.reason.sub_reason)
    if wanted.stage:
        cases = cases.filter(stage=wanted.stage)
    if wanted.building:
        cases = cases.filter(account__unit__building=wanted.building)
    if wanted.age:
        cases = cases.filter(_oldest_in(BUCKET_BY_KEY[wanted.age], today))
    if wanted.target_class:
        cases = cases.filter(_owes(wanted.target_class, today))
    if wanted.text:
        cases = cases.filter(_fits(project, wanted.text))
    return _by_work(cases, wanted, today)


def _by_work(cases: CaseQuerySet, wanted: CaseFilter, today: date) -> QuerySet[Case]:
    found: QuerySet[Case] = cases_in_scope(cases, wanted.campaign, today=today) if wanted.campaign else cases
    if wanted.promise == PromiseToPay.State.BROKEN:
        found = with_broken_promise(found)  # type: ignore[arg-type]
    elif wanted.promise == PromiseToPay.State.WAITING:
        found = found.filter(promises__state=PromiseToPay.State.WAITING).distinct()
    if wanted.request:
        found = with_open_request(found)  # type: ignore[arg-type]
    if wanted.closed:
        found = closed_lately(found, today=today)  # type: ignore[arg-type]
    if wanted.untouched:
        found = untouched(found)  # type: ignore[arg-type]
    if wanted.step == "late":
        found = with_late_step(found, today=today)  # type: ignore[arg-type]
    elif wanted.step == "due":
        found = found.filter(next_step_on__lte=today)
    if wanted.planned:
        found = planned_on(found, wanted.planned)
    return found


def sorted_by(cases: QuerySet[Case], sort: str) -> QuerySet[Case]:
    """``sort`` is a key of SORTS, downwards with a leading minus; then in walking order."""
    latest = ContactAttempt.objects.filter(case=OuterRef("pk")).order_by("-happened_at")
    cases = cases.annotate(
        last_contact_at=Subquery(latest.values("happened_at")[:1]),
        last_channel=Subquery(latest.values("channel")[:1]),
    )
    column = F(SORTS.get(sort.removeprefix("-"), SORTS["unit"]))
    order = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return cases.order_by(order, "account__unit__sort_key", "pk")


def totals(cases: QuerySet[Case]) -> CaseTotals:
    """What the cases add up to, in one query."""
    sums = cases.order_by().aggregate(number=Count("pk"), overdue=Coalesce(Sum("overdue"), ZERO, output_field=MONEY))
    return CaseTotals(sums["number"], sums["overdue"])


def case_lines(cases: Iterable[Case], *, project: Project, now: datetime) -> list[CaseLine]:
    """What the list shows of ``cases``, which come from sorted_by with account, team and member; a fixed number of
    queries."""
    shown = list(cases)
    today = timezone.localdate(now)
    held = holds_of(shown, now=now)
    verified = valid_verifications(project, [case.account_id for case in shown], now=now)
    promises = _latest_promises(shown)
    return [
        CaseLine(
            case=case,
            party=mask_party(case.account.ownership.party_name),
            bucket=bucket_of((today - case.oldest_due_on).days) if case.oldest_due_on else None,
            reason=Reason.of(case),
            next_step=case.get_next_measure_display(),
            is_late=bool(case.next_step_on and case.next_step_on < today),
            is_verified=case.account_id in verified,
            last_contact_at=getattr(case, "last_contact_at", None),
            last_channel=str(CHANNELS.get(getattr(case, "last_channel", None), "")),
            promise=promises.get(case.pk),
            holds=held.get(case.pk, []),
        )
        for case in shown
    ]


def _latest_promises(cases: Iterable[Case]) -> dict[int, PromiseToPay]:
    """By case id the last one that stands: what another took the place of does not."""
    promises = PromiseToPay.objects.filter(case__in=[case.pk for case in cases]).order_by("pay_by", "pk")
    promises = promises.exclude(state=PromiseToPay.State.REPLACED)
    return {promise.case_id: promise for promise in promises}


def _oldest_in(bucket: Bucket, today: date) -> Q:
    oldest = Q(oldest_due_on__lte=today - timedelta(days=bucket.first))
    return oldest if bucket.last is None else oldest & Q(oldest_due_on__gte=today - timedelta(days=bucket.last))


CLASSES = {
    TargetClass.RESIDENTIAL_PROPERTY: (
        Q(charge__fee_type__nature=FeeType.Nature.PROPERTY) & ~Q(charge__unit__usage=Unit.Usage.COMMERCIAL)
    ),
    TargetClass.COMMERCIAL_PROPERTY: Q(
        charge__fee_type__nature=FeeType.Nature.PROPERTY, charge__unit__usage=Unit.Usage.COMMERCIAL
    ),
    TargetClass.UTILITIES: Q(charge__fee_type__nature__in=[FeeType.Nature.WATER, FeeType.Nature.ELECTRICITY]),
    TargetClass.PARKING: Q(charge__fee_type__nature=FeeType.Nature.PARKING),
}


def _owes(target_class: TargetClass, today: date) -> Exists:
    """Cases with something overdue in a class."""
    overdue = ChargeBalance.objects.filter(is_live=True, settled__lt=F("amount"), due_on__lt=today)
    return Exists(overdue.filter(CLASSES[target_class], account=OuterRef("account")))


def _fits(project: Project, text: str) -> Q:
    """By room or alias, by name or its pinyin initials, by the last four digits of a phone."""
    text, code = text.strip(), normalise(text)
    members = OwnershipMember.objects.filter(owner__project=project)
    named = Q(owner__name__contains=text) | Q(owner__pinyin_initials__startswith=text.lower())
    fits = Q(account__ownership__in=members.filter(named).values("ownership"))
    if code:
        aliases = UnitAlias.objects.filter(project=project, alias__startswith=code)
        fits |= Q(account__unit__code__contains=code) | Q(account__unit__in=aliases.values("unit"))
    if text.isdecimal() and len(text) == LAST_DIGITS:
        phones = Phone.objects.filter(project=project, last4=text, ended_at=None)
        fits |= Q(account__ownership__in=members.filter(owner__in=phones.values("owner")).values("ownership"))
    return fits
