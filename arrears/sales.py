"""The sale of a unit as the ledger sees it: what stays with the old owner, what is charged to the new one."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from arrears.models import Account, ChargeBalance, Payment, PaymentBalance
from company.models import User
from owners.models import Ownership, Unit
from owners.ownerships import SaleStandsError, is_latest_sale, lock_unit, take_back_sale

ZERO = Decimal("0.00")


class PostedSinceError(ValueError):
    """The sale cannot be taken back: something was posted or verified for the new party."""


@dataclass(frozen=True, slots=True)
class SalePreview:
    """What a sale on ``sold_on`` leaves where it is. Amounts in CNY.

    ``misplaced`` are charges of the old account whose period ends on the day of the sale or later: by their period
    they belong to the new party, but no row moves; finance reverses them and charges anew.
    """

    before: Ownership | None
    account: Account | None
    stays: list[ChargeBalance] = field(default_factory=list)
    misplaced: list[ChargeBalance] = field(default_factory=list)
    late_payments: list[Payment] = field(default_factory=list)
    credit: Decimal = ZERO

    @property
    def debt(self) -> Decimal:
        """What the old owner still owes of their own time."""
        return sum((balance.amount - balance.settled for balance in self.stays), ZERO)


def preview_sale(unit: Unit, *, sold_on: date) -> SalePreview:
    """What would stay and what would go to the new party; changes nothing. A fixed number of queries."""
    before = Ownership.objects.filter(unit=unit, period__contains=sold_on).first()
    account = Account.objects.filter(ownership=before).first() if before else None
    if account is None:
        return SalePreview(before, None)
    live = ChargeBalance.objects.filter(account=account, is_live=True).select_related("charge__fee_type")
    in_order = live.order_by("charge__period_start", "charge__fee_type_id", "pk")
    credit = PaymentBalance.objects.filter(account=account, is_live=True).aggregate(
        left=Sum(F("amount") - F("allocated"))
    )
    return SalePreview(
        before=before,
        account=account,
        stays=list(in_order.filter(charge__period_end__lt=sold_on, settled__lt=F("amount"))),
        misplaced=list(in_order.filter(charge__period_end__gte=sold_on)),
        late_payments=list(_payments_since(account, sold_on)),
        credit=credit["left"] or ZERO,
    )


@transaction.atomic
def undo_sale(sold: Ownership, *, by: User) -> Ownership | None:
    """Take back a sale that was recorded by mistake; returns the party before.

    Raises PostedSinceError once the new party has an account, since accounts stay, and with them all that was posted
    or verified; and owners.ownerships.SaleStandsError where the unit was sold on since. Whoever opens an account for
    the party at this very moment is refused by the database.
    """
    lock_unit(sold.unit_id)
    party = Ownership.objects.select_for_update().filter(pk=sold.pk).first()
    if party is None or not is_latest_sale(party):
        raise SaleStandsError(sold.pk)
    if Account.objects.filter(ownership=party).exists():
        raise PostedSinceError(sold.pk)
    return take_back_sale(party, by=by)


def _payments_since(account: Account, day: date) -> QuerySet[Payment]:
    return (
        Payment.objects.filter(account=account, received_on__gte=day, reversed_by__isnull=True)
        .exclude(kind=Payment.Kind.REVERSAL)
        .order_by("received_on", "pk")
    )
