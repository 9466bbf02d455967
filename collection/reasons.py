"""Why a case is unpaid, and who may say so: “refusal without cause” is for heads and managers alone (C6)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from collection import stages
from collection.models import ArrearsReason, Case, ReasonChange, SubReason
from company.models import Role, User
from company.rights import HEAD, MANAGER, RIGHTS, Right

MALICIOUS_ROLES = HEAD | MANAGER


class ReasonRefusedError(Exception):
    """The person's roles do not allow this reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason, and for “other” what stands behind it."""

    reason: ArrearsReason
    sub_reason: SubReason | None = None

    def __post_init__(self) -> None:
        if self.sub_reason and self.reason != ArrearsReason.OTHER:
            raise ValueError(f"{self.reason} has no {self.sub_reason}")

    @property
    def key(self) -> str:
        """``other/vacant``, as forms and addresses write it."""
        return f"{self.reason}/{self.sub_reason}" if self.sub_reason else str(self.reason)

    @property
    def label(self) -> str:
        return str(self.sub_reason.label if self.sub_reason else self.reason.label)

    @classmethod
    def of(cls, case: Case) -> "Reason":
        return cls(ArrearsReason(case.reason), SubReason(case.sub_reason) if case.sub_reason else None)

    @classmethod
    def from_key(cls, key: str) -> "Reason":
        """Raises ValueError for what no reason is called."""
        reason, _slash, sub_reason = key.partition("/")
        return cls(ArrearsReason(reason), SubReason(sub_reason) if sub_reason else None)


def reasons_for(roles: frozenset[Role]) -> list[Reason]:
    """What holders of ``roles`` may set, in the order in which it is offered; nothing without the right."""
    if not roles & RIGHTS[Right.SET_REASON]:
        return []
    may_accuse = bool(roles & MALICIOUS_ROLES)
    return [reason for reason in every_reason() if may_accuse or reason.reason != ArrearsReason.MALICIOUS]


def every_reason() -> list[Reason]:
    """All there are, in the order in which they are offered."""
    plain = [Reason(reason) for reason in ArrearsReason if reason != ArrearsReason.OTHER]
    subs = [Reason(ArrearsReason.OTHER, sub_reason) for sub_reason in SubReason]
    return [*plain, *subs, Reason(ArrearsReason.OTHER)]


@transaction.atomic
def set_reason(
    cases: Collection[Case], reason: Reason, *, by: User, roles: frozenset[Role], now: datetime, note: str = ""
) -> int:
    """Set the reason of ``cases`` (of one project) and keep what it was; returns how many changed.

    ``roles`` are those of ``by`` in the project. Raises ReasonRefusedError; nothing is written then.
    """
    if reason not in reasons_for(roles):
        raise ReasonRefusedError(reason.key)
    locked = Case.objects.select_for_update(of=("self",)).filter(pk__in=[case.pk for case in cases]).order_by("pk")
    return len(write_reason(list(locked.select_related("project")), reason, by=by, now=now, note=note))


def write_reason(
    cases: Sequence[Case],
    reason: Reason,
    *,
    by: User,
    now: datetime,
    said_at: datetime | None = None,
    note: str = "",
    refresh: bool = True,
) -> list[Case]:
    """Write the reason onto cases that the caller holds under lock; returns those that changed.

    ``said_at`` is when an owner said it, where that was at a contact.
    """
    changed = [case for case in cases if Reason.of(case) != reason]
    for case in changed:
        case.reason, case.sub_reason = reason.reason, reason.sub_reason or ""
    Case.objects.bulk_update(changed, ["reason", "sub_reason"])
    ReasonChange.objects.bulk_create(
        ReasonChange(
            case=case, reason=case.reason, sub_reason=case.sub_reason, note=note, at=now, said_at=said_at, by=by
        )
        for case in changed
    )
    if refresh:
        stages.refresh(changed, now=now)
    return changed
