"""What follows from a quota: reward, nothing, or a deduction from the year-end bonus, with its formula in words (I2).

Plain arithmetic over quotas and a scheme, so that preview and settlement are computed alike (rates.md). Full points
below the target are counted on the unrounded rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from collection.models import Combining, IncentiveScheme, TargetClass
from collection.quotas import Quota
from collection.rate_conventions import ZERO
from collection.rates import CENT, HUNDRED, shown_percent


class Outcome(StrEnum):
    REWARDED = "rewarded"
    MET = "met"
    SHORT = "short"
    UNJUDGED = "unjudged"

    @property
    def word(self) -> str:
        return {
            Outcome.REWARDED: _("reward list"),
            Outcome.MET: pgettext("target", "met"),
            Outcome.SHORT: _("below the target"),
            Outcome.UNJUDGED: _("not judged"),
        }[self]

    @property
    def colour(self) -> str:
        return {Outcome.REWARDED: "green", Outcome.MET: "green", Outcome.SHORT: "amber", Outcome.UNJUDGED: ""}[self]


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class of one holder. ``whole`` is the project's share of the class; ``corrected`` lowers ``quota``, CNY."""

    target_class: TargetClass
    quota: Quota
    whole: Quota
    scheme: IncentiveScheme
    corrected: Decimal = ZERO

    @property
    def outcome(self) -> Outcome:
        """Above is strictly above; a base of 100 % cannot be exceeded, so that reaching it is as good."""
        rate, target = self.quota.rate, self.quota.target
        if rate is None or self.quota.base < self.scheme.least_due:
            return Outcome.UNJUDGED
        if rate < target:
            return Outcome.SHORT
        if rate > target or (target == HUNDRED and self.scheme.rewards_full):
            return Outcome.REWARDED
        return Outcome.MET

    @property
    def points(self) -> int:
        """Full percentage points below the target."""
        if self.outcome is not Outcome.SHORT or self.quota.rate is None:
            return 0
        return int((self.quota.target - self.quota.rate).to_integral_value(ROUND_FLOOR))

    @property
    def deduction(self) -> Decimal:
        """Percent of the year-end bonus."""
        return min(self.points * self.scheme.deduction, self.scheme.most_deduction)

    @property
    def is_strict(self) -> bool:
        rate = self.quota.rate
        return self.outcome is Outcome.SHORT and rate is not None and rate < self.scheme.strict_below

    @property
    def shown(self) -> str:
        return shown_percent(self.quota.rate, self.quota.target)

    @property
    def formula(self) -> list[str]:
        """The way from the project's money to the deduction, a step a line."""
        lines = [self._base(), self._rate()]
        if self.corrected:
            lines.insert(
                1,
                _("Taken back since an earlier settlement and left out here: %(amount)s")
                % {"amount": _money(self.corrected)},
            )
        if self.outcome is Outcome.SHORT:
            lines.append(self._points())
        if self.is_strict:
            lines.append(
                _("Below %(limit)s%%: a transfer or a review of pay is proposed")
                % {"limit": _plain(self.scheme.strict_below)}
            )
        return lines

    def _base(self) -> str:
        if self.quota.base == self.whole.base:
            return _("Due in all %(due)s, of which %(before)s was collected without the teams") % {
                "due": _money(self.quota.base),
                "before": _money(self.quota.credited),
            }
        return _(
            "Base %(due)s × %(held)s ÷ %(arrears)s = %(base)s; "
            "credited %(before)s × %(held)s ÷ %(arrears)s = %(credited)s"
        ) % {
            "due": _money(self.whole.base),
            "held": _money(self.quota.arrears),
            "arrears": _money(self.whole.arrears),
            "base": _money(self.quota.base),
            "before": _money(self.whole.credited),
            "credited": _money(self.quota.credited),
        }

    def _rate(self) -> str:
        return _("Rate (%(credited)s + %(collected)s) ÷ %(base)s = %(rate)s%%, target %(target)s%%: %(outcome)s") % {
            "credited": _money(self.quota.credited),
            "collected": _money(self.quota.collected),
            "base": _money(self.quota.base),
            "rate": self.shown,
            "target": _plain(self.quota.target),
            "outcome": self.outcome.word,
        }

    def _points(self) -> str:
        return ngettext(
            "%(points)s full point below × %(each)s%% = %(deduction)s%% of the year-end bonus",
            "%(points)s full points below × %(each)s%% = %(deduction)s%% of the year-end bonus",
            self.points,
        ) % {"points": self.points, "each": _plain(self.scheme.deduction), "deduction": _plain(self.deduction)}


@dataclass(frozen=True, slots=True)
class Result:
    """All classes of one holder."""

    classes: Sequence[ClassResult]
    scheme: IncentiveScheme

    @property
    def judged(self) -> list[ClassResult]:
        return [each for each in self.classes if each.outcome is not Outcome.UNJUDGED]

    @property
    def outcome(self) -> Outcome:
        """Short in one class is short; on the reward list is who is short in none and above in one."""
        found = {each.outcome for each in self.judged}
        order = (Outcome.SHORT, Outcome.REWARDED, Outcome.MET)
        return next((outcome for outcome in order if outcome in found), Outcome.UNJUDGED)

    @property
    def is_strict(self) -> bool:
        return any(each.is_strict for each in self.judged)

    @property
    def summed(self) -> Decimal:
        return min(sum((each.deduction for each in self.judged), ZERO), self.scheme.most_deduction)

    @property
    def weighted(self) -> Decimal:
        """By what was due of each class, unrounded."""
        due = sum((each.quota.base for each in self.judged), ZERO)
        return sum((each.deduction * each.quota.base for each in self.judged), ZERO) / due if due else ZERO

    @property
    def worst(self) -> Decimal:
        return max((each.deduction for each in self.judged), default=ZERO)

    @property
    def deduction(self) -> Decimal:
        """Percent of the year-end bonus, as the scheme combines the classes."""
        return {Combining.SUM: self.summed, Combining.WEIGHTED: self.weighted, Combining.WORST: self.worst}[
            Combining(self.scheme.combining)
        ]

    @property
    def formula(self) -> str:
        """How the classes come together, with the two other ways beside it."""
        parts = " + ".join(_plain(each.deduction) for each in self.judged) or "0"
        return _("%(parts)s = %(sum)s%% (at most %(most)s%%); weighted %(weighted)s%%, worst class %(worst)s%%") % {
            "parts": parts,
            "sum": _plain(self.summed),
            "most": _plain(self.scheme.most_deduction),
            "weighted": shown_percent(self.weighted),
            "worst": _plain(self.worst),
        }


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(CENT, ROUND_HALF_UP):,.2f}"


def _plain(number: Decimal) -> str:
    return f"{Decimal(number).normalize():f}"
