"""The score of a case, part by part."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from collection.difficulty import CaseFacts, difficulties, difficulty
from collection.models import ArrearsReason, ContactAttempt, PromiseToPay
from tests.factories import NOW, TODAY, create_case, create_contact, create_project, create_promise

Outcome = ContactAttempt.Outcome
HOUR = dt.timedelta(hours=1)


def points(**facts: object) -> dict[str, Decimal]:
    usual = {"overdue": Decimal("500"), "overdue_days": 10, "reason": ArrearsReason.UNKNOWN}
    score = difficulty(CaseFacts(**{**usual, **facts}))
    return {part: getattr(score, part) for part in score.__slots__}


@pytest.mark.parametrize(
    ("part", "facts", "expected"),
    [
        ("amount", {"overdue": Decimal("999.99")}, "0"),
        ("amount", {"overdue": Decimal("1000")}, "0.5"),
        ("amount", {"overdue": Decimal("9999.99")}, "1.5"),
        ("amount", {"overdue": Decimal("10000")}, "2"),
        ("ageing", {"overdue_days": 30}, "0"),
        ("ageing", {"overdue_days": 31}, "0.5"),
        ("ageing", {"overdue_days": 366}, "2"),
        ("ageing", {"overdue_days": 2000}, "3"),
        ("reason", {"reason": ArrearsReason.UNKNOWN}, "0.5"),
        ("reason", {"reason": ArrearsReason.RECTIFICATION}, "2"),
        ("not_reached", {"not_reached": 1}, "0.5"),
        ("not_reached", {"not_reached": 9}, "2"),
        ("broken_promises", {"broken_promises": 1}, "0.5"),
        ("broken_promises", {"broken_promises": 3}, "1"),
    ],
)
def test_points(part: str, facts: dict[str, object], expected: str) -> None:
    assert points(**facts)[part] == Decimal(expected)


def test_every_reason_has_points_between_0_and_2() -> None:
    for reason in ArrearsReason:
        assert 0 <= points(reason=reason)["reason"] <= 2


def test_the_score_reaches_from_0_5_to_10() -> None:
    easiest = CaseFacts(overdue=Decimal("1"), overdue_days=1, reason=ArrearsReason.UNKNOWN)
    hardest = CaseFacts(
        overdue=Decimal("99999"), overdue_days=9999, reason=ArrearsReason.MALICIOUS, not_reached=9, broken_promises=9
    )
    assert difficulty(easiest).total == Decimal("0.5")
    assert difficulty(hardest).total == Decimal("10")


@pytest.mark.django_db
def test_attempts_count_since_somebody_was_last_met() -> None:
    case = create_case()
    for hours, outcome in enumerate([Outcome.NO_ANSWER, Outcome.MET_OTHER, Outcome.NO_ANSWER, Outcome.VACANT]):
        create_contact(case=case, outcome=outcome, at=NOW + hours * HOUR)
    assert difficulties([case], on=TODAY)[case.pk].not_reached == Decimal("1")


@pytest.mark.django_db
def test_only_broken_promises_count() -> None:
    case = create_case()
    for state in (PromiseToPay.State.BROKEN, PromiseToPay.State.KEPT, PromiseToPay.State.PARTLY):
        create_promise(case=case, state=state, judged_on=TODAY)
    assert difficulties([case], on=TODAY)[case.pk].broken_promises == Decimal("0.5")


@pytest.mark.django_db
def test_reads_the_case_itself() -> None:
    case = create_case(amount="3000", due_on=TODAY - dt.timedelta(days=366), reason=ArrearsReason.OTHER)
    score = difficulties([case], on=TODAY)[case.pk]
    assert (score.amount, score.ageing, score.reason, score.total) == (1, 2, 1, 4)


@pytest.mark.django_db
def test_costs_three_queries_however_many_cases(django_assert_num_queries: Callable) -> None:
    project = create_project()
    cases = [create_case(project=project) for _ in range(5)]
    with django_assert_num_queries(3):
        difficulties(cases, on=TODAY)
