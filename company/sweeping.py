"""Sweeps over many projects: one whose work fails does not keep the others from their turn."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

logger = logging.getLogger(__name__)
Work = TypeVar("Work")


class SweepError(Exception):
    """Some work of a sweep failed; all the rest was done."""

    def __init__(self, failed: list[str]) -> None:
        super().__init__(", ".join(failed))
        self.failed = failed


def do_each(works: Iterable[Work], act: Callable[[Work], int]) -> int:
    """Act on each, whatever became of those before it; returns the sum of what ``act`` counts.

    Raises SweepError at the end, so that the task shows as failed; the log holds each error.
    """
    done, failed = 0, []
    for work in works:
        try:
            done += act(work)
        except Exception:
            logger.exception("Sweep: %s failed", work)
            failed.append(str(work))
    if failed:
        raise SweepError(failed)
    return done
