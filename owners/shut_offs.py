"""Safety shut-offs of vacant units: consent or documented danger, proposed by one person, approved by another (C7).

They are records of units, apart from all collection: nothing here knows what is owed, and paying ends none of them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from company.audit import record
from company.files import document_type, store_file
from company.models import FilePurpose, Role, StoredFile, User
from company.rights import RIGHTS, Right
from owners.models import Occupant, SafetyShutOff, Unit

State = SafetyShutOff.State
PROOF_BYTES = 20 << 20


class ShutOffError(Exception):
    """Nothing was written."""


class OccupiedError(ShutOffError):
    """Somebody is on file as living in the unit; only a vacant one is shut off."""


class ShutOffExistsError(ShutOffError):
    """The service of this unit is shut off already, or a proposal waits."""


class ShutOffMoveError(ShutOffError):
    """The record is no longer in a state that allows this."""


class OwnShutOffError(ShutOffError):
    """Nobody decides on what they proposed themselves."""


class NotEntitledError(ShutOffError):
    """The person's roles do not allow it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody found at a vacant unit, and why a service is to be shut off."""

    service: SafetyShutOff.Service
    ground: SafetyShutOff.Ground
    description: str
    found_vacant_on: date


def propose_shut_off(
    unit: Unit, finding: Finding, *, proof: StoredFile, by: User, now: datetime, submission: UUID
) -> SafetyShutOff:
    """Propose to shut a service off; sent twice it is one. Raises OccupiedError and ShutOffExistsError."""
    sent = SafetyShutOff.objects.filter(submission=submission, unit=unit, proposed_by=by)
    if there := sent.first():
        return there
    try:
        with transaction.atomic():
            _require_vacant(unit, today=timezone.localdate(now))
            row = SafetyShutOff.objects.create(
                project_id=unit.project_id, unit=unit, service=finding.service, ground=finding.ground,
                description=finding.description.strip(), found_vacant_on=finding.found_vacant_on, proof=proof,
                proposed_at=now, proposed_by=by, submission=submission,
            )  # fmt: skip
            _record("shut_off.proposed", row, by)
    except IntegrityError as error:
        if there := sent.first():
            return there
        if "one_live_shut_off_of_a_service" in str(error) or "submission" in str(error):
            raise ShutOffExistsError from error
        raise
    return row


@transaction.atomic
def decide_shut_off(
    pk: int, *, approve: bool, by: User, roles: frozenset[Role], now: datetime, note: str = ""
) -> SafetyShutOff:
    """Approve or refuse a proposal.

    Raises ShutOffMoveError, OwnShutOffError, NotEntitledError, and OccupiedError where somebody has moved in meanwhile.
    """
    row = _lock(pk, State.PROPOSED)
    if not roles & RIGHTS[Right.APPROVE_SHUT_OFF]:
        raise NotEntitledError
    if row.proposed_by_id == by.pk:
        raise OwnShutOffError
    if approve:
        _require_vacant(row.unit, today=timezone.localdate(now))
    row.state = State.IN_FORCE if approve else State.REFUSED
    row.decided_at, row.decided_by, row.decision_note = now, by, note
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note"])
    _record("shut_off.approved" if approve else "shut_off.refused", row, by, note=note)
    return row


@transaction.atomic
def withdraw_shut_off(pk: int, *, by: User) -> SafetyShutOff:
    """Take one's own proposal back. Raises ShutOffMoveError, and NotEntitledError for another's."""
    row = _lock(pk, State.PROPOSED)
    if row.proposed_by_id != by.pk:
        raise NotEntitledError
    row.state = State.WITHDRAWN
    row.save(update_fields=["state"])
    _record("shut_off.withdrawn", row, by)
    return row


@transaction.atomic
def end_shut_off(
    pk: int, ground: SafetyShutOff.EndGround, *, by: User, roles: frozenset[Role], now: datetime, note: str = ""
) -> SafetyShutOff:
    """The service is connected again; whoever may propose or approve records it at once, since it waits for nothing.

    Raises ShutOffMoveError and NotEntitledError.
    """
    row = _lock(pk, State.IN_FORCE)
    if not may_end(roles):
        raise NotEntitledError
    row.state, row.ended_at, row.ended_by, row.end_ground, row.end_note = State.ENDED, now, by, ground, note
    row.save(update_fields=["state", "ended_at", "ended_by", "end_ground", "end_note"])
    _record("shut_off.ended", row, by, ground=ground, note=note)
    return row


def may_end(roles: frozenset[Role]) -> bool:
    """Whether holders of ``roles`` may record that a service is connected again."""
    return bool(roles & (RIGHTS[Right.PROPOSE_SHUT_OFF] | RIGHTS[Right.APPROVE_SHUT_OFF]))


def store_proof(unit: Unit, upload: UploadedFile, *, submission: UUID, by: User) -> StoredFile:
    """Keep the consent or the photo of the danger, handed out by the pages of the record alone."""
    return store_file(
        project=unit.project, content=upload, name=f"{submission.hex[:8]} {upload.name}"[-200:],
        content_type=document_type(upload) or "application/octet-stream", purpose=FilePurpose.SHUT_OFF_PROOF, by=by,
    )  # fmt: skip


def _require_vacant(unit: Unit, *, today: date) -> None:
    """Nobody lives there on file today; who moves out later still does."""
    if Occupant.objects.filter(Q(ends_on=None) | Q(ends_on__gte=today), unit=unit).exists():
        raise OccupiedError


def _lock(pk: int, state: SafetyShutOff.State) -> SafetyShutOff:
    locked = SafetyShutOff.objects.select_for_update(of=("self",)).select_related("unit", "project")
    row = locked.filter(pk=pk, state=state).first()
    if row is None:
        raise ShutOffMoveError
    return row


def _record(action: str, row: SafetyShutOff, by: User, **detail: str) -> None:
    record(action=action, by=by, project=row.project, obj=row.unit, shut_off=row.pk, service=row.service, **detail)
