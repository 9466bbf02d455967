"""Each night's rates, kept as they were known then (D1); the ledger answers for any day with what it knows now."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from collection.conventions import as_settings, convention_of
from collection.marks import excluded_accounts
from collection.models import RateSnapshot
from collection.pace import campaign_on
from collection.rate_conventions import View
from collection.rate_rows import rate_rows
from collection.rates import rates_by_class
from company.models import Project
from company.sweeping import do_each


def take_snapshots(*, now: datetime) -> int:
    """Keep yesterday's rates of all active projects that have none yet; returns how many rows were added.

    Days on which nobody ran are not made up for: what was known then cannot be known any more. Safe to run twice and
    at once.
    """
    day = timezone.localdate(now) - timedelta(days=1)
    taken = RateSnapshot.objects.filter(project=OuterRef("pk"), day=day)
    missing = Project.objects.active().filter(~Exists(taken)).order_by("pk")
    return do_each(missing, lambda project: take_snapshot(project, now=now))


def take_snapshot(project: Project, *, now: datetime) -> int:
    """Yesterday's rates by class; what another worker has kept meanwhile stands."""
    day = timezone.localdate(now) - timedelta(days=1)
    campaign, convention = campaign_on(project.pk, on=day), convention_of(project)
    settings = as_settings(convention, campaign)
    out = excluded_accounts(project, on=day)
    read = rate_rows(project, on=day, campaign=campaign, settings=settings, excluded=out)
    rows = [row for row in read if row.target_class]
    appraisal = rates_by_class(rows, settings=settings)
    accounting = rates_by_class(rows, view=View.ACCOUNTING, settings=settings)
    kept = [
        RateSnapshot(
            project=project, day=day, target_class=of, convention=convention, taken_at=now,
            current_part=rates.current.part, current_whole=rates.current.whole,
            accounting_part=accounting[of].current.part, accounting_whole=accounting[of].current.whole,
            prior_part=rates.prior.part, prior_whole=rates.prior.whole,
            units_part=int(rates.units.part), units_whole=int(rates.units.whole),
            excluded_accounts=rates.excluded_accounts, excluded_due=rates.excluded_due,
        )
        for of, rates in appraisal.items()
    ]  # fmt: skip
    before = RateSnapshot.objects.filter(project=project, day=day).count()
    RateSnapshot.objects.bulk_create(kept, ignore_conflicts=True)
    return RateSnapshot.objects.filter(project=project, day=day).count() - before
