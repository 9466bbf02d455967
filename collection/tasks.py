"""Woken by postings and by beat. Each task finds its work in the database and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from collection import following, reminders


@shared_task(name="collection.follow_ledger")
def follow_ledger() -> None:
    now = timezone.now()
    following.follow_ledger(today=timezone.localdate(now), now=now)


@shared_task(name="collection.remind")
def remind() -> None:
    reminders.remind(today=timezone.localdate())
