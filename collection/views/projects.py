"""All projects side by side, for company leaders."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from collection import daily_figures
from collection.models import TargetClass
from collection.overview import compare_projects
from collection.views.dashboard import WHOLE_PROJECT_ROLES
from company.access import StaffRequest, company_view
from company.rights import Right, projects_with_roles

PAGE_SIZE = 20


@company_view(Right.SEE_CAMPAIGN)
def projects(request: StaffRequest) -> HttpResponse:
    """The rates of every project that one may see as a whole, as of yesterday; each opens its dashboard."""
    now = timezone.now()
    yesterday = timezone.localdate(now) - timedelta(days=1)
    seen = projects_with_roles(request.user, WHOLE_PROJECT_ROLES).order_by("code")
    page = Paginator(seen, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    daily_figures.compute_missing(shown, now=now)
    context = {
        "page": page,
        "lines": compare_projects(shown, on=yesterday),
        "computed_at": daily_figures.computed_at(shown),
        "classes": list(TargetClass),
        "on": yesterday,
    }
    return TemplateResponse(request, "collection/projects.html", context)
