"""What the pages of an import tell of it: its steps, how far the work is, what was found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arrears.importing.fields import AMOUNTS, DAYS, NAMING_PEOPLE, Field
from arrears.importing.layout import Layout
from arrears.importing.messages import WARNINGS, issue_text
from arrears.importing.progress import rows_done
from arrears.importing.recognising import LONG_NUMBER, mask_written
from arrears.importing.states import State
from arrears.importing.unit_decisions import UNKNOWN_UNITS
from arrears.models import Import, ImportIssue, ListedAmount, Payment
from owners.personal_data import mask_numbers_within, mask_phone

NEARLY = 99
CONTROL = re.compile(r"[\x00-\x1f]")
LATER_LETTER = re.compile(r"(?<=[\w\x00-\x1f])\w")
STEP_OF_STATE: dict[State, int] = {
    State.UPLOADED: 2,
    State.READING: 2,
    State.COLUMNS: 2,
    State.CONFIRMED: 3,
    State.CHECKING: 3,
    State.CHECKED: 3,
    State.APPROVED: 4,
    State.POSTING: 4,
    State.POSTED: 5,
    State.UNDO_ASKED: 5,
    State.UNDOING: 5,
    State.UNDONE: 5,
}


class Step(NamedTuple):
    """One step of the wizard."""

    number: int
    label: str
    is_done: bool
    is_current: bool


def steps_of(workbook: Import | None) -> list[Step]:
    """The four steps, with where ``workbook`` stands; before the upload it is None."""
    current = STEP_OF_STATE.get(State(workbook.state), 0) if workbook else 1
    labels = [_("Choose the file"), _("Columns"), _("Check"), pgettext("step", "Post")]
    return [Step(number, label, number < current, number == current) for number, label in enumerate(labels, start=1)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker is. ``total``: rows in all where they are known; ``elapsed``: since it began."""

    rows: int
    total: int
    elapsed: timedelta | None

    @property
    def percent(self) -> float | None:
        return min(self.rows * 100 / self.total, NEARLY) if self.total and self.elapsed is not None else None

    @property
    def remaining(self) -> timedelta | None:
        """What is left at this pace; None where nothing can be said yet."""
        if not self.percent or self.elapsed is None:
            return None
        return self.elapsed * (100 - self.percent) / self.percent


def progress_of(workbook: Import, *, now: datetime) -> Progress:
    """How far the work on an import is. Rows are counted while it is read or checked; a posting is one act."""
    started = workbook.claimed_at if workbook.state in Import.WORKING_STATES else None
    counts = started and workbook.state not in (State.POSTING, State.UNDOING)
    rows = rows_done(workbook.pk) if counts else 0
    total = _rows_to_walk(workbook) if workbook.state == State.CHECKING else 0
    return Progress(
        rows=rows,
        total=max(total, rows) if total else 0,  # blank rows are walked too, but are not among those to walk
        elapsed=max(now - started, timedelta()) if started else None,
    )


def _rows_to_walk(workbook: Import) -> int:
    sheets = Layout.from_json(workbook.layout).sheets
    return sum(sheet.rows + len(sheet.total_rows) + sheet.other_rows + 1 for sheet in sheets)


def same_file_before(workbook: Import) -> Import | None:
    """The last import of the project that posted the very same file."""
    posted = Import.objects.filter(
        project=workbook.project_id, file_sha256=workbook.file_sha256, state__in=Import.IN_LEDGER_STATES
    ).exclude(pk=workbook.pk)
    return posted.select_related("posted_by").first()


def brings_nothing(workbook: Import) -> bool:
    """Whether the ledger has every row of the check that can be posted, and nothing waits for consent."""
    waits = any(Decimal(workbook.findings.get(name, "0")) for name in ("held", "credit"))
    return 0 < workbook.good_rows <= workbook.known_rows and not waits


class TotalLine(NamedTuple):
    """A sum that a sheet prints, beside ours, in CNY."""

    sheet: str
    row: int
    is_subtotal: bool
    label: str
    ours: Decimal
    printed: Decimal

    @property
    def difference(self) -> Decimal:
        return self.printed - self.ours


def total_lines(workbook: Import) -> list[TotalLine]:
    """Every printed total column by column, in the order of the workbook."""
    return [
        TotalLine(
            found["sheet"],
            found["row"],
            found["is_subtotal"],
            line["header"] or str(Field(line["field"]).label),
            Decimal(line["ours"]),
            Decimal(line["printed"]),
        )
        for found in workbook.findings.get("totals", [])
        for line in found["lines"]
    ]


class FeeLine(NamedTuple):
    """What is staged of a fee, in CNY; ``new`` is what the ledger lacks of the charges."""

    fee: str
    rows: int
    due: Decimal
    paid: Decimal
    outstanding: Decimal
    new: Decimal


def fee_lines(workbook: Import) -> list[FeeLine]:
    """The sums by fee, in the order of the catalogue."""
    amounts = ("due", "paid", "outstanding", "new")
    return [
        FeeLine(line["fee"], line["rows"], *(Decimal(line[name]) for name in amounts))
        for line in workbook.findings.get("by_fee", [])
    ]


class WindowLine(NamedTuple):
    """A fee and time of an arrears list, in CNY: what it says, what the ledger says, and what is to be posted."""

    fee: str
    window: str
    listed: Decimal
    ledger: Decimal
    new: Decimal
    settled: Decimal


def window_lines(workbook: Import) -> list[WindowLine]:
    """The two sides of an arrears list by fee and time, in the order of the catalogue."""
    return [
        WindowLine(
            line["fee"],
            str(ListedAmount.Window(line["window"]).label),
            *(Decimal(line[name]) for name in ("listed", "ledger", "new", "settled")),
        )
        for line in workbook.findings.get("by_window", [])
    ]


class MethodLine(NamedTuple):
    """Staged payments of one method, in CNY."""

    method: str
    rows: int
    amount: Decimal


def method_lines(workbook: Import) -> list[MethodLine]:
    """The sums by method, largest first."""
    return [
        MethodLine(
            str(Payment.Method(line["method"]).label) if line["method"] else _("not said"),
            line["rows"],
            Decimal(line["amount"]),
        )
        for line in workbook.findings.get("by_method", [])
    ]


class PartLine(NamedTuple):
    """Things of one kind that a list of owners names, and how many of them the register lacked."""

    label: str
    listed: int
    new: int


def part_lines(workbook: Import) -> list[PartLine]:
    """What a list of owners brings, kind by kind."""
    labels = {
        "owners": _("Owners"),
        "id_numbers": _("ID numbers"),
        "phones": _("Phones"),
        "emails": _("E-mail addresses"),
        "emergency": _("Emergency contacts"),
        "addresses": _("Addresses"),
        "occupants": _("Occupants"),
    }
    return [
        PartLine(labels[part["part"]], part["listed"], part["new"]) for part in workbook.findings.get("by_part", [])
    ]


class Remark(NamedTuple):
    """A kind of warning, and how many rows it concerns."""

    code: str
    title: str
    meaning: str
    rows: int


@dataclass(frozen=True, slots=True)
class IssueCounts:
    """Errors and warnings of a workbook. ``unknown_units``: rows whose unit the project lacks."""

    errors: int
    remarks: list[Remark]
    unknown_units: int


def count_issues(workbook: Import) -> IssueCounts:
    """Counts the issues by kind, in one query."""
    rows = Sum(Cast(KT("params__count"), IntegerField()))
    found = list(
        workbook.issues.order_by("severity", "code").values_list("severity", "code").annotate(Count("pk"), rows=rows)
    )
    errors = {code: number for severity, code, number, _rows in found if severity == ImportIssue.Severity.ERROR}
    remarks = [
        Remark(code, str(WARNINGS[code][0]), str(WARNINGS[code][1]), told or number)
        for severity, code, number, told in found
        if severity == ImportIssue.Severity.WARNING
    ]
    return IssueCounts(sum(errors.values()), remarks, sum(errors.get(code, 0) for code in UNKNOWN_UNITS))


class IssueLine(NamedTuple):
    """An issue as the page shows it, personal data masked. ``more``: further rows of which the same is to be said."""

    sheet: str
    row: int | None
    column: str
    value: str
    reason: str
    more: int


def issue_lines(workbook: Import, issues: Sequence[ImportIssue]) -> list[IssueLine]:
    """The issues in words."""
    fields = {
        (sheet.name, column.letter): column.field
        for sheet in Layout.from_json(workbook.layout).sheets
        for column in sheet.columns
    }
    return [
        IssueLine(
            issue.sheet,
            issue.row,
            issue.column,
            _masked(issue.value, fields.get((issue.sheet, issue.column), "")),
            issue_text(issue.code, issue.params, sheet=issue.sheet, value=issue.value),
            issue.params.get("count", 1) - 1,
        )
        for issue in issues
    ]


def _masked(value: str, field: str) -> str:
    """The value with control characters made visible; of names and long numbers only as much as is needed."""
    if field == Field.OWNER:
        value = LATER_LETTER.sub("*", value)
    elif field in NAMING_PEOPLE:
        value = mask_written(value)
    elif field in AMOUNTS or field in DAYS:  # 20250230 is shown whole, a phone in the wrong column is not
        value = mask_numbers_within(value)
    elif field not in (Field.EXTERNAL_ID, Field.SERIAL_NO, Field.RECEIPT_NO):
        value = LONG_NUMBER.sub(lambda number: mask_phone(number[0]), value)
    return CONTROL.sub(lambda sign: chr(0x2400 + ord(sign[0])), value)


def seal_of(workbook: Import) -> str:
    """The figures that a person saw when agreeing to post them: another check has another seal."""
    found = workbook.findings
    figures: tuple[Any, ...] = (
        *(
            workbook.good_rows,
            workbook.bad_rows,
            workbook.due,
            workbook.paid,
            workbook.outstanding,
            workbook.known_rows,
        ),
        *(found.get(name, "") for name in ("new", "settled", "held", "credit", "brings")),
    )
    return "-".join(map(str, figures))
