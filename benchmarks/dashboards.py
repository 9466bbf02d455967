"""How long a dashboard takes to be computed as of any day: of one project, and of all projects side by side.

    ./run bench dashboards --projects 300 --units 900000 --charges 10000000

Works on servers of its own under ARREARS_VAR/bench, which it removes at the end; ten million charges take some ten
minutes and 10 GB to write. "Computed" is everything behind the page but its markup.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random

from benchmarks.reporting import Promise, Report
from benchmarks.servers import own_servers

LIMIT_MS = 500
DAYS_TRIED = 12
SEED = 2025


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench dashboards", description=__doc__)
    parser.add_argument("--projects", type=int, default=300, help="number of projects")
    parser.add_argument("--units", type=int, default=900_000, help="units in all projects")
    parser.add_argument("--charges", type=int, default=10_000_000, help="charges of all units")
    options = parser.parse_args(arguments)
    with own_servers():
        from benchmarks.company_at_scale import Size, write_company
        from company.models import User

        started = time.perf_counter()
        size = Size(options.projects, options.units, options.charges)
        write_company(size, by=User.objects.create_user("bench", name="张工").pk)
        return _measure(size.charges, time.perf_counter() - started)


def _measure(charges: int, seconds_to_write: float) -> int:
    from django.db import connections
    from django.utils import timezone

    from benchmarks.company_at_scale import TODAY
    from collection.daily_figures import follow_ledger
    from collection.dashboard import build_dashboard
    from collection.models import Case
    from collection.overview import compare_projects
    from company.models import Project

    report = Report("dashboards", charges)
    projects = list(Project.objects.order_by("pk"))
    started = time.perf_counter()
    follow_ledger(now=timezone.now())
    seconds_of_figures = time.perf_counter() - started
    connections["owner"].cursor().execute("VACUUM (ANALYZE) collection_dailyfigure")
    chance = Random(SEED)
    days = [TODAY - timedelta(days=chance.randint(1, 700)) for _ in range(DAYS_TRIED)]

    def one(on: date) -> None:
        project = chance.choice(projects)
        build_dashboard(project, cases=Case.objects.filter(project=project), on=on)

    one_ms = _milliseconds(one, days)
    all_ms = _milliseconds(lambda on: compare_projects(projects, on=on), days)
    report.seconds = time.perf_counter() - started
    report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.promises = [
        Promise("any day, one project, slowest (ms)", f"≤ {LIMIT_MS}", max(one_ms)),
        Promise(f"any day, {len(projects)} projects, slowest (ms)", f"≤ {LIMIT_MS}", max(all_ms)),
    ]
    report.details = {
        "median_ms": {"one": round(statistics.median(one_ms)), "all": round(statistics.median(all_ms))},
        "seconds_to_write": round(seconds_to_write),
        "seconds_to_make_daily_figures": round(seconds_of_figures),
    }
    return report.print()


def _milliseconds(work: Callable[[date], object], days: Sequence[date]) -> list[float]:
    """How long each day took; the first run of all is not counted, it reads the program."""
    work(days[0])
    found = []
    for day in days:
        started = time.perf_counter()
        work(day)
        found.append((time.perf_counter() - started) * 1000)
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
