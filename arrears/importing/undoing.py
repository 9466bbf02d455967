"""A posted import taken back as a whole, while nothing depends on it: every row that it posted is reversed."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arrears.importing.posting_payments import Settled, apply_all_credit, post_settled_outside
from arrears.importing.reversing import cancel_charges, cancel_payments, release_allocations
from arrears.importing.states import State, move
from arrears.importing.undoing_owners import Trace, dependents, lock_trace, take_back
from arrears.models import Allocation, Charge, Import, LateFee, Payment, Waiver
from arrears.posting import lock_accounts, raise_versions
from company.audit import record
from company.models import Project, User

NAMED = 5
"""So many of the rows that depend on an import are named; the others are counted."""


class DependedOnError(Exception):
    """Later rows depend on the import. ``names`` says which, in words."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self.names = names

    @property
    def text(self) -> str:
        """The first of them in one line."""
        more = len(self.names) - NAMED
        shown = self.names[:NAMED] + ([_("%(more)s further rows") % {"more": more}] if more > 0 else [])
        return _("Later money or rows depend on this import: %(rows)s. Reverse those first.") % {
            "rows": "；".join(shown)
        }


@transaction.atomic
def undo_import(workbook: Import, *, by: User | None, now: datetime) -> Import:
    """Reverse everything that ``workbook`` posted, as if it had never been; money of others settles anew.

    Raises MoveError when it is not posted or undone already, DependedOnError when later rows depend on it; then nothing
    is written.
    """
    Project.objects.select_for_update(no_key=True).get(pk=workbook.project_id)
    undone = move(workbook.pk, State.UNDONE, undone_at=now, undone_by=by)
    if undone.kind == Import.Kind.OWNERS:
        _undo_owners(undone, by=by)
        return undone
    accounts = _accounts(undone)
    lock_accounts(accounts)
    if names := list(_dependents(undone)):
        raise DependedOnError(names)
    payments = list(_live_payments(undone).values_list("pk", flat=True))
    given_back = _settled_outside_before(undone)
    live = Allocation.objects.filter(kind=Allocation.Kind.ALLOCATION, reversed_by=None, payment__in=payments)
    release_allocations(list(live.values_list("pk", flat=True)), now=now, by=by)
    cancel_payments(payments, now=now, by=by)
    cancel_charges(list(_live_charges(undone).values_list("pk", flat=True)), now=now, by=by)
    post_settled_outside(undone, given_back, now=now, by=by)
    apply_all_credit(undone.project, accounts, now=now, by=by)
    raise_versions(accounts, now=now)
    record(action="arrears.import_undone", by=by, project=undone.project, obj=undone, file=undone.file_name)
    return undone


def _undo_owners(undone: Import, *, by: User | None) -> None:
    """Take a list of owners back; the audit trail tells how many rows of what were removed."""
    trace = Trace(undone)
    lock_trace(trace)
    if names := list(dependents(trace)):
        raise DependedOnError(names)
    removed = take_back(trace)
    record(
        action="arrears.import_undone",
        by=by,
        project=undone.project,
        obj=undone,
        file=undone.file_name,
        removed=removed,
    )


def _live_charges(workbook: Import) -> QuerySet[Charge]:
    return Charge.objects.filter(source=workbook, kind=Charge.Kind.CHARGE, reversed_by=None)


def _live_payments(workbook: Import) -> QuerySet[Payment]:
    return Payment.objects.filter(source=workbook, reversed_by=None).exclude(kind=Payment.Kind.REVERSAL)


def _accounts(workbook: Import) -> list[int]:
    """Every account on which the import has live rows, in the order of their keys."""
    found = {*_live_charges(workbook).values_list("account_id", flat=True)}
    return sorted(found | {*_live_payments(workbook).values_list("account_id", flat=True)})


def _dependents(workbook: Import) -> Iterator[str]:
    """What was built on the import since, in words."""
    if workbook.kind == Import.Kind.ARREARS_LIST:
        later = Import.objects.filter(
            project=workbook.project_id, kind=workbook.kind, state=State.POSTED, pk__gt=workbook.pk
        )
        for as_of in later.values_list("as_of", flat=True):
            yield _("arrears list as of %(day)s") % {"day": f"{as_of:%Y-%m-%d}"}
    settled = (
        Allocation.objects.filter(charge__in=_live_charges(workbook), kind=Allocation.Kind.ALLOCATION, reversed_by=None)
        .exclude(payment__source=workbook)
        .order_by("pk")
    )
    for unit, amount in settled.values_list("account__unit__code", "charge__amount"):
        yield _("unit %(unit)s, charge of %(amount)s settled by other money") % {"unit": unit, "amount": amount}
    waived = Waiver.objects.filter(charge__in=_live_charges(workbook), reversed_by=None).exclude(
        kind=Waiver.Kind.REVERSAL
    )
    for unit, amount in waived.order_by("pk").values_list("account__unit__code", "charge__amount"):
        yield _("unit %(unit)s, charge of %(amount)s waived in part or whole") % {"unit": unit, "amount": amount}
    late_fees = LateFee.objects.filter(
        charge__in=_live_charges(workbook), kind=LateFee.Kind.LATE_FEE, reversed_by=None
    ).order_by("pk")
    for unit, amount in late_fees.values_list("account__unit__code", "charge__amount"):
        yield _("unit %(unit)s, charge of %(amount)s bears an assessed late fee") % {"unit": unit, "amount": amount}
    refunded = Allocation.objects.filter(
        payment__in=_live_payments(workbook), refund__isnull=False, kind=Allocation.Kind.ALLOCATION, reversed_by=None
    ).order_by("pk")
    for unit, amount in refunded.values_list("account__unit__code", "payment__amount"):
        yield _("unit %(unit)s, payment of %(amount)s paid back in part") % {"unit": unit, "amount": amount}
    replaced = Payment.objects.filter(
        source=workbook, kind=Payment.Kind.SETTLED_OUTSIDE, reversed_by__source__state=State.POSTED
    ).order_by("pk")
    for unit, amount in replaced.values_list("account__unit__code", "amount"):
        yield _("unit %(unit)s, settled outside %(amount)s replaced by a payment") % {"unit": unit, "amount": amount}


def _settled_outside_before(workbook: Import) -> list[Settled]:
    """Rows settled outside that payments of the import have replaced, as they are to stand again.

    A charge gets back what those payments settle of it, at most what was recorded there as settled outside.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (allocation.charge_id) old.account_id, allocation.charge_id, least(
                    (SELECT sum(mine.amount) FROM arrears_allocation AS mine
                     JOIN arrears_payment AS paid ON paid.id = mine.payment_id
                     WHERE mine.charge_id = allocation.charge_id AND mine.kind = 'allocation'
                        AND mine.reversed_by_id IS NULL AND paid.source_id = %(workbook)s),
                    sum(old.amount) OVER (PARTITION BY allocation.charge_id)
                ), old.received_on, old.source_id, old.source_sheet, old.source_row
            FROM arrears_payment AS reversal
            JOIN arrears_payment AS old ON old.reversed_by_id = reversal.id AND old.kind = 'settled_outside'
            JOIN arrears_allocation AS allocation ON allocation.payment_id = old.id AND allocation.kind = 'allocation'
            WHERE reversal.source_id = %(workbook)s AND reversal.kind = 'reversal'
            ORDER BY allocation.charge_id, old.id
            """,
            {"workbook": workbook.pk},
        )
        return [Settled(*row) for row in cursor.fetchall() if row[2]]
