"""The commendation board: effort that is not money, counted by person, and praise in words (I3)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet

from arrears.models import Payment
from collection.events import SPOKEN
from collection.models import Commendation, ContactAttempt, OwnerRequest, PromiseToPay
from company.audit import record
from company.models import Project, User


class OwnPraiseError(Exception):
    """Nobody commends themselves."""


class CommendedAlreadyError(Exception):
    """The person is commended for this payment already."""


@dataclass(slots=True)
class Effort:
    """What one person did in a period."""

    user: User
    reached: int = 0  # owners of different cases, or who answers for them
    visits: int = 0
    kept: int = 0  # promises that were taken and kept
    answered: int = 0  # requests of owners
    commended: int = 0

    @property
    def total(self) -> int:
        """What the board is ordered by: each kind counts alike."""
        return self.reached + self.kept + self.answered + self.commended


def efforts(project: Project, *, since: date, until: date) -> list[Effort]:
    """Everybody who did something from ``since`` to ``until``, most first. Six queries."""
    contacts = ContactAttempt.objects.wholes().filter(
        project=project, happened_at__date__gte=since, happened_at__date__lte=until, is_incoming=False
    )
    promises = PromiseToPay.objects.filter(
        project=project, state=PromiseToPay.State.KEPT, judged_on__gte=since, judged_on__lte=until
    )
    requests = OwnerRequest.objects.filter(project=project, answered_at__date__gte=since, answered_at__date__lte=until)
    praise = Commendation.objects.filter(project=project, given_at__date__gte=since, given_at__date__lte=until)
    counts = {
        "reached": _by(contacts.filter(outcome__in=SPOKEN), "recorded_by", "case"),
        "visits": _by(contacts.filter(channel=ContactAttempt.Channel.VISIT), "recorded_by", "pk"),
        "kept": _by(promises, "contact__recorded_by", "pk"),
        "answered": _by(requests, "answered_by", "pk"),
        "commended": _by(praise, "member", "pk"),
    }
    by_user: dict[int, dict[str, int]] = defaultdict(dict)
    for name, numbers in counts.items():
        for user_id, number in numbers.items():
            by_user[user_id][name] = number
    people = User.objects.select_related("post").in_bulk(list(by_user))
    found = [Effort(people[user_id], **numbers) for user_id, numbers in by_user.items()]
    return sorted(found, key=lambda effort: (-effort.total, effort.user.name_key, effort.user.pk))


@transaction.atomic
def commend(
    project: Project, member: User, text: str, *, payment: Payment | None, by: User, now: datetime
) -> Commendation:
    """Raises OwnPraiseError and CommendedAlreadyError."""
    if member == by:
        raise OwnPraiseError
    try:
        with transaction.atomic():
            given = Commendation.objects.create(
                project=project, member=member, text=text, payment=payment, given_at=now, given_by=by
            )
    except IntegrityError as error:
        raise CommendedAlreadyError from error
    record(action="commendation.given", by=by, project=project, obj=given, member=member.pk)
    return given


def _by(rows: QuerySet[Any], person: str, counted: str) -> dict[int, int]:
    numbers = rows.order_by().values_list(person).annotate(Count(counted, distinct=True))
    return {user_id: number for user_id, number in numbers if user_id}
