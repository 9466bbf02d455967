"""A sweep gives everybody their turn, whatever became of those before."""

import logging

import pytest

from company.sweeping import SweepError, do_each


def test_counts_what_was_done() -> None:
    assert do_each([1, 2, 3], lambda number: number) == 6


def test_one_that_fails_is_named_at_the_end_and_keeps_nobody_back(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def act(number: int) -> int:
        if number == 2:
            raise ValueError("broken figures")
        done.append(number)
        return 1

    with caplog.at_level(logging.ERROR), pytest.raises(SweepError) as failure:
        do_each([1, 2, 3], act)
    assert done == [1, 3]
    assert failure.value.failed == ["2"]
    assert "broken figures" in caplog.text
