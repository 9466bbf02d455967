"""What was said later stands: a visit that reaches the server late, or is corrected, takes nothing of it back."""

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from collection.models import Case, ContactAttempt, PromiseToPay, ReasonChange, Visit, VisitRevision


def own_moments(contact: ContactAttempt) -> list[datetime]:
    """When the server heard of the visit and of each correction; nothing for other contacts."""
    return list(_tellings(contact).values_list("received_at", flat=True))


def _tellings(contact: ContactAttempt) -> QuerySet[VisitRevision]:
    visits = Visit.objects.filter(contact=contact)
    return VisitRevision.objects.filter(client_id__in=visits.values("client_id"))


def has_later_contact(contact: ContactAttempt) -> bool:
    """Whether somebody was in contact about the case after ``contact``."""
    return ContactAttempt.objects.filter(case=contact.case_id, happened_at__gt=contact.happened_at).exists()


def is_checked(case: Case, contact: ContactAttempt) -> bool:
    """Whether finance has checked since what a visit told of a payment: its correction only says it again."""
    if case.claim_checked_at is None:
        return False
    told = _tellings(contact).filter(content__payment=ContactAttempt.Payment.CLAIMS_PAID)
    return told.filter(received_at__lte=case.claim_checked_at).exists()


def has_later_promise(contact: ContactAttempt) -> bool:
    """Whether the owner promised something after ``contact``."""
    return PromiseToPay.objects.filter(case=contact.case_id, contact__happened_at__gt=contact.happened_at).exists()


def has_later_reason(contact: ContactAttempt) -> bool:
    """Whether the reason was set after ``contact``, by anything but what was told of it before."""
    changes = ReasonChange.objects.filter(case=contact.case_id).exclude(
        at__in=own_moments(contact), by=contact.recorded_by_id
    )
    return changes.annotate(said=Coalesce("said_at", "at")).filter(said__gt=contact.happened_at).exists()
