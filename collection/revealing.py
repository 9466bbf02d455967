"""Whether a number may be revealed to make contact: the limits of a call are asked first (C9)."""

from datetime import datetime

from django.db.models import Model
from django.utils.translation import gettext as _

from collection.limits import clearances, hour_refusals, is_barred
from collection.models import CallBack, Case, ContactAttempt
from company.models import User
from owners.models import Phone
from owners.revealing import ON_CASES_ONLY, Purpose


def reasons_against(case: Case, row: Model, why: Purpose, *, by: User, now: datetime) -> list[str]:
    """Why the number ``row`` of one of the case's people is not shown now to whoever would call it; [] where it is.

    A call-back asks about a contact and demands nothing: hours and marks bind it, promises and counts do not, and the
    draw must have put a contact of the case before ``by``, who does not look into their own.
    """
    if why not in ON_CASES_ONLY:
        return []
    found = []
    if isinstance(row, Phone) and row.do_not_contact:
        found.append(_("this number must not be used: its owner does not want it"))
    elif isinstance(row, Phone) and is_barred(row):
        found.append(_("this number belongs to somebody else"))
    if why == Purpose.CALL_BACK:
        if not CallBack.objects.visible_to(by).filter(contact__case=case, called_at=None).exists():
            found.append(_("no contact of this case waits for a call-back"))
        reasons = hour_refusals(case.project, now=now)
    else:
        reasons = clearances([case], ContactAttempt.Channel.CALL, now=now)[case.pk].reasons
    for reason in reasons:
        found.append(
            _("%(reason)s, %(till)s") % {"reason": reason.text, "till": reason.till} if reason.till else reason.text
        )
    return found
