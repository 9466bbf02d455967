"""Doorstep visits: one record for what happened at a door, however often the phone sends it (V3, V4)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from collection import stages
from collection.contacts import ContactReport, write_consequences, write_contact
from collection.models import Case, CashTaken, Visit, VisitRevision
from collection.photo_making import await_photos
from collection.signatures import keep_signature, write_signature
from collection.visit_parts import lock_visited, write_parts
from collection.visit_revisions import (
    earlier_visit,
    is_told_already,
    lock_visit,
    take_back,
    what_is_new,
    write_history,
)
from company.audit import record
from company.models import Role, StoredFile, User
from company.photos import Photo


class ReceiptUsedError(ValueError):
    """The receipt number stands on other money already; ``unit_code`` says whose."""

    def __init__(self, unit_code: str) -> None:
        super().__init__(unit_code)
        self.unit_code = unit_code


@dataclass(frozen=True, slots=True)
class Cash:
    """Money taken at the door, in CNY."""

    amount: Decimal
    method: CashTaken.Method
    receipt_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReport:
    """A visit as the phone tells it. ``client_id`` is made there and names the visit for good.

    ``responsible_id`` is who answered for the case when the form was opened, ``sent_sha256`` of the message in which a
    phone sent it. ``also`` are ids of other cases that the visit served, in rising order.
    """

    client_id: UUID
    contact: ContactReport
    revision: int = 1
    slip_posted: bool = False
    cash: Cash | None = None
    photos: Sequence[Photo] = field(default=())
    signature: bytes = b""
    responsible_id: int | None = None
    sent_sha256: str = ""
    also: tuple[int, ...] = ()

    def content_sha256(self) -> str:
        """The same for the same words and photos."""
        told: dict[str, Any] = {
            "revision": self.revision,
            "contact": asdict(self.contact),
            "slip": self.slip_posted,
            "cash": asdict(self.cash) if self.cash else None,
            "photos": sorted(photo.sent_sha256 for photo in self.photos),
            **({"signature": hashlib.sha256(self.signature).hexdigest()} if self.signature else {}),
            **({"also": self.also} if self.also else {}),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def record_visit(
    case: Case, report: VisitReport, *, by: User, roles: frozenset[Role], now: datetime, refresh_later: bool = False
) -> Visit:
    """Record a visit with all that came of it in one transaction; sent again it is the same visit.

    What happened is always kept: flagged as a breach where a limit was passed, and as changed meanwhile where the
    case was paid or went to somebody else since the form was opened. A higher revision takes the place of what was
    told before, which stays in the visit's history. It has a part on each other case that it served. ``roles`` are
    those of ``by`` in the project, who may log on all of these cases. With ``refresh_later`` the worker writes stage
    and next step, within seconds.
    Raises VisitConflictError, VisitRemovedError, VisitSettledError, ReceiptUsedError, ReasonRefusedError,
    PhoneNumberError; nothing is written then.
    """
    signature = _new_signature(case, report, by=by)
    with transaction.atomic():
        lock_visit(report.client_id)
        earlier = earlier_visit(case, report.client_id, by=by)
        if earlier and is_told_already(earlier, report):
            return earlier
        locked, others = lock_visited(case, earlier.contact if earlier else None, report.also)
        also = [other for other in others if other.pk in report.also]
        write_history(locked, report, by=by, now=now)
        told_for = earlier.contact.happened_at if earlier else None
        write = partial(_replace, earlier) if earlier else _begin
        visit = write(locked, report, also=also, by=by, now=now)
        await_photos(visit, report.photos, by_id=by.pk, now=now)
        if earlier or signature:
            write_signature(visit, signature, now=now)
        if report.cash and not hasattr(visit, "cash"):
            _write_cash(visit, report.cash, by=by)
        new = what_is_new(visit, report.contact) if earlier else report.contact
        write_consequences(locked, visit.contact, new, by=by, roles=roles, now=now, told_for=told_for)
        if others:
            write_parts(visit.contact, also, next_contact_on=report.contact.next_contact_on, now=now)
        refresh = stages.refresh_soon if refresh_later else stages.refresh
        refresh([locked, *others], now=now)
    return visit


def _new_signature(case: Case, report: VisitReport, *, by: User) -> StoredFile | None:
    """The signature as a file, unless it is kept already: a phone that sends again leaves no second one."""
    told = VisitRevision.objects.filter(client_id=report.client_id, revision=report.revision)
    if not report.signature or told.exists():
        return None
    return keep_signature(report.signature, project=case.project, by=by)


def _begin(case: Case, report: VisitReport, *, also: Sequence[Case], by: User, now: datetime) -> Visit:
    return Visit.objects.create(
        project_id=case.project_id,
        contact=write_contact(case, report.contact, by=by, now=now, also=also),
        client_id=report.client_id,
        revision=report.revision,
        content_sha256=report.content_sha256(),
        slip_posted=report.slip_posted,
        changed_meanwhile=_changed_meanwhile(case, report),
    )


def _replace(
    visit: Visit, case: Case, report: VisitReport, *, also: Sequence[Case], by: User, now: datetime
) -> Visit:  # fmt: skip
    """The visit as it is told now; what came of it before and is not told again is taken back."""
    take_back(visit, case, report, now=now)
    visit.contact = write_contact(case, report.contact, by=by, now=now, instead_of=visit.contact, also=also)
    visit.revision, visit.content_sha256 = report.revision, report.content_sha256()
    visit.slip_posted, visit.changed_meanwhile = report.slip_posted, _changed_meanwhile(case, report)
    visit.save(update_fields=["revision", "content_sha256", "slip_posted", "changed_meanwhile"])
    record(action="visits.corrected", by=by, project=case.project, obj=visit, revision=report.revision)
    return visit


def _changed_meanwhile(case: Case, report: VisitReport) -> str:
    if case.state == Case.State.CLOSED:
        return Visit.Meanwhile.PAID
    if case.responsible_id != report.responsible_id:
        return Visit.Meanwhile.REASSIGNED
    return ""


def _write_cash(visit: Visit, cash: Cash, *, by: User) -> None:
    taken = CashTaken(
        project_id=visit.project_id,
        visit=visit,
        amount=cash.amount,
        method=cash.method,
        receipt_no=cash.receipt_no,
        taken_by=by,
    )
    try:
        with transaction.atomic():
            taken.save(force_insert=True)
    except IntegrityError as error:
        used = CashTaken.objects.filter(project_id=visit.project_id, receipt_no=cash.receipt_no)
        other = used.select_related("visit__contact__case__account__unit").first()
        if other is None:
            raise
        raise ReceiptUsedError(other.visit.contact.case.account.unit.code) from error
    record(action="cash.taken", by=by, project=visit.project, obj=taken, amount=str(cash.amount))
