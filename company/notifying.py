"""Lines under the bell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from company.models import Notification

if TYPE_CHECKING:
    from company.models import Project, User


def notify(
    *, user: User, project: Project | None, key: str, title: str, url: str = "", body: str = ""
) -> tuple[Notification, bool]:
    """Writes a notification for `user` once per `key`, however often it is called.

    `body` stands in the mail beneath the title; it goes over foreign servers and names no owner. Returns the row and
    whether this call wrote it.
    """
    return Notification.objects.get_or_create(
        user=user, key=key, defaults={"project": project, "title": title, "url": url, "body": body}
    )


def mark_read(*, user: User, now: dt.datetime, notification_id: int | None = None) -> int:
    """Marks one or all of a person's unread notifications as read; returns how many."""
    unread = Notification.objects.visible_to(user).unread()
    if notification_id is not None:
        unread = unread.filter(pk=notification_id)
    return unread.update(read_at=now)
