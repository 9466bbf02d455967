"""Historical issues and special circumstances: marks that take a case out of the accountable base (C5).

One person proposes with a proof, another decides: the project manager, or the company leader once the exclusions would
pass the project's share of the base. Rates are shown with and without them (collection.rates).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from collection.conventions import settings_of
from collection.models import Case, CaseMark, ExclusionLimit
from collection.models.cases import CaseScoped
from collection.pace import campaign_on
from collection.rate_conventions import ZERO, RateSettings
from collection.rate_rows import RateRow, rate_rows
from collection.rates import net_due, rates_of
from company.audit import record
from company.models import Project, Role, StoredFile, User
from company.rights import LEADER, RIGHTS, Right

State = CaseMark.State
DEFAULT_LIMIT = Decimal(5)
"""Percent of the base that the project manager may exclude until the company leader sets another share."""


class MarkError(Exception):
    """Nothing was written."""


class MarkMoveError(MarkError):
    """The mark is no longer in a state that allows this."""


class MarkExistsError(MarkError):
    """The case has a mark that waits for a decision or is in force."""


class OwnMarkError(MarkError):
    """Nobody decides on what they proposed themselves."""


class NotEntitledError(MarkError):
    """The person's roles do not allow it."""


class BeyondShareError(MarkError):
    """With this mark exclusions would be ``share`` percent of the base: above ``limit``, the company leader decides."""

    def __init__(self, share: Decimal, limit: Decimal) -> None:
        super().__init__(share, limit)
        self.share, self.limit = share, limit


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What stands outside of the accountable base at the end of a day, in CNY of this year's base.

    ``due`` by account, ``share`` in percent of what would be due if nothing were excluded; None where nothing is due.
    """

    due: dict[int, Decimal]
    share: Decimal | None

    @property
    def total(self) -> Decimal:
        return sum(self.due.values(), ZERO)


def excluded_accounts(project: Project, *, on: date) -> frozenset[int]:
    """Accounts that approved marks take out of the base at the end of ``on``; one query."""
    return frozenset(in_force(project, on=on).values_list("case__account", flat=True))


def in_force(project: Project, *, on: date) -> CaseScoped[CaseMark]:
    """Marks that count at the end of ``on``, also a day that has passed."""
    counts = Q(ends_on=None) | Q(ends_on__gt=on)
    return CaseMark.objects.filter(
        counts, case__project=project, state__in=[State.APPROVED, State.ENDED], starts_on__lte=on
    )


def exclusions_on(project: Project, *, on: date, also: Collection[int] = ()) -> Exclusions:
    """What is excluded at the end of ``on``; ``also``: accounts as if they were, too."""
    out = excluded_accounts(project, on=on) | set(also)
    campaign = campaign_on(project.pk, on=on)
    settings = settings_of(project, campaign)
    rows = rate_rows(project, on=on, campaign=campaign, settings=settings, excluded=out)
    rows = [row for row in rows if row.target_class]
    share = rates_of(rows, settings=settings).excluded_share
    return Exclusions(_due_by_account(rows, settings), share)


def limit_of(project: Project) -> Decimal:
    """Percent of the base up to which the project manager approves."""
    limit = ExclusionLimit.objects.filter(project=project).first()
    return limit.percent if limit else DEFAULT_LIMIT


@transaction.atomic
def set_limit(project: Project, percent: Decimal, *, by: User, roles: frozenset[Role], now: datetime) -> None:
    """Set that share; the company leader's to do. Raises NotEntitledError."""
    if not roles & LEADER:
        raise NotEntitledError
    before = limit_of(project)
    ExclusionLimit.objects.update_or_create(
        project=project, defaults={"percent": percent, "changed_at": now, "changed_by": by}
    )
    record(action="exclusion_limit.set", by=by, project=project, before=str(before), percent=str(percent))


def propose_mark(
    case: Case, kind: CaseMark.Kind, reason: str, *, proof: StoredFile, by: User, now: datetime, submission: UUID
) -> CaseMark:
    """Propose a mark, which changes nothing yet; sent twice it is one. Raises MarkExistsError."""
    try:
        with transaction.atomic():
            mark = CaseMark.objects.create(
                case=case, kind=kind, reason=reason.strip(), proof=proof, proposed_at=now, proposed_by=by,
                submission=submission,
            )  # fmt: skip
            _record("mark.proposed", mark, by, mark.reason)
    except IntegrityError as error:
        if "one_live_mark_of_a_case" in str(error) or "submission" in str(error):
            if sent := CaseMark.objects.filter(submission=submission, case=case, proposed_by=by).first():
                return sent
            raise MarkExistsError from error
        raise
    return mark


@transaction.atomic
def approve_mark(
    mark_id: int, *, by: User, roles: frozenset[Role], now: datetime, today: date, note: str = ""
) -> CaseMark:
    """Take the case's account out of the base from ``today`` on.

    Raises MarkMoveError, OwnMarkError, NotEntitledError and BeyondShareError. Approvals of one project wait for each
    other, so that two of them cannot pass the share together.
    """
    mark = _lock(mark_id, State.PROPOSED)
    _require_decider(mark, by, roles)
    Project.objects.select_for_update(no_key=True).get(pk=mark.case.project_id)
    if not roles & LEADER:
        _refuse_beyond_share(mark, today)
    mark.state, mark.starts_on = State.APPROVED, today
    mark.decided_at, mark.decided_by, mark.decision_note = now, by, note
    mark.save()
    _record("mark.approved", mark, by, note)
    return mark


@transaction.atomic
def refuse_mark(mark_id: int, *, by: User, roles: frozenset[Role], now: datetime, note: str) -> CaseMark:
    """Raises MarkMoveError, OwnMarkError and NotEntitledError."""
    mark = _lock(mark_id, State.PROPOSED)
    _require_decider(mark, by, roles)
    mark.state, mark.decided_at, mark.decided_by, mark.decision_note = State.REFUSED, now, by, note
    mark.save()
    _record("mark.refused", mark, by, note)
    return mark


@transaction.atomic
def withdraw_mark(mark_id: int, *, by: User) -> CaseMark:
    """Take one's own proposal back. Raises MarkMoveError, and NotEntitledError for another's."""
    mark = _lock(mark_id, State.PROPOSED)
    if mark.proposed_by_id != by.pk:
        raise NotEntitledError
    mark.state = State.WITHDRAWN
    mark.save()
    _record("mark.withdrawn", mark, by, "")
    return mark


@transaction.atomic
def end_mark(
    mark_id: int, *, by: User, roles: frozenset[Role], now: datetime, today: date, reason: str
) -> CaseMark:  # fmt: skip
    """The account counts again from ``today`` on. Raises MarkMoveError and NotEntitledError."""
    mark = _lock(mark_id, State.APPROVED)
    if not roles & RIGHTS[Right.APPROVE_EXCLUSION]:
        raise NotEntitledError
    mark.state, mark.ends_on, mark.ended_at, mark.ended_by, mark.end_reason = State.ENDED, today, now, by, reason
    mark.save()
    _record("mark.ended", mark, by, reason)
    return mark


def may_decide(mark: CaseMark, user: User, rights: Collection[Right]) -> bool:
    """Whether the person may approve or refuse it, the share apart."""
    return Right.APPROVE_EXCLUSION in rights and mark.proposed_by_id != user.pk


def _refuse_beyond_share(mark: CaseMark, today: date) -> None:
    project = mark.case.project
    share = exclusions_on(project, on=today, also=[mark.case.account_id]).share or ZERO
    limit = limit_of(project)
    if share > limit:
        raise BeyondShareError(share, limit)


def _require_decider(mark: CaseMark, by: User, roles: frozenset[Role]) -> None:
    if not roles & RIGHTS[Right.APPROVE_EXCLUSION]:
        raise NotEntitledError
    if mark.proposed_by_id == by.pk:
        raise OwnMarkError


def _lock(mark_id: int, state: CaseMark.State) -> CaseMark:
    locked = CaseMark.objects.select_for_update(of=("self",)).select_related("case__project")
    mark = locked.filter(pk=mark_id, state=state).first()
    if mark is None:
        raise MarkMoveError
    return mark


def _due_by_account(rows: Iterable[RateRow], settings: RateSettings) -> dict[int, Decimal]:
    """What the excluded accounts add to the base; the developer's stand apart from it anyhow."""
    due: dict[int, Decimal] = {}
    for row in rows:
        if row.is_excluded and (settings.includes_developer or not row.is_developer):
            due[row.account_id] = due.get(row.account_id, ZERO) + net_due(row, settings)
    return due


def _record(action: str, mark: CaseMark, by: User, note: str) -> None:
    record(action=action, by=by, project=mark.case.project, obj=mark.case, kind=mark.kind, note=note)
