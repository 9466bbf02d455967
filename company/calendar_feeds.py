"""The secret address of a person's calendar: made, replaced, withdrawn, and looked up."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from company.audit import record
from company.models import CalendarFeed, User
from company.rights import projects_of


@transaction.atomic
def renew_feed(*, user: User, now: datetime) -> str:
    """A new secret in place of the present one, which stops at once; returns it, kept nowhere else."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # of two renewals at once the later one holds
    CalendarFeed.objects.live().filter(user=user).update(revoked_at=Greatest(Value(now), F("created_at")))
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(user=user, digest=hash_of(token), created_at=now)
    record(action="calendar_feed.renewed", by=user, obj=feed)
    return token


@transaction.atomic
def revoke_feed(*, user: User, by: User, now: datetime) -> bool:
    """The address answers no longer; False where there was none."""
    feed = CalendarFeed.objects.live().select_for_update().filter(user=user).first()
    if feed is None:
        return False
    feed.revoked_at = max(now, feed.created_at)
    feed.save(update_fields=["revoked_at"])
    record(action="calendar_feed.revoked", by=by, obj=feed)
    return True


def reader_of(token: str, *, now: datetime) -> User | None:
    """Whose calendar the secret opens, noted as read now; None for a wrong one and for who has lost every role."""
    feed = CalendarFeed.objects.live().filter(digest=hash_of(token)).select_related("user").first()
    if feed is None or not feed.user.is_active or not projects_of(feed.user).exists():
        return None
    CalendarFeed.objects.filter(pk=feed.pk).update(fetched_at=now)
    user: User = feed.user
    return user


def hash_of(token: str) -> str:
    """What is kept of a secret. It is random and long, so that a plain hash gives nothing away."""
    return hashlib.sha256(token.encode()).hexdigest()
