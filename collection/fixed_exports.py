"""The two lists that offices pass on: the arrears ledger by year, and the reasons of arrears (D5)."""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arrears.exporting import Cell, Sheet, book_in
from collection.case_list import CaseLine, case_lines, sorted_by
from collection.models import Case, ReasonChange
from collection.models.cases import CaseQuerySet
from collection.rate_conventions import ZERO
from collection.rates import percent_of, shown_percent
from collection.reasons import Reason
from company.models import Project
from owners.personal_data import mask_party

SHOWN = ("project", "account__unit", "account__ownership", "team", "responsible")
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Owed:
    """What one account owes by year, CNY; ``months``: in how many months something is unpaid.

    ``undated`` is owed from a time whose start nobody knows: it is in no year and no month.
    """

    by_year: dict[int, Decimal] = field(default_factory=dict)
    months: int = 0
    undated: Decimal = ZERO


def owed_by_year(project: Project, *, on: date) -> dict[int, Owed]:
    """By account what was overdue at the start of ``on``, by the year of the service period. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(f"{OVERDUE} {BY_YEAR}", {"project": project.pk, "on": on})
        amounts = cursor.fetchall()
        cursor.execute(f"{OVERDUE} {MONTHS}", {"project": project.pk, "on": on})
        months = dict(cursor.fetchall())
    years: dict[int, dict[int, Decimal]] = defaultdict(dict)
    undated: dict[int, Decimal] = {}
    for account_id, year, amount in amounts:
        if year is None:
            undated[account_id] = amount
        else:
            years[account_id][year] = amount
    accounts = years.keys() | undated.keys()
    return {pk: Owed(years[pk], months.get(pk, 0), undated.get(pk, ZERO)) for pk in accounts}


def arrears_workbook(
    project: Project, cases: CaseQuerySet, *, now: datetime, with_names: bool
) -> tuple[IO[bytes], int]:  # fmt: skip
    """欠费台账 of open ``cases`` as an .xlsx file, open at its start, and how many rows it has."""
    today = timezone.localdate(now)
    owed = owed_by_year(project, on=today)
    chosen = list(sorted_by(cases.open(), "unit").select_related(*SHOWN))
    years = sorted({year for case in chosen for year in owed.get(case.account_id, Owed()).by_year})
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        sheet = Sheet(book, _("Arrears ledger by year"))
        sheet.title(
            f"{project.name} {_('Arrears ledger by year')}",
            _("As of %(day)s, in CNY, principal only") % {"day": today.isoformat()},
        )
        sheet.heads(_ledger_heads(years))
        for line in _lines(project, chosen, now):
            sheet.row(_ledger_row(line, owed.get(line.case.account_id, Owed()), years, with_names=with_names))
        sheet.row(_ledger_total(chosen, owed, years))
    file.seek(0)
    return file, len(chosen)


def reasons_workbook(
    project: Project, cases: CaseQuerySet, *, now: datetime, with_names: bool
) -> tuple[IO[bytes], int]:  # fmt: skip
    """欠费原因清单 of open ``cases``: what each reason comes to, and each case with what its reason rests on."""
    latest = ReasonChange.objects.filter(case=OuterRef("pk")).order_by("-pk")
    noted = cases.open().annotate(
        reason_note=Subquery(latest.values("note")[:1]),
        reason_by=Subquery(latest.values("by__name")[:1]),
        reason_at=Subquery(latest.values("at")[:1]),
    )
    chosen = list(noted.in_round_order().select_related(*SHOWN))
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    with closing(book_in(file)) as book:
        day = timezone.localdate(now).isoformat()
        title = [f"{project.name} {_('Reasons of arrears')}", _("As of %(day)s, in CNY, principal only") % {"day": day}]
        _write_reasons(Sheet(book, _("Reasons of arrears")), chosen, title)
        sheet = Sheet(book, _("Cases by reason"))
        sheet.title(*title)
        sheet.heads([
            _("Reason"), pgettext("column", "Unit"), pgettext("column", "Owner"), _("Overdue"), _("What it rests on"),
            _("Written down by"), _("Written down on"), _("Team"), _("Responsible"),
        ])  # fmt: skip
        for case in sorted(chosen, key=lambda case: Reason.of(case).key):
            sheet.row(_reason_row(case, with_names=with_names))
    file.seek(0)
    return file, len(chosen)


def _lines(project: Project, chosen: Sequence[Case], now: datetime) -> Iterator[CaseLine]:
    for start in range(0, len(chosen), AT_ONCE):
        yield from case_lines(chosen[start : start + AT_ONCE], project=project, now=now)


def _ledger_heads(years: Collection[int]) -> list[str]:
    return [
        pgettext("column", "Unit"), pgettext("column", "Owner"), *(str(year) for year in years),
        _("Start unknown"), _("Total"), _("Months owed"), _("Oldest due day"), _("Reason"), _("Team"),
        _("Responsible"), _("Last contact"), pgettext("contact", "Channel"), _("Promised for"), _("Promised amount"),
        _("State of the promise"),
    ]  # fmt: skip


def _ledger_row(line: CaseLine, owed: Owed, years: Sequence[int], *, with_names: bool) -> list[Cell]:
    case, promise = line.case, line.promise
    party = case.account.ownership.party_name if with_names else line.party
    return [
        case.account.unit.code, party, *(owed.by_year.get(year) for year in years), owed.undated or None,
        case.overdue, owed.months, case.oldest_due_on, line.reason.label, case.team.name if case.team else "",
        case.responsible.name if case.responsible else "", line.last_contact_on, line.last_channel,
        promise.pay_by if promise else None, promise.amount if promise else None,
        promise.get_state_display() if promise else "",
    ]  # fmt: skip


def _ledger_total(chosen: Sequence[Case], owed: dict[int, Owed], years: Sequence[int]) -> list[Cell]:
    ours = [owed.get(case.account_id, Owed()) for case in chosen]
    return [
        _("Total"), None, *(sum((one.by_year.get(year, ZERO) for one in ours), ZERO) for year in years),
        sum((one.undated for one in ours), ZERO) or None, sum((case.overdue for case in chosen), ZERO),
    ]  # fmt: skip


def _write_reasons(sheet: Sheet, chosen: Sequence[Case], title: Sequence[str]) -> None:
    """A row for each reason, the largest amount first."""
    numbers: dict[str, int] = defaultdict(int)
    amounts: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for case in chosen:
        label = Reason.of(case).label
        numbers[label] += 1
        amounts[label] += case.overdue
    total = sum(amounts.values(), ZERO)
    sheet.title(*title)
    sheet.heads([_("Reason"), _("Cases"), _("Share of cases (%)"), _("Overdue"), _("Share of the amount (%)")])
    for label in sorted(numbers, key=lambda label: (-amounts[label], label)):
        share = percent_of(Decimal(numbers[label]), Decimal(len(chosen)))
        of_money = percent_of(amounts[label], total)
        sheet.row([label, numbers[label], shown_percent(share), amounts[label], shown_percent(of_money)])
    sheet.row([_("Total"), len(chosen), None, total])


def _reason_row(case: Case, *, with_names: bool) -> list[Cell]:
    party, at = case.account.ownership.party_name, getattr(case, "reason_at", None)
    return [
        Reason.of(case).label, case.account.unit.code, party if with_names else mask_party(party), case.overdue,
        getattr(case, "reason_note", "") or "", getattr(case, "reason_by", "") or "",
        timezone.localdate(at) if at else None, case.team.name if case.team else "",
        case.responsible.name if case.responsible else "",
    ]  # fmt: skip


OVERDUE = """
    WITH overdue AS (
        SELECT b.account_id, b.amount - b.settled AS open, c.period_start, c.period_end,
               COALESCE((c.basis->>'start_unknown')::boolean, false) AS undated
        FROM arrears_chargebalance b JOIN arrears_charge c ON c.id = b.charge_id
        WHERE b.project_id = %(project)s AND b.is_live AND b.settled < b.amount AND b.due_on < %(on)s
    )
"""
BY_YEAR = """
    SELECT account_id, CASE WHEN undated THEN NULL ELSE extract(year FROM period_start)::int END AS year, sum(open)
    FROM overdue GROUP BY 1, 2
"""
MONTHS = """
    SELECT account_id, count(DISTINCT month)
    FROM overdue, generate_series(date_trunc('month', period_start), period_end, interval '1 month') AS month
    WHERE NOT undated GROUP BY 1
"""
