"""Settlements: proposed with frozen figures, decided by another, objected to and answered (I2); and the scheme."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.forms.models import model_to_dict

from collection.conventions import ChangedMeanwhileError
from collection.incentives import ClassResult
from collection.models import (
    Campaign,
    IncentiveScheme,
    Objection,
    Settlement,
    SettlementExclusion,
    SettlementLine,
)
from collection.results import HolderResult, compute_results
from company.audit import record
from company.models import Project, User

State = Settlement.State
SCHEME_FIELDS = (
    "deduction", "most_deduction", "combining", "strict_below", "least_due", "rewards_full", "move_days", "reward",
)  # fmt: skip


class TooEarlyError(Exception):
    """The closing day is not over, or lies before the campaign."""


class AlreadySettledError(Exception):
    """A settlement of the campaign as of this day waits or is approved."""


class MovedError(Exception):
    """The settlement has been decided meanwhile."""


class OwnProposalError(Exception):
    """Nobody approves or refuses what they proposed."""


class OwnResultError(Exception):
    """Nobody approves a settlement that judges them."""


class OpenObjectionsError(Exception):
    """Objections are answered before a settlement is approved."""


class OwnObjectionError(Exception):
    """Nobody answers their own objection."""


@transaction.atomic
def save_scheme(
    project: Project, given: Mapping[str, Any], *, seen: int, by: User, now: datetime
) -> IncentiveScheme | None:
    """Add a version, recorded with what changed; None where nothing did.

    ``seen`` is the number that the form showed, 0 for none. Raises ChangedMeanwhileError when it is not the latest.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    before = IncentiveScheme.objects.filter(project=project).first()
    if (before.number if before else 0) != seen:
        raise ChangedMeanwhileError
    old = model_to_dict(before or IncentiveScheme(), fields=SCHEME_FIELDS)
    changed = {name: [str(old[name]), str(given[name])] for name in SCHEME_FIELDS if old[name] != given[name]}
    if not changed:
        return None
    values = {name: given[name] for name in SCHEME_FIELDS}
    saved = IncentiveScheme.objects.create(project=project, number=seen + 1, changed_at=now, changed_by=by, **values)
    record(action="incentive_scheme.changed", by=by, project=project, obj=saved, changed=changed)
    return saved


@transaction.atomic
def propose_settlement(
    campaign: Campaign,
    *,
    closes_on: date,
    by: User,
    now: datetime,
    today: date,
    excluded: Collection[int] | None = None,
) -> Settlement:
    """Freeze the results as of ``closes_on``. Raises TooEarlyError and AlreadySettledError."""
    if not campaign.starts_on <= closes_on < today:
        raise TooEarlyError
    # Two proposals of one campaign stand in line here, and so do changes of the scheme.
    Project.objects.select_for_update(no_key=True).get(pk=campaign.project_id)
    results = compute_results(campaign, closes_on=closes_on, excluded=excluded)
    scheme = results.scheme
    if scheme.number == 0:
        scheme.number, scheme.changed_at, scheme.changed_by = 1, now, by
        scheme.save()
    try:
        with transaction.atomic():
            settlement = Settlement.objects.create(
                project=campaign.project, campaign=campaign, closes_on=closes_on, scheme=scheme,
                convention=results.convention, proposed_at=now, proposed_by=by,
            )  # fmt: skip
    except IntegrityError as error:
        raise AlreadySettledError from error
    SettlementLine.objects.bulk_create(line for holder in results.holders for line in _lines(settlement, holder))
    SettlementExclusion.objects.bulk_create(
        SettlementExclusion(settlement=settlement, account_id=each.account_id, due=each.due)
        for each in results.excluded
    )
    record(
        action="settlement.proposed", by=by, project=campaign.project, obj=settlement,
        closes_on=closes_on.isoformat(), scheme=scheme.number,
    )  # fmt: skip
    return settlement


@transaction.atomic
def approve_settlement(settlement_id: int, *, by: User, now: datetime, note: str = "") -> Settlement:
    """Raises MovedError, OwnProposalError, OwnResultError and OpenObjectionsError."""
    settlement = _waiting(settlement_id)
    if settlement.proposed_by_id == by.pk:
        raise OwnProposalError
    if settlement.lines.filter(Q(member=by) | Q(leader=by)).exists():
        raise OwnResultError
    if settlement.objections.filter(answered_at=None).exists():
        raise OpenObjectionsError
    return _decide(settlement, State.APPROVED, by=by, now=now, note=note)


@transaction.atomic
def refuse_settlement(settlement_id: int, *, by: User, now: datetime, note: str = "") -> Settlement:
    """Raises MovedError and OwnProposalError."""
    settlement = _waiting(settlement_id)
    if settlement.proposed_by_id == by.pk:
        raise OwnProposalError
    return _decide(settlement, State.REFUSED, by=by, now=now, note=note)


@transaction.atomic
def withdraw_settlement(settlement_id: int, *, by: User, now: datetime, note: str = "") -> Settlement:
    """Take a proposal back, so that the day can be settled again. Raises MovedError."""
    return _decide(_waiting(settlement_id), State.WITHDRAWN, by=by, now=now, note=note)


@transaction.atomic
def raise_objection(settlement: Settlement, text: str, *, by: User, now: datetime) -> Objection:
    """Before or after the approval; raises MovedError where the settlement was refused or withdrawn."""
    locked = Settlement.objects.select_for_update().get(pk=settlement.pk)
    if locked.state not in (State.PROPOSED, State.APPROVED):
        raise MovedError
    objection = Objection.objects.create(settlement=locked, text=text, raised_at=now, raised_by=by)
    record(action="settlement.objection_raised", by=by, project=locked.project, obj=objection)
    return objection


@transaction.atomic
def answer_objection(objection: Objection, text: str, *, by: User, now: datetime) -> Objection:
    """Once. Raises OwnObjectionError, and MovedError where it was answered meanwhile."""
    locked = Objection.objects.select_for_update().select_related("settlement__project").get(pk=objection.pk)
    if locked.raised_by_id == by.pk:
        raise OwnObjectionError
    if locked.answered_at is not None:
        raise MovedError
    locked.answer, locked.answered_at, locked.answered_by = text, now, by
    locked.save(update_fields=["answer", "answered_at", "answered_by"])
    record(action="settlement.objection_answered", by=by, project=locked.settlement.project, obj=locked)
    return locked


def _waiting(settlement_id: int) -> Settlement:
    settlement = Settlement.objects.select_for_update(of=("self",)).select_related("project").get(pk=settlement_id)
    if settlement.state != State.PROPOSED:
        raise MovedError
    return settlement


def _decide(settlement: Settlement, to: Settlement.State, *, by: User, now: datetime, note: str) -> Settlement:
    settlement.state, settlement.decided_by, settlement.decided_at = to, by, now
    settlement.decision_note = note
    settlement.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
    record(action=f"settlement.{to}", by=by, project=settlement.project, obj=settlement)
    return settlement


def _lines(settlement: Settlement, held: HolderResult) -> Iterator[SettlementLine]:
    for each in held.result.classes:
        yield _line(settlement, held, each)


def _line(settlement: Settlement, held: HolderResult, each: ClassResult) -> SettlementLine:
    quota = each.quota
    return SettlementLine(
        settlement=settlement, holder=held.holder, team=held.team, leader=held.leader, member=held.member,
        target_class=each.target_class, target=quota.target, arrears=quota.arrears, base=quota.base,
        credited=quota.credited, collected=quota.collected + each.corrected, corrected=each.corrected,
    )  # fmt: skip
