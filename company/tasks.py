"""Woken by beat; finds its work in the database and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from company import mailing


@shared_task(name="company.mail_notifications")
def mail_notifications() -> None:
    mailing.mail_notifications(now=timezone.now())
