"""The lists behind the numbers of the dashboard: accounts of a class or a team, accounts of a milestone."""

from collections.abc import Collection
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from arrears.models import Account
from collection.figure_accounts import EVERYBODY, accounts_behind
from collection.milestones import accounts_of, progress_of
from collection.models import Milestone, TargetClass, Team
from collection.quotas import TeamId
from collection.views.case import visible_cases
from collection.views.dashboard import DashboardForm, own_team
from company.access import ProjectRequest, project_view
from company.rights import Right

PAGE_SIZE = 50
NOBODY = "none"
LONGEST_NUMBER = 18


def statements_open_to(request: ProjectRequest, account_ids: Collection[int]) -> set[int]:
    """Of these accounts those whose statement the viewer may open: a head not what another team works on now."""
    if Right.SEE_LEDGER not in request.rights:
        return set()
    return set(Account.objects.visible_to(request.user).filter(pk__in=account_ids).values_list("pk", flat=True))


@project_view(Right.SEE_CAMPAIGN)
def figure_accounts(request: ProjectRequest) -> HttpResponse:
    """What the figure of a class adds up from, of the whole project or one team; heads see their own team's."""
    form = DashboardForm(request.GET, today=timezone.localdate())
    chosen = form.chosen()
    team, name = _team(request)
    of = chosen["chosen"] or TargetClass.RESIDENTIAL_PROPERTY
    found = accounts_behind(request.project, of=of, on=chosen["on"], view=chosen["view"], team=team)
    page = Paginator(found.shares, PAGE_SIZE).get_page(request.GET.get("page"))
    accounts = Account.objects.select_related("unit").in_bulk([share.account_id for share in page.object_list])
    context = {
        "found": found,
        "is_whole": team == EVERYBODY,
        "team_name": name,
        "on": chosen["on"],
        "view": chosen["view"],
        "page": page,
        "lines": [(accounts[share.account_id], share) for share in page.object_list],
        "opened": statements_open_to(request, accounts),
        "totals": {name: found.total(name) for name in ("due", "settled", "arrears", "collected")},
    }
    return TemplateResponse(request, "collection/figure_accounts.html", context)


@project_view(Right.SEE_CAMPAIGN)
def milestone_accounts(request: ProjectRequest, pk: int) -> HttpResponse:
    """The accounts that a milestone counts, what is done of them first; heads see those of their cases."""
    today = timezone.localdate()
    milestones = Milestone.objects.filter(campaign__project=request.project).select_related("campaign")
    milestone = get_object_or_404(milestones, pk=pk)
    progress = next(one for one in progress_of(milestone.campaign, today=today) if one.milestone.pk == milestone.pk)
    standing = accounts_of(milestone, today=today)
    seen: Any = Account.objects.filter(pk__in=standing.due if standing else [])
    total = seen.count()
    if own_team(request) is not None:
        seen = seen.filter(cases__in=visible_cases(request)).distinct()
    page = Paginator(seen.select_related("unit").order_by("unit__sort_key", "pk"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    cases = dict(visible_cases(request).filter(account__in=list(page.object_list)).order_by("pk").values_list(
        "account", "pk"
    ))  # fmt: skip
    context = {
        "progress": progress,
        "lists_accounts": standing is not None,
        "page": page,
        "lines": [(account, account.pk in standing.done, cases.get(account.pk)) for account in page.object_list]
        if standing
        else [],
        "unseen": total - page.paginator.count,
    }
    return TemplateResponse(request, "collection/milestone_accounts.html", context)


def _team(request: ProjectRequest) -> tuple[TeamId, str]:
    """The team in the address and its name; a head's own whatever stands there. Raises Http404."""
    own = own_team(request)
    if own is not None:
        return own.pk, own.name
    asked = request.GET.get("team", "")
    if asked in {"", NOBODY}:
        return (None if asked else EVERYBODY), ""
    if not asked.isdecimal() or len(asked) >= LONGEST_NUMBER:
        raise Http404
    team = get_object_or_404(Team.objects.filter(project=request.project), pk=int(asked))
    return team.pk, team.name
