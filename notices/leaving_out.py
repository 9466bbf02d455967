"""Why an account that was chosen gets no letter."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """In the order in which they are looked at."""

    PAID = "paid", _("nothing overdue any more")
    ALREADY_OUT = "already_out", _("this letter has been issued already")
    HELD = "held", _("held")
    NO_OWNER = "no_owner", _("no owner on file")
    UNKNOWN_START = "unknown_start", _("earlier arrears without a start")
    NOT_VERIFIED = "not_verified", _("not verified, or verified too long ago")
    NO_ADDRESS = "no_address", _("no address for the post")
    ADDRESS_RETURNED = "address_returned", _("mail came back from every address")
    MISSING_GLYPH = "missing_glyph", _("a character that the font cannot print")
    TAKEN_OUT = "taken_out", _("taken out by hand")
    NOT_CHECKED = "not_checked", _("was not on the list that was checked")


@dataclass(frozen=True, slots=True)
class Held:
    """What the work on an account keeps its letter back for: the kind of hold, and the case in words."""

    group: str
    text: str


Holder = Callable[[Collection[int]], Mapping[int, Held]]
"""Gives by account id what holds its letter back, at the moment when it is asked."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An account that was chosen and gets no letter. ``detail``: the earlier number, the characters, the hold."""

    account_id: int
    unit_code: str
    reason: Reason
    detail: str = ""
    group: str = ""

    def as_data(self) -> dict[str, Any]:
        """As the batch keeps it."""
        return {
            "account": self.account_id, "unit": self.unit_code, "reason": self.reason.value, "detail": self.detail,
            "group": self.group,
        }  # fmt: skip

    @classmethod
    def from_data(cls, entry: dict[str, Any]) -> "LeftOut":
        """What a batch keeps of an account."""
        return cls(entry["account"], entry["unit"], Reason(entry["reason"]), entry["detail"], entry.get("group", ""))
