"""The month as a calendar, and the feed that other programs read."""

import calendar as months
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from collection.agenda import Entry, agenda
from collection.campaigns import current_campaign
from collection.feeds import feed_of
from collection.views.case import visible_cases
from collection.workdays import DayKind, day_kind
from company.access import ProjectRequest, project_view
from company.calendar_feeds import reader_of
from company.rights import FIELD, HEAD, Right

FIRST_YEAR, LAST_YEAR = 2000, 2100
MONTH_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Day:
    """One field of the grid."""

    date: date
    is_in_month: bool
    is_today: bool
    kind: DayKind
    weekday: str
    entries: list[Entry]


@project_view(Right.SEE_CASES)
def calendar(request: ProjectRequest) -> HttpResponse:
    """A month with what is planned for its days: everything that the person sees, or their own."""
    today = timezone.localdate()
    month = _month(request.GET.get("month", ""), today)
    weeks = months.Calendar().monthdatescalendar(month.year, month.month)
    only_mine = request.GET.get("mine") == "1"
    may_see_campaign = Right.SEE_CAMPAIGN in request.rights
    campaign = current_campaign(request.project) if may_see_campaign else None
    entries = agenda(
        request.project,
        cases=visible_cases(request),
        first=weeks[0][0],
        last=weeks[-1][-1],
        today=today,
        user=request.user,
        member=request.user if only_mine else None,
        campaign=campaign,
    )
    context = {
        "weeks": [
            [
                Day(day, day.month == month.month, day == today, day_kind(day), str(WEEKDAYS_ABBR[day.weekday()]),
                    entries.get(day, []))
                for day in week
            ]
            for week in weeks
        ],
        "month": month,
        "previous": month - timedelta(days=1),
        "following": month + timedelta(days=MONTH_LENGTH),
        "today": today,
        "only_mine": only_mine,
        "has_own": bool(request.roles & (FIELD | HEAD)),
        "campaign": campaign,
    }  # fmt: skip
    return TemplateResponse(request, "collection/calendar.html", context)


@never_cache
@require_safe
@login_not_required
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A person's calendar for programs that cannot sign in. A wrong secret and a person without rights are 404."""
    now = timezone.now()
    user = reader_of(token, now=now)
    if user is None:
        raise Http404
    content = feed_of(user, now=now, site=request.build_absolute_uri("/").rstrip("/"))
    return HttpResponse(content, content_type="text/calendar; charset=utf-8")


def _month(text: str, today: date) -> date:
    """The first day of the month in the address, else of the present one."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return month if FIRST_YEAR <= month.year <= LAST_YEAR else today.replace(day=1)
