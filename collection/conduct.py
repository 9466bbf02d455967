"""Complaints about conduct: held against a contact, kept from who made it, answered once by somebody else (P4)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from collection.models import ConductComplaint, ContactAttempt
from company.audit import record
from company.models import Project, ProjectAccess, Role, User
from company.notifying import notify


class SettledAlreadyError(Exception):
    """Somebody answered it, or wrote down its result, before; that stands."""


class OwnConductError(Exception):
    """Nobody settles what is said of themselves."""


class SentBeforeError(Exception):
    """The same form came again with other content; what came first stands."""


@dataclass(frozen=True, slots=True)
class Complained:
    """By whom, what and when, as it was told."""

    complainant: ConductComplaint.Complainant
    text: str
    complained_at: datetime


@transaction.atomic
def record_complaint(
    contact: ContactAttempt, told: Complained, *, by: User, now: datetime, submission: UUID
) -> ConductComplaint:
    """Write a complaint down and tell who answers for it, never who it is about; sent again it is the same.

    Raises SentBeforeError.
    """
    complaint, is_new = ConductComplaint.objects.get_or_create(
        submission=submission,
        defaults={
            "project_id": contact.project_id, "contact": contact, "member_id": contact.recorded_by_id,
            "complainant": told.complainant, "text": told.text, "complained_at": min(told.complained_at, now),
            "recorded_at": now, "recorded_by": by,
        },
    )  # fmt: skip
    if not is_new:
        if (complaint.contact_id, complaint.text) != (contact.pk, told.text):
            raise SentBeforeError
        return complaint
    record(action="conduct.complained", by=by, project=contact.project, obj=complaint, contact=contact.pk)
    url = reverse("collection:conduct_complaint", args=[contact.project.code, complaint.pk])
    title = _("Complaint about conduct: %(unit)s") % {"unit": contact.case.account.unit.code}
    for user in answerers(contact.project, but=contact.recorded_by_id):
        notify(user=user, project=contact.project, key=f"conduct:{complaint.pk}", title=title, url=url)
    return complaint


@transaction.atomic
def answer_complaint(complaint_id: int, answer: str, *, by: User, now: datetime) -> ConductComplaint:
    """Answer once. Raises OwnConductError and SettledAlreadyError; the same answer again changes nothing."""
    complaint = ConductComplaint.objects.select_for_update(of=("self",)).select_related("project").get(pk=complaint_id)
    if complaint.member_id == by.pk:
        raise OwnConductError
    if complaint.answered_at:
        if (complaint.answer, complaint.answered_by_id) == (answer, by.pk):
            return complaint
        raise SettledAlreadyError
    complaint.answer, complaint.answered_at, complaint.answered_by = answer, now, by
    complaint.save(update_fields=["answer", "answered_at", "answered_by"])
    record(action="conduct.answered", by=by, project=complaint.project, obj=complaint)
    return complaint


def answerers(project: Project, *, but: int | None = None) -> list[User]:
    """The project managers beside ``but``; the company leaders where there is none."""
    live = ProjectAccess.objects.live()
    for access in (
        live.filter(project=project, role=Role.PROJECT_MANAGER),
        live.filter(project=None, role=Role.COMPANY_LEADER),
    ):
        people = User.objects.active().filter(pk__in=access.values("user")).exclude(pk=but).order_by("pk")
        if found := list(people):
            return found
    return []
