"""Photos of visits, made by the worker: what the phone sent is kept as a row until then, and never longer.

A request only looks at the head of a file. The worker turns it upright, shrinks it and encodes it anew, notes apart
when and where its camera says it was taken, and deletes what was sent. A sweep finds what was left behind.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from collection.models import PhotoPlace, RawPhoto, Visit, VisitPhoto
from collection.photos import keep_photos
from company.photos import Photo, PhotoRefusedError, prepare_photo, taken_where

CLAIMED_FOR = timedelta(minutes=2)
ATTEMPTS = 3
AT_ONCE = 200


def await_photos(visit: Visit, photos: Sequence[Photo], *, by_id: int, now: datetime) -> None:
    """Keep what was sent until the worker has made photos of it; the same one twice is one. In the caller's
    transaction."""
    fresh = {photo.sent_sha256: photo for photo in photos}
    rows = VisitPhoto.objects.bulk_create(
        VisitPhoto(project_id=visit.project_id, visit=visit, taken_at=visit.contact.happened_at, sent_sha256=sha256)
        for sha256 in fresh
    )
    RawPhoto.objects.bulk_create(
        RawPhoto(photo=row, content=fresh[row.sent_sha256 or ""].content, sent_at=now, sent_by_id=by_id) for row in rows
    )


def make_photos(*, now: datetime, most: int = AT_ONCE) -> int:
    """Make photos of what waits; returns how many. Of two workers one makes each, a killed one is made up for."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIMED_FOR)
    waiting = RawPhoto.objects.filter(free).order_by("pk").values_list("pk", flat=True)[:most]
    return sum(_claim(pk, free, now) and make_photo(pk) for pk in list(waiting))


def make_photo(raw_id: int) -> bool:
    """Make one; what cannot be read is marked so. Whether this call ended the waiting."""
    raw = RawPhoto.objects.select_related("photo__project", "sent_by").filter(pk=raw_id).first()
    if raw is None:
        return False
    sent = bytes(raw.content)
    try:
        made = prepare_photo(sent)
    except PhotoRefusedError:
        return _end(raw, unreadable=True)
    (stored,) = keep_photos([made], project=raw.photo.project, by=raw.sent_by)
    with transaction.atomic():
        if not VisitPhoto.objects.filter(pk=raw.photo_id, file=None).update(file=stored):
            return False
        if place := taken_where(sent):
            PhotoPlace.objects.create(
                photo=raw.photo, taken_at=place.at, latitude=place.latitude, longitude=place.longitude
            )  # fmt: skip
        raw.delete()
    return True


def _claim(raw_id: int, free: Q, now: datetime) -> bool:
    """Whether this worker has it. What was begun so often without an end is given up, so that it stops no other."""
    claimed = RawPhoto.objects.filter(free, pk=raw_id).update(claimed_at=now, attempts=F("attempts") + 1) == 1
    if claimed and (raw := RawPhoto.objects.filter(pk=raw_id, attempts__gt=ATTEMPTS).select_related("photo").first()):
        _end(raw, unreadable=True)
        return False
    return claimed


@transaction.atomic
def _end(raw: RawPhoto, *, unreadable: bool) -> bool:
    VisitPhoto.objects.filter(pk=raw.photo_id, file=None).update(is_unreadable=unreadable)
    raw.delete()
    return True
