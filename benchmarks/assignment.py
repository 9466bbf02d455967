"""A balanced split of cases among teams and their members: reading, scoring, splitting, writing the proposal.

    ./run bench assignment --cases 5000 --teams 20

Works on servers of its own under ARREARS_VAR/bench, which it removes at the end.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from benchmarks.reporting import Promise, Report
from benchmarks.servers import own_servers

MEMBERS_OF_A_TEAM = 5
SEED = 2025
LEAST, MOST = 300, 9000  # CNY a household owes


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench assignment", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="number of cases")
    parser.add_argument("--teams", type=int, default=20, help="number of teams")
    options = parser.parse_args(arguments)
    with own_servers():
        return _measure(options.cases, options.teams)


def _measure(cases: int, teams: int) -> int:
    from django.utils import timezone

    from collection.assignment import confirm, propose
    from collection.board import Board

    now = timezone.now()
    today = timezone.localdate(now)
    project, manager = _estate(cases, teams)
    started = time.perf_counter()
    proposal = propose(project, by=manager, today=today, now=now)
    proposed = time.perf_counter()
    confirm(proposal.pk, revision=proposal.revision, by=manager, today=today, now=now)
    confirmed = time.perf_counter()
    columns = Board(proposal).columns
    loads = [column.load for column in columns]
    report = Report("assignment", cases, seconds=proposed - started)
    report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.ratios = {
        "heaviest team / mean, weighted": float(max(load.weighted for load in loads)),
        "most cases / mean": float(max(load.number_ratio for load in loads)),
        "largest amount / mean": float(max(load.amount_ratio for load in loads)),
    }
    report.promises = [
        Promise("seconds of a proposal", "≤ 2", report.seconds),
        *(Promise(name, f"≤ {1.02 if 'weighted' in name else 1.05}", value) for name, value in report.ratios.items()),
    ]
    report.details = {"teams": len(columns), "confirm_seconds": round(confirmed - proposed, 2)}
    return report.print()


def _estate(cases: int, teams: int) -> tuple[Any, Any]:
    """A project with so many open cases and so many teams of five; returns it and its manager."""
    from django.utils import timezone

    from benchmarks.households import create_households
    from collection.following import follow_ledger
    from company.models import Project, ProjectAccess, Role, User

    rng = Random(SEED)
    project = Project.objects.create(code="BENCH", name="凤凰城一期")
    manager = User.objects.create_user("manager", name="沈静宜")
    ProjectAccess.objects.create(user=manager, project=project, role=Role.PROJECT_MANAGER)
    create_households(project, [Decimal(rng.randint(LEAST * 100, MOST * 100)) / 100 for _ in range(cases)])
    for number in range(teams):
        _create_team(project, number, by=manager)
    now = timezone.now()
    opened = follow_ledger(today=timezone.localdate(now), now=now, project=project).opened
    if opened != cases:
        raise SystemExit(f"{opened} of {cases} cases were opened")
    return project, manager


def _create_team(project: Any, number: int, *, by: Any) -> None:
    from django.utils import timezone

    from collection.teams import create_team
    from company.models import ProjectAccess, Role, User

    members = User.objects.bulk_create(
        User(username=f"officer{number}-{n}", name=f"专员{number}-{n}") for n in range(MEMBERS_OF_A_TEAM)
    )
    ProjectAccess.objects.bulk_create(
        ProjectAccess(user=member, project=project, role=Role.OFFICER) for member in members
    )
    create_team(
        project=project, name=f"{number + 1}组", members=members, leader=members[0], by=by, today=timezone.localdate()
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
