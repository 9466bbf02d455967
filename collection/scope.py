"""What a campaign is about: its charges, their accounts and cases (C1)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from arrears.models import ChargeBalance, FeeType
from collection.conventions import settings_of
from collection.models import Campaign, Case
from collection.rate_conventions import ZERO, RateSettings, target_class
from collection.rate_rows import parameters_of, run
from owners.models import Unit


@dataclass(frozen=True, slots=True)
class Scope:
    """What was overdue of a campaign's charges when it began; ``amount`` in CNY is the base of its recovery."""

    accounts: int = 0
    charges: int = 0
    amount: Decimal = ZERO


IN_SCOPE_SQL = """
    SELECT s.account_id, u.usage, f.nature, count(*), sum(s.amount - s.at_start - s.waived_start)
    FROM stated s
    JOIN arrears_feetype f ON f.id = s.fee_type_id
    JOIN owners_unit u ON u.id = s.unit_id
    WHERE s.is_in_scope AND s.due_on < %(due_before)s AND s.amount > s.at_start + s.waived_start
    GROUP BY 1, 2, 3
"""


def scope_of(campaign: Campaign, *, today: date) -> Scope:
    """Number and amount at the start of the campaign, also of one that is not saved; one query.

    Before the start: what will be overdue then if nothing is paid until that day.
    """
    rows = _read(campaign, on=max(today, campaign.starts_on), due_before=campaign.starts_on)
    return Scope(
        accounts=len({account for account, _charges, _amount in rows}),
        charges=sum(charges for _account, charges, _amount in rows),
        amount=sum((amount for _account, _charges, amount in rows), ZERO),
    )


def accounts_in_scope(campaign: Campaign, *, on: date) -> frozenset[int]:
    """Accounts with a charge in scope that was open at the start, or has fallen due since, up to ``on``."""
    rows = _read(campaign, on=on, due_before=max(on, campaign.starts_on))
    return frozenset(account for account, _charges, _amount in rows)


def cases_in_scope(cases: QuerySet[Case], campaign: Campaign, *, today: date) -> QuerySet[Case]:
    """Those of ``cases`` that still owe something in scope."""
    overdue = ChargeBalance.objects.filter(
        is_live=True, settled__lt=F("amount"), due_on__lt=today, account=OuterRef("account"),
        due_on__range=(campaign.due_from, campaign.due_until),
    )  # fmt: skip
    if campaign.period_from:
        overdue = overdue.filter(charge__period_start__gte=campaign.period_from)
    if campaign.period_until:
        overdue = overdue.filter(charge__period_start__lte=campaign.period_until)
    if campaign.classes:
        overdue = overdue.filter(_of_classes(campaign))
    return cases.filter(Exists(overdue))


def _read(campaign: Campaign, *, on: date, due_before: date) -> list[tuple[int, int, Decimal]]:
    """Account, charges and CNY by account, class by class."""
    settings = settings_of(campaign.project, campaign)
    parameters = parameters_of(campaign.project, on=on, campaign=campaign, settings=settings)
    rows: list[tuple[Any, ...]] = run(IN_SCOPE_SQL, settings, parameters | {"due_before": due_before})
    return [
        (account, charges, amount)
        for account, usage, nature, charges, amount in rows
        if campaign.covers(target_class(usage, nature, settings.parking))
    ]


def _of_classes(campaign: Campaign) -> Q:
    settings: RateSettings = settings_of(campaign.project, campaign)
    found = Q(pk__in=[])
    for usage in Unit.Usage:
        natures = [
            nature for nature in FeeType.Nature if target_class(usage, nature, settings.parking) in campaign.classes
        ]
        if natures:
            found |= Q(charge__unit__usage=usage, charge__fee_type__nature__in=natures)
    return found
