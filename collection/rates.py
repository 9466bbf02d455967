"""Collection rates: what was collected of what was due, in every sense in which practitioners say "rate" (rates.md).

The arithmetic works on plain ``RateRow``s, one an account and class, whose figures say how things stood at the end of
a day. Rates are percentages, compared unrounded, shown with two places. A rate of nothing is None and shown as a dash,
never as 100 %.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from collection.models import Reductions, TargetClass
from collection.rate_conventions import DEFAULTS, ZERO, RateSettings, View
from collection.rate_rows import RateRow

CENT, HUNDRED = Decimal("0.01"), Decimal(100)
NOISE = Decimal("1e-12")  # of dividing twice; a cent of a thousand million is more
DASH = "—"


@dataclass(frozen=True, slots=True)
class Ratio:
    """``part`` of ``whole``, in CNY or units."""

    part: Decimal = ZERO
    whole: Decimal = ZERO

    def __add__(self, other: "Ratio") -> "Ratio":
        return Ratio(self.part + other.part, self.whole + other.whole)

    @property
    def percent(self) -> Decimal | None:
        """Unrounded; None where there is nothing to have a part of."""
        return percent_of(self.part, self.whole)

    def shown(self, target: Decimal | None = None) -> str:
        return shown_percent(self.percent, target)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of a set of accounts under one view and convention."""

    current: Ratio = field(default_factory=Ratio)
    prior: Ratio = field(default_factory=Ratio)
    units: Ratio = field(default_factory=Ratio)
    campaign: Ratio = field(default_factory=Ratio)
    prepaid: Decimal = ZERO
    prior_late: Decimal = ZERO
    excluded_accounts: int = 0
    excluded_due: Decimal = ZERO
    developer: Ratio = field(default_factory=Ratio)

    @property
    def combined(self) -> Ratio:
        return self.current + self.prior

    @property
    def excluded_share(self) -> Decimal | None:
        """Percent of what would be due if nothing were excluded."""
        return percent_of(self.excluded_due, self.current.whole + self.excluded_due)


def rates_of(rows: Iterable[RateRow], *, view: View = View.APPRAISAL, settings: RateSettings = DEFAULTS) -> Rates:
    """All rates of ``rows`` together; the developer's stand apart unless the settings include them."""
    counted, developer, excluded = list[RateRow](), list[RateRow](), list[RateRow]()
    for row in rows:
        if row.is_developer and not settings.includes_developer:
            developer.append(row)
        elif row.is_excluded and view is View.APPRAISAL:
            excluded.append(row)
        else:
            counted.append(row)
    return Rates(
        current=_total(_current(row, settings) for row in counted),
        prior=_total(_prior(row, settings) for row in counted),
        units=_unit_rate(counted, settings),
        campaign=_total(Ratio(row.opening_settled, row.opening) for row in counted),
        prepaid=_sum(row.prepaid for row in counted),
        prior_late=_sum(row.prior_late for row in counted),
        excluded_accounts=len({row.account_id for row in excluded}),
        excluded_due=_sum(_current(row, settings).whole for row in excluded),
        developer=_total(_current(row, settings) for row in developer),
    )


def rates_by_class(
    rows: Collection[RateRow], *, view: View = View.APPRAISAL, settings: RateSettings = DEFAULTS
) -> dict[TargetClass, Rates]:
    """The rates of each class that anything was ever due of, in the order of the classes."""
    classes = {row.target_class for row in rows}
    return {
        of: rates_of((row for row in rows if row.target_class == of), view=view, settings=settings)
        for of in TargetClass
        if of in classes
    }


def counts(row: RateRow, view: View, settings: RateSettings) -> bool:
    """Whether the row is in the rates of this view at all."""
    if row.is_developer and not settings.includes_developer:
        return False
    return not (row.is_excluded and view is View.APPRAISAL)


def net_due(row: RateRow, settings: RateSettings) -> Decimal:
    """What the row adds to the denominator of this year's rate, CNY."""
    return _current(row, settings).whole


def counted_relief(row: RateRow, settings: RateSettings) -> Decimal:
    """What the row adds to the numerator without having been collected, CNY."""
    return _current(row, settings).part - row.settled


def percent_of(part: Decimal, whole: Decimal) -> Decimal | None:
    """Unrounded, but rid of what is left of shares that were divided: all of a third is 100."""
    return (part / whole * HUNDRED).quantize(NOISE, ROUND_HALF_UP) if whole > 0 else None


def shown_percent(percent: Decimal | None, target: Decimal | None = None) -> str:
    """``83.16``; rounding never lifts a rate to a target, or to 100, that it has not reached."""
    if percent is None:
        return DASH
    rounded = percent.quantize(CENT, ROUND_HALF_UP)
    if any(percent < limit <= rounded for limit in (target, HUNDRED) if limit is not None):
        rounded = percent.quantize(CENT, ROUND_DOWN)
    return f"{rounded:.2f}"


def _current(row: RateRow, settings: RateSettings) -> Ratio:
    return reduced_ratio(row.settled, row.due, row.reduced, settings)


def _prior(row: RateRow, settings: RateSettings) -> Ratio:
    if not settings.counts_late_prior:
        return reduced_ratio(row.prior_settled, row.prior_open, row.prior_reduced, settings)
    return reduced_ratio(
        row.prior_settled + row.prior_late_settled, row.prior_open + row.prior_late, row.prior_reduced, settings
    )


def reduced_ratio(settled: Decimal, due: Decimal, reduced: Decimal, settings: RateSettings) -> Ratio:
    """What is settled of what is due, with reductions counted as the settings say."""
    if settings.reductions is Reductions.DEDUCTED:
        return Ratio(settled, due - reduced)
    if settings.reductions is Reductions.AS_COLLECTED:
        return Ratio(settled + reduced, due)
    return Ratio(settled, due)


def _unit_rate(rows: Iterable[RateRow], settings: RateSettings) -> Ratio:
    """Units that owe nothing of the year any more, of those from which anything was due; part payment is none."""
    due, left = dict[int, Decimal](), dict[int, Decimal]()
    for row in rows:
        if row.is_household:
            net = row.due - row.reduced
            due[row.unit_id] = due.get(row.unit_id, ZERO) + net
            left[row.unit_id] = left.get(row.unit_id, ZERO) + net - row.settled
    owing = [unit_id for unit_id, amount in due.items() if amount > 0]
    settled = [unit_id for unit_id in owing if left[unit_id] <= settings.tolerance]
    return Ratio(Decimal(len(settled)), Decimal(len(owing)))


def _total(ratios: Iterable[Ratio]) -> Ratio:
    return sum(ratios, Ratio())


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
