"""The assignment board: compute a draft, move cards, confirm. A department head works within the own team."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from collection import assignment as work
from collection.board import Board
from collection.difficulty import difficulties
from collection.models import AssignmentProposal, Case, ProposedAssignment, Team, TeamMember
from collection.team_lists import team_lines
from collection.teams import staff_without_team
from company.access import ProjectRequest, project_view
from company.models import User
from company.rights import HEAD, RIGHTS, Right

WHOLE_PROJECT_ROLES = RIGHTS[Right.SEE_CAMPAIGN] - HEAD


@project_view(Right.SEE_CAMPAIGN)
def assignment(request: ProjectRequest) -> HttpResponse:
    """The draft as a board by team or by member; without a draft how cases are assigned now."""
    draft, own, limited = _draft(request), _own_team(request), _is_limited(request)
    if draft is None or (limited and (own is None or draft.team_id not in {None, own.pk})):
        return _without_draft(request, own)
    team = own or draft.team or _chosen_team(request)
    context = {
        "board": Board(draft, team=team),
        "draft": draft,
        "team": team,
        "is_limited": limited,
        "without_team": [] if limited else staff_without_team(request.project),
        **_may(request),
    }
    return TemplateResponse(request, "collection/assignment.html", context)


@project_view(Right.SEE_CAMPAIGN)
def assignment_card(request: ProjectRequest, team: int, building: int) -> HttpResponse:
    """The cases on one card of the board, to move some of them."""
    draft = _draft(request)
    card = _card(request, team, building, request.GET)
    if draft is None:
        return _to_board(request)
    entries = _on_card(draft, card).select_related("case__account__unit__building", "case__responsible", "member")
    ordered = list(entries.order_by("case__account__unit__sort_key"))
    scores = difficulties([entry.case for entry in ordered], on=timezone.localdate())
    context = {
        "draft": draft,
        "card": card,
        "lines": [(entry, scores[entry.case_id]) for entry in ordered],
        "board": Board(draft, team=card.team if card.by_member else None),
        **_may(request),
    }
    return TemplateResponse(request, "collection/assignment_card.html", context)


@require_POST
@project_view(Right.PROPOSE_ASSIGNMENT)
def assignment_propose(request: ProjectRequest) -> HttpResponse:
    """Computes a new draft in place of the present one; a department head's covers the own team only."""
    own, present, now = _own_team(request), _draft(request), timezone.now()
    if _is_limited(request) and own is None:
        messages.error(request, _("You belong to no team, so there is nothing to assign."))
        return _to_board(request)
    if own and present and (present.team_id != own.pk or present.member_id):
        messages.error(request, _("The project manager is working on a draft; move your team's cases in that one."))
        return _to_board(request)
    try:
        work.propose(request.project, by=request.user, today=timezone.localdate(now), now=now, team=own)
    except work.NoTeamsError:
        messages.error(request, _("There is no team yet. Set up teams with members first."))
        return _to_board(request) if own else redirect("collection:teams", project_code=request.project.code)
    return _to_board(request)


@require_POST
@project_view(Right.PROPOSE_ASSIGNMENT)
def assignment_move(request: ProjectRequest, team: int, building: int) -> HttpResponse:
    """Moves a card, or chosen cases of it, to another team or member."""
    draft, card = _draft(request), _card(request, team, building, request.POST)
    if draft is None:
        messages.error(request, _("This draft has been confirmed or dropped meanwhile; nothing was moved."))
        return _to_board(request)
    chosen = {_number(pk) for pk in request.POST.getlist("case")}
    on_card = set(_on_card(draft, card).values_list("case", flat=True))
    moving = chosen or (set() if "some" in request.POST else on_card)
    try:
        if not moving or not moving <= on_card:
            raise work.NothingThereError
        work.move(draft.pk, case_ids=moving, source=card.team.pk, **_target(request, card))
    except work.NothingThereError:
        messages.error(request, _("Nothing was moved: these cases are not there any more. This is the present state."))
    except work.NotADraftError as error:
        messages.error(request, _why_over(error.proposal))
    except work.TeamsChangedError:
        messages.error(request, _("Nothing was moved: that team or member is not there any more."))
    return _to_board(request, team=card.team if card.by_member else None)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def assignment_drop(request: ProjectRequest) -> HttpResponse:
    """Gives the draft up."""
    draft = _draft(request)
    try:
        if draft:
            work.drop(draft.pk, by=request.user)
            messages.success(request, _("The draft is dropped; nothing has changed hands."))
    except work.NotADraftError as error:
        messages.error(request, _why_over(error.proposal))
    return _to_board(request)


@require_POST
@project_view(Right.MANAGE_CAMPAIGN)
def assignment_confirm(request: ProjectRequest, pk: int) -> HttpResponse:
    """Carries out the draft that was shown. Whoever comes second learns who was first."""
    shown = AssignmentProposal.objects.visible_to(request.user).filter(project=request.project)
    draft = shown.filter(pk=pk).first()
    if draft is None:
        raise Http404
    now = timezone.now()
    try:
        done = work.confirm(
            draft.pk, revision=_number(request.POST.get("revision")), by=request.user,
            today=timezone.localdate(now), now=now,
        )  # fmt: skip
    except work.NotADraftError as error:
        messages.error(request, _why_over(error.proposal))
    except work.ChangedMeanwhileError:
        messages.error(
            request,
            _("Not confirmed: cases were moved since you opened the page. Look at the board and confirm again."),
        )
    except work.TeamsChangedError:
        messages.error(request, _("Not confirmed: a team or one of its members is gone. Compute the draft again."))
    else:
        _say_done(request, done)
    return _to_board(request)


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Which card of the board: a building or an entrance of it, with a team or one of its members."""

    team: Team
    member_id: int | None
    building_id: int
    entrance: str | None
    by_member: bool


def _draft(request: ProjectRequest) -> AssignmentProposal | None:
    drafts = AssignmentProposal.objects.visible_to(request.user).filter(project=request.project)
    return drafts.filter(state=AssignmentProposal.State.DRAFT).select_related("created_by", "team", "member").first()


def _is_limited(request: ProjectRequest) -> bool:
    """Whether the person, a department head, sees the own team only."""
    return not request.roles & WHOLE_PROJECT_ROLES


def _own_team(request: ProjectRequest) -> Team | None:
    """The team of who is limited to it; None for who sees all, and for a head without a team."""
    if not _is_limited(request):
        return None
    membership = TeamMember.objects.present().filter(project=request.project, user=request.user).first()
    return membership.team if membership else None


def _chosen_team(request: ProjectRequest) -> Team | None:
    pk = _number(request.GET.get("team"))
    return _team(request, pk) if pk else None


def _team(request: ProjectRequest, pk: int) -> Team:
    teams = Team.objects.visible_to(request.user).filter(project=request.project)
    found = teams.filter(pk=pk).first()
    if found is None or (_is_limited(request) and found != _own_team(request)):
        raise Http404
    return found


def _card(request: ProjectRequest, team: int, building: int, given: QueryDict) -> CardPlace:
    """The card that the address and the form name. 404 for another project's, or another team's for a head."""
    member = given.get("member")
    return CardPlace(
        team=_team(request, team),
        member_id=_number(member) or None,
        building_id=building,
        entrance=given.get("entrance"),
        by_member=member is not None,
    )


def _on_card(draft: AssignmentProposal, card: CardPlace) -> QuerySet[ProposedAssignment]:
    entries = draft.entries.filter(team=card.team, case__account__unit__building=card.building_id)
    if card.entrance is not None:
        entries = entries.filter(case__account__unit__entrance=card.entrance)
    return entries.filter(member=card.member_id) if card.by_member else entries


def _target(request: ProjectRequest, card: CardPlace) -> dict[str, int]:
    """A member of the same team on the members' board, else a team; a head's cases stay in the own team."""
    to = _number(request.POST.get("to"))
    if card.by_member or _is_limited(request):
        return {"team_id": card.team.pk, "member_id": to}
    return {"team_id": to}


def _without_draft(request: ProjectRequest, own: Team | None) -> HttpResponse:
    limited = _is_limited(request)
    unassigned = Case.objects.filter(project=request.project, team=None).open()
    left = Case.objects.filter(project=request.project, responsible__is_active=False).open()
    context = {
        "lines": [line for line in team_lines(request.project) if not limited or line.team == own],
        "is_limited": limited,
        "unassigned": 0 if limited else unassigned.count(),
        "left_behind": (left.filter(team=own) if limited else left).count(),
        "leavers": User.objects.filter(pk__in=left.values("responsible")) if not limited else [],
        "without_team": [] if limited else staff_without_team(request.project),
        **_may(request),
    }
    return TemplateResponse(request, "collection/assignment_present.html", context)


def _may(request: ProjectRequest) -> dict[str, bool]:
    return {
        "may_manage": Right.MANAGE_CAMPAIGN in request.rights,
        "may_propose": Right.PROPOSE_ASSIGNMENT in request.rights,
    }


def _why_over(proposal: AssignmentProposal) -> str:
    if proposal.state == AssignmentProposal.State.CONFIRMED and proposal.confirmed_by and proposal.confirmed_at:
        return _("%(name)s confirmed this draft at %(at)s. Nothing was changed a second time.") % {
            "name": proposal.confirmed_by.name,
            "at": date_format(timezone.localtime(proposal.confirmed_at), "H:i"),
        }
    return _("This draft was replaced or dropped meanwhile; nothing was changed.")


def _say_done(request: ProjectRequest, done: work.Confirmation) -> None:
    number = done.handed_over
    messages.success(
        request,
        ngettext(
            "Confirmed: %(number)s case has another responsible member.",
            "Confirmed: %(number)s cases have another responsible member.",
            number,
        )
        % {"number": number},
    )
    if done.closed:
        units = ", ".join(done.closed)
        messages.info(request, _("Left as they were, because they were closed meanwhile: %(units)s") % {"units": units})


def _to_board(request: ProjectRequest, *, team: Team | None = None) -> HttpResponse:
    address = reverse("collection:assignment", kwargs={"project_code": request.project.code})
    return redirect(f"{address}?team={team.pk}" if team else address)


def _number(text: str | None) -> int:
    """0 for what is no number of ours."""
    return int(text) if text and text.isdecimal() and len(text) < 18 else 0
