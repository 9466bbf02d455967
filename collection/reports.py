"""Weekly and monthly reports: made once after each period, kept as they were, told to the project manager (D5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Payment
from collection.conventions import as_settings, convention_of, stated
from collection.events import SPOKEN
from collection.marks import excluded_accounts
from collection.models import (
    Campaign,
    Case,
    CaseTransition,
    ContactAttempt,
    OwnerRequest,
    PeriodReport,
    Playbook,
    PromiseToPay,
    ReportReview,
    Team,
)
from collection.pace import campaign_on
from collection.quotas import TeamId, answering_teams
from collection.rate_conventions import ZERO, RateSettings, View
from collection.rate_rows import rate_rows
from collection.rates import rates_by_class
from collection.reminders import managers_of
from company.audit import record
from company.models import Project, User
from company.notifying import notify
from company.sweeping import do_each
from notices.models import Delivery, Notice

Kind = PeriodReport.Kind
READY_AFTER = timedelta(days=1, hours=8)
"""Reports are made on the morning of the second day after a period: then the payments of its last day are posted."""
MOST_MADE_UP_FOR = 8
"""So many periods that passed while nothing ran are made up for, the latest; the ledger answers for any day."""


class OtherPlaybookError(Exception):
    """The playbook belongs to another project, or to one case; nothing was written."""


@dataclass(frozen=True, slots=True)
class Period:
    kind: PeriodReport.Kind
    starts_on: date
    ends_on: date

    @property
    def before(self) -> "Period":
        """The period before this one."""
        return period_of(self.kind, self.starts_on - timedelta(days=1))


def period_of(kind: PeriodReport.Kind, day: date) -> Period:
    """The week from Monday to Sunday, or the month, in which a day lies."""
    if kind == Kind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    first = day.replace(day=1)
    return Period(kind, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def make_reports(*, now: datetime) -> int:
    """Make what is missing for all active projects; returns how many. Safe to run twice and at once.

    A project's first report is that of the last whole period; from then on each period gets one. Raises SweepError.
    """
    projects = Project.objects.active().filter(cases__isnull=False).distinct().order_by("pk")
    return do_each(projects, lambda project: _make_missing(project, now=now))


def _make_missing(project: Project, *, now: datetime) -> int:
    today = timezone.localdate(now - READY_AFTER)
    return sum(
        make_report(project, period, now=now) for kind in Kind for period in _missing(project, kind, today=today)
    )


def make_report(project: Project, period: Period, *, now: datetime) -> bool:
    """Whether this call made it; what another worker has made meanwhile stands. Its managers are told once."""
    figures = figures_of(project, period)
    playbook = Playbook.objects.filter(project=project, case=None, state=Playbook.State.ACTIVE).first()
    try:
        with transaction.atomic():
            report = PeriodReport.objects.create(
                project=project, kind=period.kind, starts_on=period.starts_on, ends_on=period.ends_on,
                figures=figures, playbook=playbook, made_at=now,
            )  # fmt: skip
            for user in managers_of(project):
                _tell(report, user)
    except IntegrityError as error:
        if "report_once_a_period" in str(error):
            return False
        raise
    return True


def figures_of(project: Project, period: Period) -> dict[str, Any]:
    """All figures of a period, as JSON keeps them; rates as of the end of its last day. A fixed number of queries."""
    on = period.ends_on
    campaign = campaign_on(project.pk, on=on)
    settings = as_settings(convention_of(project), campaign)
    teams = answering_teams(campaign, on=on, settings=settings) if campaign else {}
    return {
        "rates": _rates(project, on, campaign, settings),
        "convention": stated(settings, View.APPRAISAL),
        "campaign": campaign.name if campaign else "",
        "totals": _totals(project, period),
        "teams": list(_team_lines(project, period, teams)),
        "reasons": _reasons(project),
        "channels": _channels(project, period),
    }


@transaction.atomic
def review(
    report: PeriodReport, text: str, *, playbook: Playbook | None, by: User, now: datetime, submission: UUID
) -> ReportReview:
    """Write down what was found and decided, and which version of the playbook it led to; sent twice it is one.

    Raises OtherPlaybookError.
    """
    Project.objects.select_for_update(no_key=True).get(pk=report.project_id)  # of two at once the second finds it
    if there := ReportReview.objects.filter(submission=submission, report=report).first():
        return there
    if playbook and (playbook.project_id != report.project_id or playbook.case_id):
        raise OtherPlaybookError
    written = ReportReview.objects.create(
        report=report, text=text.strip(), playbook=playbook, at=now, by=by, submission=submission
    )
    record(
        action="report.reviewed", by=by, project=report.project, obj=report,
        playbook=playbook.number if playbook else None,
    )  # fmt: skip
    return written


def _missing(project: Project, kind: PeriodReport.Kind, *, today: date) -> list[Period]:
    """The periods over by ``today`` without a report, oldest first; the latest alone where there is none before it."""
    made = set(PeriodReport.objects.filter(project=project, kind=kind).values_list("starts_on", flat=True))
    latest = period_of(kind, today).before
    if not made:
        return [latest]
    missing, period = list[Period](), latest
    while period.starts_on > max(made) and len(missing) < MOST_MADE_UP_FOR:
        missing.append(period)
        period = period.before
    return missing[::-1]


def _rates(
    project: Project, on: date, campaign: Campaign | None, settings: RateSettings
) -> list[dict[str, str]]:  # fmt: skip
    out = excluded_accounts(project, on=on)
    rows = [
        row
        for row in rate_rows(project, on=on, campaign=campaign, settings=settings, excluded=out)
        if row.target_class
    ]  # fmt: skip
    accounting = rates_by_class(rows, view=View.ACCOUNTING, settings=settings)
    return [
        {
            "class": of.value,
            "part": str(rates.current.part), "whole": str(rates.current.whole),
            "accounting_part": str(accounting[of].current.part), "accounting_whole": str(accounting[of].current.whole),
            "prior_part": str(rates.prior.part), "prior_whole": str(rates.prior.whole),
        }
        for of, rates in rates_by_class(rows, settings=settings).items()
    ]  # fmt: skip


def _totals(project: Project, period: Period) -> dict[str, Any]:
    days = (period.starts_on, period.ends_on)
    moves = CaseTransition.objects.filter(case__project=project, at__date__range=days)
    promises = PromiseToPay.objects.filter(project=project)
    judged = promises.filter(judged_on__range=days).aggregate(
        kept=Count("pk", filter=Q(state=PromiseToPay.State.KEPT)),
        broken=Count("pk", filter=Q(state__in=[PromiseToPay.State.BROKEN, PromiseToPay.State.PARTLY])),
    )
    requests = OwnerRequest.objects.filter(project=project)
    open_cases = Case.objects.filter(project=project).open().aggregate(number=Count("pk"), overdue=Sum("overdue"))
    letters = Notice.objects.filter(project=project)
    return {
        "received": str(_received(project, period).aggregate(sum=Sum("amount"))["sum"] or ZERO),
        "opened": moves.filter(to_state=Case.State.OPEN).count(),
        "closed": moves.filter(to_state=Case.State.CLOSED).count(),
        "open": open_cases["number"],
        "overdue": str(open_cases["overdue"] or ZERO),
        "promised": promises.filter(contact__happened_at__date__range=days).count(),
        **judged,
        "asked": requests.filter(created_at__date__range=days).count(),
        "answered": requests.filter(answered_at__date__range=days).count(),
        "unanswered": requests.filter(answered_at=None).count(),
        "letters": letters.filter(batch__confirmed_at__date__range=days).exclude(state=Notice.State.VOID).count(),
        "delivered": Delivery.objects.filter(
            notice__project=project, state=Delivery.State.DELIVERED, state_on__range=days
        ).count(),
    }


def _received(project: Project, period: Period) -> Any:
    """Payments dated in the period that stand."""
    return Payment.objects.filter(
        project=project, kind=Payment.Kind.RECEIVED, reversed_by=None,
        received_on__range=(period.starts_on, period.ends_on),
    )  # fmt: skip


def _team_lines(project: Project, period: Period, teams: dict[int, TeamId]) -> Iterator[dict[str, Any]]:
    """Each team that is active, worked or answered for something; last what nobody answers for. They add up.

    Names as they are now. Money of accounts without a case is nobody's.
    """
    days = (period.starts_on, period.ends_on)
    received: dict[TeamId, Decimal] = {}
    for account_id, amount in _received(project, period).order_by().values_list("account").annotate(Sum("amount")):
        team = teams.get(account_id)
        received[team] = received.get(team, ZERO) + amount
    contacts = ContactAttempt.objects.wholes().filter(
        project=project, happened_at__date__range=days, is_incoming=False
    )  # fmt: skip
    worked = {
        team: (number, reached)
        for team, number, reached in contacts.order_by()
        .values_list("case__team")
        .annotate(number=Count("pk"), reached=Count("case", filter=Q(outcome__in=SPOKEN), distinct=True))
    }
    opened = Case.objects.filter(project=project).open().order_by()
    cases = {team: (number, amount) for team, number, amount in opened.values_list("team").annotate(
        Count("pk"), Sum("overdue"))}  # fmt: skip
    busy = {team for team in (*received, *worked, *cases) if team}
    found = Team.objects.filter(Q(is_active=True) | Q(pk__in=busy), project=project)
    keys: list[tuple[TeamId, str]] = [(team.pk, team.name) for team in found]
    if None in cases or None in received or None in worked:
        keys.append((None, ""))
    for team_id, name in keys:
        number, overdue = cases.get(team_id, (0, ZERO))
        attempts, reached = worked.get(team_id, (0, 0))
        yield {
            "name": name, "received": str(received.get(team_id, ZERO)), "contacts": attempts, "reached": reached,
            "open": number, "overdue": str(overdue),
        }  # fmt: skip


def _reasons(project: Project) -> list[dict[str, Any]]:
    counted = Case.objects.filter(project=project).open().order_by().values_list("reason")
    rows = counted.annotate(Count("pk"), Sum("overdue"))
    return [{"reason": reason, "cases": number, "overdue": str(amount)} for reason, number, amount in sorted(rows)]


def _channels(project: Project, period: Period) -> list[dict[str, Any]]:
    contacts = ContactAttempt.objects.wholes().filter(
        project=project, happened_at__date__range=(period.starts_on, period.ends_on), is_incoming=False
    )
    rows = (
        contacts.order_by()
        .values_list("channel")
        .annotate(number=Count("pk"), reached=Count("pk", filter=Q(outcome__in=SPOKEN)))
    )
    return [{"channel": channel, "contacts": number, "reached": reached} for channel, number, reached in sorted(rows)]


def _tell(report: PeriodReport, user: User) -> None:
    url = reverse("collection:report", kwargs={"project_code": report.project.code, "pk": report.pk})
    said = {"report": report.get_kind_display(), "start": report.starts_on, "end": report.ends_on}
    title = _("%(report)s %(start)s – %(end)s is ready") % said
    notify(user=user, project=report.project, key=f"report/{report.pk}", title=title, url=url)
