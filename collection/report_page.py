"""What a kept report shows, and its workbook: figures back from the text in which they are kept."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from arrears.exporting import Cell, Sheet, book_in
from collection.models import ArrearsReason, ContactAttempt, PeriodReport, TargetClass
from collection.rates import Ratio

TOTALS: dict[str, str | Promise] = {
    "received": gettext_lazy("Received in the period"),
    "opened": pgettext_lazy("cases", "Cases opened"),
    "closed": gettext_lazy("Cases settled"),
    "open": gettext_lazy("Cases open when it was made"),
    "overdue": gettext_lazy("Overdue when it was made"),
    "promised": gettext_lazy("Promises taken"),
    "kept": gettext_lazy("Promises kept"),
    "broken": gettext_lazy("Promises broken or kept in part"),
    "asked": gettext_lazy("Requests written down"),
    "answered": gettext_lazy("Requests answered"),
    "unanswered": gettext_lazy("Requests unanswered when it was made"),
    "letters": gettext_lazy("Letters issued"),
    "delivered": gettext_lazy("Letters delivered with proof"),
}
MONEY = frozenset({"received", "overdue"})


@dataclass(frozen=True, slots=True)
class RateLine:
    label: str | Promise
    current: Ratio
    accounting: Ratio
    prior: Ratio


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team's part; ``name`` is empty for what nobody answers for. Amounts in CNY."""

    name: str
    received: Decimal
    contacts: int
    reached: int
    open: int
    overdue: Decimal


@dataclass(frozen=True, slots=True)
class ReportPage:
    report: PeriodReport
    rates: list[RateLine]
    totals: list[tuple[str | Promise, int | Decimal, bool]]
    teams: list[TeamLine]
    reasons: list[tuple[str | Promise, int, Decimal]]
    channels: list[tuple[str | Promise, int, int]]
    convention: list[str]


def read_report(report: PeriodReport) -> ReportPage:
    """The figures as they were kept; no query. With each total whether it is money."""
    figures = report.figures
    return ReportPage(
        report=report,
        rates=[_rate(line) for line in figures["rates"]],
        totals=[
            (label, Decimal(figures["totals"][name]), True)
            if name in MONEY
            else (label, figures["totals"][name], False)
            for name, label in TOTALS.items()
        ],
        teams=[
            TeamLine(**{**line, "received": Decimal(line["received"]), "overdue": Decimal(line["overdue"])})
            for line in figures["teams"]
        ],
        reasons=[
            (ArrearsReason(line["reason"]).label, line["cases"], Decimal(line["overdue"]))
            for line in figures["reasons"]
        ],
        channels=[
            (ContactAttempt.Channel(line["channel"]).label, line["contacts"], line["reached"])
            for line in figures["channels"]
        ],
        convention=figures["convention"],
    )


def report_workbook(of: ReportPage) -> IO[bytes]:
    """The same as an .xlsx file, open at its start, a sheet for each part."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115  the answer closes it when it is sent
    title = f"{of.report.project.name} {of.report}"
    with closing(book_in(file)) as book:
        for name, heads, rows in _sheets(of):
            sheet = Sheet(book, name)
            sheet.title(title, *([_("Convention: %(lines)s.") % {"lines": "；".join(of.convention)}]))
            sheet.heads(heads)
            for row in rows:
                sheet.row(row)
    file.seek(0)
    return file


def _sheets(of: ReportPage) -> Iterator[tuple[str, list[str], Iterable[list[Cell]]]]:
    yield _("Figures"), [_("Figure"), _("Value")], ([str(label), value] for label, value, _is_money in of.totals)
    yield (
        _("Rates"),
        [_("Class"), _("Due"), _("Settled"), _("This year's rate (%)"), _("Accounting view (%)"),
         _("Prior-year recovery (%)")],
        ([str(line.label), line.current.whole, line.current.part, line.current.shown(), line.accounting.shown(),
          line.prior.shown()] for line in of.rates),
    )  # fmt: skip
    yield (
        _("Teams"),
        [_("Team"), _("Received"), pgettext("number", "Contacts"), _("Reached"), _("Open cases"), _("Overdue")],
        ([line.name or _("Unassigned"), line.received, line.contacts, line.reached, line.open, line.overdue]
         for line in of.teams),
    )  # fmt: skip
    reasons: list[list[Cell]] = [[str(label), number, amount] for label, number, amount in of.reasons]
    yield _("Why it is unpaid"), [_("Reason"), _("Cases"), _("Overdue")], reasons


def _rate(line: dict[str, Any]) -> RateLine:
    def ratio(name: str) -> Ratio:
        return Ratio(Decimal(line[f"{name}part"]), Decimal(line[f"{name}whole"]))

    return RateLine(TargetClass(line["class"]).label, ratio(""), ratio("accounting_"), ratio("prior_"))
