"""Limits that stop a contact before it happens: the one function that every channel asks (C9).

Clearance and record are two things. A contact that is not cleared can be refused; one that has happened is recorded
all the same, with the limits that it passed. Counts run over rolling days of 24 hours, per person across their units.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from arrears.models import Verification
from arrears.verification import valid_verifications
from collection.holding import Holds, read_holds
from collection.models import Case, ContactAttempt
from collection.people_contacted import Histories, PastContact, histories
from collection.reviewing import reviewed_cases
from company.models import Project
from company.models.projects import EARLIEST_CONTACT, LATEST_CONTACT
from owners.models import Phone

Channel = ContactAttempt.Channel
DAY, WEEK = timedelta(days=1), timedelta(days=7)
BY_PHONE = frozenset({Channel.CALL, Channel.SMS})
DEFECT_SHOWN = 20  # letters of a defect that a refusal names


class Limit(models.TextChoices):
    PAID = "paid", gettext_lazy("nothing overdue any more")
    CLAIMS_PAID = "claims_paid", gettext_lazy("owner says it is paid")
    CASH_PENDING = "cash_pending", gettext_lazy("money taken, not confirmed yet")
    NOT_VERIFIED = "not_verified", gettext_lazy("arrears not verified")
    NOT_REVIEWED = "not_reviewed", gettext_lazy("case not reviewed")
    NIGHT = "night", gettext_lazy("between 22:00 and 8:00")
    HOURS = "hours", gettext_lazy("outside the contact hours")
    PROMISE = "promise", gettext_lazy("promise not due yet")
    PLAN = "plan", gettext_lazy("instalment plan is kept")
    REQUEST = "request", gettext_lazy("request unanswered")
    AGREED_DATE = "agreed_date", gettext_lazy("agreed date not reached")
    HELD = "held", gettext_lazy("case is held")
    VISITS_A_DAY = "visits_a_day", gettext_lazy("one visit a day")
    VISITS_A_WEEK = "visits_a_week", gettext_lazy("three visits in seven days")
    CALLS_A_DAY = "calls_a_day", gettext_lazy("three calls a day")
    CONTACTS_A_WEEK = "contacts_a_week", gettext_lazy("seven contacts in seven days")
    NO_NUMBER = "no_number", gettext_lazy("no number that may be used")
    BARRED_NUMBER = "barred_number", gettext_lazy("number not to be used")


# What the project manager may lift for a day with a reason. Never the night, and never what is unclear about money.
OVERRIDABLE = frozenset(
    {
        Limit.HOURS, Limit.PROMISE, Limit.PLAN, Limit.REQUEST, Limit.AGREED_DATE, Limit.HELD,
        Limit.VISITS_A_DAY, Limit.VISITS_A_WEEK, Limit.CALLS_A_DAY, Limit.CONTACTS_A_WEEK,
    }
)  # fmt: skip
# A contact cannot have been a breach of these: they tell what to do first, or are no rule of conduct.
NEVER_A_BREACH = frozenset({Limit.NOT_VERIFIED, Limit.NOT_REVIEWED, Limit.NO_NUMBER, Limit.PAID})


@dataclass(frozen=True, slots=True)
class CountRule:
    """At most ``most`` outbound contacts by ``channels`` in any ``period``."""

    limit: Limit
    channels: frozenset[ContactAttempt.Channel]
    most: int
    period: timedelta


COUNT_RULES = (
    CountRule(Limit.VISITS_A_DAY, frozenset({Channel.VISIT}), 1, DAY),
    CountRule(Limit.VISITS_A_WEEK, frozenset({Channel.VISIT}), 3, WEEK),
    CountRule(Limit.CALLS_A_DAY, frozenset({Channel.CALL}), 3, DAY),
    CountRule(Limit.CONTACTS_A_WEEK, frozenset(Channel), 7, WEEK),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a contact may not be made now, and from when it may; ``free_at`` is None where an act lifts it."""

    limit: Limit
    text: str
    till: str
    free_at: datetime | None = None

    @property
    def may_be_overridden(self) -> bool:
        return self.limit in OVERRIDABLE


@dataclass(frozen=True, slots=True)
class Clearance:
    """Whether a contact may be made now. ``lifted`` are limits that the project manager has set aside for today."""

    reasons: list[Refusal] = field(default_factory=list)
    lifted: list[Refusal] = field(default_factory=list)

    @property
    def allowed(self) -> bool:
        return not self.reasons

    @property
    def may_be_overridden(self) -> bool:
        return bool(self.reasons) and all(reason.may_be_overridden for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of cases of one project at a moment; ``verified`` by account id, ``reviewed`` case ids."""

    project: Project
    past: Histories
    holds: Holds
    verified: Mapping[int, Verification]
    reviewed: Collection[int]


def read_facts(cases: Collection[Case], *, now: datetime, numbers: bool = True) -> Facts:
    """Everything that clearing ``cases`` takes, with a fixed number of queries; ``numbers``: for calls and messages.

    ``cases`` belong to one project (ValueError otherwise).
    """
    project = _project_of(cases)
    return Facts(
        project=project,
        past=histories(cases, after=now - WEEK, until=now),
        holds=read_holds(cases, now=now, numbers=numbers),
        verified=valid_verifications(project, [case.account_id for case in cases], now=now),
        reviewed=reviewed_cases([case.pk for case in cases]),
    )


def clearances(cases: Collection[Case], channel: ContactAttempt.Channel, *, now: datetime) -> dict[int, Clearance]:
    """By case id whether a contact by ``channel`` may be made now; the number of queries is fixed.

    ``cases`` belong to one project (ValueError otherwise).
    """
    if not cases:
        return {}
    facts = read_facts(cases, now=now, numbers=channel in BY_PHONE)
    return {case.pk: clear(case, facts, channel, now=now) for case in cases}


def clear(case: Case, facts: Facts, channel: ContactAttempt.Channel, *, now: datetime) -> Clearance:
    """Whether one case may be contacted by ``channel`` now."""
    refusals = [
        *hold_refusals(case, facts.holds, channel=channel, today=timezone.localdate(now)),
        *([] if case.account_id in facts.verified else [_not_verified()]),
        *([] if case.pk in facts.reviewed else [_not_reviewed()]),
        *hour_refusals(facts.project, now=now),
        *count_refusals(facts.past[case.pk], channel, now=now),
    ]
    return _with_override(refusals, is_overridden=(case.pk, channel) in facts.holds.overrides)


def holds_of(cases: Collection[Case], *, now: datetime) -> dict[int, list[Refusal]]:
    """By case id what keeps letters back: promises, requests, claims and money not yet checked. Free ones are left out.

    ``cases`` belong to one project.
    """
    holds = read_holds(cases, now=now)
    found = {case.pk: hold_refusals(case, holds, channel=None, today=timezone.localdate(now)) for case in cases}
    return {case_id: refusals for case_id, refusals in found.items() if refusals}


def breaches(contact: ContactAttempt, *, also: Collection[Case] = ()) -> list[Limit]:
    """The limits that a contact of this kind passed at its moment, whether or not it is saved; [] for an incoming one.

    Contacts recorded later than it count too, so that the order in which a phone sends them does not matter. ``also``
    are other cases that the same visit served: what held them was passed too.
    """
    if contact.is_incoming:
        return []
    cases, at, channel = [contact.case, *also], contact.happened_at, ContactAttempt.Channel(contact.channel)
    past = histories(cases, after=at - WEEK, until=at + WEEK, leave_out=contact.pk)
    holds = read_holds(cases, now=at, leave_out=contact.pk)
    passed = [limit for case in cases for limit in _passed(case, contact, holds)]
    if (contact.case_id, channel) not in holds.overrides:
        everybody = [contacts for case in cases for contacts in past[case.pk]]
        passed += [rule.limit for rule in COUNT_RULES if _passes(rule, everybody, channel, at)]
    if contact.phone and is_barred(contact.phone):
        passed.append(Limit.BARRED_NUMBER)
    return list(dict.fromkeys(limit for limit in passed if limit not in NEVER_A_BREACH))


def _passed(case: Case, contact: ContactAttempt, holds: Holds) -> Iterator[Limit]:
    """What held ``case`` when ``contact`` was made; the hour is asked about once, where it was made."""
    channel, at = ContactAttempt.Channel(contact.channel), contact.happened_at
    refusals = [
        *hold_refusals(case, holds, channel=channel, today=timezone.localdate(at)),
        *(hour_refusals(case.project, now=at) if case.pk == contact.case_id else []),
    ]
    for refusal in _with_override(refusals, is_overridden=(case.pk, channel) in holds.overrides).reasons:
        # the case says how it is now; what counts is what was known then
        if refusal.limit != Limit.CLAIMS_PAID or case.pk in holds.claims:
            yield refusal.limit


def in_brief(refusals: Iterable[Refusal]) -> str:
    """Which limits they are and until when, without what each is about."""
    return _("; ").join(_(", ").join(filter(None, [str(one.limit.label), one.till])) for one in refusals)


def hour_refusals(project: Project, *, now: datetime) -> list[Refusal]:
    """The project's contact hours; the night between 22:00 and 8:00 can be lifted by nobody."""
    local = timezone.localtime(now)
    if project.contact_from <= local.time() < project.contact_until:
        return []
    is_night = local.time() >= LATEST_CONTACT or local.time() < EARLIEST_CONTACT
    opening_day = local.date() + (DAY if local.time() >= project.contact_from else timedelta())
    opening = timezone.make_aware(datetime.combine(opening_day, project.contact_from))
    limit = Limit.NIGHT if is_night else Limit.HOURS
    hours = {"start": _clock(project.contact_from), "end": _clock(project.contact_until)}
    return [Refusal(limit, _("contact hours are %(start)s–%(end)s") % hours, _from_moment(opening), opening)]


def count_refusals(
    past: Iterable[Sequence[PastContact]], channel: ContactAttempt.Channel, *, now: datetime
) -> list[Refusal]:
    """What the people of a case have had enough of, each limit once, with the latest moment at which it is free."""
    refusals: dict[Limit, Refusal] = {}
    for contacts in past:
        for rule in COUNT_RULES:
            free_at = _free_at(rule, contacts, now) if channel in rule.channels else None
            if free_at and (rule.limit not in refusals or free_at > (refusals[rule.limit].free_at or now)):
                refusals[rule.limit] = Refusal(rule.limit, _count_text(rule), _from_moment(free_at), free_at)
    return list(refusals.values())


def hold_refusals(case: Case, holds: Holds, *, channel: ContactAttempt.Channel | None, today: date) -> list[Refusal]:
    """What holds the case itself, whatever the clock says; ``channel`` is None for letters."""
    return [
        *_money_holds(case, holds),
        *_word_holds(case, holds),
        *(_agreed_date_holds(case, holds, today) if channel == Channel.VISIT else []),
        *_own_holds(case, today),
        *(_number_holds(case, holds) if channel in BY_PHONE else []),
    ]


def is_barred(phone: Phone) -> bool:
    """Whether nobody may call this number: its owner does not want it, or it belongs to somebody else."""
    return phone.do_not_contact or phone.state == Phone.State.WRONG_PERSON


def short_day(day: date) -> str:
    """``11月28日``."""
    return date_format(day, "MONTH_DAY_FORMAT")


def _project_of(cases: Collection[Case]) -> Project:
    if len({case.project_id for case in cases}) != 1:
        raise ValueError("cases of several projects")
    return next(iter(cases)).project


def _money_holds(case: Case, holds: Holds) -> Iterator[Refusal]:
    if case.state == Case.State.CLOSED:
        yield Refusal(Limit.PAID, _("nothing is overdue any more"), "")
    if case.claims_paid:
        yield Refusal(Limit.CLAIMS_PAID, _("the owner says it is paid"), _("after finance has checked"))
    if case.pk in holds.cash:
        yield Refusal(Limit.CASH_PENDING, _("money was taken at the door"), _("after finance has confirmed"))


def _word_holds(case: Case, holds: Holds) -> Iterator[Refusal]:
    if promise := holds.promises.get(case.pk):
        said = {"day": short_day(promise.pay_by), "amount": f"{promise.amount:,.2f}"}
        text = _("the owner promised to pay %(amount)s on %(day)s; no contact before that") % said
        yield _until_day(Limit.PROMISE, text, promise.pay_by + DAY)
    if due := holds.plans.get(case.pk):
        agreed = {"day": short_day(due.due_on), "amount": f"{due.amount:,.2f}"}
        text = _("an instalment plan is kept: %(amount)s is due on %(day)s; no contact before that") % agreed
        yield _until_day(Limit.PLAN, text, due.due_on + DAY)
    if request := holds.requests.get(case.pk):
        text = _("request of %(day)s is unanswered") % {"day": short_day(timezone.localdate(request.created_at))}
        yield Refusal(Limit.REQUEST, text, _("after the answer"))


def _agreed_date_holds(case: Case, holds: Holds, today: date) -> Iterator[Refusal]:
    agreed_on = holds.agreed.get(case.pk)
    if agreed_on and today < agreed_on:
        text = _("agreed date %(day)s is not reached") % {"day": short_day(agreed_on)}
        yield _until_day(Limit.AGREED_DATE, text, agreed_on)
    repair = holds.repairs.get(case.pk)
    if repair and repair.agreed_on and today < repair.agreed_on:
        told = {"defect": repair.defect[:DEFECT_SHOWN], "day": short_day(repair.agreed_on)}
        text = _("repair “%(defect)s” is agreed for %(day)s; no visit for the fee before that") % told
        yield _until_day(Limit.AGREED_DATE, text, repair.agreed_on)


def _own_holds(case: Case, today: date) -> Iterator[Refusal]:
    if case.held_until and today <= case.held_until:
        yield _until_day(Limit.HELD, _("the case is held"), case.held_until + DAY)


def _number_holds(case: Case, holds: Holds) -> Iterator[Refusal]:
    if case.pk not in holds.reachable:
        text = _("every number is wrong, missing or not to be used")
        yield Refusal(Limit.NO_NUMBER, text, _("after a number is added"))


def _with_override(refusals: list[Refusal], *, is_overridden: bool) -> Clearance:
    if not is_overridden:
        return Clearance(refusals)
    return Clearance(
        reasons=[refusal for refusal in refusals if not refusal.may_be_overridden],
        lifted=[refusal for refusal in refusals if refusal.may_be_overridden],
    )


def _free_at(rule: CountRule, contacts: Iterable[PastContact], now: datetime) -> datetime | None:
    """When one more contact will be within ``rule``; None where it is now."""
    counted = sorted((c.at for c in contacts if c.channel in rule.channels and c.at > now - rule.period), reverse=True)
    return counted[rule.most - 1] + rule.period if len(counted) >= rule.most else None


def _passes(
    rule: CountRule, past: Iterable[Sequence[PastContact]], channel: ContactAttempt.Channel, at: datetime
) -> bool:
    """Whether with a contact at ``at`` some ``period`` around it holds more than ``most``, for any of the people."""
    if channel not in rule.channels:
        return False
    for contacts in past:
        times = sorted([at, *(contact.at for contact in contacts if contact.channel in rule.channels)])
        runs = zip(times, times[rule.most :], strict=False)
        if any(first <= at <= last and last - first < rule.period for first, last in runs):
            return True
    return False


def _not_verified() -> Refusal:
    return Refusal(Limit.NOT_VERIFIED, _("the arrears are not verified"), _("after verifying"))


def _not_reviewed() -> Refusal:
    return Refusal(Limit.NOT_REVIEWED, _("nobody has confirmed that the file was read"), _("after the review"))


def _count_text(rule: CountRule) -> str:
    match rule.limit:
        case Limit.VISITS_A_DAY:
            return _("visited within a day")
        case Limit.CALLS_A_DAY:
            return ngettext("called %(most)s time within a day", "called %(most)s times within a day", rule.most) % {
                "most": rule.most
            }
        case Limit.VISITS_A_WEEK:
            return _("visited %(most)s times in seven days") % {"most": rule.most}
    return _("contacted %(most)s times in seven days") % {"most": rule.most}


def _until_day(limit: Limit, text: str, free_on: date) -> Refusal:
    moment = timezone.make_aware(datetime.combine(free_on, time()))
    return Refusal(limit, text, _("from %(day)s") % {"day": short_day(free_on)}, moment)


def _from_moment(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return _("from %(day)s, %(time)s") % {"day": short_day(local.date()), "time": _clock(local.time())}


def _clock(at: time) -> str:
    return time_format(at, "G:i")


def passed_limits(contact: ContactAttempt) -> list[Limit]:
    """The limits that a recorded contact is flagged with."""
    return [Limit(name) for name in contact.breach.split(",") if name in Limit.values]
