"""A second person's consent to exports that hold the personal data of more people than the project's limit (D4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from company.audit import record
from company.models import Project, ProjectAccess, Role, User
from company.notifying import notify
from company.rights import RIGHTS, Right
from owners.models import ExportConsent, ExportLimit, OwnershipMember

State = ExportConsent.State
USABLE = timedelta(hours=24)
"""How long a consent may be used."""


class ConsentError(Exception):
    """Nothing was written."""


class OwnExportError(ConsentError):
    """Nobody consents to their own export."""


class ConsentMoveError(ConsentError):
    """The request was decided, withdrawn or used meanwhile."""


class NotEntitledError(ConsentError):
    """The person's roles do not allow it."""


class OtherExportError(ConsentError):
    """The consent is for another export: another filter, another kind, another person."""


class ConsentOverError(ConsentError):
    """The time in which it could be used has passed."""


class MorePeopleError(ConsentError):
    """The export would hold the data of more people by now than was consented to."""


@dataclass(frozen=True, slots=True)
class PersonalExport:
    """An export as somebody asks for it: where it is made, with which filter and form, and whose data it holds.

    ``people``: how many people's data stand in it.
    """

    kind: str
    title: str
    path: str
    people: int
    query: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


def limit_of(project: Project) -> int:
    """How many people's data one export may hold without a second person."""
    limit = ExportLimit.objects.filter(project=project).first()
    return limit.people if limit else settings.PERSONAL_EXPORT_LIMIT


@transaction.atomic
def set_limit(project: Project, people: int, *, by: User, roles: frozenset[Role], now: datetime) -> None:
    """Set that number; not for who exports. Raises NotEntitledError."""
    if not roles & RIGHTS[Right.SET_EXPORT_LIMIT]:
        raise NotEntitledError
    before = limit_of(project)
    ExportLimit.objects.update_or_create(
        project=project, defaults={"people": people, "changed_at": now, "changed_by": by}
    )
    record(action="export_limit.set", by=by, project=project, before=before, people=people)


def ask_for_consent(
    project: Project, export: PersonalExport, reason: str, *, by: User, now: datetime, submission: UUID
) -> ExportConsent:
    """Ask; sent twice it is one. Whoever may consent is told."""
    sent = ExportConsent.objects.filter(submission=submission, requested_by=by, project=project)
    if there := sent.first():
        return there
    try:
        with transaction.atomic():
            asked = ExportConsent.objects.create(
                project=project, kind=export.kind, title=export.title, path=export.path, query=export.query,
                data=dict(export.data), people=export.people, reason=reason.strip(), requested_at=now,
                requested_by=by, submission=submission,
            )  # fmt: skip
            record(
                action="export.asked", by=by, project=project, obj=asked, kind=export.kind, people=export.people
            )  # fmt: skip
            text = _("%(person)s asks for consent to an export: %(title)s, %(people)s people")
            said = {"person": by.name, "title": asked.title, "people": asked.people}
            for user in may_consent(project, leave_out=by):
                _tell(asked, user, "asked", text % said)
    except IntegrityError:
        return sent.get()
    return asked


@transaction.atomic
def decide_on_export(
    pk: int, *, consent: bool, by: User, roles: frozenset[Role], now: datetime, note: str = ""
) -> ExportConsent:
    """Consent or refuse; the requester is told. Raises ConsentMoveError, OwnExportError and NotEntitledError."""
    asked = _lock(pk)
    if not roles & RIGHTS[Right.CONSENT_EXPORT]:
        raise NotEntitledError
    if asked.requested_by_id == by.pk:
        raise OwnExportError
    asked.state = State.CONSENTED if consent else State.REFUSED
    asked.decided_at, asked.decided_by, asked.decision_note = now, by, note
    asked.usable_until = now + USABLE if consent else None
    asked.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "usable_until"])
    record(action="export.consented" if consent else "export.refused", by=by, project=asked.project, obj=asked)
    text = _("Your export may be made once within a day: %(title)s") if consent else _("Export refused: %(title)s")
    _tell(asked, asked.requested_by, "decided", text % {"title": asked.title})
    return asked


@transaction.atomic
def withdraw_request(pk: int, *, by: User) -> None:
    """Take one's own request back. Raises ConsentMoveError, and NotEntitledError for another's."""
    asked = _lock(pk)
    if asked.requested_by_id != by.pk:
        raise NotEntitledError
    asked.state = State.WITHDRAWN
    asked.save(update_fields=["state"])
    record(action="export.withdrawn", by=by, project=asked.project, obj=asked)


def use_consent(pk: int, export: PersonalExport, *, project: Project, by: User, now: datetime) -> None:
    """Use a consent up for ``export``, in the transaction in which it is made; of two at once one goes through.

    Raises OtherExportError, ConsentOverError, MorePeopleError and ConsentMoveError.
    """
    asked = ExportConsent.objects.filter(pk=pk, project=project, requested_by=by).first()
    same = (export.kind, export.path, export.query, dict(export.data))
    if asked is None or (asked.kind, asked.path, asked.query, asked.data) != same:
        raise OtherExportError
    if asked.usable_until and asked.usable_until < now:
        raise ConsentOverError
    if export.people > asked.people:
        raise MorePeopleError
    _claim(pk, now)
    record(action="export.made", by=by, project=project, obj=asked, kind=asked.kind, people=export.people)


def people_of(ownerships: Any) -> int:
    """How many people the parties are; ``ownerships``: their ids, or a query of them. One query."""
    members = OwnershipMember.objects.filter(ownership__in=ownerships)
    return members.values("owner").distinct().count()


def may_consent(project: Project, *, leave_out: User) -> list[User]:
    """The active people who may consent to an export of ``leave_out``, in the project or in the whole company."""
    roles = sorted(RIGHTS[Right.CONSENT_EXPORT])
    live = ProjectAccess.objects.live().filter(role__in=roles)
    here = live.filter(project=project) | live.filter(project=None)
    return list(User.objects.active().filter(pk__in=here.values("user")).exclude(pk=leave_out.pk).order_by("pk"))


def _claim(pk: int, now: datetime) -> None:
    waiting = ExportConsent.objects.filter(pk=pk, state=State.CONSENTED)
    if not waiting.update(state=State.USED, used_at=now):
        raise ConsentMoveError


def _lock(pk: int) -> ExportConsent:
    locked = ExportConsent.objects.select_for_update(of=("self",)).select_related("project", "requested_by")
    asked = locked.filter(pk=pk, state=State.WAITING).first()
    if asked is None:
        raise ConsentMoveError
    return asked


def _tell(asked: ExportConsent, user: User, what: str, title: str) -> None:
    url = reverse("owners:exports", kwargs={"project_code": asked.project.code})
    notify(user=user, project=asked.project, key=f"export/{asked.pk}/{what}", title=title[:200], url=url)
