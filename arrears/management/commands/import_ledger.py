"""Reads a workbook into the ledger of a project, all of it or nothing."""

import hashlib
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.catalogue import start_catalogue
from arrears.importing.checking_lists import EARLIER_FROM, IS_COMPLETE, TAKES_CREDIT
from arrears.importing.covering import POSTS_REMAINDER
from arrears.importing.laying_out import ready_to_check
from arrears.importing.messages import issue_text, refusal_text
from arrears.importing.outcome import LedgerMovedError
from arrears.importing.reading import Refusal, opened
from arrears.importing.register import load_register
from arrears.importing.staging import stage
from arrears.importing.steps import post
from arrears.models import Import, ImportIssue
from company.models import Project, User

KINDS = [kind.value for kind in Import.Kind]

SUMS = {
    Import.Kind.CHARGES: ("due", "paid", "outstanding"),
    Import.Kind.PAYMENTS: ("amount",),
    Import.Kind.ARREARS_LIST: ("outstanding", "printed_late_fee"),
    Import.Kind.OWNERS: ("owners", "phones"),
}
COUNTED = (Import.Kind.OWNERS,)
"""Kinds whose sums are numbers of things, not amounts."""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, metavar="CODE")
        parser.add_argument("--create-project", action="store_true", help="start the project with the fee catalogue")
        parser.add_argument("--create-units", action="store_true", help="make units that the project lacks")
        parser.add_argument("--valid-rows", action="store_true", help="post the good rows although others have errors")
        parser.add_argument(
            "--as-of",
            type=date.fromisoformat,
            metavar="DAY",
            help="of an arrears list, unless printed; of charges: until when they print what was received",
        )
        parser.add_argument(
            "--earlier-from", type=date.fromisoformat, metavar="DAY", help="earlier arrears are owed since"
        )
        parser.add_argument("--complete", action="store_true", help="units that the arrears list lacks owe nothing")
        parser.add_argument("--take-credit", action="store_true", help="post negative balances of a list as credit")
        parser.add_argument(
            "--post-remainders", action="store_true", help="post payments that exceed what an arrears list settled"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object on one line, last")
        parser.add_argument("--by", metavar="USERNAME", help="who imports; recorded with every row")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 1 with nothing written where a row has errors and --valid-rows is not given."""
        started = time.monotonic()
        refused = ""
        try:
            with transaction.atomic():
                workbook = self._import(**options)
                issues = list(workbook.issues.all())
                has_failed = bool(workbook.bad_rows) and not options["valid_rows"]
                if has_failed:
                    transaction.set_rollback(True)
        except Refusal as refusal:
            refused = refusal_text(refusal.code, refusal.params)
        except LedgerMovedError:
            refused = refusal_text("ledger_moved", {})
        seconds = round(time.monotonic() - started, 3)
        if refused:
            self._print(options, _as_refused(refused, options["kind"], seconds=seconds))
            raise CommandError(refused)
        self._tell(workbook, issues)
        self._print(options, _as_data(workbook, issues, seconds=seconds))
        if has_failed:
            raise SystemExit(1)

    def _print(self, options: dict[str, Any], found: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))

    def _import(self, *, kind: str, file: Path, valid_rows: bool, create_units: bool, **options: Any) -> Import:
        """Check the file and post it, unless it has errors that nobody agreed to leave out."""
        digest = _digest(file)
        now, by = timezone.now(), _person(options["by"])
        project = _project(options["project"], create=options["create_project"])
        workbook = Import.objects.create(
            project=project,
            kind=kind,
            state=Import.State.POSTED,
            file_name=file.name[:255],
            file_sha256=digest,
            create_units=create_units,
            good_rows_only=valid_rows,
            as_of=options["as_of"],
            options=_options(**options),
            created_by=by,
            posted_at=now,
            posted_by=by,
        )
        workbook.findings = self._stage(workbook, file)
        workbook.save()
        if valid_rows or not workbook.bad_rows:
            post(workbook, now=now, by=by)
        return workbook

    @staticmethod
    def _stage(workbook: Import, file: Path) -> dict[str, Any]:
        """Recognise, check and stage the file in one reading; returns the findings, with the sheets left out."""
        today, register = timezone.localdate(), load_register(workbook.project, workbook.kind)
        left_out: list[str] = []
        with opened(file) as sheets:
            laid = ready_to_check(sheets, register=register, today=today, left_out=left_out)
            stage(workbook, file, laid, register=register, today=today)
        return {**workbook.findings, "left_out": left_out}

    def _tell(self, workbook: Import, issues: list[ImportIssue]) -> None:
        for issue in issues:
            self.stderr.write(f"{issue.sheet}!{issue.column}{issue.row or ''} {_reason(issue)}")
        for name in workbook.findings["left_out"]:
            self.stderr.write(_("Sheet %(sheet)s is left out: it lacks a column that is needed.") % {"sheet": name})
        counts = {"rows": workbook.rows, "posted": workbook.posted_rows, "bad": workbook.bad_rows}
        self.stderr.write(_("%(rows)s data rows, %(posted)s posted, %(bad)s with errors") % counts)


def _as_data(workbook: Import, issues: list[ImportIssue], *, seconds: float) -> dict[str, Any]:
    errors = [
        {
            "sheet": issue.sheet,
            "row": issue.row,
            "column": issue.column,
            "value": issue.value,
            "reason": _reason(issue),
        }
        for issue in issues
        if issue.severity == ImportIssue.Severity.ERROR
    ]
    return {
        "rows": workbook.rows,
        "posted": workbook.posted_rows,
        "skipped_total_rows": workbook.skipped_total_rows,
        "errors": errors,
        "sums": workbook.findings["sums"],
        **_further(workbook, issues),
        **({"left_out": left_out} if (left_out := workbook.findings["left_out"]) else {}),
        "seconds": seconds,
    }


def _further(workbook: Import, issues: list[ImportIssue]) -> dict[str, Any]:
    """What is told of the other kinds beside counts and sums: what was held back, both sides of a list, warnings."""
    names = {
        Import.Kind.PAYMENTS: ("new", "replaces", "held_rows", "held", "held_left"),
        Import.Kind.OWNERS: ("by_part",),
        Import.Kind.ARREARS_LIST: ("as_of", "units_with_arrears", "new", "settled", "credit", "starts_unknown"),
    }.get(Import.Kind(workbook.kind), ())
    warnings = [
        {"sheet": issue.sheet, "row": issue.row, "column": issue.column, "reason": _reason(issue)}
        for issue in issues
        if issue.severity == ImportIssue.Severity.WARNING
    ]
    return {
        **{name: workbook.findings[name] for name in names},
        **({"warnings": warnings} if names or warnings else {}),
    }


def _options(
    *, earlier_from: date | None, complete: bool, take_credit: bool, post_remainders: bool, **_others: Any
) -> dict[str, Any]:
    """What was decided beside the columns, as Import.options holds it."""
    decided = {
        EARLIER_FROM: earlier_from and earlier_from.isoformat(),
        IS_COMPLETE: complete,
        TAKES_CREDIT: take_credit,
        POSTS_REMAINDER: post_remainders,
    }
    return {name: value for name, value in decided.items() if value}


def _as_refused(reason: str, kind: str, *, seconds: float) -> dict[str, Any]:
    """Of a file that is refused as a whole: one error, at no place in it."""
    return {
        "rows": 0,
        "posted": 0,
        "skipped_total_rows": 0,
        "errors": [{"sheet": "", "row": None, "column": "", "value": "", "reason": reason}],
        "sums": dict.fromkeys(SUMS[Import.Kind(kind)], 0 if kind in COUNTED else "0.00"),
        "seconds": seconds,
    }


def _reason(issue: ImportIssue) -> str:
    return issue_text(issue.code, issue.params, sheet=issue.sheet, value=issue.value)


def _digest(file: Path) -> str:
    """SHA-256 of the file. Raises Refusal when there is none or it is larger than an upload may be."""
    if not file.is_file():
        raise Refusal("no_such_file", path=file)
    if file.stat().st_size > settings.IMPORT_MAX_MB << 20:
        raise Refusal("too_big", limit=settings.IMPORT_MAX_MB)
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _project(code: str, *, create: bool) -> Project:
    """The project with this code. Raises Refusal when there is none, or its code will not do for a new one."""
    if not create:
        project: Project | None = Project.objects.filter(code=code).first()
        if project is None:
            raise Refusal("no_project", project=code)
        return project
    try:
        Project(code=code, name=code).clean_fields()
    except ValidationError as error:
        raise Refusal("code_will_not_do", project=code, why=" ".join(error.messages)) from None
    project, is_new = Project.objects.get_or_create(code=code, defaults={"name": code})
    if is_new:
        start_catalogue(project)
    return project


def _person(username: str | None) -> User | None:
    if username is None:
        return None
    person: User | None = User.objects.filter(username=username).first()
    if person is None:
        raise Refusal("no_person", name=username)
    return person
