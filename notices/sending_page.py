"""What the page shows on which a batch leaves the house."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from notices.models import Batch, Notice, SignedScan
from notices.signing import needs_signature

State = Notice.State


@dataclass(frozen=True)
class SendingPage:
    """How many letters of a batch wait for what, and the letters that are shown."""

    rows: QuerySet[Notice]
    show: str
    needs_signature: bool
    is_mandated: bool
    unsigned: int
    unsigned_pages: int
    ready: int
    sent: int
    others: int

    @property
    def step(self) -> str:
        """What is due: ``sign``, ``send`` or nothing."""
        return "sign" if self.unsigned else "send" if self.ready else ""


def read_sending(batch: Batch, *, show: str, today: date) -> SendingPage:
    """One query for the counts; the rows are lazy."""
    signs = needs_signature(batch.kind)
    scans = SignedScan.objects.filter(notice=OuterRef("pk"), withdrawn_at=None)
    letters = batch.notices.annotate(is_signed=Exists(scans))
    waits = Q(state=State.ISSUED, is_signed=False) if signs else Q(pk__isnull=True)
    ready = Q(state=State.ISSUED, is_signed=True) if signs else Q(state=State.ISSUED)
    sent = Q(state=State.DISPATCHED)
    numbers = letters.aggregate(
        unsigned=Count("pk", filter=waits),
        unsigned_pages=Sum("pages", filter=waits),
        ready=Count("pk", filter=ready),
        sent=Count("pk", filter=sent),
        total=Count("pk"),
    )
    shown = {"unsigned": waits, "ready": ready, "sent": sent}.get(show, Q(state__in=[State.ISSUED, State.DISPATCHED]))
    related = letters.filter(shown).select_related("account__unit").defer("charge_ids").order_by("position")
    firm = batch.law_firm
    return SendingPage(
        rows=related.prefetch_related("deliveries"),
        show=show,
        needs_signature=signs,
        is_mandated=firm is not None and firm.is_mandated(on=today),
        unsigned=numbers["unsigned"],
        unsigned_pages=numbers["unsigned_pages"] or 0,
        ready=numbers["ready"],
        sent=numbers["sent"],
        others=numbers["total"] - numbers["unsigned"] - numbers["ready"] - numbers["sent"],
    )
