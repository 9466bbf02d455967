"""What follows from a rate: the worked examples of the definitions, to the cent."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import translation

from collection.incentives import ClassResult, Outcome, Result
from collection.models import Combining, IncentiveScheme, TargetClass
from collection.quotas import Held, Quota, share_out

D = Decimal
FLATS, SHOPS, WATER = (
    TargetClass.RESIDENTIAL_PROPERTY,
    TargetClass.COMMERCIAL_PROPERTY,
    TargetClass.UTILITIES,
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def converted(collected: str, **scheme: object) -> ClassResult:
    """R = 10,000,000; C₀ = 8,000,000; the team's cases 500,000 of the arrears of 2,000,000."""
    quotas = share_out(
        receivable=D(10_000_000),
        collected_before=D(8_000_000),
        target=D(90),
        held={1: Held(D(500_000), D(collected)), None: Held(D(1_500_000))},
    )
    return ClassResult(FLATS, quotas.by_team[1], quotas.total, IncentiveScheme(**scheme))


def plain(of: TargetClass, collected: str, due: str, target: int, **scheme: object) -> ClassResult:
    quota = Quota(D(target), D(due), D(due), D(0), D(collected))
    return ClassResult(of, quota, quota, IncentiveScheme(**scheme))


def mixed(**scheme: object) -> Result:
    return Result(
        [
            plain(FLATS, "1048800", "1200000", 90, **scheme),
            plain(SHOPS, "200000", "200000", 100, **scheme),
            plain(WATER, "97500", "100000", 100, **scheme),
        ],
        IncentiveScheme(**scheme),
    )


class TestTeamExample:
    @pytest.mark.parametrize(
        ("collected", "shown", "outcome", "points", "deduction", "strict"),
        [
            ("300000", "92.00", Outcome.REWARDED, 0, 0, False),
            ("250000", "90.00", Outcome.MET, 0, 0, False),
            ("249990", "89.99", Outcome.SHORT, 0, 0, False),
            ("185000", "87.40", Outcome.SHORT, 2, 10, False),
            ("122500", "84.90", Outcome.SHORT, 5, 25, True),
        ],
    )
    def test_results(
        self, collected: str, shown: str, outcome: Outcome, points: int, deduction: int, strict: bool
    ) -> None:
        found = converted(collected)
        assert (found.shown, found.outcome, found.points, found.deduction, found.is_strict) == (
            shown, outcome, points, D(deduction), strict,
        )  # fmt: skip

    def test_formula_in_words_and_numbers(self) -> None:
        assert converted("122500").formula == [
            (
                "Base 10,000,000.00 × 500,000.00 ÷ 2,000,000.00 = 2,500,000.00; "
                "credited 8,000,000.00 × 500,000.00 ÷ 2,000,000.00 = 2,000,000.00"
            ),
            "Rate (2,000,000.00 + 122,500.00) ÷ 2,500,000.00 = 84.90%, target 90%: below the target",
            "5 full points below × 5% = 25% of the year-end bonus",
            "Below 85%: a transfer or a review of pay is proposed",
        ]

    def test_full_points_are_counted_unrounded(self) -> None:
        """88.0001 % is 1.9999 points below, which is one full point."""
        assert plain(FLATS, "880001", "1000000", 90).points == 1
        assert plain(FLATS, "880000", "1000000", 90).points == 2


class TestMixedTeam:
    def test_classes_are_added(self) -> None:
        result = mixed()
        assert [each.deduction for each in result.classes] == [D(10), D(0), D(10)]
        assert (result.deduction, result.worst, f"{result.weighted:.2f}") == (D(20), D(10), "8.67")
        assert result.formula == "10 + 0 + 10 = 20% (at most 100%); weighted 8.67%, worst class 10%"
        assert result.outcome is Outcome.SHORT

    def test_other_ways_by_setting(self) -> None:
        assert mixed(combining=Combining.WORST).deduction == D(10)
        assert f"{mixed(combining=Combining.WEIGHTED).deduction:.2f}" == "8.67"

    def test_never_more_than_the_cap(self) -> None:
        assert mixed(most_deduction=D(15)).deduction == D(15)
        assert plain(FLATS, "0", "100", 90).deduction == D(100)


class TestSettings:
    def test_a_full_base_is_rewarded_unless_switched_off(self) -> None:
        assert plain(SHOPS, "200", "200", 100).outcome is Outcome.REWARDED
        assert plain(SHOPS, "200", "200", 100, rewards_full=False).outcome is Outcome.MET

    def test_a_small_class_is_not_judged(self) -> None:
        small = plain(WATER, "0", "100", 100, least_due=D(101))
        assert (small.outcome, small.deduction) == (Outcome.UNJUDGED, 0)
        assert Result([small], IncentiveScheme()).outcome is Outcome.UNJUDGED

    def test_nothing_due_is_not_judged(self) -> None:
        assert plain(WATER, "0", "0", 100).outcome is Outcome.UNJUDGED

    def test_reward_needs_no_class_below(self) -> None:
        above, below = plain(FLATS, "95", "100", 90), plain(WATER, "99.9", "100", 100)
        assert Result([above], IncentiveScheme()).outcome is Outcome.REWARDED
        assert Result([above, below], IncentiveScheme()).outcome is Outcome.SHORT
