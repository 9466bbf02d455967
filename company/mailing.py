"""Notifications by e-mail: at most once each. One that could not be sent is still under the bell."""

import datetime as dt
import logging

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from company.models import Notification

logger = logging.getLogger(__name__)

MAIL_WITHIN = dt.timedelta(days=3)  # what is older was read, or is no news any more
AT_ONCE = 200


def mail_notifications(*, now: dt.datetime) -> int:
    """Mail what waits to people with an address; returns how many were sent.

    Each is claimed before it is sent, so that of two workers one sends it and a killed one does not send it again.
    """
    waiting = (
        Notification.objects.unmailed()
        .filter(created_at__gt=now - MAIL_WITHIN, user__is_active=True, read_at=None)
        .exclude(user__email="")
        .select_related("user", "project")
        .order_by("pk")[:AT_ONCE]
    )
    return sum(_claim(row, now) and _is_still_theirs(row) and _send(row) for row in waiting)


def _claim(notification: Notification, now: dt.datetime) -> bool:
    """Whether this worker may send it; for all others it counts as sent from now on."""
    return Notification.objects.unmailed().filter(pk=notification.pk).update(mailed_at=now) == 1


def _is_still_theirs(notification: Notification) -> bool:
    """Not where the role in the project was withdrawn since it was written."""
    return Notification.objects.visible_to(notification.user).filter(pk=notification.pk).exists()


def _send(notification: Notification) -> bool:
    lines = [notification.title, notification.body, _("Sign in to see it under the bell.")]
    if notification.project:
        lines.insert(0, notification.project.name)
    try:
        send_mail(notification.title, "\n\n".join(filter(None, lines)), None, [notification.user.email])
    except OSError as error:
        logger.warning("Notification %s was not mailed: %s", notification.pk, error)
        return False
    return True
