"""Call-backs: each week a random part of the contacts is put before the project manager (P4).

The draw follows from a seed that is kept with it: contacts ordered by SHA-256 of ``seed:id``, the first of them taken.
Nobody can know it beforehand, and everybody can repeat it afterwards.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from collection.conduct import OwnConductError, SettledAlreadyError, answerers
from collection.models import CallBack, CallBackDraw, ContactAttempt
from company.audit import record
from company.models import Project, User
from company.notifying import notify
from company.sweeping import do_each

PERCENT = 5
WEEK, SETTLING = timedelta(days=7), timedelta(hours=1)
WEEKS_BACK = 4  # so many weeks are made up for where nothing ran
Bounds = tuple[datetime, datetime]


def sample(contact_ids: Iterable[int], seed: str) -> list[int]:
    """Those that ``seed`` draws: 5 % rounded up, at least one of any."""
    ordered = sorted(contact_ids, key=lambda pk: hashlib.sha256(f"{seed}:{pk}".encode()).hexdigest())
    return sorted(ordered[: -(-len(ordered) * PERCENT // 100)])


def draw_call_backs(*, now: datetime, new_seed: Callable[[], str] = lambda: secrets.token_hex(16)) -> int:
    """Draw for each active project the weeks that are over and not drawn yet; returns how many were drawn.

    A week is left alone for an hour, until the last form of it is in. Safe to run twice and at the same time. Raises
    SweepError.
    """
    last = _monday(timezone.localdate(now - SETTLING)) - WEEK
    weeks = [last - WEEK * back for back in range(WEEKS_BACK)]
    undrawn = ((project, week) for week in weeks for project in _undrawn(week))
    return do_each(undrawn, lambda work: _draw_week(*work, new_seed(), now=now))


def is_as_drawn(draw: CallBackDraw, contact_ids: Collection[int], drawn: Collection[int]) -> bool:
    """Whether the same seed draws the same again from the contacts that the week holds now."""
    return draw.population == len(contact_ids) and sample(contact_ids, draw.seed) == sorted(drawn)


def contacts_of_weeks(project: Project, weeks: Collection[date]) -> dict[date, list[int]]:
    """By week the ids of the contacts that were recorded in it, by the server's clock; one query."""
    found: dict[date, list[int]] = {week: [] for week in weeks}
    if not found:
        return found
    since, until = _bounds(min(found))[0], _bounds(max(found))[1]
    contacts = ContactAttempt.objects.wholes().filter(project=project)
    recorded = contacts.filter(recorded_at__gte=since, recorded_at__lt=until)
    for pk, at in recorded.order_by("pk").values_list("pk", "recorded_at"):
        found.get(_monday(timezone.localdate(at)), []).append(pk)
    return found


@transaction.atomic
def record_result(
    call_back_id: int, result: CallBack.Result, note: str, *, by: User, now: datetime
) -> CallBack:  # fmt: skip
    """Write down once what the owner said. Raises OwnConductError and SettledAlreadyError."""
    call_back = CallBack.objects.select_for_update(of=("self",)).select_related("project").get(pk=call_back_id)
    if call_back.member_id == by.pk:
        raise OwnConductError
    if call_back.called_at:
        if (call_back.result, call_back.note, call_back.called_by_id) == (result, note, by.pk):
            return call_back
        raise SettledAlreadyError
    call_back.result, call_back.note, call_back.called_at, call_back.called_by = result, note, now, by
    call_back.save(update_fields=["result", "note", "called_at", "called_by"])
    record(action="conduct.called_back", by=by, project=call_back.project, obj=call_back, result=result.value)
    return call_back


def _undrawn(week: date) -> list[Project]:
    first, end = _bounds(week)
    busy = ContactAttempt.objects.wholes().filter(recorded_at__gte=first, recorded_at__lt=end).order_by()
    projects = Project.objects.filter(is_active=True, pk__in=busy.values("project"))
    drawn = CallBackDraw.objects.filter(week_start=week)
    return list(projects.exclude(pk__in=drawn.values("project")).order_by("pk"))


@transaction.atomic
def _draw_week(project: Project, week: date, seed: str, *, now: datetime) -> bool:
    """Whether this call drew it: draw, call-backs and the note to the manager are there together or not at all."""
    contact_ids = contacts_of_weeks(project, [week])[week]
    draw, is_new = CallBackDraw.objects.get_or_create(
        project=project, week_start=week,
        defaults={"seed": seed, "population": len(contact_ids), "drawn_at": now},
    )  # fmt: skip
    if not is_new:
        return False
    contacts = ContactAttempt.objects.filter(pk__in=sample(contact_ids, seed)).order_by("pk")
    drawn = CallBack.objects.bulk_create(
        CallBack(project=project, draw=draw, contact=contact, member_id=contact.recorded_by_id) for contact in contacts
    )
    title = ngettext(
        "%(number)s contact of last week to call back", "%(number)s contacts of last week to call back", len(drawn)
    ) % {"number": len(drawn)}  # fmt: skip
    for user in answerers(project):
        notify(
            user=user, project=project, key=f"call-backs:{project.pk}:{week}", title=title,
            url=reverse("collection:conduct", args=[project.code]),
        )  # fmt: skip
    return True


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _bounds(week: date) -> Bounds:
    first = timezone.make_aware(datetime.combine(week, time()))
    return first, timezone.make_aware(datetime.combine(week + WEEK, time()))
