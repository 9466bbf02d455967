"""What the demonstration consists of: two projects, their days and their sizes."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

CAMPAIGN_DAYS_PAST = 22
CAMPAIGN_DAYS = 61
FLATS_PER_ENTRANCE = 22
ENTRANCES = 2


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """One estate: how it is called, which share of the units it has, what it charges (CNY a month)."""

    code: str
    name: str
    short_name: str
    phases: tuple[str, ...]
    street: str
    units: int
    flat_price: Decimal
    shop_price: Decimal
    parking_fee: Decimal
    teams: tuple[str, ...]

    @property
    def shops(self) -> int:
        return max(2, self.units // 20)

    @property
    def parking(self) -> int:
        return max(2, self.units // 8)

    @property
    def flats(self) -> int:
        return self.units - self.shops - self.parking


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Everything that the estate is computed from; the same plan gives the same rows."""

    seed: int
    today: date
    now: datetime
    months: int
    projects: tuple[ProjectPlan, ...]

    @property
    def campaign_start(self) -> date:
        return self.today - timedelta(days=CAMPAIGN_DAYS_PAST)

    @property
    def campaign_end(self) -> date:
        return self.campaign_start + timedelta(days=CAMPAIGN_DAYS - 1)

    def rng(self, *topic: object) -> random.Random:
        """Chance of its own for each subject, so that a change in one leaves the others as they were."""
        return random.Random("/".join(map(str, (self.seed, *topic))))  # noqa: S311  not for secrets

    def month_starts(self) -> list[date]:
        """The first days of the service months, the current one last."""
        last = self.today.year * 12 + self.today.month - 1
        return [date(index // 12, index % 12 + 1, 1) for index in range(last - self.months + 1, last + 1)]


def two_projects(units: int) -> tuple[ProjectPlan, ProjectPlan]:
    """Two thirds of the units in the first estate, the rest in the second."""
    first = units * 2 // 3
    return (
        ProjectPlan(
            code="fhc1",
            name="凤凰城一期",
            short_name="凤一",
            phases=("东组团", "西组团"),
            street="云州市临江区凤凰路66号",
            units=first,
            flat_price=Decimal("2.35"),
            shop_price=Decimal("4.80"),
            parking_fee=Decimal("80.00"),
            teams=("一组", "二组", "三组", "四组"),
        ),
        ProjectPlan(
            code="cly",
            name="翠澜苑",
            short_name="翠澜",
            phases=("南区",),
            street="云州市望湖区翠澜街18号",
            units=units - first,
            flat_price=Decimal("1.98"),
            shop_price=Decimal("4.20"),
            parking_fee=Decimal("60.00"),
            teams=("一组", "二组"),
        ),
    )
