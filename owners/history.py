"""What happened to an owner or a unit, in words: read from the audit trail, which nobody can alter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from company.models import AuditEvent, Project

SHOWN = 60

LABELS: Mapping[str, str | Promise] = {
    "owners.owner_added": _("owner added"),
    "owners.owner_changed": _("name, kind or ID number changed"),
    "owners.phone_added": _("phone added"),
    "owners.phone_ended": _("phone ended"),
    "owners.phone_primary": _("phone made the primary one"),
    "owners.phone_marked": _("phone marked"),
    "owners.email_added": _("e-mail added"),
    "owners.email_marked": _("e-mail marked"),
    "owners.email_ended": _("e-mail ended"),
    "owners.address_changed": _("address changed"),
    "owners.mail_returned": _("mark of returned mail changed"),
    "owners.emergency_contact_added": _("emergency contact added"),
    "owners.emergency_contact_marked": _("emergency contact marked"),
    "owners.emergency_contact_ended": _("emergency contact ended"),
    "owners.occupant_added": _("occupant added"),
    "owners.occupant_changed": _("occupant changed"),
    "owners.unit_sold": _("unit sold"),
    "owners.sale_taken_back": _("sale taken back"),
    "owners.members_set": _("co-owners changed"),
    "owners.merged": _("merged with another row"),
    "owners.split": _("merge taken back"),
    "shut_off.proposed": _("safety shut-off proposed"),
    "shut_off.approved": _("safety shut-off approved"),
    "shut_off.refused": _("safety shut-off refused"),
    "shut_off.withdrawn": _("safety shut-off withdrawn"),
    "shut_off.ended": _("connected again after a safety shut-off"),
    "personal.revealed": _("revealed"),
}
ENDINGS = ("owners.phone_ended", "owners.email_ended", "owners.address_changed", "owners.emergency_contact_ended")


@dataclass(frozen=True, slots=True)
class Happening:
    """One line: what, by whom, when, and how the number or address ends."""

    label: str | Promise
    by: str
    at: datetime
    about: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Newest first; ``ended_by`` names who ended a contact row, by the act and the row's id."""

    lines: list[Happening]
    ended_by: Mapping[tuple[str, int], str]

    def who_ended(self, act: str, row_id: int) -> str:
        """The name of who ended a row by ``act``; empty where the trail does not say."""
        return self.ended_by.get((act, row_id), "")


def history_of(project: Project, model: str, ids: Sequence[int], *, with_shut_offs: bool = False) -> History:
    """What the audit trail says of rows of ``model`` (``owners.owner``); one query.

    ``with_shut_offs``: for who sees safety shut-offs.
    """
    told = [action for action in LABELS if with_shut_offs or not action.startswith("shut_off.")]
    events = AuditEvent.objects.filter(
        project=project, object_type=model, object_id__in=[str(pk) for pk in ids], action__in=told
    )
    rows = list(events.select_related("user").order_by("-at", "-pk"))
    ended = {
        (event.action, event.detail["row"]): _name(event)
        for event in rows
        if event.action in ENDINGS and event.detail.get("row")
    }
    return History([_line(event) for event in rows[:SHOWN]], ended)


def _line(event: AuditEvent) -> Happening:
    detail: Mapping[str, Any] = event.detail
    about = (
        detail.get("masked") or (f"****{detail['last4']}" if detail.get("last4") else "") or detail.get("sold_on", "")
    )
    return Happening(LABELS[event.action], _name(event), event.at, str(about))


def _name(event: AuditEvent) -> str:
    return event.user.name if event.user else ""
