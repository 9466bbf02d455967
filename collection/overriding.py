"""Leave to pass contact limits: asked for by who works on the case, given by the project manager with a reason (C9)."""

from datetime import date, datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from collection.models import Case, ContactAttempt, LimitOverride
from company.audit import record
from company.models import ProjectAccess, User
from company.notifying import notify
from company.rights import RIGHTS, Right


@transaction.atomic
def override_limits(
    case: Case, channel: ContactAttempt.Channel, reason: str, *, by: User, today: date, now: datetime
) -> LimitOverride:
    """Set the limits on contacts by ``channel`` aside for ``today``, but for the night and doubts about money.

    Given twice it is one; the first reason stands.
    """
    override, is_new = LimitOverride.objects.get_or_create(
        case=case,
        channel=channel,
        day=today,
        defaults={"project_id": case.project_id, "reason": reason, "granted_by": by, "granted_at": now},
    )
    if is_new:
        record(
            action="limits.overridden", by=by, project=case.project, obj=case, channel=channel.value, reason=reason
        )  # fmt: skip
    return override


def ask_for_override(case: Case, *, by: User, today: date) -> int:
    """Tell every project manager that ``by`` asks for leave; once a day and person. Returns how many were told."""
    managers = ProjectAccess.objects.live().filter(project=case.project, role__in=sorted(RIGHTS[Right.OVERRIDE_LIMIT]))
    url = reverse("collection:limit_override", kwargs={"project_code": case.project.code, "pk": case.pk})
    said = {"person": by.name, "unit": case.account.unit.code}
    title = _("%(person)s asks for leave to contact %(unit)s today") % said
    told = 0
    for access in managers.filter(user__is_active=True).select_related("user").order_by("user_id"):
        key = f"override-asked:{case.pk}:{by.pk}:{today.isoformat()}"
        notify(user=access.user, project=case.project, key=key, title=title, url=url)
        told += 1
    return told
