"""Reminders of milestones: 7, 3 and 1 days before, on the day, and each day overdue (C2).

The work of a run follows from the day alone. Whoever was not reminded of the present stage is reminded now; stages
that passed while nothing ran are not made up for. One row per milestone, stage and person stands in the database, so
that runs may overlap or be repeated.
"""

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from collection.milestones import Progress, days_word, progress_of
from collection.models import Campaign, Milestone, Reminder
from company.models import Project, ProjectAccess, Role, User
from company.notifying import notify

STAGES_BEFORE = (0, 1, 3, 7)  # days left, the nearest first


def stage_of(due_on: date, today: date) -> str | None:
    """The stage that has been reached, with the due date in it: ``2025-12-05/3``; None more than 7 days before.

    Between two stages it is the earlier one, so that a run which comes late still reminds. Overdue, each day is one.
    """
    left = (due_on - today).days
    if left < 0:
        return f"{due_on}/{left}"
    reached = next((stage for stage in STAGES_BEFORE if left <= stage), None)
    return None if reached is None else f"{due_on}/{reached}"


def remind(*, today: date) -> int:
    """Write the reminders that are due on ``today`` and not written yet; returns how many.

    Milestones that are complete and campaigns that are closed are left alone.
    """
    campaigns = Campaign.objects.exclude(state=Campaign.State.CLOSED).filter(project__is_active=True)
    return sum(_remind_of(campaign, today) for campaign in campaigns.select_related("project").order_by("pk"))


def _remind_of(campaign: Campaign, today: date) -> int:
    waiting = [
        (progress, stage)
        for progress in progress_of(campaign, today=today)
        if not progress.is_complete and (stage := stage_of(progress.due_on, today))
    ]
    managers = managers_of(campaign.project) if waiting else []
    return sum(
        _remind_person(progress, stage, user, campaign.project)
        for progress, stage in waiting
        for user in _people(progress.milestone, managers)
    )


def _remind_person(progress: Progress, stage: str, user: User, project: Project) -> bool:
    """Whether this call wrote the reminder. Notification and reminder are written together or not at all."""
    milestone = progress.milestone
    with transaction.atomic():
        notification, _written = notify(
            user=user,
            project=project,
            key=f"milestone/{milestone.pk}/{stage}",
            title=_("%(milestone)s: %(days)s (%(due_on)s), %(done)s done")
            % {
                "milestone": progress.label,
                "days": days_word(progress.days_left),
                "due_on": progress.due_on,
                "done": progress.done,
            },
            url=reverse("collection:campaign", kwargs={"project_code": project.code}),
        )
        _reminder, written = Reminder.objects.get_or_create(
            milestone=milestone, stage=stage, user=user, defaults={"notification": notification}
        )
    return written


def _people(milestone: Milestone, managers: Iterable[User]) -> list[User]:
    """Who answers for the milestone, then the project managers; nobody twice."""
    responsible = [milestone.responsible] if milestone.responsible and milestone.responsible.is_active else []
    return list({user.pk: user for user in (*responsible, *managers)}.values())


def managers_of(project: Project) -> list[User]:
    """The active project managers of a project."""
    live = ProjectAccess.objects.live().filter(project=project, role=Role.PROJECT_MANAGER)
    return list(User.objects.active().filter(pk__in=live.values("user")).order_by("pk"))
