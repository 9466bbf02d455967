"""Woken by postings and by beat. Each task finds its work in the database and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from collection import following, promises, reminders


@shared_task(name="collection.follow_ledger")
def follow_ledger() -> None:
    """Cases as the ledger and the day have them, then the promises: what was paid may have kept one."""
    now = timezone.now()
    today = timezone.localdate(now)
    following.follow_ledger(today=today, now=now)
    promises.judge_promises(today=today, now=now)


@shared_task(name="collection.remind")
def remind() -> None:
    reminders.remind(today=timezone.localdate())
