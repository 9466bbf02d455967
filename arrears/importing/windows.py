"""The times for which the amounts of an arrears list stand, and the charges with which each is compared."""

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from arrears.importing.fields import Field
from arrears.models import ListedAmount

Window = ListedAmount.Window

OF_FIELD: Mapping[Field, ListedAmount.Window] = {
    Field.CURRENT: Window.CURRENT,
    Field.EARLIER: Window.EARLIER,
    Field.THIS_YEAR: Window.THIS_YEAR,
    Field.PRIOR_YEARS: Window.PRIOR_YEARS,
    Field.OUTSTANDING: Window.WHOLE,
}
OLDEST_FIRST = (Window.PRIOR_YEARS, Window.EARLIER, Window.THIS_YEAR, Window.CURRENT, Window.WHOLE)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Windows as of a day. ``earlier_from``: since when earlier arrears are owed, where a person knows."""

    as_of: date
    earlier_from: date | None = None

    @property
    def month_start(self) -> date:
        return self.as_of.replace(day=1)

    @property
    def month_end(self) -> date:
        return self.as_of.replace(day=monthrange(self.as_of.year, self.as_of.month)[1])

    @property
    def last_years_end(self) -> date:
        return date(self.as_of.year - 1, 12, 31)

    def end(self, window: str) -> date:
        """The last day of a window."""
        if window == Window.EARLIER:
            return self.month_start - DAY
        return self.last_years_end if window == Window.PRIOR_YEARS else self.month_end

    def period(self, window: str) -> tuple[date, date, bool]:
        """The service period of a charge for a window, and whether its start is known. An unknown one is its end."""
        end = self.end(window)
        if window == Window.CURRENT:
            return self.month_start, end, True
        if window == Window.THIS_YEAR:
            return self.last_years_end + DAY, end, True
        is_known = self.earlier_from is not None and self.earlier_from <= end
        return (self.earlier_from or end) if is_known else end, end, is_known

    def window_of(self, period_start: date, period_end: date, printed: Collection[str]) -> str | None:
        """The printed window in which a charge stands; None for one of which the list says nothing."""
        if period_start > self.month_end:
            return None
        last = min(period_end, self.month_end)
        below: date | None = None
        for window in OLDEST_FIRST:
            if window not in printed:
                continue
            begin = below or self._begin(window)
            if (begin is None or last > begin) and last <= self.end(window):
                return window
            below = self.end(window)
        return None

    def _begin(self, window: str) -> date | None:
        """The day before the lowest window begins; None where it takes in everything older."""
        if window == Window.CURRENT:
            return self.month_start - DAY
        return self.last_years_end if window == Window.THIS_YEAR else None
