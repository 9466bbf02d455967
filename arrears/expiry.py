"""Arrears whose limitation period ends soon, has ended or began nobody knows when, by account (A11)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from arrears.limitation import Limitation, expiring
from arrears.models import Account, Charge
from company.models import Project

ZERO = Decimal("0.00")
SORTS = ("until", "unit", "amount", "charges")


class Urgency(TextChoices):
    """How near the end is; the first is the most urgent."""

    UNKNOWN = "unknown", _("start unknown, act now")
    PASSED = "passed", _("may have passed")
    DAYS_30 = "30", _("within 30 days")
    DAYS_90 = "90", _("within 90 days")
    DAYS_180 = "180", _("within 180 days")

    @property
    def colour(self) -> str:
        return "amber" if self in (Urgency.DAYS_90, Urgency.DAYS_180) else "red"


@dataclass(frozen=True, slots=True)
class EndingCharge:
    """An open charge with its limitation; ``open`` in CNY."""

    charge: Charge
    limitation: Limitation
    urgency: Urgency

    @property
    def open(self) -> Decimal:
        return self.charge.balance.amount - self.charge.balance.settled


@dataclass(frozen=True, slots=True)
class EndingAccount:
    """An account with its charges of that kind, the most urgent first."""

    account: Account
    charges: list[EndingCharge]

    @property
    def first(self) -> EndingCharge:
        return self.charges[0]

    @property
    def amount(self) -> Decimal:
        return sum((line.open for line in self.charges), ZERO)


@dataclass(frozen=True, slots=True)
class UrgencySum:
    urgency: Urgency
    accounts: int
    charges: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EndingFilter:
    """What narrows the page; an empty ``urgencies`` means all."""

    urgencies: tuple[str, ...] = ()
    buildings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything of a project that ends soon: lines that fit the filter, and sums over its buildings."""

    lines: list[EndingAccount] = field(default_factory=list)
    sums: list[UrgencySum] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def charges(self) -> int:
        return sum(len(line.charges) for line in self.lines)


def ending_charges(project: Project, *, on: date) -> list[EndingCharge]:
    """The open charges of ``project`` that end within 180 days of ``on``, the most urgent first; three queries."""
    return [EndingCharge(charge, limitation, urgency_of(limitation)) for charge, limitation in expiring(project, on=on)]


def ending(project: Project, wanted: EndingFilter, *, on: date, sort: str = "until") -> Ending:
    """By account what ends soon. ``sort`` is one of SORTS, downwards with a leading minus."""
    found = ending_charges(project, on=on)
    if wanted.buildings:
        found = [line for line in found if line.charge.account.unit.building_id in wanted.buildings]
    fitting = [line for line in found if not wanted.urgencies or line.urgency in wanted.urgencies]
    return Ending(_sorted(_by_account(fitting), sort), [_sum(urgency, found) for urgency in Urgency])


def urgency_of(limitation: Limitation) -> Urgency:
    """For limitations that give a warning."""
    if limitation.is_unknown:
        return Urgency.UNKNOWN
    return Urgency(str(limitation.warning)) if limitation.warning else Urgency.PASSED


def _by_account(lines: Iterable[EndingCharge]) -> list[EndingAccount]:
    by_account: dict[int, EndingAccount] = {}
    for line in lines:
        account = line.charge.account
        by_account.setdefault(account.pk, EndingAccount(account, [])).charges.append(line)
    return list(by_account.values())


def _sorted(lines: list[EndingAccount], sort: str) -> list[EndingAccount]:
    """Those that come first by date stand so already."""
    match sort.removeprefix("-"):
        case "unit":
            lines = sorted(lines, key=lambda line: line.account.unit.sort_key)
        case "amount":
            lines = sorted(lines, key=lambda line: line.amount)
        case "charges":
            lines = sorted(lines, key=lambda line: len(line.charges))
    return lines[::-1] if sort.startswith("-") else lines


def _sum(urgency: Urgency, lines: Sequence[EndingCharge]) -> UrgencySum:
    of_kind = [line for line in lines if line.urgency is urgency]
    accounts = {line.charge.account_id for line in of_kind}
    return UrgencySum(urgency, len(accounts), len(of_kind), sum((line.open for line in of_kind), ZERO))
