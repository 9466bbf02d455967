"""Woken by postings and by beat. Each task finds its work in the database and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from collection import (
    call_backs,
    daily_figures,
    evenings,
    following,
    limitation_warnings,
    photo_making,
    plan_reminders,
    playbooks,
    promises,
    reminders,
    reports,
    snapshots,
    stages,
)


@shared_task(name="collection.follow_ledger")
def follow_ledger() -> None:
    """Cases as the ledger and the day have them, then the promises: what was paid may have kept one."""
    now = timezone.now()
    today = timezone.localdate(now)
    following.follow_ledger(today=today, now=now)
    promises.judge_promises(today=today, now=now)


@shared_task(name="collection.remind")
def remind() -> None:
    today = timezone.localdate()
    reminders.remind(today=today)
    plan_reminders.remind_of_instalments(today=today)


@shared_task(name="collection.warn_of_limitation")
def warn_of_limitation() -> None:
    limitation_warnings.warn_of_limitation(today=timezone.localdate())


@shared_task(name="collection.draw_call_backs")
def draw_call_backs() -> None:
    call_backs.draw_call_backs(now=timezone.now())


@shared_task(name="collection.compute_daily_figures")
def compute_daily_figures() -> None:
    daily_figures.follow_ledger(now=timezone.now())


@shared_task(name="collection.apply_playbooks")
def apply_playbooks() -> None:
    playbooks.apply_activated(now=timezone.now())


@shared_task(name="collection.consolidate_evenings")
def consolidate_evenings() -> None:
    evenings.consolidate_evenings(now=timezone.now())


@shared_task(name="collection.make_photos")
def make_photos() -> None:
    photo_making.make_photos(now=timezone.now())


@shared_task(name="collection.refresh_outdated")
def refresh_outdated() -> None:
    stages.refresh_outdated(now=timezone.now())


@shared_task(name="collection.take_snapshots")
def take_snapshots() -> None:
    snapshots.take_snapshots(now=timezone.now())


@shared_task(name="collection.make_reports")
def make_reports() -> None:
    reports.make_reports(now=timezone.now())
