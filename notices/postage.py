"""What a batch will cost before it is made: envelopes by the project's prices, pages by experience."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Avg

from company.models import Project
from notices.models import Channel, Notice, NoticeKind

LETTER_AND_LIST = Decimal(2)
"""Pages of a letter with its list of charges, as long as none of the kind was printed."""
LATEST = 300


@dataclass(frozen=True, slots=True)
class Estimate:
    """``price`` in CNY an envelope; None where nothing goes by post, or the project has no price for it."""

    letters: int
    envelopes: int
    pages: int
    price: Decimal | None = None

    @property
    def total(self) -> Decimal | None:
        """CNY."""
        return None if self.price is None else self.price * self.envelopes


def price_of(project: Project, channel: Channel) -> Decimal | None:
    """CNY that an envelope costs; None where it is not known or nothing is paid."""
    return {Channel.EMS: project.ems_price, Channel.POST: project.post_price}.get(channel)


def estimate(project: Project, kind: NoticeKind, channel: Channel, *, letters: int, envelopes: int) -> Estimate:
    """One query: how many pages the latest letters of the kind had."""
    printed = Notice.objects.filter(project=project, kind=kind, pages__isnull=False).order_by("-pk")[:LATEST]
    mean = Notice.objects.filter(pk__in=printed.values("pk")).aggregate(mean=Avg("pages"))["mean"]
    unknown = Decimal(1) if kind == NoticeKind.DOOR_SLIP else LETTER_AND_LIST
    pages = round(letters * Decimal(mean or unknown))
    return Estimate(letters, envelopes, pages, price_of(project, channel))
