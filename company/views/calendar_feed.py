"""The secret address of one's own calendar."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import StaffRequest, company_view
from company.calendar_feeds import renew_feed, revoke_feed
from company.models import CalendarFeed

FEED = "collection:calendar_feed"
"""What is read at the address; it lies in an app above this one."""


@company_view()
def calendar_feed(request: StaffRequest) -> HttpResponse:
    """Whether there is an address, since when, and when it was last read."""
    return _page(request)


@never_cache
@require_POST
@company_view()
def calendar_feed_renew(request: StaffRequest) -> HttpResponse:
    """Makes a new address and shows it this one time."""
    token = renew_feed(user=request.user, now=timezone.now())
    return _page(request, address=request.build_absolute_uri(reverse(FEED, kwargs={"token": token})))


@require_POST
@company_view()
def calendar_feed_revoke(request: StaffRequest) -> HttpResponse:
    """Withdraws the address."""
    if revoke_feed(user=request.user, by=request.user, now=timezone.now()):
        messages.success(request, _("The address is withdrawn and answers no longer."))
    return redirect("company:calendar_feed")


def _page(request: StaffRequest, address: str = "") -> HttpResponse:
    feed = CalendarFeed.objects.live().filter(user=request.user).first()
    return TemplateResponse(request, "company/calendar_feed.html", {"feed": feed, "address": address})
