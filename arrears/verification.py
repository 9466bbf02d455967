"""Making sure that an account still owes before anyone contacts the owner (A8)."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from arrears.models import Account, ChargeBalance, Import, Verification
from arrears.posting import lock_accounts
from company.models import Project, User

# Workbooks that say what was paid: payments, arrears lists, and charges with the amounts received printed beside them.
TELLS_PAYMENTS = Q(kind__in=[Import.Kind.PAYMENTS, Import.Kind.ARREARS_LIST]) | Q(kind=Import.Kind.CHARGES, paid__gt=0)


def payments_known_until(project: Project) -> datetime | None:
    """Up to which instant the ledger knows what was paid, from the posted workbooks that say so; None if none does.

    A workbook reaches to the end of its as-of day, but never past the moment at which it was uploaded. Payments
    typed in one by one prove nothing about the others.
    """
    posted = Import.objects.filter(TELLS_PAYMENTS, project=project, state__in=Import.IN_LEDGER_STATES)
    reaches = [_reaches(as_of, uploaded_at) for as_of, uploaded_at in posted.values_list("as_of", "created_at")]
    return max(reaches, default=None)


def verify(accounts: Collection[Account], *, by: User, now: datetime, looked_up: bool = False) -> list[Verification]:
    """Record what is outstanding (CNY) on each account of one project; ``looked_up``: seen in the charging system too.

    Raises ValueError for accounts of several projects.
    """
    if not accounts:
        return []
    if len({account.project_id for account in accounts}) > 1:
        raise ValueError("accounts of several projects")
    project = next(iter(accounts)).project
    until = payments_known_until(project)
    with transaction.atomic():
        locked = lock_accounts(account.pk for account in accounts)
        owed: dict[int, Decimal] = dict(
            ChargeBalance.objects.filter(account__in=locked, is_live=True)
            .values_list("account_id")
            .annotate(owed=Sum(F("amount") - F("settled")))
        )
        return Verification.objects.bulk_create(
            Verification(
                project=project,
                account=account,
                verified_at=now,
                verified_by=by,
                payments_until=until,
                looked_up=looked_up,
                outstanding=owed.get(account.pk, 0),
                account_version=account.version,
            )
            for account in locked
        )


def valid_verifications(project: Project, account_ids: Collection[int], *, now: datetime) -> dict[int, Verification]:
    """By account id the latest verification that still holds: young enough, nothing posted since, data fresh enough."""
    limit = now - timedelta(hours=project.verification_hours)
    reaching = Q(looked_up=True) | Q(payments_until__gt=limit)
    latest = (
        Verification.objects.filter(reaching, project=project, account_id__in=account_ids)
        .filter(verified_at__gt=limit, verified_at__lte=now, account_version=F("account__version"))
        .order_by("account_id", "-verified_at", "-pk")
        .distinct("account_id")
    )
    return {verification.account_id: verification for verification in latest}


def _reaches(as_of: date | None, uploaded_at: datetime) -> datetime:
    if as_of is None:
        return uploaded_at
    return min(uploaded_at, timezone.make_aware(datetime.combine(as_of + timedelta(days=1), time.min)))
