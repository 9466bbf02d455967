"""The rate conventions of projects: read, changed with history, and written out under every report."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from collection.models import Attribution, Campaign, Parking, QuotaBy, RateConvention, RecoveryBase, Reductions
from collection.rate_conventions import DEFAULTS, RateSettings, View
from company.audit import record
from company.models import Project, User

CONVENTION_FIELDS = (
    "attribution", "whole_year", "reductions", "shows_prepaid", "includes_developer", "parking", "tolerance",
    "recovery_base", "counts_late_prior", "closing_days", "quota_by",
)  # fmt: skip


class ChangedMeanwhileError(Exception):
    """Somebody else saved since the form was opened."""


def convention_of(project: Project) -> RateConvention | None:
    """What is in force; None while the project uses the usual."""
    return RateConvention.objects.filter(project=project).first()


def conventions_of(projects: Collection[Project]) -> dict[int, RateConvention]:
    """By project id what is in force in each; one query."""
    latest = RateConvention.objects.filter(project__in=projects).order_by("project_id", "-number")
    return {convention.project_id: convention for convention in latest.distinct("project_id")}


def settings_of(project: Project, campaign: Campaign | None = None) -> RateSettings:
    """The convention in force, with the base day of recovery that ``campaign`` gives."""
    return as_settings(convention_of(project), campaign)


def as_settings(convention: RateConvention | None, campaign: Campaign | None = None) -> RateSettings:
    if convention is None:
        return DEFAULTS
    by_campaign = convention.recovery_base == RecoveryBase.CAMPAIGN_START and campaign is not None
    return RateSettings(
        attribution=Attribution(convention.attribution),
        whole_year=convention.whole_year,
        reductions=Reductions(convention.reductions),
        shows_prepaid=convention.shows_prepaid,
        includes_developer=convention.includes_developer,
        parking=Parking(convention.parking),
        tolerance=convention.tolerance,
        recovery_since=campaign.starts_on if by_campaign and campaign else None,
        counts_late_prior=convention.counts_late_prior,
        closing_days=convention.closing_days,
        quota_by=QuotaBy(convention.quota_by),
    )


@transaction.atomic
def save_convention(
    project: Project, given: Mapping[str, Any], *, seen: int, by: User, now: datetime
) -> RateConvention | None:
    """Add a new version, recorded with what changed; None where nothing did.

    ``seen`` is the number of the version that the form showed, 0 for none. Raises ChangedMeanwhileError when it is
    not the latest any more.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    before = convention_of(project)
    if (before.number if before else 0) != seen:
        raise ChangedMeanwhileError
    old = model_to_dict(before or RateConvention(), fields=CONVENTION_FIELDS)
    changed = {name: [str(old[name]), str(given[name])] for name in CONVENTION_FIELDS if old[name] != given[name]}
    if not changed:
        return None
    saved = RateConvention.objects.create(
        project=project,
        number=seen + 1,
        changed_at=now,
        changed_by=by,
        **{name: given[name] for name in CONVENTION_FIELDS},
    )
    record(action="rate_convention.changed", by=by, project=project, obj=saved, changed=changed)
    return saved


def stated(settings: RateSettings, view: View) -> list[str]:
    """The convention in words, for the foot of a report."""
    lines = [
        _("appraisal view") if view is View.APPRAISAL else _("accounting view, nobody left out"),
        str(settings.attribution.label),
        _("due is the whole year's") if settings.whole_year else _("due is what has fallen due"),
        _("reductions: %(how)s") % {"how": settings.reductions.label},
        _("the developer included") if settings.includes_developer else _("the developer apart"),
        _("parking fees: %(how)s") % {"how": settings.parking.label},
    ]
    if settings.tolerance:
        lines.append(_("units owing up to %(amount)s count as settled") % {"amount": settings.tolerance})
    since = settings.recovery_since
    lines.append(_("earlier years recovered from %(day)s") % {"day": since or RecoveryBase.YEAR_START.label})
    if not settings.counts_late_prior:
        lines.append(_("without earlier years' charges posted later"))
    if settings.quota_by is QuotaBy.AREAS:
        lines.append(_("teams by the buildings of their area"))
    return lines
