"""Proves that balances equal the sum of their rows: `check_ledger [--project CODE] [--json]`."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arrears.checking import check_ledger, totals
from company.models import Project


class Command(BaseCommand):
    help = "Proves that balances equal the sum of their rows; names each unit and difference, and then exits with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        """--project and --json."""
        parser.add_argument("--project", metavar="CODE", help="check this project only")
        parser.add_argument("--json", action="store_true", help="print one JSON object on one line")

    def handle(self, *, project: str | None, json: bool, **options: Any) -> None:
        """Raises CommandError, which exits with 1, for a difference or an unknown project."""
        of = self._project(project)
        differences, sums = check_ledger(project=of), totals(project=of)
        for difference in differences:
            self.stderr.write(str(difference))
        if json:
            self.stdout.write(_as_json(differences, sums))
        elif not differences:
            self.stdout.write(f"{sums.charges} charges, outstanding {sums.outstanding}: balances equal their rows.")
        if differences:
            raise CommandError(f"{len(differences)} differences")

    def _project(self, code: str | None) -> Project | None:
        if code is None:
            return None
        project = Project.objects.filter(code=code).first()
        if project is None:
            raise CommandError(f"There is no project {code}.")
        return project


def _as_json(differences: list[Any], sums: Any) -> str:
    return json.dumps(
        {
            "ok": not differences,
            "differences": [asdict(difference) for difference in differences],
            **{name: value if name == "charges" else str(value) for name, value in asdict(sums).items()},
        },
        ensure_ascii=False,
    )
