"""What owners ask for: written down, sent to the department concerned, answered once (V5)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from collection import stages
from collection.models import Case, ContactAttempt, OwnerRequest
from company.audit import record
from company.models import User
from company.notifying import notify


class SubmissionReusedError(Exception):
    """The same form came again with other content; what came first stands."""


class AlreadyAnsweredError(Exception):
    """Somebody answered the request before; ``request`` says who and what."""

    def __init__(self, request: OwnerRequest) -> None:
        super().__init__(request.pk)
        self.request = request


@dataclass(frozen=True, slots=True)
class Requested:
    kind: OwnerRequest.Kind
    text: str
    department: OwnerRequest.Department = OwnerRequest.Department.SERVICE


@transaction.atomic
def open_request(
    case: Case,
    requested: Requested,
    *,
    by: User,
    now: datetime,
    contact: ContactAttempt | None = None,
    submission: UUID | None = None,
) -> OwnerRequest:
    """Write down what the owner asks for; until it is answered the case is not pressed. Sent again it is the same.

    Raises SubmissionReusedError.
    """
    locked = _lock_case(case.pk)
    earlier = OwnerRequest.objects.filter(submission=submission).first() if submission else None
    if earlier:
        if (earlier.case_id, earlier.kind, earlier.text) != (locked.pk, requested.kind, requested.text):
            raise SubmissionReusedError(submission)
        return earlier
    request = OwnerRequest.objects.create(
        project_id=locked.project_id,
        case=locked,
        contact=contact,
        kind=requested.kind,
        text=requested.text,
        department=requested.department,
        created_at=now,
        created_by=by,
        submission=submission,
    )
    if contact is None:
        stages.refresh([locked], now=now)
    return request


@transaction.atomic
def answer_request(
    request_id: int, answer: str, *, by: User, now: datetime, agreed_on: date | None = None
) -> OwnerRequest:
    """Answer a request once; ``agreed_on`` is the day of the repair or the next look. Raises AlreadyAnsweredError.

    Whoever answers for the case is told, so that the owner hears it. The same answer again changes nothing.
    """
    case = _lock_case(OwnerRequest.objects.values_list("case_id", flat=True).get(pk=request_id))
    request = OwnerRequest.objects.select_for_update(of=("self",)).select_related("project").get(pk=request_id)
    if request.answered_at:
        if (request.answer, request.answered_by_id, request.agreed_on) == (answer, by.pk, agreed_on):
            return request
        raise AlreadyAnsweredError(request)
    request.answer, request.answered_at, request.answered_by, request.agreed_on = answer, now, by, agreed_on
    request.save(update_fields=["answer", "answered_at", "answered_by", "agreed_on"])
    record(action="requests.answered", by=by, project=request.project, obj=case, request=request.pk)
    stages.refresh([case], now=now)
    _tell_responsible(case, request)
    return request


@transaction.atomic
def forward_request(request_id: int, department: OwnerRequest.Department, *, by: User) -> OwnerRequest:
    """Hand an open request to another department. Raises AlreadyAnsweredError."""
    request = OwnerRequest.objects.select_for_update(of=("self",)).select_related("case").get(pk=request_id)
    if request.answered_at:
        raise AlreadyAnsweredError(request)
    if request.department != department:
        request.department = department
        request.save(update_fields=["department"])
        record(
            action="requests.forwarded", by=by, project=request.project, obj=request.case,
            request=request.pk, department=department.value,
        )  # fmt: skip
    return request


def _tell_responsible(case: Case, request: OwnerRequest) -> None:
    member = case.responsible
    if member is None or member.pk == request.answered_by_id:
        return
    said = {"unit": case.account.unit.code, "kind": request.get_kind_display()}
    notify(
        user=member, project=request.project, key=f"request/{request.pk}/answered",
        title=_("%(unit)s: there is an answer to the %(kind)s, pass it on to the owner") % said,
        url=reverse("collection:request", kwargs={"project_code": request.project.code, "pk": request.pk}),
    )  # fmt: skip


def _lock_case(case_id: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case_id)
