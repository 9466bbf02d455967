"""The campaign: its dates, targets and milestones, and its start and end."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arrears.queries import AGEING_BUCKETS
from collection.campaign_form import CampaignForm
from collection.campaigns import AnotherRunsError, WrongStateError, change_state, current_campaign, save_campaign
from collection.case_list import totals
from collection.milestones import progress_of
from collection.models import Campaign, TargetClass
from collection.pace import pace_of
from collection.roster import cover_of
from collection.scope import cases_in_scope, scope_of
from collection.views.case import visible_cases
from company.access import ProjectRequest, project_view
from company.rights import Right


@project_view(Right.SEE_CAMPAIGN)
def campaign(request: ProjectRequest, pk: int | None = None) -> HttpResponse:
    """One campaign, the current one unless told, beside a list of all."""
    chosen = _find(request, pk) if pk else current_campaign(request.project)
    today = timezone.localdate()
    context = {
        "campaign": chosen,
        "campaigns": Campaign.objects.visible_to(request.user).filter(project=request.project),
        "milestones": progress_of(chosen, today=today) if chosen else [],
        "pace": pace_of(chosen, on=today) if chosen else None,
        "scope": scope_of(chosen, today=today) if chosen else None,
        "left": totals(cases_in_scope(visible_cases(request).open(), chosen, today=today)) if chosen else None,
        "classes": [str(TargetClass(of).label) for of in chosen.classes] if chosen else [],
        "ages": _ages(chosen) if chosen else [],
        "days_with_gaps": _days_with_gaps(chosen, today) if chosen else 0,
        "may_manage": Right.MANAGE_CAMPAIGN in request.rights,
    }
    return TemplateResponse(request, "collection/campaign.html", context)


@project_view(Right.MANAGE_CAMPAIGN)
def campaign_new(request: ProjectRequest) -> HttpResponse:
    """Plans a campaign."""
    return _edit(request, None)


@project_view(Right.MANAGE_CAMPAIGN)
def campaign_edit(request: ProjectRequest, pk: int) -> HttpResponse:
    """Changes a campaign that is not closed."""
    return _edit(request, _find(request, pk))


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def campaign_state(request: ProjectRequest, pk: int) -> HttpResponse:
    """Starts or closes a campaign."""
    chosen, to = _find(request, pk), request.POST.get("to", "")
    try:
        change_state(chosen, to, by=request.user)
    except AnotherRunsError:
        messages.error(request, _("Another campaign of this project is running. Close it first."))
    except WrongStateError:
        messages.error(request, _("The campaign has been started or closed meanwhile; this is how it stands now."))
    else:
        started = to == Campaign.State.RUNNING
        messages.success(request, _("The campaign is running.") if started else _("The campaign is closed."))
    return redirect("collection:campaign_detail", project_code=request.project.code, pk=chosen.pk)


def _edit(request: ProjectRequest, chosen: Campaign | None) -> HttpResponse:
    """“Count” shows what is in scope and saves nothing."""
    form = CampaignForm(request.POST or None, project=request.project, campaign=chosen)
    if request.method == "POST" and "count" not in request.POST and form.is_valid():
        try:
            saved = save_campaign(
                request.project, form.plan(), by=request.user, campaign_id=chosen.pk if chosen else None
            )
        except WrongStateError:
            form.add_error(None, _("The campaign is closed and cannot be changed."))
        else:
            messages.success(request, _("Saved."))
            return redirect("collection:campaign_detail", project_code=request.project.code, pk=saved.pk)
    draft = form.draft()
    scope = scope_of(draft, today=timezone.localdate()) if draft else None
    context = {"form": form, "campaign": chosen, "scope": scope, "counting": "count" in request.POST}
    return TemplateResponse(request, "collection/campaign_edit.html", context)


def _days_with_gaps(chosen: Campaign, today: date) -> int:
    """Days to come on which contact hours are not covered; none of a closed campaign."""
    if chosen.state == Campaign.State.CLOSED:
        return 0
    return sum(1 for day in cover_of(chosen) if day.day >= today and day.gaps)


def _ages(chosen: Campaign) -> list[str]:
    """The ageing in scope, in words; empty where any age is."""
    if not (chosen.least_days or chosen.most_days):
        return []
    least, most = chosen.least_days or 1, chosen.most_days
    return [
        str(bucket.label) for bucket in AGEING_BUCKETS if bucket.first >= least and (not most or bucket.first <= most)
    ]


def _find(request: ProjectRequest, pk: int) -> Campaign:
    found = Campaign.objects.visible_to(request.user).filter(project=request.project, pk=pk).first()
    if found is None:
        raise Http404
    return found
