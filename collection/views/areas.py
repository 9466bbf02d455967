"""The areas of the teams: one choice a building, saved together from a day on."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from collection.areas import AreaLine, BackdatedError, Chosen, SettledError, area_lines, set_areas
from collection.conventions import settings_of
from collection.models import Campaign, QuotaBy, TeamArea, TeamMember
from company.access import ProjectRequest, project_view
from company.forms import DayInput
from company.models import Project, User
from company.rights import Right

NOBODY = ""


class AreasForm(forms.Form):
    """For each building a team, or a member of a team, and the day from which all of it counts."""

    since = forms.DateField(label=gettext_lazy("Counts from"), widget=DayInput())

    def __init__(self, data: Any = None, *, project: Project, lines: Iterable[AreaLine], since: date) -> None:
        super().__init__(data, initial={"since": since})
        choices = _choices(project)
        self.lines = list(lines)
        for line in self.lines:
            area = line.area
            field = forms.ChoiceField(
                label=line.building.name, choices=_with_present(choices, area), required=False,
                initial=_value(area.team_id, area.member_id) if area else NOBODY,
            )  # fmt: skip
            self.fields[_name(line)] = field

    def rows(self) -> list[tuple[AreaLine, forms.BoundField]]:
        return [(line, self[_name(line)]) for line in self.lines]

    def chosen(self) -> dict[int, Chosen | None]:
        return {line.building.pk: _chosen(self.cleaned_data[_name(line)]) for line in self.lines}


@project_view(Right.SEE_CAMPAIGN)
def areas(request: ProjectRequest) -> HttpResponse:
    """All buildings with their area; the project manager changes them."""
    may_change = Right.MANAGE_CAMPAIGN in request.rights
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    lines, now = area_lines(request.project), timezone.now()
    since = _usual_day(request.project, today=timezone.localdate(now))
    form = AreasForm(request.POST or None, project=request.project, lines=lines, since=since)
    if request.method == "POST" and form.is_valid() and _saved(request, form, now=now):
        return redirect("collection:areas", project_code=request.project.code)
    context = {
        "form": form,
        "may_change": may_change,
        "judged_by_area": settings_of(request.project).quota_by is QuotaBy.AREAS,
        "without": sum(line.area is None for line in lines),
    }
    return TemplateResponse(request, "collection/areas.html", context)


def _saved(request: ProjectRequest, form: AreasForm, *, now: datetime) -> bool:
    given: date = form.cleaned_data["since"]
    try:
        number = set_areas(request.project, form.chosen(), since=given, by=request.user, now=now)
    except BackdatedError as error:
        text = _("%(building)s is of its present area since %(day)s; choose that day or a later one.")
        form.add_error("since", text % {"building": error.building.name, "day": error.since})
        return False
    except SettledError as error:
        text = _("A settlement as of %(day)s has used the areas of its days; choose a later day.")
        form.add_error("since", text % {"day": error.until})
        return False
    text = ngettext(
        "%(number)s building changed its area.", "%(number)s buildings changed their areas.", number
    )  # fmt: skip
    messages.success(request, text % {"number": number} if number else _("Nothing was changed."))
    return True


def _usual_day(project: Project, *, today: date) -> date:
    """First areas count from the start of the running campaign, changes from today."""
    running = Campaign.objects.filter(project=project, state=Campaign.State.RUNNING).first()
    is_first = not TeamArea.objects.filter(project=project).exists()
    return running.starts_on if running and is_first else today


def _choices(project: Project) -> list[tuple[str, str]]:
    """Each active team, and after it each of its members."""
    present = TeamMember.objects.present().filter(project=project, user__is_active=True).select_related("user")
    members: dict[int, list[User]] = {}
    for membership in present.order_by("user__name_key", "pk"):
        members.setdefault(membership.team_id, []).append(membership.user)
    found = [(NOBODY, "—")]
    for team in project.teams.active():
        found.append((_value(team.pk, None), team.name))
        found += [(_value(team.pk, person.pk), f"{team.name}，{person.name}") for person in members.get(team.pk, [])]
    return found


def _with_present(choices: list[tuple[str, str]], area: TeamArea | None) -> list[tuple[str, str]]:
    """What stands now can be kept, also where the member has left."""
    if area is None or _value(area.team_id, area.member_id) in dict(choices):
        return choices
    name = f"{area.team.name}，{area.member.name}" if area.member else area.team.name
    return [*choices, (_value(area.team_id, area.member_id), name)]


def _name(line: AreaLine) -> str:
    return f"building_{line.building.pk}"


def _value(team_id: int, member_id: int | None) -> str:
    return f"{team_id}-{member_id or 0}"


def _chosen(value: str) -> Chosen | None:
    if value == NOBODY:
        return None
    team, _dash, member = value.partition("-")
    return int(team), int(member) or None
