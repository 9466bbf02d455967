"""A step of a ladder as cases see it, wherever it is written down."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise

from collection.models import Doer, Measure, Precondition, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """``wait_days`` must pass after the step before; it is to be done within ``due_days`` after that.

    With ``min_amount`` (CNY) or ``min_days`` (overdue) it is left out of cases that reach neither.
    """

    key: str
    stage: Stage
    measure: Measure
    title: str | Promise
    doer: Doer
    wait_days: int = 0
    due_days: int = 3
    min_amount: Decimal | None = None
    min_days: int | None = None
    precondition: Precondition | None = None
    talking_points: tuple[str, ...] = ()

    def applies(self, *, overdue: Decimal, overdue_days: int) -> bool:
        """Whether a case that owes so much (CNY) for so long has this step at all."""
        if self.is_for_all:
            return True
        large = self.min_amount is not None and overdue >= self.min_amount
        return large or (self.min_days is not None and overdue_days >= self.min_days)

    @property
    def is_for_all(self) -> bool:
        return self.min_amount is None and self.min_days is None
