"""Whether a number may be revealed to make contact: the limits of a call are asked first (C9)."""

from datetime import datetime

from django.db.models import Model
from django.utils.translation import gettext as _

from collection.limits import clearances, is_barred
from collection.models import Case, ContactAttempt
from owners.models import Phone


def reasons_against(case: Case, row: Model, *, now: datetime) -> list[str]:
    """Why the number ``row`` of one of the case's people is not shown now to whoever would call it; [] where it is."""
    found = []
    if isinstance(row, Phone) and row.do_not_contact:
        found.append(_("this number must not be used: its owner does not want it"))
    elif isinstance(row, Phone) and is_barred(row):
        found.append(_("this number belongs to somebody else"))
    for reason in clearances([case], ContactAttempt.Channel.CALL, now=now)[case.pk].reasons:
        found.append(
            _("%(reason)s, %(till)s") % {"reason": reason.text, "till": reason.till} if reason.till else reason.text
        )
    return found
