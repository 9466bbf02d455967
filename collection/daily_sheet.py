"""The sheet of a team for the morning meeting: what is due, what came of yesterday, promises, open requests (D5)."""

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

from django.db.models import Count, F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arrears.exporting import Sheet, book_in
from arrears.models import Payment
from collection.events import SPOKEN
from collection.models import Case, ContactAttempt, OwnerRequest, PromiseToPay, Team
from collection.rate_conventions import ZERO
from company.models import User
from owners.personal_data import mask_party

Promise = PromiseToPay.State
NOT_KEPT = (Promise.BROKEN, Promise.PARTLY)


@dataclass(frozen=True, slots=True)
class DueLine:
    """A step that is to be done today or should have been done before."""

    case: Case
    party: str
    days_late: int


@dataclass(slots=True)
class MemberResult:
    """What one member did yesterday."""

    user: User
    attempts: int = 0
    visits: int = 0
    reached: int = 0
    promises: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class DailySheet:
    """``received``: CNY dated yesterday on accounts of the team's cases, ``payers``: how many accounts paid."""

    team: Team
    on: date
    due: list[DueLine]
    results: list[MemberResult]
    received: Decimal
    payers: int
    promised: list[PromiseToPay]
    broken: list[PromiseToPay]
    requests: list[OwnerRequest]
    promised_amount: Decimal = field(default=ZERO)

    @property
    def yesterday(self) -> date:
        return self.on - timedelta(days=1)

    @property
    def late(self) -> int:
        """How many of the steps should have been done before today."""
        return sum(line.days_late > 0 for line in self.due)


def daily_sheet(team: Team, *, now: datetime) -> DailySheet:
    """The sheet as of ``now``; a fixed number of queries."""
    today = timezone.localdate(now)
    yesterday = today - timedelta(days=1)
    cases = Case.objects.filter(team=team)
    shown = cases.open().select_related("account__unit", "account__ownership", "responsible")
    due = shown.filter(next_step_on__lte=today).order_by(
        F("responsible__name_key").asc(nulls_last=True), "account__unit__sort_key", "pk"
    )
    promises = PromiseToPay.objects.filter(case__in=cases.open()).select_related(
        "case__account__unit", "case__account__ownership", "case__responsible"
    )
    promised = list(promises.filter(state=Promise.WAITING, pay_by=today).order_by("case__account__unit__sort_key"))
    broken = promises.filter(state__in=NOT_KEPT, judged_on__gte=yesterday)
    of_yesterday = cases.filter(Q(state=Case.State.OPEN) | Q(closed_on__gte=yesterday))
    paid = Payment.objects.filter(
        account__cases__in=of_yesterday, kind=Payment.Kind.RECEIVED, received_on=yesterday, reversed_by=None
    ).distinct()
    money = Payment.objects.filter(pk__in=paid.values("pk")).aggregate(
        amount=Sum("amount"), payers=Count("account", distinct=True)
    )
    requests = OwnerRequest.objects.filter(case__in=cases, answered_at=None)
    return DailySheet(
        team=team,
        on=today,
        due=[_due(case, today) for case in due],
        results=_results(team, yesterday),
        received=money["amount"] or ZERO,
        payers=money["payers"],
        promised=promised,
        broken=list(broken.order_by("case__account__unit__sort_key")),
        requests=list(requests.select_related("case__account__unit", "case__responsible").order_by("created_at", "pk")),
        promised_amount=sum((promise.amount for promise in promised), ZERO),
    )


def _due(case: Case, today: date) -> DueLine:
    days_late = (today - case.next_step_on).days if case.next_step_on else 0
    return DueLine(case, mask_party(case.account.ownership.party_name), days_late)


def _results(team: Team, day: date) -> list[MemberResult]:
    """Of everybody who recorded something on the team's cases for that day, and of the members who did not."""
    contacts = ContactAttempt.objects.wholes().filter(case__team=team, happened_at__date=day, is_incoming=False)
    counted: Any = contacts.order_by().values("recorded_by").annotate(
        attempts=Count("pk"),
        visits=Count("pk", filter=Q(channel=ContactAttempt.Channel.VISIT)),
        reached=Count("case", filter=Q(outcome__in=SPOKEN), distinct=True),
        promises=Count("promise"),
    )  # fmt: skip
    asked = OwnerRequest.objects.filter(case__team=team, created_at__date=day).order_by()
    requests = dict(asked.values_list("created_by").annotate(Count("pk")))
    numbers: dict[int, dict[str, int]] = {}
    for row in counted:
        numbers[row["recorded_by"]] = {name: row[name] for name in ("attempts", "visits", "reached", "promises")}
    ids = {*numbers, *requests, *team.members.filter(left_on=None).values_list("user", flat=True)}
    people = User.objects.in_bulk(list(ids))
    found = [
        MemberResult(user, **numbers.get(pk, {}), requests=requests.get(pk, 0)) for pk, user in people.items()
    ]  # fmt: skip
    return sorted(found, key=lambda line: (line.user.name_key, line.user.pk))


def sheet_workbook(of: DailySheet) -> IO[bytes]:
    """The same as an .xlsx file, open at its start; names masked, cells inert."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    title = f"{of.team.name} {_('Daily sheet')} {of.on.isoformat()}"
    unit, owner = pgettext("column", "Unit"), pgettext("column", "Owner")
    with closing(book_in(file)) as book:
        sheet = Sheet(book, pgettext("steps", "Due today"))
        sheet.title(title)
        sheet.heads([_("Responsible"), unit, owner, _("Next step"), _("Step due on"), _("Days late"), _("Overdue")])
        for line in of.due:
            sheet.row([
                _responsible(line.case), line.case.account.unit.code, line.party,
                line.case.get_next_measure_display(), line.case.next_step_on, line.days_late, line.case.overdue,
            ])  # fmt: skip
        sheet = Sheet(book, _("Yesterday"))
        sheet.title(title, _("Received %(amount)s from %(payers)s accounts") % _money(of))
        sheet.heads(
            [_("Member"), pgettext("number", "Contacts"), _("Visits"), _("Reached"), _("Promises"), _("Requests")]
        )
        for one in of.results:
            sheet.row([one.user.name, one.attempts, one.visits, one.reached, one.promises, one.requests])
        sheet = Sheet(book, _("Promises"))
        sheet.title(title)
        sheet.heads([_("State"), unit, owner, _("Promised for"), _("Promised amount"), _("Responsible")])
        for promise in [*of.promised, *of.broken]:
            sheet.row([
                promise.get_state_display(), promise.case.account.unit.code,
                mask_party(promise.case.account.ownership.party_name), promise.pay_by, promise.amount,
                _responsible(promise.case),
            ])  # fmt: skip
        sheet = Sheet(book, _("Open requests"))
        sheet.title(title)
        sheet.heads([unit, _("Kind"), _("Request"), _("Department"), _("Written down on"), _("Answer due on")])
        for request in of.requests:
            sheet.row([
                request.case.account.unit.code, request.get_kind_display(), request.text,
                request.get_department_display(), timezone.localdate(request.created_at), request.answer_due_on,
            ])  # fmt: skip
    file.seek(0)
    return file


def _money(of: DailySheet) -> dict[str, str]:
    return {"amount": f"{of.received:,.2f}", "payers": f"{of.payers:,}"}


def _responsible(case: Case) -> str:
    return case.responsible.name if case.responsible else ""
