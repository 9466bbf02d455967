"""The dates of repair items, read for many cases at once: what holds visits back, and what the ladder goes by."""

from collections.abc import Collection
from datetime import date, datetime, time

from django.utils import timezone

from collection.models import Case, RectificationItem, RectificationMove

State = RectificationItem.State
Kind = RectificationMove.Kind
Part = RectificationItem.Part
LIVE = (State.OPEN, State.DONE)


def disputed_parts(case: Case) -> frozenset[RectificationItem.Part]:
    """Of which parts the live items of a case are: what may be said at the door depends on it; one query."""
    parts = RectificationItem.objects.filter(case=case, state__in=LIVE).values_list("part", flat=True)
    return frozenset(map(Part, parts))


def agreed_until(case_ids: Collection[int], *, now: datetime) -> dict[int, RectificationItem]:
    """By case id the item whose agreed date lies furthest ahead, as it stood at ``now``; one query.

    ``agreed_on`` of what is returned is the date agreed by then. Signed off or dropped items hold nothing.
    """
    moves = RectificationMove.objects.filter(item__case__in=case_ids, at__lte=now).select_related("item")
    standing: dict[int, RectificationItem] = {}
    for move in moves.order_by("at", "pk"):
        if move.kind == Kind.AGREED:
            move.item.agreed_on = move.day
            standing[move.item_id] = move.item
        elif move.kind in {Kind.SIGNED_OFF, Kind.DROPPED}:
            standing.pop(move.item_id, None)
    today = timezone.localdate(now)
    ahead = [item for item in standing.values() if item.agreed_on and item.agreed_on > today]
    return {item.case_id: item for item in sorted(ahead, key=lambda item: item.agreed_on or today)}


def followed_at(case_ids: Collection[int]) -> dict[int, datetime | None]:
    """By case id with items since when all of them are past their agreed date or signed off; None: not agreed on.

    That is what “following the repair up to the agreed date” comes to. One query.
    """
    found: dict[int, datetime | None] = {}
    items = RectificationItem.objects.filter(case__in=case_ids).exclude(state=State.DROPPED)
    for item in items.order_by("pk"):
        at = _followed_at(item)
        latest = found.get(item.case_id, at)
        found[item.case_id] = max(at, latest) if at and latest else None
    return found


def _followed_at(item: RectificationItem) -> datetime | None:
    if item.signed_off_on:
        return _start_of(item.signed_off_on)
    if item.agreed_on is None or item.agreed_at is None:
        return None
    return max(_start_of(item.agreed_on), item.agreed_at)


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
