"""Warnings 180, 90 and 30 days before a limitation period ends, and once when it has or its start is unknown (A11).

The work of a run follows from the day alone. Whoever was not warned of the present stage is warned now, of all such
charges in one line; stages that passed while nothing ran are not made up for. A row per charge, stage and person stands
in the database, so that runs may overlap or be repeated.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from arrears.expiry import EndingCharge, ending_charges
from arrears.models import LimitationWarning
from collection.models import Case
from collection.reminders import managers_of
from company.models import Project, User
from company.notifying import notify

ACT_NOW = 0


def warn_of_limitation(*, today: date) -> int:
    """Write the warnings that are due on ``today`` and not written yet; returns how many lines."""
    return sum(_warn_project(project, today) for project in Project.objects.filter(is_active=True).order_by("pk"))


def _warn_project(project: Project, today: date) -> int:
    ending = ending_charges(project, on=today)
    if not ending:
        return 0
    cases = Case.objects.open().filter(project=project, account__in={line.charge.account_id for line in ending})
    case_of = {case.account_id: case for case in cases.select_related("responsible")}
    managers, told = managers_of(project), defaultdict[tuple[User, int], list[EndingCharge]](list)
    for line in ending:
        case = case_of.get(line.charge.account_id)
        responsible = [case.responsible] if case and case.responsible and case.responsible.is_active else []
        for user in {user.pk: user for user in (*responsible, *managers)}.values():
            told[user, _stage(line)].append(line)
    warned = _warned(project, [line.charge.pk for line in ending])
    written = 0
    for (user, stage), lines in told.items():
        new = [line for line in lines if (user.pk, line.charge.pk, stage, line.limitation.expires_on) not in warned]
        written += _warn(user, project, stage, new, case_of, is_manager=user in managers) if new else 0
    return written


@transaction.atomic
def _warn(
    user: User, project: Project, stage: int, lines: Sequence[EndingCharge], cases: dict[int, Case], *, is_manager: bool
) -> bool:
    """Whether this call warned. The line and what it is about are written together or not at all."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # who comes second finds the rows
    warned = _warned(project, [line.charge.pk for line in lines], user=user)
    lines = [line for line in lines if (user.pk, line.charge.pk, stage, line.limitation.expires_on) not in warned]
    if not lines:
        return False
    accounts = sorted({line.charge.account_id for line in lines})
    notification, _written = notify(
        user=user,
        project=project,
        key=f"limitation/{stage}/{lines[0].charge.pk}/{lines[0].limitation.expires_on}",
        title=_title(stage, lines, accounts),
        url=_url(project, stage, [cases[pk] for pk in accounts if pk in cases], is_manager=is_manager),
    )
    LimitationWarning.objects.bulk_create(
        LimitationWarning(
            project=project,
            charge=line.charge,
            user=user,
            stage=stage,
            expires_on=line.limitation.expires_on,
            notification=notification,
        )
        for line in lines
    )
    return True


def _warned(
    project: Project, charge_ids: Sequence[int], *, user: User | None = None
) -> set[tuple[int, int, int, date | None]]:
    rows = LimitationWarning.objects.filter(project=project, charge__in=charge_ids)
    if user:
        rows = rows.filter(user=user)
    return set(rows.values_list("user_id", "charge_id", "stage", "expires_on"))


def _stage(line: EndingCharge) -> int:
    return line.limitation.warning or ACT_NOW


def _title(stage: int, lines: Sequence[EndingCharge], accounts: Sequence[int]) -> str:
    amount = f"{sum((line.open for line in lines), Decimal(0)):,.2f}"
    first = lines[0]
    where = first.charge.account.unit.code
    if len(accounts) > 1:
        where = ngettext("%(unit)s and %(more)s more unit", "%(unit)s and %(more)s more units", len(accounts) - 1) % {
            "unit": where,
            "more": len(accounts) - 1,
        }
    if stage == ACT_NOW:
        return _("%(where)s: limitation of %(amount)s has passed or is unknown, act now") % {
            "where": where,
            "amount": amount,
        }
    said = {"where": where, "amount": amount, "days": stage, "day": first.limitation.expires_on}
    return _("%(where)s: limitation of %(amount)s ends within %(days)s days, first on %(day)s") % said


def _url(project: Project, stage: int, cases: Sequence[Case], *, is_manager: bool) -> str:
    """Managers to the list of that stage, others to their case or cases."""
    if is_manager:
        address = reverse("arrears:limitation", kwargs={"project_code": project.code})
        return f"{address}?urgency={stage}" if stage else f"{address}?urgency=unknown&urgency=passed"
    if len(cases) == 1:
        return reverse("collection:case", kwargs={"project_code": project.code, "pk": cases[0].pk})
    return reverse("collection:cases", kwargs={"project_code": project.code})
