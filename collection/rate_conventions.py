"""What practitioners settle differently about rates (rates.md), as settings with the usual choice as the default."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from collection.models import Attribution, Parking, QuotaBy, Reductions, TargetClass
from owners.models import Unit

ZERO = Decimal(0)
BASE_TARGETS: Mapping[TargetClass, Decimal] = {
    TargetClass.RESIDENTIAL_PROPERTY: Decimal(90),
    TargetClass.COMMERCIAL_PROPERTY: Decimal(100),
    TargetClass.UTILITIES: Decimal(100),
    TargetClass.PARKING: Decimal(90),
}


class View(StrEnum):
    """The appraisal view leaves approved exclusions out, the accounting view never does."""

    APPRAISAL = "appraisal"
    ACCOUNTING = "accounting"


@dataclass(frozen=True, slots=True)
class RateSettings:
    """The conventions of a project; reports print those that they used."""

    attribution: Attribution = Attribution.SERVICE_PERIOD
    whole_year: bool = False  # due is the whole year's, not what has fallen due
    reductions: Reductions = Reductions.DEDUCTED
    shows_prepaid: bool = False  # what is paid on charges not due yet, in a column of its own
    includes_developer: bool = False
    parking: Parking = Parking.APART
    tolerance: Decimal = ZERO  # CNY that a unit may owe and still count as settled
    recovery_since: date | None = None  # base day of prior-year recovery; None: 1 January
    counts_late_prior: bool = True  # prior-year charges that fell due after the base day
    quota_by: QuotaBy = QuotaBy.CASES  # what a team's quota is taken over
    closing_days: int = 5  # money received by the closing day counts if posted within so many days


DEFAULTS = RateSettings()


def target_class(usage: str, nature: str, parking: Parking = Parking.APART) -> TargetClass | None:
    """The class of a fee of this nature on a unit of this usage; None for what has no target."""
    if nature in ("water", "electricity"):
        return TargetClass.UTILITIES
    if nature == "parking" or usage == Unit.Usage.PARKING:
        return {
            Parking.APART: TargetClass.PARKING,
            Parking.WITH_RESIDENTIAL: TargetClass.RESIDENTIAL_PROPERTY,
            Parking.OFF: None,
        }[parking]
    if nature != "property":
        return None
    return {
        Unit.Usage.RESIDENTIAL: TargetClass.RESIDENTIAL_PROPERTY,
        Unit.Usage.COMMERCIAL: TargetClass.COMMERCIAL_PROPERTY,
    }.get(Unit.Usage(usage))
