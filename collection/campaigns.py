"""A campaign and its states: planned, running, closed (C1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from collection.models import Campaign, CampaignTarget, Milestone, RosterShift, TargetClass
from company.audit import record
from company.models import Project, User

State, Kind = Campaign.State, Milestone.Kind

ALLOWED: dict[str, frozenset[str]] = {
    State.PLANNED: frozenset({State.RUNNING, State.CLOSED}),
    State.RUNNING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}
PLANNED_KINDS = (Kind.TEMPLATE_READY, Kind.LETTERS_SENT, Kind.LITIGATION_PREPARED)
LEAST_LETTER_DAYS = 15  # from a lawyer letter to its deadline


class WrongStateError(Exception):
    """The campaign may not go from its state to the one asked for."""


class AnotherRunsError(Exception):
    """One campaign runs per project at a time."""


class ContradictionError(Exception):
    """Dates contradict each other and no reason to keep them is given; ``contradictions`` say which."""

    def __init__(self, contradictions: list[str]) -> None:
        super().__init__("\n".join(contradictions))
        self.contradictions = contradictions


@dataclass(frozen=True, slots=True)
class PlannedMilestone:
    due_on: date
    responsible: User | None = None


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Everything that the form asks for. ``targets``: percent by class; a class without one is not judged.

    Periods, classes and days overdue at the start are the scope; what is empty limits nothing.
    """

    name: str
    starts_on: date
    ends_on: date
    targets: Mapping[TargetClass, Decimal]
    milestones: Mapping[Milestone.Kind, PlannedMilestone]
    period_from: date | None = None
    period_until: date | None = None
    classes: Sequence[TargetClass] = ()
    least_days: int | None = None
    most_days: int | None = None
    contradiction_reason: str = ""


def contradictions(plan: CampaignPlan) -> list[str]:
    """What does not go together in the dates, in words for the person who typed them."""
    found = []
    due = {kind: milestone.due_on for kind, milestone in plan.milestones.items()}
    template, letters, litigation = (due.get(kind) for kind in PLANNED_KINDS)
    if template and letters and template > letters:
        found.append(
            _("The template is due on %(template)s, after the letters that need it (%(letters)s).")
            % {"template": template, "letters": letters}
        )
    if letters and litigation and litigation < letters + timedelta(days=LEAST_LETTER_DAYS):
        found.append(
            _("Litigation is due on %(litigation)s, before the deadline in the letters can pass (%(deadline)s).")
            % {"litigation": litigation, "deadline": letters + timedelta(days=LEAST_LETTER_DAYS)}
        )
    for kind, day in due.items():
        if day > plan.ends_on:
            found.append(
                _("“%(milestone)s” is due on %(day)s, after the end of the campaign (%(end)s).")
                % {"milestone": kind.label, "day": day, "end": plan.ends_on}
            )
    if letters and letters < plan.starts_on:
        found.append(
            _("The letters are due on %(day)s, before the campaign begins (%(start)s).")
            % {"day": letters, "start": plan.starts_on}
        )
    return found


@transaction.atomic
def save_campaign(project: Project, plan: CampaignPlan, *, by: User, campaign_id: int | None = None) -> Campaign:
    """Create a planned campaign, or change one that is not closed; shifts on days that are left out go.

    Raises WrongStateError and ContradictionError.
    """
    found = contradictions(plan)
    if found and not plan.contradiction_reason.strip():
        raise ContradictionError(found)
    campaign = _lock(project, campaign_id) if campaign_id else Campaign(project=project, created_by=by)
    if campaign.state == State.CLOSED:
        raise WrongStateError(campaign.state)
    campaign.name, campaign.starts_on, campaign.ends_on = plan.name, plan.starts_on, plan.ends_on
    _set_scope(campaign, plan)
    campaign.contradiction_reason = plan.contradiction_reason.strip() if found else ""
    campaign.save()
    _save_targets(campaign, plan.targets)
    _save_milestones(campaign, plan, by=by)
    RosterShift.objects.filter(campaign=campaign).exclude(day__range=(plan.starts_on, plan.ends_on)).delete()
    record(
        action="campaign.saved", by=by, project=project, obj=campaign, name=plan.name,
        starts_on=plan.starts_on.isoformat(), ends_on=plan.ends_on.isoformat(),
        contradictions=found, reason=campaign.contradiction_reason, scope=_scope_words(campaign),
    )  # fmt: skip
    return campaign


def _set_scope(campaign: Campaign, plan: CampaignPlan) -> None:
    campaign.period_from, campaign.period_until = plan.period_from, plan.period_until
    campaign.classes = [of for of in TargetClass if of in plan.classes]
    campaign.least_days, campaign.most_days = plan.least_days, plan.most_days


def _scope_words(campaign: Campaign) -> dict[str, object]:
    periods = {name: getattr(campaign, name) for name in ("period_from", "period_until")}
    return {name: day.isoformat() for name, day in periods.items() if day} | {
        "classes": [str(of) for of in campaign.classes],
        "least_days": campaign.least_days,
        "most_days": campaign.most_days,
    }


@transaction.atomic
def change_state(campaign: Campaign, to: str, *, by: User) -> Campaign:
    """Start or close a campaign. Raises WrongStateError, and AnotherRunsError when the project has a running one."""
    locked = _lock(campaign.project, campaign.pk)
    if to not in ALLOWED[locked.state]:
        raise WrongStateError(locked.state)
    before, locked.state = locked.state, State(to)
    try:
        with transaction.atomic():
            locked.save(update_fields=["state"])
    except IntegrityError as error:
        raise AnotherRunsError(campaign) from error
    record(action=f"campaign.{to}", by=by, project=campaign.project, obj=campaign, before=before)
    return locked


def current_campaign(project: Project) -> Campaign | None:
    """The running campaign, else the one planned next, else the one closed last."""
    campaigns = list(Campaign.objects.filter(project=project).order_by("starts_on", "pk"))
    running = [campaign for campaign in campaigns if campaign.state == State.RUNNING]
    planned = [campaign for campaign in campaigns if campaign.state == State.PLANNED]
    return next(iter(running or planned or campaigns[::-1]), None)


def _lock(project: Project, campaign_id: int) -> Campaign:
    return Campaign.objects.select_for_update().get(project=project, pk=campaign_id)


def _save_targets(campaign: Campaign, targets: Mapping[TargetClass, Decimal]) -> None:
    campaign.targets.exclude(target_class__in=targets).delete()
    for target_class, rate in targets.items():
        CampaignTarget.objects.update_or_create(campaign=campaign, target_class=target_class, defaults={"rate": rate})


def _save_milestones(campaign: Campaign, plan: CampaignPlan, *, by: User) -> None:
    """Those of the plan, and the campaign's own end. Reminders of one whose date moved begin anew."""
    milestones = {**plan.milestones, Kind.CAMPAIGN_ENDS: PlannedMilestone(plan.ends_on, by)}
    campaign.milestones.exclude(kind__in=milestones).delete()
    for kind, planned in milestones.items():
        keep: dict[str, object] = {"due_on": planned.due_on}
        if kind != Kind.CAMPAIGN_ENDS:
            keep["responsible"] = planned.responsible
        Milestone.objects.update_or_create(
            campaign=campaign, kind=kind, defaults=keep,
            create_defaults={"due_on": planned.due_on, "responsible": planned.responsible},
        )  # fmt: skip
