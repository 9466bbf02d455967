"""The finance desk: how fresh payments are, what is owed and how old it is, what waits."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Sum
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from arrears.models import Import, InstalmentPlan, Payment, PaymentBalance, Relief
from arrears.queries import ageing, open_now
from arrears.verification import payments_known_until
from company.access import ProjectRequest, project_view
from company.models import Project
from company.rights import Right

RECENT = 5
WAITING = (Import.State.COLUMNS, Import.State.CHECKED)
ZERO = Decimal(0)


@project_view(Right.POST_MONEY)
def home(request: ProjectRequest) -> HttpResponse:
    """What finance sees first."""
    now = timezone.now()
    today = timezone.localdate(now)
    return TemplateResponse(request, "arrears/home.html", desk(request.project, today=today, now=now))


def desk(project: Project, *, today: date, now: datetime) -> dict[str, Any]:
    """The figures of the desk; a fixed number of queries."""
    lines = ageing(project, on=today)
    total = sum((line.amount for line in lines), ZERO)
    known_until = payments_known_until(project)
    limit = now - timedelta(hours=project.verification_hours)
    imports = Import.objects.filter(project=project).select_related("created_by")
    return {
        "today": today,
        "known_until": known_until,
        "is_fresh": known_until is not None and known_until > limit,
        "overdue": total,
        "ageing": [(line, line.amount * 100 / total if total else ZERO) for line in lines],
        "widest": max((line.amount for line in lines), default=ZERO),
        "accounts": _overdue_accounts(project, today),
        "yesterday": today - timedelta(days=1),
        "received": _received_on(project, today - timedelta(days=1)),
        "credit": _credit(project),
        "imports": imports[:RECENT],
        "waiting": list(imports.filter(state__in=WAITING)),
        "undecided": _undecided(project),
    }


def _undecided(project: Project) -> int:
    """Waivers, write-offs and plans that somebody proposed and nobody has decided."""
    reliefs = Relief.objects.filter(project=project, state=Relief.State.PROPOSED)
    plans = InstalmentPlan.objects.filter(project=project, state=InstalmentPlan.State.PROPOSED)
    return reliefs.count() + plans.count()


def _overdue_accounts(project: Project, today: date) -> int:
    counted = open_now(project).filter(due_on__lt=today).aggregate(accounts=Count("account_id", distinct=True))
    return int(counted["accounts"])


def _received_on(project: Project, day: date) -> dict[str, Any]:
    live = Payment.objects.filter(project=project, received_on=day, reversed_by=None, kind=Payment.Kind.RECEIVED)
    return live.aggregate(count=Count("pk"), amount=Sum("amount", default=ZERO))


def _credit(project: Project) -> dict[str, Any]:
    left = PaymentBalance.objects.filter(project=project, is_live=True, allocated__lt=F("amount"))
    return left.aggregate(
        accounts=Count("account_id", distinct=True), amount=Sum(F("amount") - F("allocated"), default=ZERO)
    )
