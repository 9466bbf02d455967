"""What stands under the bell."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from company.access import StaffRequest, company_view
from company.models import Notification
from company.notifying import mark_read

PAGE_SIZE = 50


@company_view()
def notifications(request: StaffRequest) -> HttpResponse:
    """The person's notifications, newest first."""
    rows = Notification.objects.visible_to(request.user).select_related("project")
    if only_unread := request.GET.get("state") == "unread":
        rows = rows.unread()
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return TemplateResponse(request, "company/notifications.html", {"page": page, "only_unread": only_unread})


@require_POST
@company_view()
def notification_read(request: StaffRequest, pk: int) -> HttpResponse:
    """Marks one as read and goes on to what it is about."""
    notification = Notification.objects.visible_to(request.user).filter(pk=pk).first()
    if notification is None:
        raise Http404
    mark_read(user=request.user, now=timezone.now(), notification_id=pk)
    if notification.url and url_has_allowed_host_and_scheme(notification.url, allowed_hosts=None):
        return redirect(notification.url)
    return redirect("company:notifications")


@require_POST
@company_view()
def notifications_read(request: StaffRequest) -> HttpResponse:
    """Marks all as read."""
    mark_read(user=request.user, now=timezone.now())
    return redirect("company:notifications")
