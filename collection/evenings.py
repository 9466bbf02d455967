"""The evening: a project's day drawn together once, told to the project manager, and read again at any time (V5).

At the project's hour a row is written for the day. It begins where the evening before it ended, so that what a phone
sends after the hour stands in the next one. The row's unique key makes it one a day however often the task runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection.models import (
    ArrearsReason,
    Case,
    Evening,
    EveningHour,
    EveningReason,
    OwnerRequest,
    ReasonChange,
    SubReason,
)
from collection.models.cases import CaseQuerySet
from collection.reasons import Reason
from collection.reminders import managers_of
from company.audit import record
from company.models import Project, User
from company.notifying import notify
from company.sweeping import do_each

USUAL_HOUR = time(18)
SETTLING = timedelta(minutes=2)  # what was begun before the end may still be under way
Department = OwnerRequest.Department


@dataclass(frozen=True, slots=True)
class Span:
    """What an evening covers: after ``since``, up to and with ``until``."""

    since: datetime
    until: datetime

    @property
    def day(self) -> date:
        return timezone.localdate(self.until)

    def covers(self, name: str) -> Q:
        """The instants of ``name`` that lie in it."""
        return Q(**{f"{name}__gt": self.since, f"{name}__lte": self.until})


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """Open cases of a reason and their overdue principal in CNY."""

    reason: Reason
    cases: int
    overdue: Decimal


@dataclass(frozen=True, slots=True)
class ReasonMove:
    """A case's reason that was changed, and what it was before."""

    change: ReasonChange
    before: Reason
    after: Reason


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request without an answer, with its age in days."""

    asked: OwnerRequest
    days: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """What waits for one department's answer, the oldest first."""

    department: OwnerRequest.Department
    waiting: list[OpenRequest]

    @property
    def late(self) -> int:
        return sum(one.is_late for one in self.waiting)

    @property
    def oldest_days(self) -> int:
        return max(one.days for one in self.waiting)


@dataclass(frozen=True, slots=True)
class Consolidation:
    """A day drawn together for whoever sees ``cases`` of it."""

    span: Span
    asked: list[OwnerRequest]
    answered: list[OwnerRequest]
    moves: list[ReasonMove]
    departments: list[DepartmentLine]

    @property
    def unanswered(self) -> int:
        return sum(len(line.waiting) for line in self.departments)

    @property
    def late(self) -> int:
        return sum(line.late for line in self.departments)

    @property
    def says_something(self) -> bool:
        return bool(self.asked or self.answered or self.moves or self.departments)


def hour_of(project: Project) -> time:
    """When the project's day is drawn together, in Shanghai."""
    found = EveningHour.objects.filter(project=project).first()
    return found.hour if found else USUAL_HOUR


@transaction.atomic
def set_hour(project: Project, hour: time, *, by: User, now: datetime) -> None:
    """Draw the day together at another hour; a day that is drawn together already stays so."""
    before = hour_of(project)
    EveningHour.objects.update_or_create(project=project, defaults={"hour": hour, "changed_at": now, "changed_by": by})
    record(action="evening_hour.set", by=by, project=project, before=f"{before:%H:%M}", hour=f"{hour:%H:%M}")


def since_last(project: Project, *, now: datetime) -> Span:
    """From the end of the evening before until ``now``; from midnight where there was none."""
    last = Evening.objects.filter(project=project, until_at__lt=now).order_by("-until_at").first()
    return Span(last.until_at if last else _midnight(now), now)


def consolidate_evenings(*, now: datetime) -> int:
    """Draw today together for each active project whose hour has come; returns how many.

    Safe to run twice and at once. A day on which nobody ran is covered by the next evening.
    """
    today, clock = timezone.localdate(now), timezone.localtime(now).time()
    done = Evening.objects.filter(project=OuterRef("pk"), day=today)
    projects = Project.objects.active().filter(~Exists(done)).select_related("evening_hour").order_by("pk")
    due = [project for project in projects if _hour(project) <= clock]
    return do_each(due, lambda project: consolidate(project, now=now))


@transaction.atomic
def consolidate(project: Project, *, now: datetime) -> bool:
    """Whether this call drew today together; row, list of reasons and the note to the managers come together."""
    span = since_last(project, now=now - SETTLING)
    cases = Case.objects.filter(project=project)
    told = read_consolidation(cases, span)
    evening, is_new = Evening.objects.get_or_create(
        project=project,
        day=timezone.localdate(now),
        defaults={
            "since_at": span.since,
            "until_at": span.until,
            "new_requests": len(told.asked),
            "changed_reasons": len(told.moves),
            "unanswered": told.unanswered,
            "overdue_answers": told.late,
        },
    )
    if not is_new:
        return False
    EveningReason.objects.bulk_create(
        EveningReason(
            evening=evening, reason=line.reason.reason, sub_reason=line.reason.sub_reason or "", cases=line.cases,
            overdue=line.overdue,
        )
        for line in reasons_now(cases)
    )  # fmt: skip
    if told.says_something:
        _tell_managers(project, evening, told)
    return True


def read_consolidation(cases: CaseQuerySet, span: Span) -> Consolidation:
    """Requests, answers, changed reasons and what waits for an answer on ``cases``; a fixed number of queries."""
    requests = _requests_of(cases)
    asked = list(requests.filter(span.covers("created_at")).order_by("created_at", "pk"))
    answered = list(requests.filter(span.covers("answered_at")).order_by("answered_at", "pk"))
    return Consolidation(span, asked, answered, _moves(cases, span), _by_department(requests, span))


def reasons_now(cases: CaseQuerySet) -> list[ReasonLine]:
    """The reasons of the open cases as they stand, those with most overdue first; one query."""
    counted = cases.open().order_by().values("reason", "sub_reason").annotate(number=Count("pk"), owed=Sum("overdue"))
    lines = [
        ReasonLine(_reason(row["reason"], row["sub_reason"]), row["number"], row["owed"]) for row in counted
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-line.overdue, line.reason.key))


def reasons_of(evening: Evening) -> list[ReasonLine]:
    """The reasons as they stood on an evening."""
    return [ReasonLine(_reason(row.reason, row.sub_reason), row.cases, row.overdue) for row in evening.reasons.all()]


def _requests_of(cases: CaseQuerySet) -> models.QuerySet[OwnerRequest]:
    found = OwnerRequest.objects.filter(case__in=cases.order_by())
    return found.select_related(
        "case__account__unit", "case__responsible", "case__team", "created_by", "answered_by"
    )  # fmt: skip


def _moves(cases: CaseQuerySet, span: Span) -> list[ReasonMove]:
    earlier = ReasonChange.objects.filter(case=OuterRef("case"), pk__lt=OuterRef("pk")).order_by("-pk")
    changes = (
        ReasonChange.objects.filter(span.covers("at"), case__in=cases.order_by())
        .annotate(was=Subquery(earlier.values("reason")[:1]), was_more=Subquery(earlier.values("sub_reason")[:1]))
        .select_related("case__account__unit", "by")
        .order_by("at", "pk")
    )
    return [
        ReasonMove(
            change=change,
            before=_reason(change.was or ArrearsReason.UNKNOWN, change.was_more or ""),
            after=_reason(change.reason, change.sub_reason),
        )
        for change in changes
    ]


def _by_department(requests: models.QuerySet[OwnerRequest], span: Span) -> list[DepartmentLine]:
    open_then = Q(answered_at=None) | Q(answered_at__gt=span.until)
    waiting: dict[str, list[OpenRequest]] = {}
    for asked in requests.filter(open_then, created_at__lte=span.until).order_by("created_at", "pk"):
        days = (span.day - timezone.localdate(asked.created_at)).days
        waiting.setdefault(asked.department, []).append(OpenRequest(asked, days, asked.answer_due_on < span.day))
    return [DepartmentLine(one, waiting[one]) for one in Department if one in waiting]


def _reason(reason: str, sub_reason: str) -> Reason:
    return Reason(ArrearsReason(reason), SubReason(sub_reason) if sub_reason else None)


def _hour(project: Project) -> time:
    found: EveningHour | None = getattr(project, "evening_hour", None)
    return found.hour if found else USUAL_HOUR


def _midnight(now: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate(now), time()))


def _tell_managers(project: Project, evening: Evening, told: Consolidation) -> None:
    title = _("Evening of %(day)s: %(new)s new requests, %(open)s unanswered, %(reasons)s reasons changed") % {
        "day": evening.day,
        "new": evening.new_requests,
        "open": evening.unanswered,
        "reasons": evening.changed_reasons,
    }
    url = reverse("collection:evening", kwargs={"project_code": project.code})
    for user in managers_of(project):
        notify(
            user=user, project=project, key=f"evening/{project.pk}/{evening.day}", title=title,
            url=f"{url}?day={evening.day}", body=digest_text(told, evening.reasons.all()),
        )  # fmt: skip


def digest_text(told: Consolidation, reasons: Iterable[EveningReason]) -> str:
    """The digest in words: numbers by department and by reason; no room, no name, since mail is read on the way."""
    lines = [_("Unanswered requests by department:"), *(_department_words(line) for line in told.departments)]
    if not told.departments:
        lines = [_("No request waits for an answer.")]
    lines += ["", *_kind_words(told.asked), _("Answered: %(number)s") % {"number": len(told.answered)}]
    lines += ["", _("Reasons of the open cases:")]
    lines += [
        _("%(reason)s: %(cases)s cases, %(overdue)s yuan overdue")
        % {"reason": _reason(row.reason, row.sub_reason).label, "cases": row.cases, "overdue": f"{row.overdue:,.2f}"}
        for row in reasons
    ]
    return "\n".join(lines)


def _department_words(line: DepartmentLine) -> str:
    words = ngettext(
        "%(department)s: %(number)s, the oldest %(days)s days, %(late)s overdue",
        "%(department)s: %(number)s, the oldest %(days)s days, %(late)s overdue",
        len(line.waiting),
    )
    return words % {
        "department": line.department.label,
        "number": len(line.waiting),
        "days": line.oldest_days,
        "late": line.late,
    }


def _kind_words(asked: Sequence[OwnerRequest]) -> list[str]:
    kinds = [one.kind for one in asked]
    return [
        _("New, %(kind)s: %(number)s") % {"kind": kind.label, "number": kinds.count(kind)}
        for kind in OwnerRequest.Kind
        if kind in kinds
    ] or [_("No new request.")]
