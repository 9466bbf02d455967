"""Rates of the parts of a project as of a day: by class, phase, building, team, member or reason (D1)."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from collection.conventions import settings_of
from collection.marks import excluded_accounts
from collection.models import ArrearsReason, Campaign, ReasonChange, SubReason, TargetClass, Team
from collection.pace import campaign_on
from collection.quotas import answering_members, answering_teams
from collection.rate_conventions import RateSettings, View
from collection.rate_rows import RateRow, rate_rows
from collection.rates import Rates, rates_of
from collection.reasons import Reason
from company.models import Project, User
from owners.models import Unit

Key = str
NONE: Key = "none"
UNANSWERED = gettext_lazy("without a case, unassigned or outside the campaign")


class Dimension(TextChoices):
    CLASS = "class", gettext_lazy("class")
    PHASE = "phase", gettext_lazy("phase")
    BUILDING = "building", gettext_lazy("building")
    TEAM = "team", gettext_lazy("team")
    MEMBER = "member", pgettext_lazy("of a team", "member")
    REASON = "reason", gettext_lazy("reason")


@dataclass(frozen=True, slots=True)
class Group:
    """One part of the project; ``accounting`` leaves nobody out."""

    key: Key
    name: str
    rows: list[RateRow]
    appraisal: Rates
    accounting: Rates
    view: View = View.APPRAISAL

    @property
    def shown(self) -> Rates:
        """In the view that was asked for."""
        return self.appraisal if self.view is View.APPRAISAL else self.accounting


@dataclass(frozen=True, slots=True)
class Grouped:
    """All parts as of the end of ``on``; money and accounts of the groups add up to the total's."""

    on: date
    by: Dimension
    settings: RateSettings
    campaign: Campaign | None
    groups: list[Group]
    total: Group


def grouped_rates(
    project: Project, *, on: date, by: Dimension, own_team: int | None = None, view: View = View.APPRAISAL
) -> Grouped:
    """By the project's convention. ``own_team`` narrows to the accounts that this team answered for."""
    campaign = campaign_on(project.pk, on=on)
    settings = settings_of(project, campaign)
    out = excluded_accounts(project, on=on)
    read = rate_rows(project, on=on, campaign=campaign, settings=settings, excluded=out)
    rows = [row for row in read if row.target_class]
    if own_team is not None:
        teams = answering_teams(campaign, on=on, settings=settings) if campaign else {}
        rows = [row for row in rows if teams.get(row.account_id) == own_team]
    key_of, names = _PARTS[by](project, campaign, on, settings)
    parts: dict[Key, list[RateRow]] = defaultdict(list)
    for row in rows:
        parts[key_of(row)].append(row)
    groups = [_group(key, name, parts[key], settings, view) for key, name in names.items() if key in parts]
    return Grouped(on, by, settings, campaign, groups, _group("", _("Total"), rows, settings, view))


def _group(key: Key, name: str, rows: list[RateRow], settings: RateSettings, view: View) -> Group:
    books = rates_of(rows, view=View.ACCOUNTING, settings=settings)
    return Group(key, name, rows, rates_of(rows, settings=settings), books, view)


Parts = tuple[Callable[[RateRow], Key], Mapping[Key, str]]


def _by_class(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    return lambda row: str(row.target_class), {str(of): str(of.label).capitalize() for of in TargetClass}


def _by_phase(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    units = dict(Unit.objects.filter(project=project).values_list("pk", "building__phase"))
    names = {str(phase.pk): phase.name for phase in project.phases.all()} | {NONE: _("no phase")}
    return lambda row: str(units.get(row.unit_id) or NONE), names


def _by_building(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    units = dict(Unit.objects.filter(project=project).values_list("pk", "building"))
    names = {str(building.pk): building.name for building in project.buildings.all()} | {NONE: _("no building")}
    return lambda row: str(units.get(row.unit_id) or NONE), names


def _by_team(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    teams = answering_teams(campaign, on=on, settings=settings) if campaign else {}
    names = {str(team.pk): team.name for team in Team.objects.filter(project=project)}
    return lambda row: str(teams.get(row.account_id) or NONE), names | {NONE: str(UNANSWERED)}


def _by_member(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    members = answering_members(campaign, on=on, settings=settings) if campaign else {}
    people = User.objects.filter(pk__in={pk for pk in members.values() if pk}).order_by("name_key", "pk")
    names = {str(user.pk): user.name for user in people}
    return lambda row: str(members.get(row.account_id) or NONE), names | {NONE: str(UNANSWERED)}


def _by_reason(project: Project, campaign: Campaign | None, on: date, settings: RateSettings) -> Parts:
    """The reason that was set last by the end of the day."""
    end = timezone.make_aware(datetime.combine(on + timedelta(days=1), time()))
    changes = ReasonChange.objects.filter(case__project=project, at__lt=end).order_by("pk")
    reasons = {
        account: Reason(ArrearsReason(reason), SubReason(sub) if sub else None)
        for account, reason, sub in changes.values_list("case__account", "reason", "sub_reason")
    }
    known = {reason.key: reason.label for reason in reasons.values()}
    names = dict(sorted(known.items())) | {NONE: _("no reason recorded")}
    return lambda row: reasons[row.account_id].key if row.account_id in reasons else NONE, names


_PARTS: dict[Dimension, Callable[[Project, Campaign | None, date, RateSettings], Parts]] = {
    Dimension.CLASS: _by_class,
    Dimension.PHASE: _by_phase,
    Dimension.BUILDING: _by_building,
    Dimension.TEAM: _by_team,
    Dimension.MEMBER: _by_member,
    Dimension.REASON: _by_reason,
}
