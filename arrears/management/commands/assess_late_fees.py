"""Posts what late fees have grown to: `assess_late_fees --project CODE [--as-of DAY] [--json]`."""

import json as json_text
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from arrears.assessing import assess_late_fees
from arrears.late_fees import PolicyBook
from arrears.posting import FutureDayError
from company.models import Project


class Command(BaseCommand):
    help = "Posts what late fees have grown to since they were last assessed; a second run adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """--project, --as-of and --json."""
        parser.add_argument("--project", metavar="CODE", required=True)
        parser.add_argument("--as-of", metavar="YYYY-MM-DD", type=date.fromisoformat, help="today unless told")
        parser.add_argument("--json", action="store_true", help="print one JSON object on one line")

    def handle(self, *, project: str, as_of: date | None, json: bool, **options: Any) -> None:
        """Raises CommandError, which exits with 1, for an unknown project or a day after today."""
        now = timezone.now()
        day = as_of or timezone.localdate(now)
        found = Project.objects.filter(code=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        if not PolicyBook(found):
            self.stderr.write("No contract with a late-fee clause, or no policy: nothing bears a late fee.")
        try:
            done = assess_late_fees(found, as_of=day, now=now, by=None)
        except FutureDayError as error:
            raise CommandError(f"{day} lies ahead: assess up to today at the latest.") from error
        if done.excess:
            self.stderr.write(f"{done.excess} was assessed beyond what the arithmetic says now.")
        if json:
            answer = {
                "project": found.code, "as_of": day.isoformat(), "charges": done.charges, "amount": str(done.amount),
                "excess": str(done.excess),
            }  # fmt: skip
            self.stdout.write(json_text.dumps(answer, ensure_ascii=False))
        else:
            self.stdout.write(f"{done.charges} charges, {done.amount} assessed as of {day}.")
