"""Statements of several accounts at once: of a unit, an owner across units, a building, or the project (A4, A9).

Each account has one line: what was owed before, what was charged and received in the days, what is owed after. It is
what arrears.movements says of the account line by line.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from arrears.aged import GroupBy
from arrears.models import Account
from arrears.queries import Aged, aged_by
from company.models import Project
from owners.models import Building, Owner, Unit

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class StatementGroup:
    """Whose statement it is. ``name`` of an owner is in clear."""

    kind: GroupBy
    key: int
    name: str
    accounts: QuerySet[Account]


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One account over the days, in CNY; ``closing`` is negative for money paid ahead."""

    account: Account
    opening: Decimal
    charged: Decimal
    received: Decimal
    aged: Aged

    @property
    def closing(self) -> Decimal:
        return self.opening + self.charged - self.received


@dataclass(frozen=True, slots=True)
class GroupStatement:
    """The lines of a group from ``since`` to ``until``, both included, in the order of units."""

    group: StatementGroup
    since: date
    until: date
    lines: list[GroupLine]

    @property
    def opening(self) -> Decimal:
        return sum((line.opening for line in self.lines), ZERO)

    @property
    def charged(self) -> Decimal:
        return sum((line.charged for line in self.lines), ZERO)

    @property
    def received(self) -> Decimal:
        return sum((line.received for line in self.lines), ZERO)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.charged - self.received

    @property
    def overdue(self) -> Decimal:
        return sum((line.aged.overdue for line in self.lines), ZERO)


def statement_group(project: Project, kind: GroupBy, key: int) -> StatementGroup | None:
    """The unit, owner, building or project of that id with its accounts; None where the project has none such."""
    accounts = Account.objects.filter(project=project)
    match kind:
        case GroupBy.UNIT:
            found = Unit.objects.filter(project=project, pk=key).first()
            return StatementGroup(kind, key, found.code, accounts.filter(unit=found)) if found else None
        case GroupBy.OWNER:
            owner = Owner.objects.filter(project=project, pk=key).first()
            return StatementGroup(kind, key, owner.name, accounts.filter(ownership__owners=owner)) if owner else None
        case GroupBy.BUILDING:
            building = Building.objects.filter(project=project, pk=key).first()
            if building:
                return StatementGroup(kind, key, building.name, accounts.filter(unit__building=building))
        case GroupBy.PROJECT if key == project.pk:
            return StatementGroup(kind, key, project.name, accounts)
    return None


def group_statement(group: StatementGroup, *, since: date | None, until: date, today: date) -> GroupStatement:
    """The statement of ``group``, without ``since`` from its first movement. Four queries."""
    accounts = list(
        group.accounts.select_related("project", "unit", "ownership").order_by("unit__sort_key", "ownership__period")
    )
    sums = _sums([account.pk for account in accounts], since, until)
    aged: dict[int, Aged] = {}
    if accounts:
        ids = [account.pk for account in accounts]
        aged = aged_by(accounts[0].project, "account", on=until, as_of=until < today, accounts=ids)
    first = since or min((first for first, *_sums in sums.values() if first), default=until)
    return GroupStatement(
        group,
        first,
        until,
        [
            GroupLine(account, *sums[account.pk][1:], aged.get(account.pk, Aged()))
            for account in accounts
            if account.pk in sums
        ],
    )


def _sums(account_ids: list[int], since: date | None, until: date) -> dict[int, tuple[date, Decimal, Decimal, Decimal]]:
    """By account the first day, what was owed before ``since``, and what was charged and received since; one query."""
    with connection.cursor() as cursor:
        cursor.execute(MOVED, {"accounts": account_ids, "since": since or date.min, "until": until})
        return {account_id: (first, *sums) for account_id, first, *sums in cursor.fetchall()}


MOVED = """
    WITH paid AS (
        SELECT payment.account_id, payment.kind, payment.reversed_by_id, reversal.received_on AS reversed_on,
            CASE payment.kind WHEN 'refund' THEN -payment.amount ELSE payment.amount END AS amount,
            coalesce(payment.received_on, (
                SELECT min(part.effective_on) FROM arrears_allocation AS part
                WHERE part.payment_id = payment.id AND part.kind = 'allocation'
            )) AS day
        FROM arrears_payment AS payment
        LEFT JOIN arrears_payment AS reversal ON reversal.id = payment.reversed_by_id
        WHERE payment.account_id = ANY(%(accounts)s) AND payment.kind <> 'reversal'
    ), shown AS (
        SELECT * FROM paid
        WHERE reversed_by_id IS NULL OR kind NOT IN ('imported', 'settled_outside') OR reversed_on > day
    ), moved (account_id, day, charged, received) AS (
        SELECT account_id, effective_on, CASE kind WHEN 'charge' THEN amount ELSE -amount END, 0
        FROM arrears_charge WHERE account_id = ANY(%(accounts)s)
        UNION ALL
        SELECT account_id, effective_on, CASE kind WHEN 'late_fee' THEN amount ELSE -amount END, 0
        FROM arrears_latefee WHERE account_id = ANY(%(accounts)s)
        UNION ALL
        SELECT account_id, effective_on, CASE kind WHEN 'reversal' THEN amount ELSE -amount END, 0
        FROM arrears_waiver WHERE account_id = ANY(%(accounts)s)
        UNION ALL
        SELECT account_id, day, 0, amount FROM shown WHERE day IS NOT NULL
        UNION ALL
        SELECT account_id, reversed_on, 0, -amount FROM shown WHERE day IS NOT NULL AND reversed_on IS NOT NULL
    )
    SELECT account_id, min(day),
        coalesce(sum(charged - received) FILTER (WHERE day < %(since)s), 0.00),
        coalesce(sum(charged) FILTER (WHERE day >= %(since)s), 0.00),
        coalesce(sum(received) FILTER (WHERE day >= %(since)s), 0.00)
    FROM moved WHERE day <= %(until)s GROUP BY account_id
"""
"""What moved on accounts, as arrears.movements tells it; pairs of the same day that it leaves out add up to nothing."""
