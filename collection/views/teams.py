"""Teams and their members."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from collection import teams as crew
from collection.models import Team, TeamMember
from collection.team_lists import team_lines
from company.access import ProjectRequest, project_view
from company.models import User
from company.rights import Right


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ["name"]


class CountForm(forms.Form):
    """How many teams to propose."""

    count = forms.IntegerField(label=gettext_lazy("Number of teams"), min_value=1, max_value=50)


@project_view(Right.MANAGE_CAMPAIGN)
def teams(request: ProjectRequest) -> HttpResponse:
    """All teams, and the staff that belongs to none."""
    return _page(request, TeamForm())


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def team_new(request: ProjectRequest) -> HttpResponse:
    """Creates a team without members."""
    form = TeamForm(request.POST)
    if form.is_valid():
        name = form.cleaned_data["name"].strip()
        try:
            crew.create_team(
                project=request.project, name=name, members=[], leader=None, by=request.user, today=timezone.localdate()
            )
        except crew.NameTakenError:
            form.add_error("name", _("Another team has this name."))
        else:
            messages.success(request, _("%(team)s is set up; add its members.") % {"team": name})
            return _back(request)
    return _page(request, form)


@project_view(Right.MANAGE_CAMPAIGN)
def teams_propose(request: ProjectRequest) -> HttpResponse:
    """Shows teams with mixed posts made of the staff in none; POST sets them up."""
    staff = list(crew.staff_without_team(request.project))
    roles = crew.team_roles(request.project)
    form = CountForm(request.POST or request.GET or {"count": crew.usual_count(staff, roles)})
    if not form.is_valid():
        return TemplateResponse(request, "collection/teams_propose.html", {"form": form, "proposed": []})
    proposed = crew.propose_teams(staff, roles, form.cleaned_data["count"]) if staff else []
    if request.method == "POST":
        if request.POST.getlist("member") != [str(user.pk) for team in proposed for user in team.members]:
            messages.error(request, _("The staff has changed meanwhile; look at the proposal again."))
            return redirect("collection:teams_propose", project_code=request.project.code)
        try:
            made = crew.create_teams(proposed, project=request.project, by=request.user, today=timezone.localdate())
        except crew.AlreadyInTeamError:
            messages.error(request, _("The staff has changed meanwhile; look at the proposal again."))
            return redirect("collection:teams_propose", project_code=request.project.code)
        messages.success(request, _("%(number)s teams are set up.") % {"number": len(made)})
        return _back(request)
    return TemplateResponse(request, "collection/teams_propose.html", {"form": form, "proposed": proposed})


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def team_member(request: ProjectRequest, pk: int) -> HttpResponse:
    """Moves a person into another team, or into none."""
    person = crew.staff_of(request.project).filter(pk=pk).first() or _member(request, pk)
    target = request.POST.get("team", "")
    to = _team(request, target) if target else None
    where = to.name if to else _("no team")
    try:
        crew.move_member(project=request.project, user=person, to=to, by=request.user, today=timezone.localdate())
    except crew.AlreadyInTeamError:
        messages.error(request, _("The staff has changed meanwhile; look at the teams again."))
    else:
        messages.success(request, _("%(name)s now belongs to %(team)s.") % {"name": person.name, "team": where})
    return _back(request)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def team_leader(request: ProjectRequest, pk: int) -> HttpResponse:
    """Makes a member the leader of the team."""
    team = _team(request, str(pk))
    chosen = request.POST.get("leader", "")
    pk_of_leader = int(chosen) if chosen.isdecimal() and len(chosen) < 18 else 0
    try:
        crew.set_leader(team=team, leader_id=pk_of_leader, by=request.user)
    except TeamMember.DoesNotExist:
        messages.error(request, _("Only a member of the team can lead it."))
    else:
        messages.success(request, _("Saved."))
    return _back(request)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def team_dissolve(request: ProjectRequest, pk: int) -> HttpResponse:
    """Ends a team that answers for no open case."""
    team = _team(request, str(pk))
    try:
        crew.dissolve_team(team=team, by=request.user, today=timezone.localdate())
    except crew.TeamHasCasesError:
        messages.error(request, _("%(team)s still answers for open cases; assign them first.") % {"team": team.name})
    else:
        messages.success(request, _("%(team)s is dissolved.") % {"team": team.name})
    return _back(request)


def _page(request: ProjectRequest, form: TeamForm) -> HttpResponse:
    context = {
        "form": form,
        "lines": team_lines(request.project),
        "unassigned": crew.staff_without_team(request.project),
    }
    return TemplateResponse(request, "collection/teams.html", context)


def _back(request: ProjectRequest) -> HttpResponse:
    return redirect("collection:teams", project_code=request.project.code)


def _team(request: ProjectRequest, pk: str) -> Team:
    found = None
    if pk.isdecimal() and len(pk) < 18:
        teams_here = Team.objects.visible_to(request.user).filter(project=request.project).active()
        found = teams_here.filter(pk=int(pk)).first()
    if found is None:
        raise Http404
    return found


def _member(request: ProjectRequest, pk: int) -> User:
    """Somebody who is in a team but lost the role in the project; can still be taken out."""
    membership = TeamMember.objects.visible_to(request.user).present().filter(project=request.project, user=pk).first()
    if membership is None:
        raise Http404
    return membership.user
