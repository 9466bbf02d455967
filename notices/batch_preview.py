"""What a batch would be: the terms that were settled for it, who gets a letter, who is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from company.models import Project
from notices.facts import ZERO, AccountFacts
from notices.kinds import KindRules
from notices.leaving_out import LeftOut, Reason
from notices.models import Batch, Channel, LawFirm, Notice, NoticeTemplate
from notices.recipients import AddressKind, Label, Letter


@dataclass(frozen=True)
class Terms:
    """What is settled beside kind and occasion. The sets hold ids of accounts.

    ``first``: which address is asked first; ``switched`` letters ask the other one. ``checked``: whoever is not on
    that list was not seen by the person who confirms, and is left out; None: everybody was.
    """

    channel: Channel = Channel.BY_HAND
    first: AddressKind = AddressKind.ON_SITE
    switched: frozenset[int] = frozenset()
    one_envelope: bool = False
    in_order: Batch.Order = Batch.Order.ROUND
    taken_out: frozenset[int] = frozenset()
    checked: frozenset[int] | None = None
    corrects: Notice | None = None

    @property
    def shares_envelopes(self) -> bool:
        """Whether letters of one person travel together. By EMS never: a waybill's number proves one delivery."""
        return self.one_envelope and self.channel is not Channel.EMS


@dataclass(frozen=True)
class Included:
    """An account that gets a letter, and until which day its payment data reach."""

    letter: Letter
    label: Label
    envelope: int
    data_until: date

    @property
    def facts(self) -> AccountFacts:
        return self.letter.facts


@dataclass(frozen=True)
class BatchPreview:
    """``faults`` keep the whole batch from being confirmed, ``left_out`` single accounts."""

    project: Project
    rules: KindRules
    occasion: str
    issue_on: date
    deadline_on: date
    terms: Terms
    template: NoticeTemplate | None
    law_firm: LawFirm | None
    shared: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)
    included: list[Included] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def principal(self) -> Decimal:
        """CNY that the letters demand together."""
        return sum((entry.facts.principal for entry in self.included), ZERO)

    @property
    def chosen(self) -> int:
        return len(self.included) + len(self.left_out)

    @property
    def envelopes(self) -> int:
        return len({entry.envelope for entry in self.included})

    def left_out_by_reason(self) -> dict[Reason, list[LeftOut]]:
        """In the order in which the reasons are looked at."""
        grouped = {reason: [out for out in self.left_out if out.reason is reason] for reason in Reason}
        return {reason: group for reason, group in grouped.items() if group}
