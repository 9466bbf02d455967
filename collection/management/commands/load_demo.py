"""The demonstration estate in an empty database."""

import time as clock
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from collection.demo.load import NotEmptyError, load, write_sign_ins
from collection.demo.plan import DemoPlan, two_projects

OFFICE_OPENS = time(9, 0)
FEWEST_UNITS = 60


class Command(BaseCommand):
    help = "Loads the demonstration estate: the same for the same --seed and --today."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--units", type=int, default=1200)
        parser.add_argument("--months", type=int, default=24)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--today", type=date.fromisoformat, help="YYYY-MM-DD; the day it is loaded by default")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["units"] < FEWEST_UNITS or options["months"] < 1:
            raise CommandError(f"At least {FEWEST_UNITS} units and one month are needed.")
        started = clock.monotonic()
        real_now = timezone.now()
        today = options["today"] or timezone.localdate(real_now)
        demo = DemoPlan(
            seed=options["seed"],
            today=today,
            # what is dated later than the real clock would count as not yet happened
            now=min(timezone.make_aware(datetime.combine(today, OFFICE_OPENS)), real_now),
            months=options["months"],
            projects=two_projects(options["units"]),
        )
        try:
            loaded = load(demo, say=self.stderr.write)
        except NotEmptyError:
            raise CommandError(
                "There are projects in this database already, and the demonstration is for an empty one. "
                "Use another ARREARS_VAR or another database."
            ) from None
        write_sign_ins(loaded.sign_ins, settings.VAR_DIR)
        for line in loaded.sign_ins:
            self.stdout.write(f"{line.role.value}\t{line.login}\t{line.password}")
        self.stderr.write(f"{loaded.units} units, {loaded.accounts} accounts in {clock.monotonic() - started:.1f} s")
