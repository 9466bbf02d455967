"""Instalments ahead: told three days before and on the day to who answers for the case and who proposed the plan.

The work of a run follows from the day alone; one line per instalment, stage and person, however often it runs (A6).
"""

from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from arrears.plans import coming_instalments
from collection.models import Case
from company.models import User
from company.notifying import notify

DAYS_AHEAD = 3


def remind_of_instalments(*, today: date) -> int:
    """Write what is due on ``today`` and not written yet; returns how many lines."""
    coming = coming_instalments(today=today, until=today + timedelta(days=DAYS_AHEAD))
    open_cases = Case.objects.open().filter(account__in=[plan.account_id for plan, _due in coming])
    cases = {case.account_id: case for case in open_cases.select_related("responsible")}
    written = 0
    for plan, due in coming:
        case = cases.get(plan.account_id)
        said = {"unit": plan.account.unit.code, "amount": f"{due.amount - due.covered:,.2f}", "day": due.due_on}
        title = _("%(unit)s: instalment of %(amount)s due on %(day)s") % said
        stage = 0 if due.due_on == today else DAYS_AHEAD
        for user in _people(plan.proposed_by, case):
            _row, is_new = notify(
                user=user,
                project=plan.project,
                key=f"plan-due:{plan.pk}:{due.due_on}:{stage}",
                title=title,
                url=_url(plan.project.code, case),
            )
            written += is_new
    return written


def _people(proposer: User, case: Case | None) -> list[User]:
    """Nobody twice, nobody who has left."""
    people = [proposer, case.responsible if case else None]
    return list({user.pk: user for user in people if user and user.is_active}.values())


def _url(project_code: str, case: Case | None) -> str:
    if case is None:
        return reverse("collection:relief", kwargs={"project_code": project_code})
    return reverse("collection:case", kwargs={"project_code": project_code, "pk": case.pk})
