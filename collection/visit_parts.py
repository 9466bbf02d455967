"""One visit that served several units of a person: a part on each of the other cases, so that these see it too (O7).

What was said, promised, asked for, paid and photographed stays at the door where it was told.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from django.utils import timezone

from collection.contacts import lock_cases
from collection.later_words import has_later_contact
from collection.models import Case, ContactAttempt


def lock_visited(
    case: Case, before: ContactAttempt | None, also: Iterable[int] = ()
) -> tuple[Case, list[Case]]:  # fmt: skip
    """``case`` and all others that a visit serves, or served as it was told ``before``, under lock. The caller holds
    the visit."""
    served = before.parts.values_list("case_id", flat=True) if before else ()
    locked = lock_cases({case.pk, *also, *served})
    return next(one for one in locked if one.pk == case.pk), [one for one in locked if one.pk != case.pk]


def write_parts(
    contact: ContactAttempt, others: Collection[Case], *, next_contact_on: date | None, now: datetime
) -> None:
    """Bring the parts of ``contact`` in step with it: one on each of ``others``, and on no case any more that is not
    told again. The caller holds all of these cases."""
    kept = {part.case_id: part for part in contact.parts.all()}
    told = {case.pk for case in others}
    drop([part for part in kept.values() if part.case_id not in told], now=now)
    for case in others:
        part = _part(contact, case, kept.get(case.pk))
        part.save()
        if next_contact_on and case.state == Case.State.OPEN and not has_later_contact(part):
            case.next_contact_on = next_contact_on
            case.save(update_fields=["next_contact_on"])


def drop(contacts: Sequence[ContactAttempt], *, now: datetime) -> None:
    """Take parts back, or all of a visit, its parts first. The cases lose it, so somebody has to look again; the caller
    holds them."""
    for contact in contacts:
        contact.delete()
    again = Case.objects.filter(pk__in=[contact.case_id for contact in contacts]).open()
    again.update(next_contact_on=timezone.localdate(now))


def _part(contact: ContactAttempt, case: Case, kept: ContactAttempt | None) -> ContactAttempt:
    return ContactAttempt(
        pk=kept.pk if kept else None,
        part_of=contact,
        case=case,
        project_id=contact.project_id,
        channel=contact.channel,
        is_incoming=contact.is_incoming,
        outcome=contact.outcome,
        happened_at=contact.happened_at,
        recorded_at=contact.recorded_at,
        recorded_by_id=contact.recorded_by_id,
    )
