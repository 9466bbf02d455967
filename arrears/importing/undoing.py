"""A posted import taken back as a whole, while nothing depends on it: every row that it posted is reversed."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arrears.credit import apply_credit
from arrears.importing.lumps import accounts_of_lumps, restore_lumps
from arrears.importing.posting_owners import lock_project
from arrears.importing.posting_payments import Settled, post_settled
from arrears.importing.reversing import cancel_charges, cancel_payments, release_allocations
from arrears.importing.states import State, move
from arrears.importing.undoing_owners import Trace, dependents, lock_trace, take_back
from arrears.models import Allocation, Charge, Import, LateFee, Payment, Waiver
from arrears.posting import lock_accounts, raise_versions
from company.audit import record
from company.models import User

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
        return "；".join(self.names[:NAMED] + ([_("%(more)s further rows") % {"more": more}] if more > 0 else []))


@transaction.atomic
def undo_import(workbook: Import, *, by: User | None, now: datetime, claim: datetime | None = None) -> Import:
    """Reverse everything that ``workbook`` posted, as if it had never been; money of others settles anew.

    ``claim``: the instant at which a worker claimed the work. Raises MoveError when it is not posted, undone already,
    or claimed by another since; DependedOnError when later rows depend on it. Then nothing is written.
    """
    undone = move(workbook.pk, State.UNDONE, claim=claim, undone_at=now, undone_by=by)
    lock_project(undone)  # after the import's own row, as posting does
    if undone.kind == Import.Kind.OWNERS:
        _undo_owners(undone, by=by)
        return undone
    accounts = _accounts(undone)
    lock_accounts(accounts)
    if names := list(_dependents(undone)):
        raise DependedOnError(names)
    payments = list(_live_payments(undone).values_list("pk", flat=True))
    given_back = _settled_before(undone)
    live = Allocation.objects.filter(kind=Allocation.Kind.ALLOCATION, reversed_by=None, payment__in=payments)
    release_allocations(list(live.values_list("pk", flat=True)), now=now, by=by)
    cancel_payments(payments, now=now, by=by)
    cancel_charges(list(_live_charges(undone).values_list("pk", flat=True)), now=now, by=by)
    restore_lumps(undone, now=now, by=by)
    post_settled(undone, given_back, now=now, by=by)
    apply_credit(accounts, now=now, by=by)
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
    found |= accounts_of_lumps(workbook)
    return sorted(found | {*_live_payments(workbook).values_list("account_id", flat=True)})


def _dependents(workbook: Import) -> Iterator[str]:
    """What was built on the import since, in words."""
    if workbook.kind == Import.Kind.ARREARS_LIST:
        later = Import.objects.filter(
            project=workbook.project_id, kind=workbook.kind, state__in=Import.IN_LEDGER_STATES, pk__gt=workbook.pk
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
    lumps = Charge.objects.filter(source=workbook, reversed_by__source__state__in=Import.IN_LEDGER_STATES).order_by(
        "pk"
    )
    for unit, amount in lumps.values_list("unit__code", "amount"):
        yield _("unit %(unit)s, arrears of %(amount)s replaced by their charges") % {"unit": unit, "amount": amount}
    replaced = Payment.objects.filter(
        source=workbook, kind=Payment.Kind.SETTLED_OUTSIDE, reversed_by__source__state__in=Import.IN_LEDGER_STATES
    ).order_by("pk")
    for unit, amount in replaced.values_list("account__unit__code", "amount"):
        yield _("unit %(unit)s, settled outside %(amount)s replaced by a payment") % {"unit": unit, "amount": amount}


def _settled_before(workbook: Import) -> list[Settled]:
    """Rows settled outside or imported that payments of the import have replaced, as they are to stand again.

    A charge gets back what those payments settle of it, at most what had been recorded there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH replaced AS (
                SELECT old.id, old.account_id, allocation.charge_id, old.amount - coalesce(rest.amount, 0) AS amount,
                    old.received_on, old.source_id, old.source_sheet, old.source_row, allocation.effective_on, old.kind,
                    sum(old.amount - coalesce(rest.amount, 0)) OVER (
                        PARTITION BY allocation.charge_id ORDER BY old.id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                    ) AS before
                FROM arrears_payment AS reversal
                JOIN arrears_payment AS old ON old.reversed_by_id = reversal.id
                    AND old.kind IN ('settled_outside', 'imported')
                JOIN arrears_allocation AS allocation
                    ON allocation.payment_id = old.id AND allocation.kind = 'allocation'
                LEFT JOIN LATERAL (
                    SELECT kept.amount
                    FROM arrears_payment AS kept
                    JOIN arrears_allocation AS part ON part.payment_id = kept.id AND part.kind = 'allocation'
                    WHERE kept.account_id = old.account_id AND kept.kind = old.kind
                        AND kept.posted_at = reversal.posted_at AND part.charge_id = allocation.charge_id
                        AND kept.id > reversal.id AND (kept.source_id, kept.source_row)
                            IS NOT DISTINCT FROM (old.source_id, old.source_row)
                    ORDER BY kept.id LIMIT 1
                ) AS rest ON TRUE
                WHERE reversal.source_id = %(workbook)s AND reversal.kind = 'reversal'
            ), mine AS (
                SELECT allocation.charge_id, sum(allocation.amount) AS amount FROM arrears_allocation AS allocation
                JOIN arrears_payment AS paid ON paid.id = allocation.payment_id
                WHERE allocation.kind = 'allocation' AND allocation.reversed_by_id IS NULL
                    AND paid.source_id = %(workbook)s
                GROUP BY allocation.charge_id
            )
            SELECT account_id, charge_id, least(replaced.amount, mine.amount - coalesce(before, 0)), received_on,
                source_id, source_sheet, source_row, effective_on, kind
            FROM replaced JOIN mine USING (charge_id)
            WHERE mine.amount > coalesce(before, 0) AND replaced.amount > 0
            ORDER BY charge_id, replaced.id
            """,
            {"workbook": workbook.pk},
        )
        return [Settled(*row) for row in cursor.fetchall()]
