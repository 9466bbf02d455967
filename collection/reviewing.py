"""The review of a case before its first contact (A8): what is owed for which months, repairs, complaints, history."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from collection.models import Case, CaseReview, ContactAttempt
from company.audit import record
from company.models import User


@transaction.atomic
def review_case(case: Case, *, by: User, now: datetime, note: str = "") -> CaseReview:
    """Write down that ``by`` read the file; once since the case was opened, however often it is pressed."""
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    done = CaseReview.objects.filter(case=case, reviewed_at__date__gte=case.opened_on).last()
    if done:
        return done
    review = CaseReview.objects.create(case=case, note=note, reviewed_at=now, reviewed_by=by)
    record(action="case.reviewed", by=by, project=case.project, obj=case)
    return review


def reviewed_cases(case_ids: Collection[int]) -> set[int]:
    """Of these the cases that may be contacted as far as reading goes: reviewed, or contacted already. One query."""
    reviews = CaseReview.objects.filter(case=OuterRef("pk"), reviewed_at__date__gte=OuterRef("opened_on"))
    contacts = ContactAttempt.objects.filter(case=OuterRef("pk"), happened_at__date__gte=OuterRef("opened_on"))
    read = Case.objects.filter(Q(Exists(reviews)) | Q(Exists(contacts)), pk__in=case_ids)
    return set(read.values_list("pk", flat=True))
