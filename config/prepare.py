"""`python -m config.prepare [--demo]`: services up, tables migrated; with --demo also the estate and static files."""

import hashlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from config import embedded
from config.environment import BASE_DIR, var_dir


def prepare(*, demo: bool) -> None:
    """Bring this ARREARS_VAR up to the code; costs little when it is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.ensure_running(var_dir(), **embedded.needed())
    django.setup()
    _migrate()
    if demo:
        _collect_static_files()
        _load_estate_once()


def _migrate() -> None:
    executor = MigrationExecutor(connections["owner"])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)


def _load_estate_once() -> None:
    from company.models import Project

    if "load_demo" in get_commands() and not Project.objects.exists():
        call_command("load_demo", stdout=io.StringIO())  # ./run prints the sign-ins, at every start
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE")  # autovacuum would come too late for the first pages


def _collect_static_files() -> None:
    stamp = var_dir() / "static.stamp"
    wanted = hashlib.sha256("\n".join(_static_sources()).encode()).hexdigest()
    if settings.STATIC_ROOT.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(wanted, encoding="ascii")


def _static_sources() -> Iterator[str]:
    for path in sorted([*(BASE_DIR / "static").rglob("*"), BASE_DIR / "package-lock.json", Path(__file__)]):
        found = path.stat()
        yield f"{path} {found.st_mtime_ns} {found.st_size}"


if __name__ == "__main__":
    prepare(demo="--demo" in sys.argv[1:])
