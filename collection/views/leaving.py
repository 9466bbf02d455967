"""Somebody leaves: what they answer for is handed over before their access ends."""

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from collection.leaving import (
    NobodyLeftError,
    NothingToHandOverError,
    held_by_project,
    held_by_team,
    propose_handing_over,
)
from collection.models import AssignmentProposal, Case, Team, TeamMember
from collection.teams import staff_of
from company.access import ProjectRequest, StaffRequest, company_view, project_view
from company.forms import may_be_an_id
from company.models import User
from company.people import may_manage
from company.rights import Right, projects_with_right


@company_view(Right.MANAGE_PEOPLE)
def leaving(request: StaffRequest, pk: int) -> HttpResponse:
    """Before somebody is deactivated: the open cases that they would leave behind, project by project."""
    colleague = User.objects.visible_to(request.user).filter(pk=pk).first()
    if colleague is None:
        raise Http404
    theirs = projects_with_right(request.user, Right.MANAGE_CAMPAIGN)
    handing = set(theirs.values_list("pk", flat=True))
    held = held_by_project(projects_with_right(request.user, Right.MANAGE_PEOPLE), colleague)
    context = {
        "colleague": colleague,
        "held": [(line, line.project.pk in handing) for line in held],
        "manageable": may_manage(request.user, colleague),
    }
    return TemplateResponse(request, "collection/leaving.html", context)


@project_view(Right.MANAGE_CAMPAIGN)
def hand_over_cases(request: ProjectRequest, pk: int) -> HttpResponse:
    """What one person answers for, team by team; POST proposes how the rest of a team takes it over."""
    colleague = _colleague(request, pk)
    if request.method == "POST":
        return _propose(request, colleague)
    draft = AssignmentProposal.objects.visible_to(request.user).filter(
        project=request.project, state=AssignmentProposal.State.DRAFT
    )
    context = {
        "colleague": colleague,
        "held": held_by_team(request.project, colleague),
        "has_draft": draft.exists(),
    }
    return TemplateResponse(request, "collection/hand_over_cases.html", context)


def _propose(request: ProjectRequest, colleague: User) -> HttpResponse:
    given = request.POST.get("team", "")
    teams = Team.objects.visible_to(request.user).filter(project=request.project).active()
    team = teams.select_related("project").filter(pk=int(given)).first() if may_be_an_id(given) else None
    here = reverse("collection:hand_over_cases", kwargs={"project_code": request.project.code, "pk": colleague.pk})
    now = timezone.now()
    try:
        if team is None:
            raise NothingToHandOverError
        propose_handing_over(team, colleague, by=request.user, today=timezone.localdate(now), now=now)
    except NobodyLeftError:
        messages.error(request, _("Nobody else of this team may answer for cases. Add a member, or assign anew."))
        return redirect(here)
    except NothingToHandOverError:
        messages.info(request, _("%(name)s answers for no open case of this team.") % {"name": colleague.name})
        return redirect(here)
    return redirect("collection:assignment", project_code=request.project.code)


def _colleague(request: ProjectRequest, pk: int) -> User:
    """Somebody of the project's staff or teams, or who still answers for a case of it."""
    members = TeamMember.objects.visible_to(request.user).filter(project=request.project).values("user")
    cases = Case.objects.visible_to(request.user).filter(project=request.project, responsible=pk)
    here = Q(pk__in=staff_of(request.project)) | Q(pk__in=members) | Q(pk__in=cases.values("responsible"))
    found: User | None = User.objects.filter(here, pk=pk).first()
    if found is None:
        raise Http404
    return found
