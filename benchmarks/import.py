"""A list of charges from the workbook into the ledger: ours, django-import-export, and the floor under both.

    ./run bench import --rows 100000

Ours reads, recognises, checks, matches and posts, as import_ledger does. The peer posts the same workbook into the same
tables in bulk mode with every look-up cached. The floor only reads with calamine and copies into a table without keys.
Units, owners and accounts are there beforehand for both. Each runs in a warm process of its own, in turns; the best of
its rounds counts. Works on servers of its own under ARREARS_VAR/bench, which it removes at the end.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.reporting import Promise, Report
from benchmarks.servers import own_servers

USUAL_ROWS, MOST_MB, MOST_MB_OF_LARGE = 100_000, 500, 1500
LARGE = {"IMPORT_MAX_MB": "1000", "IMPORT_MAX_ROWS": "2000000", "IMPORT_MAX_UNPACKED_MB": "8000",
         "IMPORT_READER_MB": "1500", "IMPORT_READER_SECONDS": "600"}  # fmt: skip
COLUMNS = (
    "a numeric, b text, c text, d text, e text, f text, g text, h text, i date, j date, k numeric, l numeric, "
    "m numeric, n text"
)
Run = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=USUAL_ROWS, help="number of rows")
    parser.add_argument("--rounds", type=int, default=2, help="how often each runs; the best counts")
    parser.add_argument("--runner", choices=RUNNERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--project", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.runner:
        return _run(options.runner, options.file, options.project)
    with own_servers():
        return _measure(options.rows, options.rounds)


def _measure(rows: int, rounds: int) -> int:
    started = time.perf_counter()
    best = _best_runs(rows, rounds, [name for name in RUNNERS if name != "peer" or rows <= USUAL_ROWS])
    ours, floor = best["ours"], best["floor"]
    report = Report("import", rows, peak_mb=ours["peak_mb"])
    report.ratios["ours / floor"] = ours["seconds"] / floor["seconds"]
    report.promises = [
        Promise("time, ours / floor", "≤ 6", report.ratios["ours / floor"]),
        Promise("memory of our processes (MB)", f"≤ {MOST_MB if rows <= USUAL_ROWS else MOST_MB_OF_LARGE}",
                ours["peak_mb"]),
    ]  # fmt: skip
    if "peer" in best:
        report.ratios["django-import-export / ours"] = best["peer"]["seconds"] / ours["seconds"]
        ratio = report.ratios["django-import-export / ours"]
        report.promises.insert(0, Promise("time, django-import-export / ours", "≥ 6", ratio))
    else:
        usual = _best_runs(USUAL_ROWS, rounds, ["ours"])["ours"]
        report.ratios["cost of a row / at 100,000"] = ours["ms_a_row"] / usual["ms_a_row"]
        ratio = report.ratios["cost of a row / at 100,000"]
        report.promises.append(Promise("cost of a row / at 100,000 rows", "≤ 1.2", ratio))
    report.seconds = time.perf_counter() - started
    report.details = {"runs": best}
    return report.print()


def _best_runs(rows: int, rounds: int, names: Sequence[str]) -> dict[str, Run]:
    """The quickest run of each runner, each time into a fresh project."""
    from config.environment import var_dir

    path, runs = _workbook(var_dir(), rows), []
    for turn in range(rounds):
        runs += [(name, _in_own_process(name, path, rows, f"{name}-{rows}-{turn}")) for name in names]
    path.unlink()
    return {name: min((run for of, run in runs if of == name), key=lambda run: run["seconds"]) for name in names}


def _workbook(folder: Path, rows: int) -> Path:
    from benchmarks.ledger_workbook import write_workbook

    path = folder / "欠费明细.xlsx"
    write_workbook(path, rows)
    return path


def _in_own_process(name: str, path: Path, rows: int, code: str) -> Run:
    if name == "floor":
        _floor_table()
    else:
        _estate(code, rows)
    command = [sys.executable, "-m", "benchmarks.import", "--runner", name, "--file", str(path), "--project", code]
    environment = os.environ | (LARGE if rows > USUAL_ROWS else {})
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environment).stdout
    run: Run = json.loads(answer.splitlines()[-1])
    if run.pop("posted") != rows:
        raise SystemExit(f"{name} did not post {rows} rows: {answer}")
    run["ms_a_row"] = round(run["seconds"] / rows * 1000, 4)
    return run


def _estate(code: str, rows: int) -> None:
    """A project with the units, owners and accounts that the workbook names, known to the planner."""
    from arrears.accounts import make_accounts
    from arrears.catalogue import start_catalogue
    from benchmarks.ledger_workbook import ESTATE, FIRST_MONTH, households
    from company.models import Project
    from owners.models import Unit
    from owners.registering import NewUnit, register_units
    from owners.unit_codes import unit_from_cells

    project = Project.objects.create(code=code, name=ESTATE)
    start_catalogue(project)
    register_units(
        project,
        [
            NewUnit(name, home.building, Unit.Usage.RESIDENTIAL, owners=home.owner)
            for home in households(rows)
            if (name := unit_from_cells(home.building, home.entrance, home.room))
        ],
    )
    make_accounts(project, [(pk, FIRST_MONTH) for pk in project.units.values_list("pk", flat=True)])
    _as_owner("ANALYZE")


def _floor_table() -> None:
    _as_owner("DROP TABLE IF EXISTS bench_floor", f"CREATE TABLE bench_floor ({COLUMNS})",
              "GRANT INSERT ON bench_floor TO PUBLIC")  # fmt: skip


def _as_owner(*statements: str) -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# --- in a process of its own ----------------------------------------------------------------------------------------


def _run(name: str, path: Path, code: str) -> int:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    runner = RUNNERS[name]
    _warm_up()
    started = time.perf_counter()
    posted = runner(path, code)
    seconds = time.perf_counter() - started
    kilobytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    run = {"seconds": round(seconds, 3), "peak_mb": kilobytes // 1024, "posted": posted}
    sys.stdout.write(json.dumps(run) + "\n")
    return 0


def _warm_up() -> None:
    """What a worker has loaded long before a file comes: both sides' modules, and a connection."""
    import python_calamine  # noqa: F401
    from django.db import connection

    from arrears.management.commands import import_ledger  # noqa: F401
    from benchmarks.peers import bulk_resource  # noqa: F401

    connection.ensure_connection()


def _ours(path: Path, code: str) -> int:
    from django.core.management import call_command

    out = StringIO()
    call_command("import_ledger", "charges", str(path), project=code, json=True, stdout=out, stderr=StringIO())
    return int(json.loads(out.getvalue().splitlines()[-1])["posted"])


def _peer(path: Path, code: str) -> int:
    from benchmarks.peers.bulk_resource import post
    from company.models import Project

    return post(path, Project.objects.get(code=code))


def _floor(path: Path, code: str) -> int:
    from django.db import connection
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()
    next(rows)
    with connection.cursor() as cursor:
        with cursor.copy("COPY bench_floor FROM STDIN") as copy:
            for row in rows:
                copy.write("\t".join(map(str, row)) + "\n")
        return int(cursor.rowcount)


RUNNERS: dict[str, Callable[[Path, str], int]] = {"ours": _ours, "peer": _peer, "floor": _floor}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
