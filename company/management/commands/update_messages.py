"""Brings the Chinese catalogues up to the sources."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from company.catalogs import APPS, append, entries_of, missing, read_catalogue, texts_in_sources


class Command(BaseCommand):
    help = "Appends strings of Python files and templates that no catalogue holds yet, to be translated by hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", help="only the catalogues of these apps")

    def handle(self, *args: Any, apps: list[str], **options: Any) -> None:
        sources = texts_in_sources()
        used = {text.key for texts in sources.values() for text in texts}
        for app in apps or APPS:
            texts = sources[app]
            fresh = missing(app, texts)
            if fresh:
                append(app, [(text, texts[text]) for text in fresh])
            idle = [key[1] for key in entries_of(read_catalogue(app)) if key not in used]
            self.stderr.write(f"{app}: {len(fresh)} added, {len(idle)} no longer used{': ' if idle else ''}")
            for msgid in idle:
                self.stderr.write(f"  {msgid}")
