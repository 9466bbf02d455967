"""What the page of one case shows: everything that a person needs before a doorbell (C5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.limitation import Limitation, earliest, limitations
from arrears.models import ChargeBalance, Verification
from arrears.queries import Bucket, bucket_of
from arrears.verification import payments_known_until
from collection.events import events_of
from collection.ladders import read_ladders
from collection.limits import Clearance, Limit, Refusal, clear, hold_refusals, read_facts
from collection.models import Case, ContactAttempt, Measure, OwnerRequest, PromiseToPay, RectificationItem, Stage
from collection.reasons import Reason
from collection.stages import Standing, standing
from collection.talking_points import TalkingPoints, talking_points
from company.models import User
from notices.models import Notice
from owners.models import Address, EmergencyContact, Owner, Phone
from owners.personal_data import mask_name, mask_party

ZERO = Decimal("0.00")
Channel = ContactAttempt.Channel
SECOND = Address.Kind.SECOND
BLOCKED = {Channel.CALL: gettext_lazy("Calls and messages"), Channel.VISIT: gettext_lazy("Visits")}


@dataclass(frozen=True, slots=True)
class Blocked:
    """A kind of measure that may not be taken now, and why."""

    label: str | Promise
    channel: ContactAttempt.Channel | None
    reasons: list[Refusal]
    until_step: str = ""


@dataclass(frozen=True, slots=True)
class ChargeGroup:
    """Overdue charges of one fee in one year; amounts in CNY."""

    year: int
    fee: str
    is_on_behalf: bool
    lines: list["OverdueCharge"]

    @property
    def due(self) -> Decimal:
        return sum((line.balance.amount for line in self.lines), ZERO)

    @property
    def settled(self) -> Decimal:
        return sum((line.balance.settled for line in self.lines), ZERO)

    @property
    def open(self) -> Decimal:
        return self.due - self.settled


@dataclass(frozen=True, slots=True)
class OverdueCharge:
    balance: ChargeBalance
    days: int
    limitation: Limitation

    @property
    def open(self) -> Decimal:
        return self.balance.amount - self.balance.settled

    @property
    def period(self) -> str:
        """Whole months as ``2023-01``, ``2023-01 – 03``; others by their days."""
        start, end = self.balance.charge.period_start, self.balance.charge.period_end
        if self.balance.charge.starts_unknown:
            return _("start unknown, until %(end)s") % {"end": f"{end:%Y-%m-%d}"}
        if start.day != 1 or (end + timedelta(days=1)).day != 1:
            return f"{start:%Y-%m-%d} – {end:%Y-%m-%d}"
        if (start.year, start.month) == (end.year, end.month):
            return f"{start:%Y-%m}"
        return f"{start:%Y-%m} – {end:%m}" if start.year == end.year else f"{start:%Y-%m} – {end:%Y-%m}"


@dataclass(frozen=True, slots=True)
class OwnerContacts:
    """One owner with what they can be reached by; ``name`` is masked."""

    pk: int
    name: str
    is_first: bool
    phones: list[Phone]
    emergency: list[EmergencyContact]
    second_addresses: list[Address]


@dataclass(frozen=True, slots=True)
class Dossier:
    case: Case
    party: str
    reason: Reason
    bucket: Bucket | None
    limitation: Limitation | None
    verification: Verification | None
    known_until: datetime | None
    standing: Standing | None
    clearances: Mapping[ContactAttempt.Channel, Clearance]
    blocked: list[Blocked]
    groups: list[ChargeGroup]
    owners: list[OwnerContacts]
    promises: list[PromiseToPay]
    requests: list[OwnerRequest]
    repairs: list[RectificationItem]
    notices: list[Notice]
    points: TalkingPoints
    due: Decimal = ZERO
    settled: Decimal = ZERO
    open: Decimal = ZERO
    kept_promises: int = field(default=0)

    @property
    def needs_review(self) -> bool:
        """Whether somebody has to read the file before the first contact."""
        return any(reason.limit == Limit.NOT_REVIEWED for reason in self.clearances[Channel.CALL].reasons)

    @property
    def verified_until(self) -> datetime | None:
        """Until when the verification holds if nothing is posted."""
        if self.verification is None:
            return None
        since = self.verification.verified_at
        if not self.verification.looked_up:
            since = min(since, self.verification.payments_until or since)
        return since + timedelta(hours=self.case.project.verification_hours)

    @property
    def overridable(self) -> ContactAttempt.Channel | None:
        """A channel of which the project manager may lift all limits now."""
        return next((channel for channel, cleared in self.clearances.items() if cleared.may_be_overridden), None)

    @property
    def live_repairs(self) -> list[RectificationItem]:
        """Defects of which something is still to be done or signed off."""
        return [item for item in self.repairs if item.is_live]

    @property
    def stages(self) -> list[tuple[Stage, str]]:
        """The six stages, each ``done``, ``now`` or ahead (empty)."""
        at = list(Stage).index(self.standing.stage if self.standing else Stage(self.case.stage))
        marks = ["done"] * at + ["now"] + [""] * (len(Stage) - at - 1)
        return list(zip(Stage, marks, strict=True))


def read_dossier(case: Case, *, viewer: User, now: datetime) -> Dossier:
    """Everything about one case; a fixed number of queries."""
    today = timezone.localdate(now)
    facts = read_facts([case], now=now)
    cleared = {channel: clear(case, facts, channel, now=now) for channel in (Channel.CALL, Channel.VISIT)}
    held = hold_refusals(case, facts.holds, channel=None, today=today)
    stands = None
    if case.state == Case.State.OPEN:
        ladder = read_ladders([case]).of(case)
        stands = standing(case, ladder, events_of([case], now=now)[case.pk], facts.holds, today=today)
    groups = _charge_groups(case, today)
    repairs = list(case.repairs.all())
    promises = list(case.promises.order_by("-pay_by", "-pk"))
    return Dossier(
        case=case,
        party=mask_party(case.account.ownership.party_name),
        reason=Reason.of(case),
        bucket=bucket_of((today - case.oldest_due_on).days) if case.oldest_due_on else None,
        limitation=earliest(line.limitation for group in groups for line in group.lines),
        verification=facts.verified.get(case.account_id),
        known_until=payments_known_until(case.project),
        standing=stands,
        clearances=cleared,
        blocked=_blocked(cleared, held, stands),
        groups=groups,
        owners=_owners(case),
        promises=promises,
        requests=list(case.requests.select_related("answered_by", "created_by")),
        repairs=repairs,
        notices=list(Notice.objects.filter(account=case.account_id).order_by("-pk")),
        points=talking_points(
            Reason.of(case),
            talk_fields(case, viewer),
            parts={RectificationItem.Part(item.part) for item in repairs if item.is_live},
        ),
        due=sum((group.due for group in groups), ZERO),
        settled=sum((group.settled for group in groups), ZERO),
        open=sum((group.open for group in groups), ZERO),
        kept_promises=sum(promise.state == PromiseToPay.State.KEPT for promise in promises),
    )


def talk_fields(case: Case, viewer: User) -> dict[str, str]:
    """What is known of the words in braces that talking points use."""
    return {
        "项目名称": case.project.name,
        "员工姓名": viewer.name,
        "房号": case.account.unit.address,
        "业主": mask_party(case.account.ownership.party_name),
        "联系电话": case.project.service_phone,
    }


def neighbours(cases: QuerySet[Case], case: Case) -> tuple[Case | None, Case | None]:
    """The cases before and after ``case`` in walking order; two queries."""
    key = (case.account.unit.sort_key, case.pk)
    ordered = cases.annotate(place=F("account__unit__sort_key")).order_by("place", "pk")
    after = ordered.filter(place__gt=key[0]) | ordered.filter(place=key[0], pk__gt=key[1])
    before = ordered.filter(place__lt=key[0]) | ordered.filter(place=key[0], pk__lt=key[1])
    return before.order_by("-place", "-pk").first(), after.order_by("place", "pk").first()


def _blocked(
    cleared: Mapping[ContactAttempt.Channel, Clearance], held: list[Refusal], stands: Standing | None
) -> list[Blocked]:
    found = []
    if cleared[Channel.CALL].reasons and _same(cleared[Channel.CALL], cleared[Channel.VISIT]):
        found.append(Blocked(gettext_lazy("Any contact"), Channel.CALL, cleared[Channel.CALL].reasons))
    else:
        found += [Blocked(BLOCKED[one], one, cleared[one].reasons) for one in BLOCKED if not cleared[one].allowed]
    if stands and stands.lacking:
        first = _("only after: %(precondition)s") % {"precondition": stands.lacking.label}
        found.append(Blocked(stands.step.title, None, [], first))
    before = stands.step_before(Measure.LAWYER_LETTER) if stands else None
    until = _("the playbook asks for this first: %(step)s") % {"step": before.title} if before else ""
    if held or until:
        found.append(Blocked(gettext_lazy("Lawyer letter"), None, held, until))
    return found


def _same(one: Clearance, other: Clearance) -> bool:
    return [reason.limit for reason in one.reasons] == [reason.limit for reason in other.reasons]


def _charge_groups(case: Case, today: date) -> list[ChargeGroup]:
    """Overdue charges by year and fee, oldest year first; what is collected for others comes after what is ours."""
    balances = ChargeBalance.objects.filter(
        account=case.account_id, is_live=True, settled__lt=F("amount"), due_on__lt=today
    )
    rows = balances.select_related("charge__fee_type").order_by(
        "charge__fee_type__is_on_behalf", "charge__period_start__year", "charge__fee_type__position",
        "charge__fee_type_id", "charge__period_start", "pk",
    )  # fmt: skip
    limits = limitations([balance.charge for balance in rows], on=today)
    groups = groupby(rows, key=lambda balance: (balance.charge.period_start.year, balance.charge.fee_type))
    return [
        ChargeGroup(
            year=year,
            fee=fee.name,
            is_on_behalf=fee.is_on_behalf,
            lines=[
                OverdueCharge(balance, (today - balance.due_on).days, limits[balance.charge_id]) for balance in of_group
            ],
        )
        for (year, fee), of_group in groups
    ]


def _owners(case: Case) -> list[OwnerContacts]:
    phones = Prefetch("phones", Phone.objects.filter(ended_at=None).order_by("-is_primary", "pk"), "live_phones")
    emergency = Prefetch("emergency_contacts", EmergencyContact.objects.filter(ended_at=None), "live_emergency")
    addresses = Prefetch("addresses", Address.objects.filter(ended_at=None, kind=SECOND), "live_addresses")
    owners: Any = Owner.objects.filter(memberships__ownership=case.account.ownership_id)
    found = owners.order_by("memberships__position", "memberships__pk").prefetch_related(phones, emergency, addresses)
    return [
        OwnerContacts(
            pk=owner.pk,
            name=mask_name(owner.name),
            is_first=index == 0,
            phones=owner.live_phones,
            emergency=owner.live_emergency,
            second_addresses=owner.live_addresses,
        )
        for index, owner in enumerate(found)
    ]
